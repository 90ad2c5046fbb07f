"""Where every box and line of a drawing stands, in pixels. Pure; knows no format.

Tasks that are linked to each other make a block, drawn from left to right in the order of work. Blocks stand in rows,
large ones first; the tasks that no arrow leads to or from follow as a grid.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.drawing.layers import arrange
from gittasks.workgraph.drawing.placement import place

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from gittasks.workgraph.drawing.picture import Picture

    Edge = tuple[int, int]
    Point = tuple[float, float]

WIDTH, HEIGHT = 236.0, 62.0
GAP, BEND_GAP = 16.0, 10.0
BLOCK_GAP = 40.0
LABEL_HEIGHT = 24.0
_GUTTER, _GUTTER_PER_LINK, _WIDEST_GUTTER = 56.0, 2.0, 150.0
_LEAST_WIDTH = 4 * WIDTH + 3 * _GUTTER


class Scene(NamedTuple):
    """`boxes` holds the upper left corner of each task's box, `lines` the way of each arrow between two tasks.

    A way has an even number of points: curved from the first to the second, straight to the third, curved to the
    fourth, and so on, always level at the points. `loose_top` is the upper edge of the grid of unlinked tasks.
    """

    width: float
    height: float
    boxes: dict[int, Point]
    lines: dict[Edge, list[Point]]
    loose_top: float | None = None


def build(picture: Picture) -> Scene:
    """The scene of a picture, its upper left corner at (0, 0); zero wide and high without tasks."""
    groups = _groups(picture)
    blocks = [_draw_block(ids, edges, frozenset(picture.critical)) for ids, edges in groups]
    limit = max([_LEAST_WIDTH, *(block.width for block in blocks)])
    scene = _shelve(blocks, limit)
    linked = {task for ids, _ in groups for task in ids}
    loose = [node for node in picture.nodes if node.id not in linked]
    # Parts stand behind their parent.
    loose.sort(
        key=lambda node: (node.id if node.parent is None else node.parent, node.parent is not None, node.id)
    )
    return _add_grid(scene, [node.id for node in loose], limit) if loose else scene


def _groups(picture: Picture) -> list[tuple[list[int], list[Edge]]]:
    """Tasks that arrows join, with their arrows: the largest group first, ids in the picture's order."""
    near: dict[int, list[int]] = {}
    for blocker, waiter in picture.edges:
        if blocker != waiter:
            near.setdefault(blocker, []).append(waiter)
            near.setdefault(waiter, []).append(blocker)
    first: dict[int, int] = {}
    for node in picture.nodes:
        if node.id in near and node.id not in first:
            reached = [node.id]
            first[node.id] = node.id
            for task in reached:
                new = [other for other in dict.fromkeys(near[task]) if other not in first]
                first.update(dict.fromkeys(new, node.id))
                reached += new
    groups: dict[int, tuple[list[int], list[Edge]]] = {start: ([], []) for start in first.values()}
    for node in picture.nodes:
        if node.id in first:
            groups[first[node.id]][0].append(node.id)
    for edge in picture.edges:
        if edge[0] != edge[1]:
            groups[first[edge[0]]][1].append(edge)
    return sorted(groups.values(), key=lambda group: -len(group[0]))


def _draw_block(ids: Sequence[int], edges: Sequence[Edge], critical: Set[int]) -> Scene:
    """One group as a scene of its own."""
    number = {task: position for position, task in enumerate(ids)}
    # An arrow that leads back, in a cycle, is laid out as if it led forth.
    spans = {
        edge: (min(number[edge[0]], number[edge[1]]), max(number[edge[0]], number[edge[1]])) for edge in edges
    }
    layers = arrange(len(ids), sorted(set(spans.values())))
    main = {item for task, item in number.items() if task in critical}
    middles = place(layers, height=HEIGHT, gap=GAP, bend_gap=BEND_GAP, main=main)
    lefts = [0.0]
    for links in layers.links:
        lefts.append(lefts[-1] + WIDTH + min(_GUTTER + _GUTTER_PER_LINK * len(links), _WIDEST_GUTTER))
    left_of = {item: left for left, column in zip(lefts, layers.columns, strict=True) for item in column}
    boxes = {task: (left_of[item], middles[item] - HEIGHT / 2) for task, item in number.items()}
    lines = {}
    for edge, span in spans.items():
        points = [
            (left_of[item] + side, middles[item]) for item in layers.ways[span] for side in (0.0, WIDTH)
        ][1:-1]
        lines[edge] = points if span[0] == number[edge[0]] else points[::-1]
    return Scene(lefts[-1] + WIDTH, max(middles.values()) + HEIGHT / 2, boxes, lines)


def _shelve(blocks: Sequence[Scene], limit: float) -> Scene:
    """Put scenes beside and below each other, in order, as wide as `limit` allows."""
    width = top = left = shelf = 0.0
    boxes: dict[int, Point] = {}
    lines: dict[Edge, list[Point]] = {}
    for block in blocks:
        if left and left + block.width > limit:
            top, left, shelf = top + shelf + BLOCK_GAP, 0.0, 0.0
        boxes.update((task, (x + left, y + top)) for task, (x, y) in block.boxes.items())
        lines.update((edge, [(x + left, y + top) for x, y in way]) for edge, way in block.lines.items())
        width, shelf = max(width, left + block.width), max(shelf, block.height)
        left += block.width + BLOCK_GAP
    return Scene(width, top + shelf, boxes, lines)


def _add_grid(scene: Scene, loose: Sequence[int], limit: float) -> Scene:
    """`scene` with unlinked tasks in rows below it."""
    top = scene.height + (BLOCK_GAP + LABEL_HEIGHT if scene.height else 0.0)
    per_row = max(int((limit + GAP) // (WIDTH + GAP)), 1)
    grid = {
        task: (number % per_row * (WIDTH + GAP), top + number // per_row * (HEIGHT + GAP))
        for number, task in enumerate(loose)
    }
    width = max(x for x, _ in grid.values()) + WIDTH
    height = max(y for _, y in grid.values()) + HEIGHT
    return Scene(
        max(scene.width, width), height, scene.boxes | grid, scene.lines, top if scene.height else None
    )
