"""Use cases that change tasks: one lock, one write (all or nothing), one staging, at most one commit."""

from __future__ import annotations

import os

from gittasks.app import ids
from gittasks.app.edits import FileEdit, forget_edit, read_before, read_now, record_edit
from gittasks.base import clock
from gittasks.base.errors import RefusedError
from gittasks.base.ids import new_uid
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import claims, index
from gittasks.workgraph import codec, drafts, store
from gittasks.workgraph.fields import FieldError
from gittasks.workgraph.graph import cycles
from gittasks.workgraph.record import CLOSED, DELETED, BadTaskError, TaskId
from gittasks.workgraph.store import FileWrite

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from gittasks.app.holders import Holding
    from gittasks.app.project import Project
    from gittasks.workgraph.record import Task

    # Looks at a task as it is under the lock and answers the changes; raises to refuse.
    Decide = Callable[[Task], Mapping[str, Any]]


class CycleError(RefusedError):
    """The new edge would make tasks wait for each other in a circle."""


class Written(NamedTuple):
    """What a write did: the tasks concerned, the paths changed (from the worktree's root), the commit made.

    `warnings` are for a person: written, but not staged, and the like.
    """

    ids: tuple[TaskId, ...]
    changed: tuple[str, ...] = ()
    commit: str | None = None
    warnings: tuple[str, ...] = ()


def add_tasks(project: Project, new: Sequence[drafts.Draft], *, commit: bool = False) -> Written:
    """Add all of `new`, or none, and answer their ids in the same order.

    Raises `BadReferenceError`, `CycleError`, `InvalidError`, `LockHeldError`, `DiskError`.
    """
    drafts.check_shapes(new)
    if not new:
        return Written(())
    project.require_tasks()
    with project.lock("add"):
        named = {ref for ref in drafts.references(new) if _exists(project, ref)}
        # References are checked before ids are reserved: a refused call changes nothing.
        drafts.plan(new, first_id=1 << 40, uids=[""] * len(new), now="", exists=named)
        planned = drafts.plan(
            new,
            first_id=ids.reserve(project, len(new)),
            uids=[new_uid() for _ in new],
            now=clock.now_utc(),
            exists=named,
        )
        _refuse_cycles(project, planned)
        writes = [
            FileWrite(store.file_name(task.id), codec.format_task(task), True) for task in planned.tasks
        ]
        writes += [_edge_write(project, waiter, more) for waiter, more in sorted(planned.waiters.items())]
        writes += _note_writes(new, planned.tasks)
        added = tuple(task.id for task in planned.tasks)
        message = f"Add task #{added[0]}: {new[0].subject}" if len(new) == 1 else f"Add {len(new)} tasks"
        return apply(project, writes, ids=added, message=message, commit=commit)


def edit_task(
    project: Project, task_id: TaskId, decide: Decide, *, purpose: str, commit: bool = False
) -> Written:
    """Change one task by what `decide` answers for it under the lock; `{}` writes nothing.

    Raises what `decide` raises, `FieldError` for changes that are none or would make it another task,
    `UnknownTaskError`, `BadTaskError`, `CycleError`, `LockHeldError`, `DiskError`.
    """
    return edit_many(project, {task_id: decide}, purpose=purpose, commit=commit)


def edit_many(
    project: Project, edits: Mapping[TaskId, Decide], *, purpose: str, commit: bool = False
) -> Written:
    """Like `edit_task` for several tasks: all of them, or none. Tasks that are closed, or were, lose their claims."""
    project.require_tasks()
    over: Mapping[TaskId, Holding] = {}
    closing: dict[TaskId, str] = {}
    with project.lock(purpose):
        writes = []
        subject = ""
        for task_id, decide in edits.items():
            data = store.read_file(project.tasks_folder, task_id)
            path = f"{store.FOLDER}/{store.file_name(task_id)}"
            task = codec.parse_task(data, path, task_id=task_id)
            changes = decide(task)
            _refuse_other_identity(task, changes)
            edited = codec.edit_task(data, path, task_id=task_id, changes=changes)
            subject = changes.get("subject", task.subject)
            if edited != data:
                check_references(project, task, codec.parse_task(edited, path, task_id=task_id))
                writes.append(FileWrite(store.file_name(task_id), edited, False))
            if not CLOSED.isdisjoint((task.status, changes.get("status"))):
                closing[task_id] = task.uid
        if closing and claims.claim_refs(project.checkout, project.env):
            from gittasks.app import holders

            over = holders.find_local(project, closing)
        message = _message(purpose, tuple(edits), subject)
        written = apply(project, writes, ids=tuple(edits), message=message, commit=commit)
    if not over:
        return written
    from gittasks.app import claiming

    return written._replace(warnings=(*written.warnings, *claiming.drop_claims(project, over)))


