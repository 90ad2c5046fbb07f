"""`gittasks ready`."""

from __future__ import annotations

from gittasks.app import reading
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli.tables import add_here_option, load_tasks, show_rows

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.overlaps import Overlaps
    from gittasks.cli.context import Context

HELP = "list what can be started now, best first: by priority, then by how much work it unlocks"
EXAMPLE = """
gittasks ready --limit 5
gittasks ready --overlap
"""


def configure(parser: ArgumentParser) -> None:
    """Who asks, and how many to show."""
    parser.add_argument("--owner", metavar="NAME", help="as NAME sees it: unowned tasks and NAME's own")
    parser.add_argument(
        "--label", action="append", default=[], metavar="L", help="only tasks with this label"
    )
    parser.add_argument("--limit", type=int, metavar="N", help="at most N tasks")
    parser.add_argument(
        "--overlap", action="store_true", help="tell too which worktrees work on the same files"
    )
    add_here_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Show the ready tasks; 1 where a task file cannot be read."""
    project = ctx.project()
    snapshot = load_tasks(args, ctx)
    rows = reading.ready_rows(project, snapshot, owner=lambda: project.actor(args.owner))
    rows = [row for row in rows if all(label in row.labels for label in args.label)][: args.limit]
    more = _overlaps(ctx).as_json() if args.overlap else None
    return show_rows(ctx, snapshot, rows, empty="nothing is ready", status=False, owner=args.owner, more=more)


def _overlaps(ctx: Context) -> Overlaps:
    from gittasks.app.overlaps import find_overlaps
    from gittasks.cli.overlap_lines import overlap_lines

    found = find_overlaps(ctx.project())
    for line in overlap_lines(found):
        ctx.say(line)
    return found
