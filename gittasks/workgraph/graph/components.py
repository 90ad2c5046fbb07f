"""Strongly connected components: the tasks that wait for each other in a circle. Pure, without recursion."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    Edges = Mapping[int, tuple[int, ...]]


def cyclic_components(edges: Edges, starts: Iterable[int] | None = None) -> list[list[int]]:
    """The circles that can be reached from `starts` (default: from anywhere) along `edges`.

    Each is ascending, and so are they, by their smallest id; a task that waits for itself is one of its own.
    """
    found = [sorted(component) for component in _components(edges, edges if starts is None else starts)]
    return sorted(ids for ids in found if len(ids) > 1 or ids[0] in edges.get(ids[0], ()))


def _components(edges: Edges, starts: Iterable[int]) -> list[list[int]]:
    """Tarjan's components of everything reachable, each before those that lead to it."""
    position: dict[int, int] = {}
    low: dict[int, int] = {}
    unplaced: list[int] = []
    found: list[list[int]] = []
    for start in starts:
        if start in position:
            continue
        position[start] = low[start] = len(position)
        unplaced.append(start)
        trail = [(start, iter(edges.get(start, ())))]
        while trail:
            node, heads = trail[-1]
            for head in heads:
                if head not in position:
                    position[head] = low[head] = len(position)
                    unplaced.append(head)
                    trail.append((head, iter(edges.get(head, ()))))
                    break
                if head in low and position[head] < low[node]:
                    low[node] = position[head]
            else:
                trail.pop()
                if low[node] == position[node]:
                    found.append(_cut(unplaced, node, low))
                elif low[node] < low[trail[-1][0]]:
                    low[trail[-1][0]] = low[node]
    return found


def _cut(unplaced: list[int], root: int, low: dict[int, int]) -> list[int]:
    """Take the component that ends at `root` off the stack; `low` keeps only tasks without a component."""
    start = len(unplaced) - 1
    while unplaced[start] != root:
        start -= 1
    component = unplaced[start:]
    del unplaced[start:]
    for node in component:
        del low[node]
    return component
