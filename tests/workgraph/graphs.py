"""Random graphs for the tests of the graph: few tasks, all that can go wrong."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import strategies as st

from gittasks.workgraph.record import DELETED, PENDING, STATUSES, Row, TaskId

IDS = tuple(range(1, 9))
MISSING = (90, 91)


@st.composite
def graphs(draw: st.DrawFn, *, acyclic: bool = False) -> list[Row]:
    """Up to eight tasks in random order: all statuses, unknown blockers, edges on the wrong side, cycles."""
    ids = draw(st.permutations(IDS))[: draw(st.integers(0, len(IDS)))]
    rows = []
    for place, task in enumerate(ids):
        near = ids[:place] if acyclic else ids
        blockers = draw(st.frozensets(st.sampled_from((*near, *MISSING)), max_size=4))
        written = (
            draw(st.frozensets(st.sampled_from((*ids, *MISSING)), max_size=1)) if not acyclic else frozenset()
        )
        rows.append(
            Row(
                TaskId(task),
                status=draw(st.sampled_from((PENDING, PENDING, *STATUSES))),
                parent=draw(st.none() | st.sampled_from([TaskId(near_id) for near_id in (*ids, *MISSING)])),
                priority=draw(st.integers(0, 4)),
                blocked_by=tuple(TaskId(near_id) for near_id in sorted(blockers)),
                written_blocks=tuple(TaskId(near_id) for near_id in sorted(written)),
            )
        )
    return draw(st.permutations(rows))


def task(
    task_id: int, *blockers: int, status: str = PENDING, blocks: Sequence[int] = (), parent: int = 0
) -> Row:
    """A task by hand."""
    return Row(
        TaskId(task_id),
        subject=f"Task {task_id}",
        status=status,
        parent=TaskId(parent) if parent else None,
        blocked_by=tuple(TaskId(blocker) for blocker in blockers),
        written_blocks=tuple(TaskId(waiter) for waiter in blocks),
    )


def chain(length: int, *, closed: bool = False) -> list[Row]:
    """Tasks 1 to `length`, each waiting for the one before; `closed` into a ring."""
    first = task(1, length) if closed else task(1)
    return [first, *(task(number, number - 1) for number in range(2, length + 1))]


def naive_edges(rows: Sequence[Row]) -> set[tuple[int, int]]:
    """Every (waiter, blocker) pair as the files say it, deleted waiters left out."""
    alive = {row.id for row in rows if row.status != DELETED}
    edges = {(row.id, blocker) for row in rows for blocker in row.blocked_by}
    edges |= {(waiter, row.id) for row in rows for waiter in row.written_blocks}
    return {(waiter, blocker) for waiter, blocker in edges if waiter in alive}


def naive_closure(edges: set[tuple[int, int]]) -> set[tuple[int, int]]:
    """Every pair that one or more steps along `edges` connect."""
    closure = set(edges)
    while more := {(a, d) for a, b in closure for c, d in closure if b == c} - closure:
        closure |= more
    return closure
