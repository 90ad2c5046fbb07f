"""`gittasks done`."""

from __future__ import annotations

from gittasks.app import reading
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli import parser as cli_parser
from gittasks.cli.answers import add_commit_option, show_written, wants_commit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "complete a task"
EXAMPLE = "gittasks done 12 --commit"


def configure(parser: ArgumentParser) -> None:
    """The tasks."""
    parser.add_argument("task", nargs="*", type=cli_parser.task_id, metavar="TASK", help="12 or #12")
    add_commit_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Complete the tasks, and say what became ready by it."""
    project = ctx.project()
    tasks = args.task or [cli_parser.require_bound(project)]
    # Looked up before: what will be ready is certain already, and nothing is left to fail after the write.
    freed = reading.freed_by(project, tasks)
    written = project.complete(*tasks, commit=wants_commit(args, ctx))
    unlocked = freed if written.changed else []
    code = show_written(ctx, written, "completed", unlocked=unlocked)
    if unlocked and not ctx.json:
        ctx.say("now ready: " + ", ".join(f"#{task_id}" for task_id in unlocked))
    return code
