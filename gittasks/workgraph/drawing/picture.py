"""What is in a picture of the graph: which tasks, which arrows, what is marked. Pure; knows no format."""

from __future__ import annotations

from itertools import pairwise

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.graph.components import cyclic_components
from gittasks.workgraph.graph.cycles import find_cycles
from gittasks.workgraph.graph.derived import derive, is_ready, turn, waits_for
from gittasks.workgraph.graph.paths import critical_path, reachable, topological_order, transitive_reduction
from gittasks.workgraph.record import CLOSED, COMPLETED, DELETED, IN_PROGRESS, PENDING

if TYPE_CHECKING:
    from collections.abc import Sequence, Set
    from typing import Any

    from gittasks.workgraph.graph.derived import Derived
    from gittasks.workgraph.record import Row

READY = "ready"
WAITING = "waiting"
MISSING = "missing"
# What a node looks like: the statuses, with `pending` told apart by what it waits for. In the order of legends.
STATES = (READY, IN_PROGRESS, WAITING, COMPLETED, DELETED, MISSING)


class Node(NamedTuple):
    """One task in a picture. `state` is one of `STATES`; a `MISSING` one is a blocker that does not exist."""

    id: int
    subject: str = ""
    state: str = MISSING
    owner: str | None = None
    parent: int | None = None
    priority: int | None = None
    critical: bool = False
    cyclic: bool = False

    @property
    def label(self) -> str:
        """What a picture says of the task: its subject, not yet made harmless for any format."""
        return self.subject if self.state != MISSING else "no readable task has this id"

    def as_json(self) -> dict[str, Any]:
        """The node as `graph --json` shows it; `status` is the task's own, null where there is no task."""
        status = PENDING if self.state in (READY, WAITING) else self.state
        return {
            "id": self.id,
            "subject": self.subject,
            "status": None if self.state == MISSING else status,
            "owner": self.owner,
            "parent": self.parent,
            "priority": self.priority,
            "ready": self.state == READY,
            "missing": self.state == MISSING,
            "critical": self.critical,
            "cyclic": self.cyclic,
        }


class Picture(NamedTuple):
    """What to draw.

    `nodes` stand in an order in which they can be done: blockers first, then by id. `edges` are the arrows, sorted
    (blocker, waiter) pairs between nodes; `implied` are those that longer ways along `edges` say already.
    `critical` is the critical path through the picture, empty where there is none. `cycles` are the dependency
    cycles of open tasks in it, each as ids from a task back to itself; `circular` are all edges on such cycles.
    """

    nodes: tuple[Node, ...]
    edges: tuple[tuple[int, int], ...]
    implied: tuple[tuple[int, int], ...]
    critical: tuple[int, ...]
    cycles: tuple[tuple[int, ...], ...]
    circular: frozenset[tuple[int, int]]

    @property
    def parts(self) -> list[tuple[int, int]]:
        """The (parent, part) pairs among the nodes, by part."""
        known = {node.id for node in self.nodes}
        return sorted(
            [
                (node.parent, node.id)
                for node in self.nodes
                if node.parent in known and node.parent != node.id
            ],
            key=lambda pair: pair[1],
        )

    def as_json(self) -> dict[str, Any]:
        """The picture as `graph --json` shows it; `edges` hold the implied ones as well."""
        arrows = sorted([(*edge, False) for edge in self.edges] + [(*edge, True) for edge in self.implied])
        return {
            "nodes": [node.as_json() for node in self.nodes],
            "edges": [
                {"from": blocker, "to": waiter, "implied": implied} for blocker, waiter, implied in arrows
            ],
            "criticalPath": list(self.critical),
            "cycles": [list(cycle) for cycle in self.cycles],
        }


def compose(
    rows: Sequence[Row],
    derived: Derived,
    *,
    focus: int | None = None,
    closed: bool = False,
    critical_only: bool = False,
) -> Picture:
    """The picture of `rows`, all tasks of a worktree, and of what was `derived` from them.

    It shows open tasks; `closed` adds the completed ones. With `focus` it shows that task, its parts, and what they
    wait for and are waited for by, also indirectly; the ways end at completed tasks unless `closed`.
    `critical_only` leaves the critical path. Deleted tasks are never shown, but for the focus.
    """
    ids = _around(rows, focus, closed=closed) if focus is not None else _unfocused(rows, closed=closed)
    shown = [row for row in rows if row.id in ids]
    inner = derive(shown)
    critical = critical_path(inner)
    if critical_only:
        ids = set(critical)
        shown = [row for row in shown if row.id in ids]
    return _picture(shown, derived, critical, frozenset(inner.cyclic))


def _unfocused(rows: Sequence[Row], *, closed: bool) -> set[int]:
    hidden = (DELETED,) if closed else CLOSED
    return {row.id for row in rows if row.status not in hidden}


def _around(rows: Sequence[Row], focus: int, *, closed: bool) -> set[int]:
    living = {row.id for row in rows if row.status != DELETED} | {focus}
    ends: Set[int] = set() if closed else {row.id for row in rows if row.status in CLOSED}
    parts = turn({row.id: (row.parent,) for row in rows if row.parent is not None and row.id in living})
    family = reachable(parts, [focus], ends=ends)
    starts = [focus, *(family - ends)]
    edges = waits_for(rows)
    ids = family | reachable(edges, starts, ends=ends) | reachable(turn(edges), starts, ends=ends)
    return ids & living


def _picture(shown: Sequence[Row], derived: Derived, critical: tuple[int, ...], cyclic: Set[int]) -> Picture:
    on_path = frozenset(critical)
    known: dict[int, Row] = {row.id: row for row in shown}
    still_open = [row for row in shown if row.status not in CLOSED]
    lacking = [(blocker, row.id) for row in still_open for blocker in derived.missing.get(row.id, ())]
    # A completed task in between may imply an edge of the critical path: it is drawn all the same.
    edges = {*transitive_reduction(shown), *pairwise(critical), *lacking}
    every = {(head, tail) for tail, heads in waits_for(shown).items() for head in heads if head in known}
    nodes = [Node(blocker) for blocker in sorted({blocker for blocker, _ in lacking})]
    for task in topological_order(shown):
        row = known[task]
        nodes.append(
            Node(
                row.id,
                row.subject,
                _state(row, derived),
                row.owner,
                row.parent,
                row.priority,
                critical=row.id in on_path,
                cyclic=row.id in cyclic,
            )
        )
    return Picture(
        tuple(nodes),
        tuple(sorted(edges)),
        tuple(sorted(every - edges)),
        critical,
        find_cycles(still_open),
        _circular(still_open),
    )


def _circular(rows: Sequence[Row]) -> frozenset[tuple[int, int]]:
    edges = waits_for(rows)
    circles = cyclic_components(edges)
    group = {task: number for number, circle in enumerate(circles) for task in circle}
    inside = ((head, tail) for tail in group for head in edges[tail] if group.get(head) == group[tail])
    return frozenset(inside)


def _state(row: Row, derived: Derived) -> str:
    if row.status in (IN_PROGRESS, *CLOSED):
        return row.status
    return READY if is_ready(row, derived) else WAITING
