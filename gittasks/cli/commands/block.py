"""`gittasks block`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.cli import parser as cli_parser
from gittasks.cli.answers import add_commit_option, show_written, wants_commit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "make a task wait for others (a cycle is refused)"
EXAMPLE = "gittasks block 13 --on 12,7"


def configure(parser: ArgumentParser) -> None:
    """Who waits, and for what."""
    parser.add_argument("task", type=cli_parser.task_id, metavar="TASK", help="the task that is to wait")
    parser.add_argument(
        "--on", type=cli_parser.task_ids, required=True, metavar="12,7", help="what it waits for"
    )
    add_commit_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Add the edges; the file of the waiting task is the only one that changes."""
    project = ctx.project()
    written = project.block(args.task, on=args.on, commit=wants_commit(args, ctx))
    return show_written(ctx, written, "waits for " + ", ".join(f"#{blocker}" for blocker in args.on))
