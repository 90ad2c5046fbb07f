"""`gittasks next`."""

from __future__ import annotations

import time

from gittasks.app import reading
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli.tables import show_rows, tell_problems

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context
    from gittasks.workgraph.record import TaskId

HELP = "name the one task to do next (exit code 4 when nothing is ready)"
EXAMPLE = """
gittasks next
gittasks next --claim --owner alice --wait
"""
POLL_S = 0.5


def configure(parser: ArgumentParser) -> None:
    """Whether to take it, for whom, and whether to wait."""
    parser.add_argument(
        "--claim", action="store_true", help="take it: set owner and status, at most one taker each"
    )
    parser.add_argument(
        "--owner", metavar="NAME", help="who asks (default: $GITTASKS_OWNER, git's user.name)"
    )
    parser.add_argument("--wait", action="store_true", help="wait until a task is ready")


def run(args: Namespace, ctx: Context) -> int:
    """Show one task. Raises `NothingReadyError` (4) unless told to wait."""
    while True:
        try:
            return _once(args, ctx)
        except reading.NothingReadyError:
            if not args.wait:
                tell_problems(ctx, ctx.project().snapshot().problems)
                raise
        time.sleep(POLL_S)


def _once(args: Namespace, ctx: Context) -> int:
    project = ctx.project()
    if args.claim:
        from gittasks.app.taking import take_next

        written = take_next(project, owner=project.actor(args.owner))
        for warning in written.warnings:
            ctx.say(f"gittasks: {warning}")
        return _show(ctx, written.ids[0])
    row = reading.next_row(project.snapshot(), owner=lambda: project.actor(args.owner))
    return _show(ctx, row.id)


def _show(ctx: Context, task_id: TaskId) -> int:
    snapshot = ctx.project().snapshot()
    row = reading.require_row(snapshot, task_id)
    if ctx.json:
        ctx.document({"task": reading.as_json(snapshot, snapshot.full([row]))[0]})
        return tell_problems(ctx, snapshot.problems)
    return show_rows(ctx, snapshot, [row], empty="", status=False)
