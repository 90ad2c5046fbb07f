"""The graph as a tree of text: what can be done now at the left, what waits for it further in.

A task stands below one of its blockers (the one before it on the critical path, else the one that is furthest in);
below the others one line refers to it. A task that waits for nothing stands below its parent, if that is shown.
"""

from __future__ import annotations

from itertools import pairwise

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable, shorten
from gittasks.workgraph.drawing.picture import MISSING, READY, STATES, WAITING, Picture
from gittasks.workgraph.record import COMPLETED, DELETED, IN_PROGRESS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MARKS = {READY: "○", IN_PROGRESS: "◐", WAITING: "·", COMPLETED: "✓", DELETED: "✗", MISSING: "?"}
_CYCLIC = "↻"
_ELSEWHERE = "→"
_PLAIN = str.maketrans(dict(zip("○◐·✓✗↻→│├└─═╞╘╌", "o@.x-!>||`-=|`.", strict=True)) | {"…": "..."})
_NARROWEST = 20
_MOST_LISTED = 20
# Deeper trees go on at the left, or one chain of 10,000 tasks would take 300 MB of indentation.
MAX_DEPTH = 16

WAITS, CRITICAL, PART = 0, 1, 2
_BRANCHES = (("├─ ", "└─ "), ("╞═ ", "╘═ "), ("├╌ ", "└╌ "))
_STEMS = ("│  ", "   ")


class _Branch(NamedTuple):
    """A line below another one: a task in full, or where `is_full` is false, a word on where it stands."""

    task: int
    kind: int
    is_full: bool


def draw(picture: Picture, *, width: int | None = None) -> str:
    """The picture as lines without a final line feed; with `width`, subjects are cut to fit. Empty without tasks."""
    if not picture.nodes:
        return ""
    above = _above(picture)
    below = _below(picture, above)
    ids = sorted(node.id for node in picture.nodes)
    trees = [task for task in ids if task not in above and task in below]
    alone = [task for task in ids if task not in above and task not in below]
    writer = _Writer(picture, above, below, width)
    lines = [line for task in trees for line in writer.tree(task)]
    if trees and alone:
        lines.append("")
    lines += [writer.line(task, "") for task in alone]
    return "\n".join([*lines, "", *_legend(picture)])


def plain(drawn: str) -> str:
    """What `draw` made, for a terminal that knows ASCII only; subjects stay as they are, but for these signs."""
    return drawn.translate(_PLAIN)


def _above(picture: Picture) -> dict[int, tuple[int, int]]:
    """For each task that stands below another one: that one, and the kind of branch between them."""
    critical = set(pairwise(picture.critical))
    place = {node.id: number for number, node in enumerate(picture.nodes)}
    depths = dict.fromkeys(place, 0)
    above: dict[int, tuple[int, int]] = {}
    for blocker, waiter in sorted(picture.edges, key=lambda edge: place[edge[1]]):
        # In a cycle some arrow leads back; going down along it would never end.
        if place[blocker] < place[waiter] and above.get(waiter, (0, WAITS))[1] != CRITICAL:
            is_critical = (blocker, waiter) in critical
            if is_critical or waiter not in above or depths[blocker] >= depths[waiter]:
                above[waiter] = blocker, CRITICAL if is_critical else WAITS
                depths[waiter] = depths[blocker] + 1
    _hang_parts(picture, above)
    return above


def _hang_parts(picture: Picture, above: dict[int, tuple[int, int]]) -> None:
    """Put tasks that wait for nothing below their parents, unless those already stand somewhere below them."""
    arrows = frozenset(picture.edges)
    tops = {node.id: node.id for node in picture.nodes}
    for task, (upper, _) in above.items():
        tops[task] = upper
    for node in picture.nodes:
        if node.parent in tops and node.id not in above and _top(tops, node.parent) != node.id:
            # In a cycle a task may wait for its own parent: the arrow says more.
            above[node.id] = node.parent, WAITS if (node.parent, node.id) in arrows else PART
            tops[node.id] = node.parent


