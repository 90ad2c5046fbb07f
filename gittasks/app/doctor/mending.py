"""What `doctor --fix` does: each mender looks again under the writers' lock, and changes only what is safe."""

from __future__ import annotations

import hashlib
import os
import shutil

from gittasks.app import writing
from gittasks.app.doctor.claims import drop_claims, move_claims
from gittasks.app.doctor.clone import unused_caches
from gittasks.app.doctor.findings import Scene
from gittasks.app.doctor.hooks import install_again
from gittasks.base import clock, files
from gittasks.base.ids import new_uid
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import history, refs
from gittasks.repo.places import OUTPUTS
from gittasks.workgraph import codec, store
from gittasks.workgraph.file_merge import try_read
from gittasks.workgraph.record import MAX_FILE_BYTES
from gittasks.workgraph.store import FileWrite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.repo.history import Commit
    from gittasks.workgraph.record import Task, TaskId
    from gittasks.workgraph.snapshot import Snapshot

    # (project, commit) -> warnings
    Mender = Callable[[Project, bool], tuple[str, ...]]

# How far back a version with a uid is looked for.
_MOST_VERSIONS = 50


def finish_write(project: Project, commit: bool) -> tuple[str, ...]:
    """Finish the write that a killed process left half-done: taking the lock does it."""
    with project.lock("doctor --fix"):
        return ()


def delete_leftovers(project: Project, commit: bool) -> tuple[str, ...]:
    """Delete temporary files of writers that were killed."""
    with project.lock("doctor --fix"):
        for folder, folders, _ in os.walk(project.tasks_folder):
            files.remove_leftovers(folder)
            folders[:] = [name for name in folders if name.isdecimal()]
    return ()


def delete_caches(project: Project, commit: bool) -> tuple[str, ...]:
    """Delete every cache: the next read makes what it needs."""
    shutil.rmtree(project.cache_folder, ignore_errors=True)
    return ()


def delete_unused_caches(project: Project, commit: bool) -> tuple[str, ...]:
    """Delete the caches of worktrees that are gone."""
    names = Scene.of(project).worktree_names
    for name in unused_caches(project.cache_folder, names):
        os.unlink(os.path.join(project.cache_folder, name))
    return ()


def untrack_outputs(project: Project, commit: bool) -> tuple[str, ...]:
    """Take the runtime's files out of git's index; the files stay."""
    project.git.output("rm", "-r", "--cached", "--quiet", "--", OUTPUTS, write=True)
    return (f"{OUTPUTS} is out of the index: commit that",)


def hide_outputs(project: Project, commit: bool) -> tuple[str, ...]:
    """Make the folder of outputs ignore itself: its own `.gitignore` went away, or says something else."""
    from gittasks.app.runs import run_folders
    from gittasks.runtime.folders import prepare_outputs

    outputs = run_folders(project).outputs
    ignore = os.path.join(outputs, ".gitignore")
    if os.path.lexists(ignore):
        os.unlink(ignore)
    prepare_outputs(outputs)
    return ()


def mend_tasks(project: Project, commit: bool) -> tuple[str, ...]:
    """Move edges to the tasks that wait, and give tasks their uid and creation time: one write, all or nothing."""
    with project.lock("doctor --fix"):
        snapshot = project.snapshot()
        changes = _moved_edges(snapshot)
        for task_id, identity in _identities(project, snapshot).items():
            changes.setdefault(task_id, {}).update(identity)
        writes = [_write(project, task_id, changes[task_id]) for task_id in sorted(changes)]
        ids = tuple(sorted(changes))
        message = "Mend tasks " + ", ".join(f"#{task_id}" for task_id in ids)
        return writing.apply(project, writes, ids=ids, message=message, commit=commit).warnings


