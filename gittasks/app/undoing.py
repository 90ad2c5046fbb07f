"""Taking back the last edit of this worktree, as an ordinary edit: commits stay as they are (`undo`).

What was edited since is merged around it, field by field; where the same field was edited since, undo is refused. An
added task is not removed but deleted, restorably; an added note goes, if nobody changed it. Undoing again goes one
edit further back. An edit of which nothing is here any more counts as taken back, by hand or by git; but where it was
made on another branch it stands there, and undo is refused.
"""

from __future__ import annotations

import os

from gittasks.app import writing
from gittasks.app.edits import Edit, FileEdit, branch_of, forget_edit, is_here, load_edits, record_edit
from gittasks.base import files
from gittasks.base.errors import NotFoundError, RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable
from gittasks.repo import index, refs, stages
from gittasks.workgraph import codec, store
from gittasks.workgraph.difference import FieldChange, difference
from gittasks.workgraph.file_merge import write_as
from gittasks.workgraph.merge import merge3
from gittasks.workgraph.record import DELETED, MAX_FILE_BYTES, TaskId

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.app.writing import Written
    from gittasks.workgraph.merge import Merged


class NothingToUndoError(NotFoundError):
    """No edit of this worktree is remembered that was not taken back already."""


class EditedSinceError(RefusedError):
    """What the edit did was edited again: taking it back would lose that."""


class OnAnotherBranchError(RefusedError):
    """Nothing of the last edit is here, since another branch was checked out when it was made."""


class Undone(NamedTuple):
    """What was taken back: the edit, and what changed by that in each task. `removed` are paths of notes."""

    edit: Edit
    written: Written
    changes: tuple[tuple[TaskId, tuple[FieldChange, ...]], ...]
    removed: tuple[str, ...]


class _Plan(NamedTuple):
    writes: list[store.FileWrite]
    changes: list[tuple[TaskId, tuple[FieldChange, ...]]]
    notes: list[FileEdit]


def undo(project: Project, *, commit: bool = False) -> Undone:
    """Take back the last edit that a command made in this worktree and that was not taken back yet.

    Raises `NothingToUndoError`, `OnAnotherBranchError`, `EditedSinceError`, `CycleError`, `UnknownTaskError`,
    `BadTaskError`, `LockHeldError`, `DiskError`; nothing was changed then.
    """
    project.require_tasks()
    with project.lock("undo"):
        if commit:
            index.refuse_commit(project.git, project.checkout.git_dir, (), folder=store.FOLDER)
        edit, plan = _plan_last(project)
        return _carry_out(project, edit, plan, commit=commit)


def _plan_last(project: Project) -> tuple[Edit, _Plan]:
    """The last edit of which something is here, and what taking it back writes."""
    branch = branch_of(project.checkout)
    for edit, over in _standing_edits(project):
        if edit.left_out:
            raise RefusedError(
                f"too large to be taken back: {edit.message}, {len(edit.files) + edit.left_out} files",
                hint="`git` knows what was committed before it",
            )
        elsewhere = edit.branch if edit.branch != branch else None
        plan = _plan(project, edit, over, elsewhere)
        if plan.writes or plan.notes:
            return edit, plan
        if elsewhere is not None:
            raise OnAnotherBranchError(
                f"nothing of the last edit is here, nothing was taken back: {edit.message}",
                hint=_switch(elsewhere),
            )
    raise NothingToUndoError(
        "nothing to undo in this worktree", hint="`gittasks log TASK` shows what happened to a task"
    )


def _standing_edits(project: Project) -> list[tuple[Edit, set[str]]]:
    """The edits of this worktree that undo did not take back whole, newest first, with the files that it did."""
    # Writes without a message are a part of something larger: a task carried into its worktree, or home.
    here = [edit for edit in load_edits(project.checkout.private_dir) if is_here(edit, project.checkout)]
    over: dict[str, set[str]] = {}
    later: dict[str, bytes | None] = {}
    for edit in reversed(here):
        for item in edit.files:
            # An undo is remembered before it is done: one that was killed between the two left the file as it was.
            then = later[item.name] if item.name in later else _read(project, item.name)
            if edit.undoes and then != item.before:
                over.setdefault(edit.undoes, set()).add(item.name)
            later[item.name] = item.before
    standing = [
        (edit, over.get(edit.id, set())) for edit in reversed(here) if edit.message and not edit.undoes
    ]
    return [(edit, names) for edit, names in standing if edit.left_out or not names.issuperset(_names(edit))]


