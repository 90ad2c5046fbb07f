"""Circles: of tasks that wait for each other, and of parents. Asked before a write, and by `doctor`. Pure.

A cycle is given as ids from a task back to itself, `(4, 9, 4)`: each waits for the next one (or has it as
its parent), and the smallest id comes first.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.graph.components import cyclic_components
from gittasks.workgraph.graph.derived import waits_for
from gittasks.workgraph.record import DELETED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittasks.workgraph.record import Row

    Edges = Mapping[int, tuple[int, ...]]


def find_cycle(rows: Sequence[Row], new_edges: Iterable[tuple[int, int]]) -> tuple[int, ...] | None:
    """The cycle that `new_edges`, pairs of (waiter, blocker), would close; `None` where they close none.

    Deleted tasks do not count, completed ones do: they may be taken up again. Ids that `rows` lack (tasks about
    to be added) do count. It is the shortest cycle through the first edge that closes one; cycles that stood
    before and use no new edge are none of its business.
    """
    new = _living(rows, new_edges)
    edges = waits_for(rows)
    for waiter, blocker in new:
        if blocker not in edges.get(waiter, ()):
            edges[waiter] = (*edges.get(waiter, ()), blocker)
    return _closed_by(edges, new)


def find_cycles(rows: Sequence[Row]) -> tuple[tuple[int, ...], ...]:
    """One cycle for each group of tasks, deleted ones left out, that wait for each other; by smallest id."""
    return _cycles(waits_for(rows))


def find_parent_cycle(rows: Sequence[Row], new_parents: Iterable[tuple[int, int]]) -> tuple[int, ...] | None:
    """Like `find_cycle` for pairs of (child, parent); a new parent takes the place of the old one."""
    new = _living(rows, new_parents)
    edges = _parents(rows)
    edges.update((child, (parent,)) for child, parent in new)
    return _closed_by(edges, new)


def find_parent_cycles(rows: Sequence[Row]) -> tuple[tuple[int, ...], ...]:
    """Every circle of parents, by smallest id."""
    return _cycles(_parents(rows))


def _parents(rows: Sequence[Row]) -> dict[int, tuple[int, ...]]:
    return {row.id: (row.parent,) for row in rows if row.parent is not None and row.status != DELETED}


def _living(rows: Sequence[Row], new: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    # A deleted task has no edge that leads on from it, so nothing else is needed to keep it off every cycle.
    deleted = {row.id for row in rows if row.status == DELETED}
    return [(tail, head) for tail, head in new if tail not in deleted]


def _closed_by(edges: Edges, new: Sequence[tuple[int, int]]) -> tuple[int, ...] | None:
    circles = cyclic_components(edges, [tail for tail, _ in new])
    group = {task: number for number, circle in enumerate(circles) for task in circle}
    for tail, head in new:
        if tail in group and group[tail] == group.get(head):
            return _from_smallest([tail] if tail == head else _way(edges, head, tail))
    return None


def _cycles(edges: Edges) -> tuple[tuple[int, ...], ...]:
    circles = cyclic_components(edges)
    return tuple(_from_smallest(_way(edges, circle[0], circle[0])[:-1]) for circle in circles)


def _way(edges: Edges, start: int, goal: int) -> list[int]:
    """The shortest way of at least one step from `start` to `goal`, which can be reached; with both ends."""
    came_from: dict[int, int] = {}
    reached = [start]
    for tail in reached:
        for head in edges.get(tail, ()):
            if head not in came_from:
                came_from[head] = tail
                reached.append(head)
        if goal in came_from:
            break
    way = [goal, came_from[goal]]
    while way[-1] != start:
        way.append(came_from[way[-1]])
    return way[::-1]


def _from_smallest(circle: list[int]) -> tuple[int, ...]:
    """`circle`, whose last task leads to its first, from its smallest id back to that."""
    first = circle.index(min(circle))
    return (*circle[first:], *circle[: first + 1])
