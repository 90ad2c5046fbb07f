"""Orders, chains and reach in the graph, as drawings and plans need them. Pure, without recursion.

`Edges` maps an id to what it waits for, as `derived.waits_for` makes them; ids that lead nowhere are absent.
"""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import chain

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.graph.components import cyclic_components
from gittasks.workgraph.graph.derived import turn, waits_for

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Set

    from gittasks.workgraph.graph.derived import Derived
    from gittasks.workgraph.record import Row

    Edges = Mapping[int, tuple[int, ...]]


def topological_order(rows: Sequence[Row]) -> list[int]:
    """All ids of `rows`, each behind what it waits for, by id where that leaves a choice.

    The tasks of a dependency cycle stand together, by id.
    """
    return list(chain.from_iterable(_groups(_inner_edges(rows), [row.id for row in rows])))


def critical_path(derived: Derived) -> tuple[int, ...]:
    """The longest chain of open tasks, the one to do first in front; the smallest ids among equals.

    Empty where no open task waits for another one. Tasks on a dependency cycle are never part of it.
    """
    cyclic = set(derived.cyclic)
    steps = {task: steps for task, steps in derived.unlocks.items() if task not in cyclic}
    if not steps:
        return ()
    path = [min(steps, key=lambda task: (-steps[task], task))]
    while left := steps.get(path[-1], 0):
        waiters = [task for task in derived.blocks[path[-1]] if task in derived.open_blockers]
        path.append(next(task for task in waiters if steps.get(task, 0) == left - 1 and task not in cyclic))
    return tuple(path)


def transitive_reduction(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """The edges among `rows`, as sorted (blocker, waiter) pairs, less those that longer ways imply.

    The edges inside a dependency cycle all stay. Needs n * n / 16 bytes, 6 MB for 10,000 tasks.
    """
    edges = _inner_edges(rows)
    groups = _groups(edges, [row.id for row in rows])
    place = {task: number for number, group in enumerate(groups) for task in group}
    # The places of all that a group waits for, also indirectly, as the bits of one number.
    before: list[int] = []
    kept: list[tuple[int, int]] = []
    for number, group in enumerate(groups):
        ways = [(place[head], head, tail) for tail in group for head in edges.get(tail, ())]
        ways.sort(reverse=True)
        seen = 0
        latest = number
        for at, head, tail in ways:
            if at == latest or not seen >> at & 1:
                kept.append((head, tail))
                if at != number:
                    seen |= before[at] | 1 << at
                    latest = at
        before.append(seen)
    kept.sort()
    return kept


def reachable(edges: Edges, starts: Iterable[int], *, ends: Set[int] = frozenset()) -> set[int]:
    """`starts` and every id that `edges` lead to from there; ways end at an id in `ends` unless they start at it."""
    reached = list(dict.fromkeys(starts))
    seen = set(reached)
    first = frozenset(reached)
    for tail in reached:
        if tail not in ends or tail in first:
            new = [head for head in edges.get(tail, ()) if head not in seen]
            seen.update(new)
            reached += new
    return seen


def _inner_edges(rows: Sequence[Row]) -> Edges:
    known = {row.id for row in rows}
    edges = waits_for(rows)
    if known.issuperset(chain.from_iterable(edges.values())):
        return edges
    inner = {tail: tuple([head for head in heads if head in known]) for tail, heads in edges.items()}
    return {tail: heads for tail, heads in inner.items() if heads}


def _groups(edges: Edges, ids: Sequence[int]) -> list[list[int]]:
    """`ids` in topological order: each alone, or with those it shares a dependency cycle with."""
    order = _order(edges, ids)
    if len(order) == len(ids):
        return [[task] for task in order]
    circles = {circle[0]: circle for circle in cyclic_components(edges)}
    first = {task: circle[0] for circle in circles.values() for task in circle}
    merged: dict[int, set[int]] = {}
    for tail, heads in edges.items():
        merged.setdefault(first.get(tail, tail), set()).update([first.get(head, head) for head in heads])
    outer = {tail: tuple(heads - {tail}) for tail, heads in merged.items()}
    order = _order(outer, [task for task in ids if first.get(task, task) == task])
    return [circles.get(task, [task]) for task in order]


def _order(edges: Edges, ids: Iterable[int]) -> list[int]:
    """`ids` in topological order, the smallest one first; without those on or behind a cycle."""
    waiters = turn(edges)
    blockers_left = {tail: len(heads) for tail, heads in edges.items()}
    free = [task for task in ids if not blockers_left.get(task)]
    heapify(free)
    order = []
    while free:
        task = heappop(free)
        order.append(task)
        for waiter in waiters.get(task, ()):
            blockers_left[waiter] -= 1
            if not blockers_left[waiter]:
                heappush(free, waiter)
    return order