def apply(
    project: Project,
    writes: Sequence[FileWrite],
    *,
    ids: tuple[TaskId, ...],
    message: str,
    commit: bool,
    undoes: str = "",
) -> Written:
    """Write, remember the edit, stage, and commit when asked; the caller holds the writers' lock.

    The lowest door: everything that changes a task file goes through here. `undoes` is the id of the edit that this
    one takes back.
    """
    paths = tuple(f"{store.FOLDER}/{item.name}" for item in writes)
    if commit:
        index.refuse_commit(project.git, project.checkout.git_dir, paths, folder=store.FOLDER)
    if not writes:
        return Written(ids)
    before = read_before(project.tasks_folder, writes)
    edited = [FileEdit(item.name, old, item.data) for item, old in zip(writes, before, strict=True)]
    edit_id = record_edit(project, edited, message=message, undoes=undoes)
    try:
        store.write(project.tasks_folder, writes, journal=project.journal)
    except BaseException:
        # With a journal, the next writer completes what was begun.
        if not os.path.lexists(project.journal) and read_now(project.tasks_folder, writes) == before:
            forget_edit(project, edit_id)
        raise
    if commit:
        made = index.commit_paths(project.git, project.checkout.git_dir, paths, message)
        return Written(ids, paths, made)
    warning = index.stage_paths(project.git, paths)
    return Written(ids, paths, warnings=(warning,) if warning else ())


def check_references(project: Project, old: Task | None, new: Task) -> None:
    """Raise for blockers or a parent that `new` names and `old` did not, if they are unknown or close a cycle."""
    known = old.blocked_by if old else ()
    edges = [(new.id, blocker) for blocker in new.blocked_by if blocker not in known]
    moved = new.parent is not None and (old is None or new.parent != old.parent)
    _check_edges(project, edges, [(new.id, new.parent)] if moved and new.parent else [])


def _refuse_other_identity(task: Task, changes: Mapping[str, Any]) -> None:
    for name in ("id", "uid"):
        value = getattr(task, name)
        if changes.get(name, value) != value:
            raise FieldError(name, "cannot be changed", f"expected {value}: it says which task this is")


def _message(purpose: str, task_ids: tuple[TaskId, ...], subject: str) -> str:
    verb = purpose[0].upper() + purpose[1:]
    if len(task_ids) == 1:
        return f"{verb} task #{task_ids[0]}: {subject}"
    return f"{verb} tasks " + ", ".join(f"#{task_id}" for task_id in task_ids)


def _exists(project: Project, task_id: int) -> bool:
    try:
        return store.read_task(project.tasks_folder, TaskId(task_id)).status != DELETED
    except store.UnknownTaskError:
        return False


def _edge_write(project: Project, waiter: TaskId, more: Sequence[TaskId]) -> FileWrite:
    path = f"{store.FOLDER}/{store.file_name(waiter)}"
    data = store.read_file(project.tasks_folder, waiter)
    task = codec.parse_task(data, path, task_id=waiter)
    edges = tuple(sorted({*task.blocked_by, *more}))
    edited = codec.edit_task(data, path, task_id=waiter, changes={"blocked_by": edges})
    return FileWrite(store.file_name(waiter), edited, False)


def _note_writes(new: Sequence[drafts.Draft], tasks: Sequence[Task]) -> list[FileWrite]:
    from gittasks.workgraph import notes_format

    writes = []
    for draft, task in zip(new, tasks, strict=True):
        for note in draft.notes:
            created = note.created or task.created
            stamp = created.replace("-", "").replace(":", "")
            name = notes_format.note_name(stamp, note.author, new_uid()[:4])
            data = notes_format.format_note(note.author, created, note.text)
            writes.append(FileWrite(f"{task.id}/{name}", data, True))
    return writes


def _refuse_cycles(project: Project, planned: drafts.Plan) -> None:
    """New tasks can only close a cycle among themselves, or when an existing task is made to wait for one."""
    edges = [(task.id, blocker) for task in planned.tasks for blocker in task.blocked_by]
    edges += [(waiter, task_id) for waiter, more in planned.waiters.items() for task_id in more]
    rows = [task.row for task in planned.tasks]
    if planned.waiters:
        rows += project.snapshot().rows
    _raise_cycle(cycles.find_cycle(rows, edges), "wait for each other")
    parents = [(task.id, task.parent) for task in planned.tasks if task.parent is not None]
    _raise_cycle(cycles.find_parent_cycle(rows, parents), "are each other's parents")


def _check_edges(
    project: Project, edges: Sequence[tuple[int, int]], parents: Sequence[tuple[int, int]]
) -> None:
    if not edges and not parents:
        return
    snapshot = project.snapshot()
    rows = snapshot.rows
    known = {row.id for row in rows if row.status != DELETED}
    for task_id, other in (*edges, *parents):
        if other not in known:
            path = f"{store.FOLDER}/{store.file_name(TaskId(other))}"
            problems = [problem for problem in snapshot.problems if problem.path == path]
            if problems:
                raise BadTaskError(problems, hint=f"#{task_id} can name #{other} once {path} can be read")
            what = f"#{task_id} cannot name #{other}: there is no such task here"
            raise store.UnknownTaskError(other, what)
    _raise_cycle(cycles.find_cycle(rows, edges), "wait for each other")
    _raise_cycle(cycles.find_parent_cycle(rows, parents), "are each other's parents")


def _raise_cycle(cycle: Sequence[int] | None, words: str) -> None:
    if cycle:
        path = " -> ".join(f"#{task_id}" for task_id in cycle)
        raise CycleError(
            f"refused: these tasks would {words}: {path}", hint="take one of these edges away first"
        )
