"""`gittasks init`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "make this repository a project: .tasks/ with its settings, staged; register the merge driver in this clone"
EXAMPLE = "gittasks init"


def configure(parser: ArgumentParser) -> None:
    """Nothing to choose."""


def run(args: Namespace, ctx: Context) -> int:
    """Make what is missing; running it again changes nothing."""
    from gittasks.app.setup import init_project

    done = init_project(ctx.project())
    for warning in done.warnings:
        ctx.say(f"gittasks: {warning}")
    if ctx.json:
        ctx.document({"folder": done.folder, "created": list(done.created), "staged": done.staged})
        return 0
    if not done.created:
        ctx.out(f"this is a project already: {printable(done.folder)}")
        if done.is_registered:
            ctx.say("git in this clone merges tasks field by field now")
        return 0
    *others, last = done.created
    made = f"{', '.join(others)} and {last}" if others else last
    ctx.out(f"made {made} in {printable(ctx.project().top)}")
    if done.staged:
        ctx.say("staged; commit it with your next commit")
    ctx.say('next: gittasks add "the first thing to do"')
    return 0
