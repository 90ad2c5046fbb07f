"""Completing a task in another checkout than the one it was worked on in: what its copy there says comes along.

For `finish --remove`, where nothing is merged: the task's file and notes are the only work that lives in the worktree
alone, and they are not lost with it.
"""

from __future__ import annotations

import os

from gittasks.app import carrying
from gittasks.base import files
from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import history
from gittasks.workgraph import codec, rules, store
from gittasks.workgraph.merge import merge3
from gittasks.workgraph.record import COMPLETED, MAX_FILE_BYTES, BadTaskError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.app.project import Project
    from gittasks.workgraph.record import Task, TaskId


class TwoVersionsError(RefusedError):
    """The task was changed in the worktree and at home, and neither change may be lost."""


def completed_here(home: Project, task_id: TaskId) -> list[store.FileWrite]:
    """What completes the task in `home` where no worktree has anything to add; empty where it is completed."""
    data = store.read_file(home.tasks_folder, task_id)
    task = codec.parse_task(data, _path(task_id), task_id=task_id)
    return _edit(task_id, data, rules.complete(task))


def brought_home(
    home: Project,
    site: Project,
    task_id: TaskId,
    *,
    base: str | None,
    carried: Mapping[str, str],
    force: bool,
) -> list[store.FileWrite]:
    """What brings the task from the worktree `site` to `home`, completed. Touches nothing.

    `base` is the commit whose version both copies come from; `carried` the blobs that `site` got from elsewhere.
    Where a field was changed on both sides, `force` takes the worktree's; else raises `TwoVersionsError`.
    """
    notes = _notes(home, site, task_id, force=force)
    data = store.read_file(site.tasks_folder, task_id)
    theirs = codec.parse_task(data, _path(task_id), task_id=task_id)._replace(status=COMPLETED)
    try:
        here = store.read_file(home.tasks_folder, task_id)
    except store.UnknownTaskError:
        done = codec.edit_task(data, _path(task_id), task_id=task_id, changes={"status": COMPLETED})
        return [store.FileWrite(store.file_name(task_id), done, True), *notes]
    ours = codec.parse_task(here, _path(task_id), task_id=task_id)
    if ours.uid != theirs.uid:
        raise TwoVersionsError(
            f"#{task_id} is another task in {home.top}: the same number was given twice",
            hint="`gittasks doctor` finds it; finish with --merge or --keep",
        )
    merged = merge3(_base(site, task_id, base, carried), ours, theirs)
    if merged.conflicts and not force:
        fields = ", ".join(sorted(conflict.field for conflict in merged.conflicts))
        raise TwoVersionsError(
            f"#{task_id} was changed in {home.top} and in {site.top}, each in its own way: {fields}",
            hint="make them equal with `gittasks edit`, or use --force, which takes the worktree's",
        )
    wanted = theirs if merged.conflicts else merged.task
    return [*_edit(task_id, here, _changes(ours, wanted)), *notes]


def settled_files(site: Project, task_id: TaskId) -> frozenset[str]:
    """The task's files in `site` that are not lost with it once `brought_home` is written."""
    return frozenset(carrying.task_paths(site.top, task_id)) - _unreadable(site, task_id)


def _notes(home: Project, site: Project, task_id: TaskId, *, force: bool) -> list[store.FileWrite]:
    """The notes that `home` has not, or has in another version (under `force`)."""
    found = []
    for path in sorted(settled_files(site, task_id) - {_path(task_id)}):
        data = files.read_regular(os.path.join(site.top, path), limit_bytes=MAX_FILE_BYTES)
        there = os.path.join(home.top, path)
        name = path.removeprefix(f"{store.FOLDER}/")
        if not os.path.lexists(there):
            found.append(store.FileWrite(name, data, True))
        elif files.read_regular(there, limit_bytes=MAX_FILE_BYTES) != data:
            if not force:
                raise TwoVersionsError(
                    f"{path} is another version in {home.top}", hint="make them equal, or use --force"
                )
            found.append(store.FileWrite(name, data, False))
    return found


def _unreadable(site: Project, task_id: TaskId) -> frozenset[str]:
    """Notes that are no text: nothing that gittasks writes, and nothing it takes along."""
    found = set()
    for path in carrying.task_paths(site.top, task_id)[1:]:
        if not carrying.is_text(files.read_regular(os.path.join(site.top, path), limit_bytes=MAX_FILE_BYTES)):
            found.add(path)
    return frozenset(found)


def _base(site: Project, task_id: TaskId, commit: str | None, carried: Mapping[str, str]) -> Task | None:
    path = _path(task_id)
    oid = carried.get(path)
    if oid is None and commit is not None:
        version = history.committed_versions(site.git, commit, (path,)).get(path)
        oid = version.oid if version is not None else None
    if oid is None:
        return None
    try:
        data = history.read_blobs(site.git, (oid,), limit_bytes=MAX_FILE_BYTES).get(oid)
        return codec.parse_task(data, path, task_id=task_id) if data is not None else None
    except BadTaskError:
        return None


def _changes(old: Task, new: Task) -> dict[str, object]:
    same = {name for name in old._fields if getattr(old, name) == getattr(new, name)}
    changes = {name: getattr(new, name) for name in old._fields if name not in same and name != "extra"}
    return changes | {f"extra:{name}": value for name, value in new.extra if (name, value) not in old.extra}


def _edit(task_id: TaskId, data: bytes, changes: Mapping[str, object]) -> list[store.FileWrite]:
    edited = codec.edit_task(data, _path(task_id), task_id=task_id, changes=changes)
    return [store.FileWrite(store.file_name(task_id), edited, False)] if edited != data else []


def _path(task_id: TaskId) -> str:
    return f"{store.FOLDER}/{store.file_name(task_id)}"
