"""A few fields of all tasks, for who asks one thing of them: neither rows nor the graph are loaded for it.

Answers are as true as those of a snapshot.
"""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph import snapshot
from gittasks.workgraph.graph import freed
from gittasks.workgraph.row_cache import load_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittasks.workgraph.record import Row, TaskId
    from gittasks.workgraph.row_cache import RowCache


def find_in_worktree(folder: str, cache_folder: str, name: str) -> list[tuple[TaskId, str]]:
    """(id, status) of the tasks in `folder` that name the worktree `name`, by id. Raises as `load_snapshot` does."""
    state = snapshot.load_state(folder, cache_folder, name)[0]
    places = state.column("worktree")
    if name not in places:
        return []
    found = zip(state.column("id"), state.column("status"), places, strict=True)
    return [(task_id, status) for task_id, status, place in found if place == name]


def find_freed(folder: str, cache_folder: str, name: str, done: Sequence[int]) -> list[TaskId]:
    """The pending tasks that wait for some of `done` and for nothing else that is open, by id.

    For who then completes these: that makes the cache old again, so files that changed are read for now, and the
    cache is not brought up to date for a few of them. Raises as `load_snapshot` does.
    """
    state = load_rows(cache_folder, name)
    newer = _newer(state, folder, cache_folder, name)
    tasks = list(zip(*[state.column(field) for field in freed.FIELDS], strict=True))
    if newer:
        ids = state.column("id")
        tasks = [task for task_id, task in zip(ids, tasks, strict=True) if task_id not in newer]
        tasks += [tuple([getattr(row, field) for field in freed.FIELDS]) for row in newer.values() if row]
    return freed.freed_by(done, tasks)


def _newer(state: RowCache, folder: str, cache_folder: str, name: str) -> Mapping[TaskId, Row | None]:
    """What `state` does not know; where that is much, `state` is brought up to date, and saved."""
    fd = snapshot.open_folder(folder)
    try:
        seen = snapshot.look(state, fd)
        if seen is None:
            return {}
        from gittasks.workgraph import refresh

        few = refresh.read_few(state, seen)
        if few is None:
            refresh.refresh(state, seen, cache_folder, name)
            return {}
        return few
    finally:
        os.close(fd)
