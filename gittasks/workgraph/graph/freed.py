"""What completing tasks makes ready. Pure, and over plain tuples: asked by a command that then writes."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.record import CLOSED, PENDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gittasks.workgraph.record import TaskId

    # The values of FIELDS.
    Brief = tuple[TaskId, str, tuple[TaskId, ...], tuple[TaskId, ...]]

FIELDS = ("id", "status", "blocked_by", "written_blocks")


def freed_by(done: Iterable[int], tasks: Sequence[Brief]) -> list[TaskId]:
    """The pending ones among `tasks` that wait for some of `done` and for nothing else that is open, by id.

    A blocker that does not exist is open, as `derive` has it.
    """
    over = frozenset(done)
    waiters = {task[0] for task in tasks if task[2] and not over.isdisjoint(task[2])}
    turned = [(waiter, task[0]) for task in tasks if task[3] for waiter in task[3]]
    waiters.update(waiter for waiter, blocker in turned if blocker in over)
    if not waiters:
        return []
    closed = {task[0] for task in tasks if task[1] in CLOSED} | over
    held = {waiter for waiter, blocker in turned if blocker not in closed}
    free = waiters - held - over
    return sorted(
        task[0] for task in tasks if task[0] in free and task[1] == PENDING and closed.issuperset(task[2])
    )
