"""`gittasks rescue`."""

from __future__ import annotations

from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import count, printable, shorten
from gittasks.cli import parser as cli_parser
from gittasks.cli.answers import add_commit_option, wants_commit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from gittasks.app.rescuing import Lost, Rescued
    from gittasks.cli.context import Context

HELP = "list task edits of worktrees that are gone, and bring them back"
EXAMPLE = """
gittasks rescue
gittasks rescue 12
gittasks rescue --all --commit
"""
EXIT_CONFLICT = 4
_WIDTH = 60


def configure(parser: ArgumentParser) -> None:
    """The tasks to bring back; without any, what there is to be brought back is listed."""
    parser.add_argument("task", nargs="*", type=cli_parser.task_id, metavar="TASK", help="12 or #12")
    parser.add_argument("--all", action="store_true", help="bring everything back")
    parser.add_argument(
        "--theirs", action="store_true", help="in conflicts, take what the worktree had, not what is here"
    )
    add_commit_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """List what was lost, or lay it over this checkout's copies."""
    from gittasks.app import rescuing

    project = ctx.project()
    if args.all and args.task:
        raise UsageError("tasks and --all exclude each other")
    if not args.all and not args.task:
        return _show_lost(ctx, rescuing.find_lost(project))
    done = rescuing.rescue(project, args.task or None, theirs=args.theirs, commit=wants_commit(args, ctx))
    _tell(ctx, done)
    return EXIT_CONFLICT if done.left else 0


def _show_lost(ctx: Context, lost: list[Lost]) -> int:
    if ctx.json:
        ctx.document({"lost": [item.as_json() for item in lost]})
    elif not lost:
        ctx.say("nothing to rescue: no worktree that is gone had uncommitted edits of tasks")
    else:
        ctx.out("\n".join(_line(item) for item in lost))
        ctx.say("`gittasks rescue TASK` or `--all` lays them over this checkout's copies")
    return 0


def _line(lost: Lost) -> str:
    """`#12  2026-11-23T10:00:00Z  fix-login  status: pending -> completed`."""
    what = ", ".join(_change(change) for change in lost.changes) or f"note {lost.name}"
    more = "".join(f"  conflict: {conflict.field}" for conflict in lost.conflicts)
    return printable(f"#{lost.task_id}  {lost.time}  {lost.worktree}  {lost.problem or what}{more}")


def _change(change: Any) -> str:
    if change.field == "description":
        return "description"
    new = "(empty)" if change.new is None else shorten(str(change.new), _WIDTH)
    return f"{change.field}: {new}" if change.old is None else f"{change.field}: {change.old} -> {new}"


def _tell(ctx: Context, done: Rescued) -> None:
    if ctx.json:
        written = done.written
        ctx.document(
            {
                "rescued": [item.as_json() for item in done.brought],
                "left": [item.as_json() for item in done.left],
                "commit": written.commit,
                "warnings": list(written.warnings),
            }
        )
        return
    for warning in done.written.warnings:
        ctx.say(f"gittasks: {warning}")
    for item in done.brought:
        ctx.out(f"rescued from {printable(item.worktree)}: {_line(item)}")
    for item in done.left:
        for conflict in item.conflicts:
            here, lost = printable(str(conflict.ours)), printable(str(conflict.theirs))
            ctx.say(f"#{item.task_id} conflict: {conflict.field}: {here} here, {lost} in {item.worktree}")
        if item.problem:
            ctx.say(f"#{item.task_id} was left: {item.problem}")
    if any(item.conflicts for item in done.left):
        ctx.say(f"{count(len(done.left), 'conflict')} left as it is here; --theirs takes the other value")
