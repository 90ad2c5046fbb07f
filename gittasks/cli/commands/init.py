"""`gittasks init`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.hooking.installing import Installed
    from gittasks.app.setup import Initialised
    from gittasks.cli.context import Context

HELP = "make this repository a project: .tasks/ with its settings, staged; register the merge driver in this clone"
EXAMPLE = """
gittasks init
gittasks init --hooks
"""


def configure(parser: ArgumentParser) -> None:
    """Whether to install git hooks."""
    parser.add_argument(
        "--hooks", action="store_true", help="also install git hooks: `gittasks hooks install`"
    )


def run(args: Namespace, ctx: Context) -> int:
    """Make what is missing; running it again changes nothing."""
    from gittasks.app.setup import init_project

    done = init_project(ctx.project())
    hooks = _install_hooks(ctx) if args.hooks else None
    for warning in done.warnings:
        ctx.say(f"gittasks: {warning}")
    if ctx.json:
        content = {"folder": done.folder, "created": list(done.created), "staged": done.staged}
        ctx.document(content | ({} if hooks is None else {"hooks": list(hooks.changed)}))
        return 0
    _tell(ctx, done)
    if hooks is not None:
        from gittasks.cli.commands.hooks import tell_installed

        tell_installed(ctx, hooks)
    return 0


def _install_hooks(ctx: Context) -> Installed:
    from gittasks.app.hooking.installing import install_hooks

    return install_hooks(ctx.project())


def _tell(ctx: Context, done: Initialised) -> None:
    if not done.created:
        ctx.out(f"this is a project already: {printable(done.folder)}")
        if done.is_registered:
            ctx.say("git in this clone merges tasks field by field now")
        return
    *others, last = done.created
    made = f"{', '.join(others)} and {last}" if others else last
    ctx.out(f"made {made} in {printable(ctx.project().top)}")
    if done.staged:
        ctx.say("staged; commit it with your next commit")
    ctx.say('next: gittasks add "the first thing to do"')
