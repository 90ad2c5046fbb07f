"""A few fields of all tasks: for a command that asks one thing of them and then writes.

Its own write makes the cache old again. So a few files that changed are read for now, and neither the graph nor
the cache is made anew for them; the answers are as true as those of a snapshot.
"""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph import snapshot
from gittasks.workgraph.graph import freed
from gittasks.workgraph.row_cache import load_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from gittasks.workgraph.record import Row, TaskId
    from gittasks.workgraph.row_cache import RowCache


def find_in_worktree(folder: str, cache_folder: str, name: str) -> list[tuple[TaskId, str]]:
    """(id, status) of the tasks in `folder` that name the worktree `name`, by id. Raises as `load_snapshot` does."""
    found = _pick(folder, cache_folder, name, ("worktree", "id", "status"))
    return sorted((task_id, status) for place, task_id, status in found if place == name)


def find_freed(folder: str, cache_folder: str, name: str, done: Sequence[int]) -> list[TaskId]:
    """The pending tasks that wait for some of `done` and for nothing else that is open, by id.

    The caches of worktree `name` lie in `cache_folder`. Raises as `load_snapshot` does.
    """
    return freed.freed_by(done, _pick(folder, cache_folder, name, freed.FIELDS))


def _pick(folder: str, cache_folder: str, name: str, fields: Sequence[str]) -> list[tuple[Any, ...]]:
    """The values of `fields` of every readable task, in no order."""
    state = load_rows(cache_folder, name)
    newer = _newer(state, folder, cache_folder, name)
    values = list(zip(*[state.column(field) for field in fields], strict=True))
    if not newer:
        return values
    known = zip(state.column("id"), values, strict=True)
    kept = [found for task_id, found in known if task_id not in newer]
    return kept + [tuple([getattr(row, field) for field in fields]) for row in newer.values() if row]


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
