"""How far down each item of a drawing stands: as straight before what it leads to as the order allows. Pure.

Knows numbers only; one unit is one pixel of the drawing.
"""

from __future__ import annotations

from itertools import pairwise

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.drawing.layers import neighbours

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence, Set

    from gittasks.workgraph.drawing.layers import Layers

# Enough for every picture that a person reads; larger ones get fewer, so that 10,000 tasks take seconds.
_ROUNDS, _WORK = 16, 200_000
# How much items keep to a straight line: what stands alone hardly at all, the main way most.
_LOOSE, _TASK, _BEND, _MAIN = 0.05, 1.0, 4.0, 1000.0


def place(
    layers: Layers, *, height: float, gap: float, bend_gap: float, main: Set[int] = frozenset()
) -> dict[int, float]:
    """The middle of each item, downwards from 0 at the upper edge of the topmost one.

    Tasks are `height` high and at least `gap` apart; bends have no height and stay `bend_gap` away from anything.
    The way along the items in `main` is kept straightest.
    """
    rooms = [_rooms(column, layers.size, height, gap, bend_gap) for column in layers.columns]
    middles: dict[int, float] = {}
    for column, room in zip(layers.columns, rooms, strict=True):
        at = 0.0
        for item, space in zip(column, [*room, 0.0], strict=True):
            middles[item] = at
            at += space
    before, behind = neighbours(layers.links)
    both = {item: before.get(item, []) + behind.get(item, []) for item in middles}
    firm = {item: _MAIN if item in main else _BEND for item in middles if item in main or item >= layers.size}
    pairs = list(zip(layers.columns, rooms, strict=True))
    for _ in range(max(min(_ROUNDS, _WORK // len(middles)), 2)):
        for near, order in ((before, pairs), (behind, pairs[::-1]), (both, pairs)):
            for column, room in order:
                _straighten(column, room, near, middles, firm)
    top = min(middle - (height / 2 if item < layers.size else 0) for item, middle in middles.items())
    return {item: middle - top for item, middle in middles.items()}


def _rooms(column: Sequence[int], count: int, height: float, gap: float, bend_gap: float) -> list[float]:
    """How far apart the middles of each item and the next one must be."""
    half = [height / 2 if item < count else 0.0 for item in column]
    spaces = [gap if a < count and b < count else bend_gap for a, b in pairwise(column)]
    return [above + below + space for (above, below), space in zip(pairwise(half), spaces, strict=True)]


def _straighten(
    column: Sequence[int],
    room: Sequence[float],
    near: Mapping[int, Sequence[int]],
    middles: dict[int, float],
    firm: Mapping[int, float],
) -> None:
    """Move each item of a column towards the mean of its neighbours, long lines more than short ones."""
    wanted, weights = [], []
    for item in column:
        own = firm.get(item, _TASK)
        pulls = [(middles[other], own * firm.get(other, _TASK)) for other in near.get(item, ())]
        if pulls:
            total = sum([pull for _, pull in pulls])
            wanted.append(sum([middle * pull for middle, pull in pulls]) / total)
            weights.append(own)
        else:
            wanted.append(middles[item])
            weights.append(_LOOSE)
    middles.update(zip(column, settle(wanted, weights, room), strict=True))


def settle(wanted: Sequence[float], weights: Sequence[float], room: Sequence[float]) -> list[float]:
    """The places closest to `wanted` (in weighted squares) with at least `room[i]` between i and i + 1.

    Pools of items that press against each other move as one (isotonic regression): linear time, exact.
    """
    offsets = [0.0]
    for space in room:
        offsets.append(offsets[-1] + space)
    pools: list[tuple[float, float, int]] = []  # where it stands without offsets, its weight, its size
    for place, weight, offset in zip(wanted, weights, offsets, strict=True):
        pool = (place - offset, weight, 1)
        while pools and pools[-1][0] >= pool[0]:
            at, heavy, size = pools.pop()
            total = heavy + pool[1]
            pool = ((at * heavy + pool[0] * pool[1]) / total, total, size + pool[2])
        pools.append(pool)
    flat = [at for at, _, size in pools for _ in range(size)]
    return [at + offset for at, offset in zip(flat, offsets, strict=True)]
