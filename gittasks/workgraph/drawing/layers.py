"""Which column each task of a drawing stands in, and in which order down the column, so that few lines cross. Pure.

Knows numbers only: tasks are 0 to count - 1, in an order in which every edge leads from a smaller number to a larger
one. A line that passes a column without a task of its own gets a bend there, a number from `count` on; all lines
from one task share their bends, so that they run together and part late.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from itertools import pairwise

from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Edge = tuple[int, int]

# Beyond this, lines that are long run straight behind whatever is in between: room and time stay bounded.
_MOST_BENDS_PER_TASK = 6
_MOST_ROUNDS = 24
_ROUNDS_WITHOUT_GAIN = 5
_WORK = 400_000
_MOST_SWAPPED = 3_000
_MOST_SWAPS = 8


class Layers(NamedTuple):
    """Columns from left to right, each from top to bottom; `links[c]` join items of the columns c and c + 1.

    `ways` says for each edge which items its line passes, both ends included. `size` is the number of tasks.
    """

    size: int
    columns: list[list[int]]
    links: list[list[Edge]]
    ways: dict[Edge, list[int]]


def arrange(count: int, edges: Sequence[Edge]) -> Layers:
    """The columns of `count` tasks joined by `edges`, each of which leads to a larger number."""
    column_of = _columns(count, edges)
    columns: list[list[int]] = [[] for _ in range(max(column_of) + 1)]
    for task, column in enumerate(column_of):
        columns[column].append(task)
    layers = Layers(count, columns, [[] for _ in columns[1:]], {})
    _add_ways(layers, column_of, edges)
    _order(layers)
    return layers


def count_crossings(layers: Layers) -> int:
    """How many pairs of links cross."""
    places = _places(layers.columns)
    return sum(_crossings(links, places) for links in layers.links)


def _columns(count: int, edges: Sequence[Edge]) -> list[int]:
    """As far left as the longest way to a task allows; what nothing leads to stands right before what it leads to."""
    columns = [0] * count
    first_waiter: dict[int, int] = {}
    has_blocker = set()
    for tail, head in sorted(edges, key=lambda edge: edge[1]):
        columns[head] = max(columns[head], columns[tail] + 1)
        has_blocker.add(head)
    for tail, head in edges:
        first_waiter[tail] = min(first_waiter.get(tail, columns[head]), columns[head])
    for task, column in first_waiter.items():
        if task not in has_blocker:
            columns[task] = column - 1
    return columns


def _add_ways(layers: Layers, column_of: Sequence[int], edges: Sequence[Edge]) -> None:
    """Find the items that every line passes, adding bends; short lines first, as long as there are bends left."""
    bends: dict[Edge, int] = {}
    linked: set[Edge] = set()
    number = layers.size
    most = layers.size * (1 + _MOST_BENDS_PER_TASK)
    for tail, head in sorted(edges, key=lambda edge: (column_of[edge[1]] - column_of[edge[0]], edge)):
        between = range(column_of[tail] + 1, column_of[head])
        if number + len(between) > most:
            layers.ways[tail, head] = [tail, head]
            continue
        for column in between:
            if (tail, column) not in bends:
                bends[tail, column] = number
                layers.columns[column].append(number)
                number += 1
        way = [tail, *(bends[tail, column] for column in between), head]
        layers.ways[tail, head] = way
        for column, link in enumerate(pairwise(way), column_of[tail]):
            if link not in linked:
                linked.add(link)
                layers.links[column].append(link)


def _order(layers: Layers) -> None:
    """Sort every column in place: towards the middle of what it is linked to, left to right and back, repeatedly."""
    total = sum(map(len, layers.links))
    before, behind = neighbours(layers.links)
    _untangle(layers.columns, behind)
    columns = layers.columns
    best, fewest = [list(column) for column in columns], count_crossings(layers)
    rounds_left, idle = min(_MOST_ROUNDS, _WORK // (total + 1)), 0
    while fewest and rounds_left and idle < _ROUNDS_WITHOUT_GAIN:
        places = _places(columns)
        _sweep(columns[1:], before, places)
        _sweep(columns[-2::-1], behind, places)
        rounds_left, idle = rounds_left - 1, idle + 1
        crossings = count_crossings(layers)
        if crossings < fewest:
            best, fewest, idle = [list(column) for column in columns], crossings, 0
    columns[:] = best
    if total <= _MOST_SWAPPED:
        _swap(columns, (before, behind))


def neighbours(links: Sequence[Sequence[Edge]]) -> tuple[dict[int, list[int]], dict[int, list[int]]]:
    """What each item is linked to on its left, and on its right."""
    before: dict[int, list[int]] = {}
    behind: dict[int, list[int]] = {}
    for between in links:
        for left, right in between:
            before.setdefault(right, []).append(left)
            behind.setdefault(left, []).append(right)
    return before, behind


def _untangle(columns: list[list[int]], behind: Mapping[int, Sequence[int]]) -> None:
    """Order columns as a walk along the links meets their items, so that trees start without a crossing."""
    column_of = {item: number for number, column in enumerate(columns) for item in column}
    met: dict[int, None] = {}
    for start in [item for column in columns for item in column]:
        ahead = [start]
        while ahead:
            item = ahead.pop()
            if item not in met:
                met[item] = None
                ahead += reversed(behind.get(item, ()))
    for column in columns:
        column.clear()
    for item in met:
        columns[column_of[item]].append(item)


def _sweep(columns: Sequence[list[int]], near: Mapping[int, Sequence[int]], places: dict[int, int]) -> None:
    """Sort each of `columns` by where its neighbours stand; items without any keep their place."""

    def middle(item: int) -> float:
        around = near.get(item)
        return sum([places[other] for other in around]) / len(around) if around else places[item]

    for column in columns:
        column.sort(key=middle)
        places.update((item, number) for number, item in enumerate(column))


def _swap(columns: Sequence[list[int]], sides: Sequence[Mapping[int, Sequence[int]]]) -> None:
    """Exchange items that stand above each other wherever that undoes crossings."""
    places = _places(columns)
    gained, rounds_left = True, _MOST_SWAPS
    while gained and rounds_left:
        gained, rounds_left = False, rounds_left - 1
        for column in columns:
            for number in range(len(column) - 1):
                upper, lower = column[number : number + 2]
                if _gain(upper, lower, sides, places) > 0:
                    column[number : number + 2] = lower, upper
                    places[lower], places[upper] = number, number + 1
                    gained = True


def _gain(
    upper: int, lower: int, sides: Sequence[Mapping[int, Sequence[int]]], places: Mapping[int, int]
) -> int:
    """How many crossings fewer there are when two items change places."""
    gain = 0
    for near in sides:
        below = [places[other] for other in near.get(lower, ())]
        for place in [places[other] for other in near.get(upper, ())]:
            gain += sum([(place > other) - (place < other) for other in below])
    return gain


def _places(columns: Sequence[Sequence[int]]) -> dict[int, int]:
    return {item: number for column in columns for number, item in enumerate(column)}


def _crossings(links: Sequence[Edge], places: Mapping[int, int]) -> int:
    """How many pairs of links between two columns cross: inversions of their right ends."""
    crossings = 0
    rights: list[int] = []
    for right in [right for _, right in sorted((places[a], places[b]) for a, b in links)]:
        crossings += len(rights) - bisect_right(rights, right)
        insort(rights, right)
    return crossings
