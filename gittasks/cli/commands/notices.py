"""`gittasks notices`."""

from __future__ import annotations

from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli.notice_lines import group_lines
from gittasks.runtime.notices import fold
from gittasks.runtime.record import LOW, PRIORITIES

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from gittasks.cli.context import Context
    from gittasks.runtime.notices import Notice

HELP = "tell of each finished run, once"
EXAMPLE = """
gittasks notices
gittasks notices --follow --desktop
gittasks notices --format prompt --at-least normal    # for an agent, before its next turn
"""


def configure(parser: ArgumentParser) -> None:
    """Whether to only look, or to go on telling; what, and how."""
    parser.add_argument("--peek", action="store_true", help="show them without counting them as told")
    parser.add_argument("--follow", action="store_true", help="go on, and tell of each run when it ends")
    parser.add_argument(
        "--format",
        choices=("text", "json", "prompt"),
        help="text (default), json, or prompt: a block for an agent, with other people's text fenced as data",
    )
    parser.add_argument(
        "--at-least",
        choices=PRIORITIES,
        default=LOW,
        help="only what is so important (a failure is high, a kill low); the rest stays untold",
    )
    parser.add_argument("--desktop", action="store_true", help="show them on the desktop as well")


def run(args: Namespace, ctx: Context) -> int:
    """Show what ended, and what monitors saw, that nobody was told of yet; at most one reader gets each."""
    from gittasks.app import runs

    project = ctx.project()
    if args.peek and args.follow:
        raise UsageError("--peek looks once, --follow tells: choose one")
    if ctx.json and args.format not in (None, "json"):
        raise UsageError(f"--json and --format {args.format}: choose one")
    ctx.json = ctx.json or args.format == "json"
    if args.peek:
        untold = runs.peek_notices(project, at_least=args.at_least)
        _write(args, ctx, untold)
        return _show_on_desktop(ctx, untold) if args.desktop else 0
    if not args.follow:
        return _deliver(args, ctx, runs.drain_notices(project, at_least=args.at_least))
    for told in runs.follow_notices(project, at_least=args.at_least):
        _deliver(args, ctx, told)
    return 0


def _deliver(args: Namespace, ctx: Context, told: Sequence[Notice]) -> int:
    """Tell what counts as told by now; what cannot be written, nobody was told."""
    from gittasks.app import runs

    try:
        _write(args, ctx, told)
    except BaseException:
        runs.put_back_notices(ctx.project(), told)
        raise
    # Whatever the desktop says, they are written.
    return _show_on_desktop(ctx, told) if args.desktop else 0


def _write(args: Namespace, ctx: Context, told: Sequence[Notice]) -> None:
    if ctx.json:
        ctx.document({"notices": [notice.as_json() for notice in told]})
    elif args.format == "prompt":
        from gittasks.app.notice_prompt import format_prompt

        if told:
            ctx.out(format_prompt(ctx.project(), told))
    elif told:
        ctx.out("\n".join(group_lines(fold(told))))
    else:
        ctx.say("nothing new")
    ctx.stdout.flush()


def _show_on_desktop(ctx: Context, told: Sequence[Notice]) -> int:
    from gittasks.app import desktop

    for group, line in zip(groups := fold(told), group_lines(groups), strict=True):
        run = group.last.run
        try:
            desktop.show(
                f"gittasks: {run.description or run.name}", line, priority=group.last.priority, env=ctx.env
            )
        except desktop.NoDesktopError as error:
            ctx.say(f"gittasks: {error.message}" + (f"; {error.hint}" if error.hint else ""))
            return error.exit_code
    return 0
