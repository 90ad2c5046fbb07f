"""`gittasks done`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.cli import parser as cli_parser
from gittasks.cli.answers import add_commit_option, show_written, wants_commit
from gittasks.workgraph.record import PENDING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Sequence

    from gittasks.app.project import Project
    from gittasks.cli.context import Context

HELP = "complete a task"
EXAMPLE = "gittasks done 12 --commit"


def configure(parser: ArgumentParser) -> None:
    """The tasks."""
    parser.add_argument("task", nargs="*", type=cli_parser.task_id, metavar="TASK", help="12 or #12")
    add_commit_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Complete the tasks, and say what became ready by it."""
    project = ctx.project()
    tasks = args.task or [cli_parser.require_bound(project)]
    # Looked up before: the cache is as warm as it gets, and what will be ready is certain already.
    waiting = _waiting_only_for(project, tasks)
    written = project.complete(*tasks, commit=wants_commit(args, ctx))
    unlocked = waiting if written.changed else []
    code = show_written(ctx, written, "completed", unlocked=unlocked)
    if unlocked and not ctx.json:
        ctx.say("now ready: " + ", ".join(f"#{task_id}" for task_id in unlocked))
    return code


def _waiting_only_for(project: Project, tasks: Sequence[int]) -> list[int]:
    """The pending tasks that wait for some of `tasks` and for nothing else."""
    snapshot = project.snapshot()
    waiting = {waiter for task_id in tasks for waiter in snapshot.derived.blocks.get(task_id, ())}
    done = frozenset(tasks)
    rows = [row for row in map(snapshot.find, sorted(waiting)) if row is not None]
    return [
        row.id
        for row in rows
        if row.status == PENDING and done.issuperset(snapshot.derived.open_blockers.get(row.id, (0,)))
    ]
