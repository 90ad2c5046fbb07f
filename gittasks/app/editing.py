"""Editing a task's file as text: what the person wrote is kept byte for byte, or refused without losing it.

While somebody writes, their text is a draft in the private folder, with the file as it was beside it: what changed
in the file meanwhile is merged, however long that took.
"""

from __future__ import annotations

import contextlib
import os

from gittasks.app import writing
from gittasks.base import files
from gittasks.base.errors import RefusedError
from gittasks.base.ids import new_base36
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import listed
from gittasks.workgraph import codec, store
from gittasks.workgraph.fields import shown
from gittasks.workgraph.file_merge import Version, merge_versions
from gittasks.workgraph.record import MAX_FILE_BYTES, BadTaskError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.workgraph.merge import Conflict
    from gittasks.workgraph.record import Task, TaskId

_DRAFT, _BASE = "edit-", "base-"


class ChangedMeanwhileError(RefusedError):
    """The file changed while somebody had it in an editor, and both changes cannot be kept."""


def read_text(project: Project, task_id: TaskId) -> bytes:
    """The file as it is, for an editor; also a file that cannot be parsed. Raises `UnknownTaskError`."""
    return store.read_file(project.require_tasks(), task_id)


def open_draft(project: Project, task_id: TaskId) -> tuple[str, bytes]:
    """Make a copy of the task's file to be edited; its path, and what it holds. Raises `UnknownTaskError`."""
    before = read_text(project, task_id)
    draft = os.path.join(project.private_folder(), f"{_DRAFT}{task_id}-{new_base36(6)}.yaml")
    files.create_file(_base_path(draft), before, mode=0o600)
    files.create_file(draft, before, mode=0o600)
    return draft, before


def find_base(project: Project, task_id: TaskId, path: str) -> bytes | None:
    """What the draft at `path` was begun from; `None` for a file that is no draft of this task."""
    folder, name = os.path.split(os.path.realpath(path))
    if folder != os.path.realpath(project.checkout.private_dir) or not name.startswith(f"{_DRAFT}{task_id}-"):
        return None
    try:
        return files.read_regular(_base_path(path), limit_bytes=MAX_FILE_BYTES)
    except (FileNotFoundError, files.UnsafeFileError):
        return None


def drop_draft(path: str) -> None:
    """Remove a draft whose text is elsewhere now, or that nobody wrote in."""
    for name in (path, _base_path(path)):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name)


def replace_text(
    project: Project, task_id: TaskId, text: bytes, *, before: bytes, commit: bool = False
) -> writing.Written:
    """Put `text`, which was made of `before`, in the place of the task's file.

    Where the file is not `before` any more, both changes are merged. Raises `BadTaskError`, `ChangedMeanwhileError`
    (nothing was changed), `CycleError`, `UnknownTaskError`.
    """
    project.require_tasks()
    path = f"{store.FOLDER}/{store.file_name(task_id)}"
    new = codec.parse_task(text, path, task_id=task_id)
    with project.lock("edit"):
        now = store.read_file(project.tasks_folder, task_id)
        begun = _parse_or_none(before, path, task_id)
        if begun is not None and begun.uid and new.uid != begun.uid:
            problem = Problem(
                path, 0, "uid", "was changed", f"expected {begun.uid}: it says which task this is"
            )
            raise BadTaskError([problem])
        data = text
        warnings: tuple[str, ...] = ()
        if text != before and now not in (before, text):
            data = _merge(Version(before, begun) if begun else None, now, Version(text, new), path)
            warnings = (f"{path} changed while you were editing it: both changes are in it now",)
        old = _parse_or_none(now, path, task_id)
        writing.check_references(project, old, codec.parse_task(data, path, task_id=task_id))
        is_new = text != before and data != now
        writes = [store.FileWrite(store.file_name(task_id), data, False)] if is_new else []
        message = f"Edit task #{task_id}: {new.subject}"
        written = writing.apply(project, writes, ids=(task_id,), message=message, commit=commit)
    return written._replace(warnings=(*warnings, *written.warnings))


def _merge(base: Version | None, now: bytes, mine: Version, path: str) -> bytes:
    """The file with what `mine` changed of `base` and what was changed meanwhile. Raises `ChangedMeanwhileError`."""
    task_id = mine.task.id
    theirs = _parse_or_none(now, path, task_id)
    if base is None or theirs is None:
        raise ChangedMeanwhileError(
            f"{path} changed while you were editing it, and cannot be merged as it is"
        )
    if base.task.uid != theirs.uid:
        raise ChangedMeanwhileError(f"#{task_id} became another task while you were editing it")
    file = merge_versions(base, Version(now, theirs), mine, path)
    if not file.merged.conflicts:
        return file.data
    lines = listed([line for conflict in file.merged.conflicts for line in _described(conflict)])
    raise ChangedMeanwhileError(
        "\n".join([f"{path} changed while you were editing it, also what you changed:", *lines]),
        hint=f"set what is to stand with `gittasks edit {task_id}`, and write the same into your text",
    )


def _described(conflict: Conflict) -> Iterator[str]:
    if not conflict.regions:
        yield f"{conflict.field}: yours {_said(conflict.theirs)}, there now {_said(conflict.ours)}"
    for region in conflict.regions:
        yours, there = "\n".join(region.theirs), "\n".join(region.ours)
        yield f"{conflict.field}, line {region.line}: yours {_said(yours)}, there now {_said(there)}"


def _said(value: Any) -> str:
    return "empty" if value is None or value == "" else shown(value)


def _base_path(draft: str) -> str:
    folder, name = os.path.split(draft)
    return os.path.join(folder, _BASE + name.removeprefix(_DRAFT))


def _parse_or_none(data: bytes, path: str, task_id: TaskId) -> Task | None:
    try:
        return codec.parse_task(data, path, task_id=task_id)
    except BadTaskError:
        return None
