"""`gittasks ready`."""

from __future__ import annotations

from gittasks.app import reading
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli.tables import add_here_option, load_tasks, show_rows

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "list what can be started now, best first: by priority, then by how much work it unlocks"
EXAMPLE = "gittasks ready --limit 5"


def configure(parser: ArgumentParser) -> None:
    """Who asks, and how many to show."""
    parser.add_argument("--owner", metavar="NAME", help="as NAME sees it: unowned tasks and NAME's own")
    parser.add_argument(
        "--label", action="append", default=[], metavar="L", help="only tasks with this label"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="at most N tasks")
    add_here_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Show the ready tasks; 1 where a task file cannot be read."""
    project = ctx.project()
    snapshot = load_tasks(args, ctx)
    rows = reading.ready_rows(project, snapshot, owner=lambda: project.actor(args.owner))
    rows = [row for row in rows if all(label in row.labels for label in args.label)][: args.limit]
    return show_rows(ctx, snapshot, rows, empty="nothing is ready", status=False, owner=args.owner)
