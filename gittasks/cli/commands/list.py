"""`gittasks list`."""

from __future__ import annotations

from gittasks.app import reading
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli.tables import add_here_option, load_tasks, show_rows
from gittasks.workgraph.record import STATUSES

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "list tasks: the open ones, unless asked for more"
EXAMPLE = """
gittasks list --label security --sort priority
gittasks list --all --owner alice login
"""


def configure(parser: ArgumentParser) -> None:
    """Filters that all must match, and the order."""
    parser.add_argument(
        "text", nargs="*", metavar="TEXT", help="words that the subject, labels or owner must hold"
    )
    parser.add_argument("--all", action="store_true", help="completed tasks too")
    parser.add_argument("--deleted", action="store_true", help="deleted tasks too")
    parser.add_argument(
        "--status", action="append", default=[], metavar="S", help=f"only this status ({', '.join(STATUSES)})"
    )
    parser.add_argument("--owner", metavar="NAME", help="only what NAME owns")
    parser.add_argument(
        "--label", action="append", default=[], metavar="L", help="only tasks with this label"
    )
    parser.add_argument("--sort", choices=reading.SORTS, default="id", help="order (default: id)")
    add_here_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Show the matching tasks; 1 where a task file cannot be read."""
    statuses = tuple(word for words in args.status for word in words.split(","))
    if any(word not in STATUSES for word in statuses):
        from gittasks.workgraph.fields import check_value

        for word in statuses:
            check_value("status", word)
    wanted = reading.Filter(
        statuses=statuses,
        owner=args.owner,
        labels=tuple(args.label),
        text=" ".join(args.text),
        completed=args.all,
        deleted=args.deleted,
    )
    snapshot = load_tasks(args, ctx)
    rows = reading.list_rows(snapshot, wanted, sort=args.sort)
    return show_rows(ctx, snapshot, rows, empty="no such tasks" if snapshot.rows else "no tasks yet")