MENDERS: tuple[tuple[frozenset[str], Mender], ...] = (
    (frozenset(("interrupted-write",)), finish_write),
    (frozenset(("leftover",)), delete_leftovers),
    (frozenset(("stale-cache",)), delete_caches),
    (frozenset(("unused-cache",)), delete_unused_caches),
    (frozenset(("misplaced-edge", "no-uid", "no-created")), mend_tasks),
    (frozenset(("outputs-tracked",)), untrack_outputs),
    (frozenset(("outputs-shown",)), hide_outputs),
    (frozenset(("claim-astray",)), move_claims),
    (frozenset(("claim-over",)), drop_claims),
    (frozenset(("hook-missing", "hook-outdated", "hook-hides-yours")), install_again),
)


def _moved_edges(snapshot: Snapshot) -> dict[TaskId, dict[str, Any]]:
    """Only whole `blocks:` fields move: where one of the tasks is missing, a person has to decide."""
    edges: dict[TaskId, set[TaskId]] = {}
    changes: dict[TaskId, dict[str, Any]] = {}
    for row in snapshot.rows:
        waiters = [snapshot.find(task_id) for task_id in row.written_blocks]
        if not waiters or None in waiters:
            continue
        changes.setdefault(row.id, {})["written_blocks"] = ()
        for waiter in waiters:
            if waiter is not None:
                edges.setdefault(waiter.id, set(waiter.blocked_by)).add(row.id)
    for task_id, blockers in edges.items():
        changes.setdefault(task_id, {})["blocked_by"] = tuple(sorted(blockers))
    return changes


def _identities(project: Project, snapshot: Snapshot) -> dict[TaskId, dict[str, Any]]:
    """The uid and time that tasks lack.

    A committed version that has them says them. Else both follow from the commit that added the task, so that every
    branch and clone that mends the same task gives it the same identity, and the merge is clean.
    """
    lacking = [row for row in snapshot.rows if not (row.uid and row.created)]
    head = refs.find_head(project.git) if lacking else None
    commits = history.commits_of(project.git, [head], [store.FOLDER]) if head else []
    added = {change.path: commit for commit in commits for change in commit.changes if not any(change.old)}
    owned = {row.uid for row in snapshot.rows}
    changes = {}
    for row in lacking:
        path = f"{store.FOLDER}/{store.file_name(row.id)}"
        before = _last_known(project, commits, path, row.id)
        if before is not None and before.uid in owned - {row.uid}:
            before = None  # it was a copy of that other task
        identity = _identity(row.id, added.get(path))
        for name in ("uid", "created"):
            if getattr(row, name):
                del identity[name]
            elif before is not None and getattr(before, name):
                identity[name] = getattr(before, name)
        changes[row.id] = identity
    return changes


def _last_known(project: Project, commits: Sequence[Commit], path: str, task_id: TaskId) -> Task | None:
    """The newest committed version of a task that has a uid, of those since its file was added."""
    versions: list[str] = []
    for change in (change for commit in commits for change in commit.changes if change.path == path):
        if change.new is None:
            break
        versions.append(change.new.oid)
        if len(versions) == _MOST_VERSIONS or not any(change.old):
            break
    blobs = history.read_blobs(project.git, versions, limit_bytes=MAX_FILE_BYTES)
    tasks = (try_read(blobs.get(oid, b""), task_id) for oid in versions)
    return next((task for task in tasks if task is not None and task.uid), None)


def _identity(task_id: TaskId, commit: Commit | None) -> dict[str, Any]:
    if commit is None:
        return {"uid": new_uid(), "created": clock.now_utc()}
    digest = hashlib.sha256(f"{commit.oid} {task_id}".encode()).hexdigest()
    return {"uid": digest[:16], "created": clock.format_utc(commit.time_s)}


def _write(project: Project, task_id: TaskId, changes: dict[str, Any]) -> FileWrite:
    name = store.file_name(task_id)
    data = store.read_file(project.tasks_folder, task_id)
    edited = codec.edit_task(data, f"{store.FOLDER}/{name}", task_id=task_id, changes=changes)
    return FileWrite(name, edited, False)
