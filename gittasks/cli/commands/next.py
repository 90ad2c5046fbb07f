"""`gittasks next`."""

from __future__ import annotations

from gittasks.app import reading
from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli.durations import duration
from gittasks.cli.tables import show_rows, tell_problems

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from gittasks.app.reading import Tasks
    from gittasks.cli.context import Context
    from gittasks.workgraph.record import Row

HELP = "name the one task to do next (exit code 4 when nothing is ready)"
EXAMPLE = """
gittasks next
gittasks next --claim --owner alice --wait --timeout 1h
"""


def configure(parser: ArgumentParser) -> None:
    """Whether to take it, for whom, and whether to wait."""
    parser.add_argument(
        "--claim",
        action="store_true",
        help="take it: claim it and put it in progress; however many ask, each gets another one",
    )
    parser.add_argument(
        "--owner", metavar="NAME", help="who asks (default: $GITTASKS_OWNER, git's user.name)"
    )
    parser.add_argument("--remote", metavar="NAME", help="with --claim: tell this remote too")
    parser.add_argument("--wait", action="store_true", help="wait until a task is ready")
    parser.add_argument(
        "--timeout", type=duration, metavar="TIME", help="wait so long at most: 90, 10m, 1h30m"
    )


def run(args: Namespace, ctx: Context) -> int:
    """Show one task. Raises `NothingReadyError` (4) unless told to wait."""
    if args.timeout is not None and not args.wait:
        raise UsageError("--timeout goes with --wait")
    if args.remote is not None and not args.claim:
        raise UsageError("--remote goes with --claim")
    try:
        return _patiently(args, ctx) if args.wait else _once(args, ctx)
    except reading.NothingReadyError:
        tell_problems(ctx, ctx.project().snapshot().problems)
        raise


def _patiently(args: Namespace, ctx: Context) -> int:
    from gittasks.app import taking
    from gittasks.base.clock import monotonic_s

    end = None if args.timeout is None else monotonic_s() + args.timeout
    while True:
        before = taking.look_around(ctx.project())
        try:
            return _once(args, ctx)
        except reading.NothingReadyError:
            left = None if end is None else max(end - monotonic_s(), 0)
            if not taking.wait_for_change(ctx.project(), before, timeout_s=left):
                raise


def _once(args: Namespace, ctx: Context) -> int:
    project = ctx.project()
    if not args.claim:
        board = project.board()
        row = reading.next_row(project, board, owner=lambda: project.actor(args.owner))
        return _show(ctx, board, row, args.owner, {})
    from gittasks.app.taking import take_next

    taken = take_next(project, owner=project.actor(args.owner), remote=args.remote)
    for message in taken.messages:
        ctx.say(f"gittasks: {message}")
    board = project.board()
    row = reading.require_row(board, taken.task_id)
    return _show(ctx, board, row, args.owner, {"claim": taken.claim.as_json()})


def _show(ctx: Context, board: Tasks, row: Row, owner: str | None, more: dict[str, Any]) -> int:
    if not ctx.json:
        return show_rows(ctx, board, [row], empty="", status=False)
    claimed = reading.find_claims(ctx.project(), [row], owner=lambda: ctx.project().actor(owner))
    ctx.document({"task": reading.as_json(board, board.full([row]), claimed=claimed)[0] | more})
    tell_problems(ctx, board.elsewhere)
    return tell_problems(ctx, board.problems)
