"""`gittasks delete`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.cli import parser as cli_parser
from gittasks.cli.answers import add_commit_option, show_written, wants_commit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "delete a task, restorably: its file stays as a tombstone"
EXAMPLE = "gittasks delete 12"


def configure(parser: ArgumentParser) -> None:
    """The tasks."""
    parser.add_argument("task", nargs="+", type=cli_parser.task_id, metavar="TASK", help="12 or #12")
    add_commit_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Turn the tasks into tombstones; `reopen` brings them back."""
    project = ctx.project()
    written = project.delete(*args.task, commit=wants_commit(args, ctx))
    return show_written(ctx, written, "deleted")
