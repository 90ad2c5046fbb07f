"""`gittasks search`."""

from __future__ import annotations

from gittasks.app import reading
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli.tables import add_here_option, load_tasks, show_rows

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "find tasks by their words: in subject, description, labels, owner, unknown fields and notes"
EXAMPLE = "gittasks search session cookie"


def configure(parser: ArgumentParser) -> None:
    """The words to look for."""
    parser.add_argument("word", nargs="+", metavar="WORD", help="all of these must occur, in any case")
    add_here_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Show the tasks found; 1 where a task file cannot be read."""
    project = ctx.project()
    snapshot = load_tasks(args, ctx)
    rows = reading.search_rows(project, snapshot, " ".join(args.word))
    return show_rows(ctx, snapshot, rows, empty="nothing found")
