"""Bringing back task edits that were never committed, out of worktrees that are gone (`rescue`).

The journal of edits says what was written there, git's history what of it is safe. The rest is laid over this
checkout's copies as a merge would, and never over an edit of this checkout.
"""

from __future__ import annotations

import os

from gittasks.app import writing
from gittasks.app.edits import Edit, load_edits, present_worktrees
from gittasks.base import files
from gittasks.base.errors import NotFoundError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo.committed import blob_id, committed_blobs
from gittasks.workgraph import codec, store
from gittasks.workgraph.difference import FieldChange, difference
from gittasks.workgraph.file_merge import write_as
from gittasks.workgraph.merge import merge3, take_theirs
from gittasks.workgraph.record import MAX_FILE_BYTES, BadTaskError, TaskId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.workgraph.merge import Conflict, Merged
    from gittasks.workgraph.record import Task

    # Answers whether this content of a file is in some commit.
    IsCommitted = Callable[[bytes | None], bool]


class NothingLostError(NotFoundError):
    """No worktree that is gone held uncommitted edits of these tasks."""


class Lost(NamedTuple):
    """One file as a worktree that is gone last had it, and no commit has it.

    `name` is its path below `.tasks`. `base` is the latest version there that is committed, or the first that is
    known (`None`: made there); `data` the lost one. Of a task `changes` say what is lost, of a note they are empty.
    `conflicts` are the fields that this checkout has otherwise too; `problem` says why it cannot be laid over.
    """

    worktree: str
    top: str
    time: str
    task_id: TaskId
    name: str
    base: bytes | None
    data: bytes
    changes: tuple[FieldChange, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    problem: str = ""

    def as_json(self) -> dict[str, Any]:
        """The entry as it stands under `lost` in a JSON document; `text` is the whole file."""
        return {
            "worktree": self.worktree,
            "path": self.top,
            "time": self.time,
            "task": self.task_id,
            "file": f"{store.FOLDER}/{self.name}",
            "changes": [change.as_json() for change in self.changes],
            "conflicts": [
                {"field": c.field, "base": c.base, "here": c.ours, "lost": c.theirs} for c in self.conflicts
            ],
            "problem": self.problem,
            "text": self.data.decode("utf-8", "replace"),
        }


class Rescued(NamedTuple):
    """What was brought back, and what of it stays as this checkout has it: entries with conflicts or a problem."""

    written: writing.Written
    brought: tuple[Lost, ...]
    left: tuple[Lost, ...]


def find_lost(project: Project) -> list[Lost]:
    """What this checkout lacks of the uncommitted edits of all worktrees that are gone; the oldest first."""
    present = present_worktrees(project.checkout)
    gone = [edit for edit in load_edits(project.checkout.private_dir) if not _is_present(edit, present)]
    if not gone:
        return []
    names = {item.name for edit in gone for item in edit.files if _task_id(item.name) is not None}
    blobs = committed_blobs(project.git, {_path(name) for name in names}, store.FOLDER)
    like = next(iter(blobs), "0" * 40)
    lost = _chains(gone, lambda data: data is not None and blob_id(data, like) in blobs)
    folders = [os.path.join(top, store.FOLDER) for top in present.values()]
    lost = [item for item in lost if not any(_read(folder, item.name) == item.data for folder in folders)]
    return [seen for item in lost if (seen := _look(project, item)[0]) is not None]


def rescue(
    project: Project, wanted: Iterable[TaskId] | None = None, *, theirs: bool = False, commit: bool = False
) -> Rescued:
    """Lay what was lost of the tasks `wanted` (`None`: all) over this checkout's copies.

    A field that this checkout changed too keeps its value here, unless `theirs`. Raises `NothingLostError`,
    `NoTasksError`, `LockHeldError`, `DiskError`.
    """
    project.require_tasks()
    with project.lock("rescue"):
        chosen = None if wanted is None else frozenset(wanted)
        lost = [item for item in find_lost(project) if chosen is None or item.task_id in chosen]
        if not lost:
            raise NothingLostError(
                "nothing to rescue: no worktree that is gone had uncommitted edits"
                + ("" if chosen is None else " of " + ", ".join(f"#{task_id}" for task_id in sorted(chosen))),
                hint="`gittasks rescue` lists what there is; edits made without gittasks are not remembered",
            )
        writes: dict[str, store.FileWrite] = {}
        brought, left = [], []
        for item in lost:
            seen, data = _look(project, item, writes.get(item.name), theirs=theirs)
            if seen is not None and (seen.conflicts or seen.problem):
                left.append(seen)
            if data is not None:
                is_new = not os.path.lexists(os.path.join(project.tasks_folder, item.name))
                writes[item.name] = store.FileWrite(item.name, data, is_new)
                brought.append(item)
        ids = tuple(dict.fromkeys(item.task_id for item in brought))
        message = f"Rescue task #{ids[0]}" if len(ids) == 1 else f"Rescue {len(ids)} tasks"
        written = writing.apply(project, list(writes.values()), ids=ids, message=message, commit=commit)
        return Rescued(written, tuple(brought), tuple(left))


def _is_present(edit: Edit, present: dict[tuple[str, str], str]) -> bool:
    return (edit.worktree, edit.instance) in present


def _chains(gone: list[Edit], is_committed: IsCommitted) -> list[Lost]:
    """The last version of each file in each worktree that is gone, where no commit has it."""
    chains: dict[tuple[str, str, str], list[bytes | None]] = {}
    last: dict[tuple[str, str, str], Edit] = {}
    for edit in gone:
        for item in edit.files:
            key = (edit.worktree, edit.instance, item.name)
            chains.setdefault(key, []).extend((item.before, item.after))
            last[key] = edit
    found = []
    for key, versions in chains.items():
        edit, task_id = last[key], _task_id(key[2])
        if task_id is None or versions[-1] is None or is_committed(versions[-1]):
            continue
        base = next((data for data in reversed(versions) if is_committed(data)), versions[0])
        found.append(Lost(edit.worktree, edit.top, edit.time, task_id, key[2], base, versions[-1]))
    return sorted(found, key=lambda item: (item.time, item.task_id, item.name))


def _look(
    project: Project, lost: Lost, planned: store.FileWrite | None = None, *, theirs: bool = False
) -> tuple[Lost | None, bytes | None]:
    """What laying `lost` over this checkout (or over what is `planned` there) meets, `None` where nothing is
    missing here; and the file to write, `None` where it stays as it is.
    """
    ours = planned.data if planned else _read(project.tasks_folder, lost.name)
    if ours == lost.data:
        return None, None
    is_there = planned is not None or os.path.lexists(os.path.join(project.tasks_folder, lost.name))
    if "/" in lost.name:
        seen = lost._replace(problem="another note is here under this name") if is_there else lost
        return seen, None if is_there else lost.data
    try:
        task = _parse(lost.data, lost)
        base = _find_base(lost)
        lost = lost._replace(changes=tuple(difference([base], task)))
        if not is_there:
            return lost, lost.data
        here = _parse(ours or b"", lost)
    except BadTaskError as error:
        return lost._replace(problem=f"cannot be read: {error.problems[0]}"), None
    if here.uid and task.uid and here.uid != task.uid:
        return lost._replace(problem=f"another task is #{lost.task_id} here"), None
    merged = merge3(base, here, task)
    return _merge_onto(lost, ours or b"", here, merged, theirs=theirs)


def _merge_onto(
    lost: Lost, ours: bytes, here: Task, merged: Merged, *, theirs: bool
) -> tuple[Lost | None, bytes | None]:
    task = take_theirs(merged) if theirs else merged.task
    conflicts = () if theirs else merged.conflicts
    data = write_as(ours, _path(lost.name), here, task) if task != here else None
    if data is None and not conflicts:
        return None, None
    return lost._replace(conflicts=conflicts), data


def _parse(data: bytes, lost: Lost) -> Task:
    return codec.parse_task(data, _path(lost.name), task_id=lost.task_id)


def _find_base(lost: Lost) -> Task | None:
    """The version to compare with; `None` where there is none, and where it says nothing."""
    try:
        return None if lost.base is None else _parse(lost.base, lost)
    except BadTaskError:
        return None


def _task_id(name: str) -> TaskId | None:
    folder, _, note = name.rpartition("/")
    if not folder:
        return store.parse_file_name(name)
    is_note = note.endswith(".md") and note[0] != "." and note.isprintable()
    return store.parse_file_name(folder + ".yaml") if is_note else None


def _read(folder: str, name: str) -> bytes | None:
    try:
        return files.read_regular(os.path.join(folder, name), limit_bytes=MAX_FILE_BYTES)
    except (OSError, files.UnsafeFileError):
        return None


def _path(name: str) -> str:
    return f"{store.FOLDER}/{name}"