def _top(tops: dict[int, int], task: int) -> int:
    while tops[task] != task:
        tops[task] = tops[tops[task]]
        task = tops[task]
    return task


def _below(picture: Picture, above: Mapping[int, tuple[int, int]]) -> dict[int, list[_Branch]]:
    below: dict[int, list[_Branch]] = {}
    for task, (upper, kind) in above.items():
        below.setdefault(upper, []).append(_Branch(task, kind, True))
    for blocker, waiter in picture.edges:
        if blocker != waiter and above.get(waiter, (0, 0))[0] != blocker:
            below.setdefault(blocker, []).append(_Branch(waiter, WAITS, False))
    for branches in below.values():
        branches.sort(key=lambda branch: (branch.kind == PART, branch.task))
    return below


class _Writer:
    """Writes the lines of one picture."""

    def __init__(
        self,
        picture: Picture,
        above: Mapping[int, tuple[int, int]],
        below: Mapping[int, Sequence[_Branch]],
        width: int | None,
    ) -> None:
        self._nodes = {node.id: node for node in picture.nodes}
        self._above = above
        self._below = below
        self._width = width

    def tree(self, root: int) -> list[str]:
        """The lines of everything below `root`; what stands too deep follows as trees of their own."""
        lines: list[str] = []
        roots = [root]
        for task in roots:
            lines.append(self.line(task, "", goes_on=task != root))
            lines += self._branches(task, roots)
        return lines

    def line(self, task: int, lead: str, *, goes_on: bool = False) -> str:
        """The line of one task in full; `goes_on` says of a tree what it belongs below."""
        node = self._nodes[task]
        upper = self._above[task][0] if task in self._above else 0
        told = (upper, self._nodes[upper].parent if upper else None)
        details = [f"@{printable(node.owner)}"] if node.owner else []
        if node.parent is not None and node.parent not in told:
            details.append(f"part of #{node.parent}")
        if goes_on:
            details.append(f"below #{upper}")
        head = f"{lead}{_CYCLIC if node.cyclic else MARKS[node.state]} #{task} "
        tail = "".join(f"  {detail}" for detail in details)
        subject = printable(node.label)
        if self._width is not None:
            subject = shorten(subject, max(self._width - len(head) - len(tail), _NARROWEST))
        return head + subject + tail

    def _branches(self, root: int, roots: list[int]) -> list[str]:
        lines = []
        stack = self._under(root, "", 1)
        while stack:
            stem, branch, is_last, depth = stack.pop()
            lead = stem + _BRANCHES[branch.kind][is_last]
            if not branch.is_full:
                lines.append(f"{lead}{self._refer(branch.task)}")
            elif depth == MAX_DEPTH and branch.task in self._below:
                lines.append(f"{lead}{_ELSEWHERE} #{branch.task}, further down")
                roots.append(branch.task)
            else:
                lines.append(self.line(branch.task, lead))
                stack += self._under(branch.task, stem + _STEMS[is_last], depth + 1)
        return lines

    def _under(self, task: int, stem: str, depth: int) -> list[tuple[str, _Branch, bool, int]]:
        """What stands right below `task`, the last one first, as a stack wants it."""
        branches = self._below.get(task, ())
        return [(stem, branch, branch is branches[-1], depth) for branch in reversed(branches)]

    def _refer(self, task: int) -> str:
        place = f"below #{self._above[task][0]}" if task in self._above else "at the left"
        return f"{_ELSEWHERE} #{task}, {place}"


def _legend(picture: Picture) -> list[str]:
    used = {node.state for node in picture.nodes if not node.cyclic}
    words = [f"{MARKS[state]} {state.replace('_', ' ')}" for state in STATES if state in used]
    if any(node.cyclic for node in picture.nodes):
        words.append(f"{_CYCLIC} in a cycle")
    lines = ["  ".join(words)]
    if picture.critical:
        ids = " ".join(f"#{task}" for task in picture.critical[:_MOST_LISTED])
        more = " …" if len(picture.critical) > _MOST_LISTED else ""
        lines.append(f"═ critical path, {len(picture.critical)} tasks: {ids}{more}")
    return lines
