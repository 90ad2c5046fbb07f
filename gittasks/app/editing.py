"""Editing a task's file as text: what the person wrote is kept byte for byte, or refused without losing it."""

from __future__ import annotations

from gittasks.app import writing
from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph import codec, store
from gittasks.workgraph.record import BadTaskError, Problem

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.workgraph.record import Task, TaskId


class ChangedMeanwhileError(RefusedError):
    """The file changed while somebody had it in an editor."""


def read_text(project: Project, task_id: TaskId) -> bytes:
    """The file as it is, for an editor; also a file that cannot be parsed. Raises `UnknownTaskError`."""
    return store.read_file(project.tasks_folder, task_id)


def replace_text(
    project: Project, task_id: TaskId, text: bytes, *, before: bytes, commit: bool = False
) -> writing.Written:
    """Put `text` in the place of the task's file, if that is still `before` and `text` is a valid task.

    Raises `BadTaskError`, `ChangedMeanwhileError`, `CycleError`, `UnknownTaskError`.
    """
    store.require_folder(project.tasks_folder)
    path = f"{store.FOLDER}/{store.file_name(task_id)}"
    new = codec.parse_task(text, path, task_id=task_id)
    with project.lock("edit"):
        if store.read_file(project.tasks_folder, task_id) != before:
            raise ChangedMeanwhileError(f"{path} changed while you were editing it")
        old = _parse_or_none(before, path, task_id)
        if old is not None and old.uid and new.uid != old.uid:
            problem = Problem(
                path, 0, "uid", "was changed", f"expected {old.uid}: it says which task this is"
            )
            raise BadTaskError([problem])
        writing.check_references(project, old, new)
        writes = [] if text == before else [store.FileWrite(store.file_name(task_id), text, False)]
        message = f"Edit task #{task_id}: {new.subject}"
        return writing.apply(project, writes, ids=(task_id,), message=message, commit=commit)


def _parse_or_none(data: bytes, path: str, task_id: TaskId) -> Task | None:
    try:
        return codec.parse_task(data, path, task_id=task_id)
    except BadTaskError:
        return None