def _names(edit: Edit) -> set[str]:
    return {item.name for item in edit.files}


def _plan(project: Project, edit: Edit, over: set[str], elsewhere: str | None) -> _Plan:
    plan = _Plan([], [], [])
    try:
        for item in edit.files:
            if item.name not in over:
                _plan_file(project, edit, item, plan)
    except EditedSinceError as error:
        if elsewhere is not None:
            error.hint = _switch(elsewhere)
        raise
    return plan


def _switch(ref: str) -> str:
    import shlex

    branch = printable(ref.removeprefix(refs.HEADS))
    return f"it was made on the branch {branch}: `git switch {shlex.quote(branch)}`, then undo it there"


def _plan_file(project: Project, edit: Edit, item: FileEdit, plan: _Plan) -> None:
    task_id = store.parse_file_name(item.name)
    now = _read(project, item.name)
    if now == item.before:  # taken back by hand already
        return
    if task_id is None:
        if now not in (None, item.after):
            raise EditedSinceError(f"{_path(item.name)} was changed since: {edit.message}")
        if item.before is None and now is not None:
            plan.notes.append(FileEdit(item.name, now, None))
        return
    if now is None or item.after is None:
        raise EditedSinceError(f"{_path(item.name)} was removed since: {edit.message}")
    path = _path(item.name)
    ours = codec.parse_task(now, path, task_id=task_id)
    after = codec.parse_task(item.after, path, task_id=task_id)
    before = (
        after._replace(status=DELETED)
        if item.before is None
        else codec.parse_task(item.before, path, task_id=task_id)
    )
    merged = merge3(after, ours, before)
    if merged.conflicts:
        raise _edited_since(edit, task_id, merged)
    if merged.task == ours:
        return
    writing.check_references(project, ours, merged.task)
    untouched = now == item.after and item.before is not None
    data = item.before if untouched and item.before is not None else write_as(now, path, ours, merged.task)
    plan.writes.append(store.FileWrite(item.name, data, False))
    plan.changes.append((task_id, tuple(difference([ours], merged.task))))


def _carry_out(project: Project, edit: Edit, plan: _Plan, *, commit: bool) -> Undone:
    message = f"Undo: {edit.message}"
    removed = tuple(_path(note.name) for note in plan.notes)
    ids = tuple(task_id for task_id, _ in plan.changes)
    noted = record_edit(project, plan.notes, message=message, undoes=edit.id) if plan.notes else None
    try:
        for path in removed:
            os.unlink(os.path.join(project.top, path))
        written = writing.apply(project, plan.writes, ids=ids, message=message, commit=False, undoes=edit.id)
    except BaseException:
        if noted is not None:
            forget_edit(project, noted)
        raise
    warning = stages.unstage_paths(project.git, removed) if removed else None
    paths = (*written.changed, *removed)
    made = (
        index.commit_paths(project.git, project.checkout.git_dir, paths, message)
        if commit and paths
        else None
    )
    warnings = (*written.warnings, *([warning] if warning else []))
    written = written._replace(commit=made, changed=paths, warnings=warnings)
    return Undone(edit, written, tuple(plan.changes), removed)


def _edited_since(edit: Edit, task_id: TaskId, merged: Merged) -> EditedSinceError:
    fields = ", ".join(conflict.field for conflict in merged.conflicts)
    return EditedSinceError(
        f"#{task_id} was edited since, also its {fields}; nothing was changed. The edit was: {edit.message}",
        hint=f"`gittasks edit {task_id}` sets what you want; `gittasks log {task_id}` shows what was there",
    )


def _read(project: Project, name: str) -> bytes | None:
    try:
        return files.read_regular(os.path.join(project.tasks_folder, name), limit_bytes=MAX_FILE_BYTES)
    except FileNotFoundError:
        return None


def _path(name: str) -> str:
    return f"{store.FOLDER}/{name}"
