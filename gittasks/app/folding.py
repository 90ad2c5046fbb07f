"""The fold: our tasks with what other places changed of them laid over, kept between two reads.

What follows from the same versions is the same, so a read where nothing moved neither merges nor walks the graph.
"""

from __future__ import annotations

import os
from bisect import bisect_left
from operator import attrgetter

from gittasks.app.changes import task_path
from gittasks.base import cache
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph import graph, store
from gittasks.workgraph.overlay import Disagreement, Overlaid, Version, overlay
from gittasks.workgraph.record import Problem, Task, TaskId

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from gittasks.app.changes import Changes
    from gittasks.app.project import Project
    from gittasks.workgraph.graph import Derived
    from gittasks.workgraph.record import Row
    from gittasks.workgraph.snapshot import Snapshot

_LAYOUT = "fold-1"
_row_id = attrgetter("id")


class Folded(NamedTuple):
    """What a board shows: `rows` and what follows from them, `overlaid` by id what others have a part in, `problems`
    with their files.
    """

    rows: list[Row]
    derived: Derived
    overlaid: dict[int, Overlaid]
    problems: list[Problem]


class _Kept(NamedTuple):
    """The file: `overlaid` (as plain tuples) follows from `versions` and `ours`, the hashes of our files of these
    ids; `derived` from that and all our tasks, whose hash is `stamp`; `None` where it is as without the others.
    """

    versions: dict[str, list[Any]]
    ours: tuple[bytes | None, ...]
    overlaid: dict[int, tuple[Any, ...]]
    stamp: bytes
    derived: tuple[Any, ...] | None


def fold(project: Project, here: Snapshot, found: Mapping[str, Changes]) -> Folded:
    """Lay what was `found` in other places over the tasks of this checkout."""
    problems = [Problem(*problem) for entry in found.values() for problem in entry.problems]
    versions = {name: entry.changed for name, entry in found.items() if entry.changed}
    if not versions:
        return Folded(here.rows, here.derived, {}, problems)
    path = os.path.join(project.cache_folder, f"fold-{project.checkout.name}.bin")
    ids = sorted({change[0] for changed in versions.values() for change in changed})
    ours, stamp = here.digests(ids), here.stamp()
    kept = _load(path, versions, ours)
    if kept is None:
        overlaid = _overlay(project, here, versions)
    else:
        overlaid = {task_id: _unpack(item) for task_id, item in kept.overlaid.items()}
    rows, graph_changed = _lay_over(here.rows, overlaid)
    if kept is not None and kept.stamp == stamp:
        derived = here.derived if kept.derived is None else graph.Derived(*kept.derived)
    else:
        derived = graph.derive(rows) if graph_changed else here.derived
        packed = {task_id: _pack(item) for task_id, item in overlaid.items()}
        new = _Kept(versions, ours, packed, stamp, tuple(derived) if graph_changed else None)
        cache.save_cache(path, _LAYOUT, tuple(new))
    return Folded(rows, derived, overlaid, [*problems, *_strangers(overlaid)])


def _load(path: str, versions: dict[str, list[Any]], ours: tuple[bytes | None, ...]) -> _Kept | None:
    """What was kept, if it follows from the same."""
    loaded = cache.load_cache(path, _LAYOUT)
    kept = _Kept(*loaded) if isinstance(loaded, tuple) else None
    return kept if kept is not None and (kept.versions, kept.ours) == (versions, ours) else None


def _overlay(project: Project, here: Snapshot, versions: Mapping[str, Sequence[Any]]) -> dict[int, Overlaid]:
    by_id: dict[int, list[Version]] = {}
    for name, changed in versions.items():
        for task_id, old, new in changed:
            version = Version(name, Task(*old) if old else None, Task(*new) if new else None)
            by_id.setdefault(task_id, []).append(version)
    return {
        task_id: overlay(_task_here(project, here, task_id), several) for task_id, several in by_id.items()
    }


def _task_here(project: Project, here: Snapshot, task_id: int) -> Task | None:
    return None if here.find(task_id) is None else store.read_task(project.tasks_folder, TaskId(task_id))


def _lay_over(here: list[Row], overlaid: Mapping[int, Overlaid]) -> tuple[list[Row], bool]:
    """`here` with the folded rows in their places, and whether the graph may be another one by that."""
    rows = list(here)
    graph_changed = False
    for task_id in sorted(task_id for task_id, found in overlaid.items() if found.origins):
        at = bisect_left(rows, task_id, key=_row_id)
        old = rows[at] if at < len(rows) and rows[at].id == task_id else None
        task = overlaid[task_id].task
        new = None if task is None else task.row
        graph_changed |= old is None or new is None or graph.touches_graph(old, new)
        rows[at : at + (old is not None)] = [] if new is None else [new]
    return rows, graph_changed


def _strangers(overlaid: Mapping[int, Overlaid]) -> list[Problem]:
    return [
        Problem(
            f"{source}:{task_path(task_id)}",
            0,
            "uid",
            f"is another task with the same id: {task.subject!r}",
            "`gittasks resolve` gives one of them a new id when the two meet in a merge",
            kind="id",
        )
        for task_id, found in sorted(overlaid.items())
        for source, task in found.strangers
    ]


def _pack(found: Overlaid) -> tuple[Any, ...]:
    """`found` in plain tuples, as a cache can hold it."""
    return (
        None if found.task is None else tuple(found.task),
        found.origins,
        tuple(tuple(item) for item in found.disagreements),
        tuple((source, tuple(task)) for source, task in found.strangers),
    )


def _unpack(item: tuple[Any, ...]) -> Overlaid:
    task, origins, disagreements, strangers = item
    return Overlaid(
        None if task is None else Task(*task),
        origins,
        tuple(Disagreement(*said) for said in disagreements),
        tuple((source, Task(*other)) for source, other in strangers),
    )
