"""`gittasks list`."""

from __future__ import annotations

from gittasks.app import reading
from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli.tables import add_here_option, load_tasks, show_rows
from gittasks.workgraph.record import COMPLETED, STATUSES

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.reading import Tasks
    from gittasks.cli.context import Context
    from gittasks.workgraph.record import Row

HELP = "list tasks: the open ones, unless asked for more"
EXAMPLE = """
gittasks list --label security --sort priority
gittasks list --all --owner alice login
gittasks list --not-landed
gittasks list --at v1.2 --all
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
    landing = parser.add_mutually_exclusive_group()
    landing.add_argument(
        "--landed", action="store_true", help="only tasks whose completion is on the default branch"
    )
    landing.add_argument(
        "--not-landed", action="store_true", help="only completed tasks that are not so on the default branch"
    )
    add_here_option(parser).add_argument(
        "--at",
        metavar="REV|DATE",
        help="as they were in a commit, or in the last one of this branch before a date (2026-11-23)",
    )


def run(args: Namespace, ctx: Context) -> int:
    """Show the matching tasks; 1 where a task file cannot be read."""
    statuses = tuple(word for words in args.status for word in words.split(","))
    if any(word not in STATUSES for word in statuses):
        from gittasks.workgraph.fields import check_value

        for word in statuses:
            check_value("status", word)
    by_landing = args.landed or args.not_landed
    if by_landing and (args.at is not None or statuses or args.deleted):
        raise UsageError("--landed and --not-landed are about completed tasks of now")
    wanted = reading.Filter(
        statuses=(COMPLETED,) if by_landing else statuses,
        owner=args.owner,
        labels=tuple(args.label),
        text=" ".join(args.text),
        completed=args.all,
        deleted=args.deleted,
    )
    snapshot = load_tasks(args, ctx) if args.at is None else _at(ctx, args.at)
    rows = reading.list_rows(snapshot, wanted, sort=args.sort)
    if by_landing:
        rows = _by_landing(ctx, rows, landed=args.landed)
    return show_rows(ctx, snapshot, rows, empty=_empty(snapshot))


def _empty(snapshot: Tasks) -> str:
    if snapshot.rows:
        return "no such tasks"
    return "no task can be read" if snapshot.problems else "no tasks yet"


def _at(ctx: Context, moment: str) -> Tasks:
    from gittasks.app.at_revision import load_at

    return load_at(ctx.project(), moment)


def _by_landing(ctx: Context, rows: list[Row], *, landed: bool) -> list[Row]:
    from gittasks.app.landed import find_landed

    found = find_landed(ctx.project(), rows)
    return [row for row in rows if found.of(row.id) is landed]
