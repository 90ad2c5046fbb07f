"""`gittasks blocked`."""

from __future__ import annotations

from gittasks.app import reading
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli.tables import add_here_option, load_tasks, show_rows

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "list what waits, and for what"
EXAMPLE = "gittasks blocked"


def configure(parser: ArgumentParser) -> None:
    """Only where to look."""
    add_here_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Show the blocked tasks; 1 where a task file cannot be read."""
    snapshot = load_tasks(args, ctx)
    return show_rows(ctx, snapshot, reading.blocked_rows(snapshot), empty="nothing is blocked")
