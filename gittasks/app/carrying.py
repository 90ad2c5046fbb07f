"""Task files that are not committed where a worktree starts: carried into it, and known again when it comes back."""

from __future__ import annotations

import os

from gittasks.app.unseen import refuse_unseen
from gittasks.base import files
from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import history, refs
from gittasks.workgraph import store
from gittasks.workgraph.record import MAX_FILE_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.app.project import Project
    from gittasks.repo.git import Git
    from gittasks.workgraph.record import TaskId


class UncommittedTaskError(RefusedError):
    """The task was edited here and on the branch to start from, and neither edit may be lost."""


class Carried(NamedTuple):
    """One task file: `path` from the worktree's root, its bytes, git's id for them."""

    path: str
    data: bytes
    oid: str


def survey(project: Project, task_id: TaskId, start: str) -> list[Carried]:
    """What of the task's file and notes here the commit `start` has not: not committed, or not on that branch.

    Raises `UncommittedTaskError`.
    """
    git = project.git
    names = (f"{store.FOLDER}/{store.file_name(task_id)}", f"{store.FOLDER}/{task_id}/")
    there = history.committed_versions(git, start, names)
    head = refs.find_head(git)
    here = history.committed_versions(git, head, names) if head else {}
    found = []
    for path in task_paths(project.top, task_id):
        data = files.read_regular(os.path.join(project.top, path), limit_bytes=MAX_FILE_BYTES)
        if not is_text(data):  # nothing that gittasks reads; it stays where it is
            continue
        oid = blob_id(git, path, data)
        old, new = here.get(path), there.get(path)
        if new is not None and new.oid == oid:
            continue
        if new is None:
            found.append(Carried(path, data, oid))
        elif old is None or old.oid != oid:
            if old != new:
                raise UncommittedTaskError(
                    f"{path} has uncommitted changes here, and is another version where the work would start",
                    hint="commit it first, or start from here (without --base)",
                )
            found.append(Carried(path, data, oid))
    return found


def task_paths(top: str, task_id: TaskId) -> list[str]:
    """The regular files of one task and its notes under `top`, relative to it."""
    found = [f"{store.FOLDER}/{store.file_name(task_id)}"]
    folder = os.path.join(top, store.FOLDER, str(task_id))
    if os.path.isdir(folder) and not os.path.islink(folder):
        found += [
            f"{store.FOLDER}/{task_id}/{name}" for name in sorted(os.listdir(folder)) if name.endswith(".md")
        ]
    return [path for path in found if _is_regular(os.path.join(top, path))]


def blob_id(git: Git, path: str, data: bytes) -> str:
    """git's id for `data` at `path`, as `git add` would store it."""
    return git.output("hash-object", "--stdin", f"--path={path}", stdin=data).decode().strip()


def bring(site: Project, carried: Sequence[Carried]) -> list[str]:
    """Write carried files into the worktree `site` and stage them, unless they were edited there by now."""
    from gittasks.app import writing

    missing = [item for item in carried if not _is_edited(site, item)]
    if not missing:
        return []
    make_tasks_folder(site)
    with site.lock("start"):
        writes = [_write(site, item.path, item.data) for item in missing]
        written = writing.apply(site, writes, ids=(), message="", commit=False)
    return list(written.warnings)


def make_tasks_folder(site: Project) -> None:
    """Make `.tasks` in a worktree whose branch has none yet. Raises `NoTasksError` for anything but a folder."""
    if not os.path.lexists(site.tasks_folder):
        refuse_unseen(site)
        os.mkdir(site.tasks_folder)
    store.require_folder(site.tasks_folder)


def is_carried(site: Project, path: str, oid: str) -> bool:
    """Whether the file at `path` still is what was carried from there."""
    try:
        data = files.read_regular(os.path.join(site.top, path), limit_bytes=MAX_FILE_BYTES)
    except (OSError, files.UnsafeFileError):
        return False
    return blob_id(site.git, path, data) == oid


def _write(site: Project, path: str, data: bytes) -> store.FileWrite:
    name = path.removeprefix(f"{store.FOLDER}/")
    return store.FileWrite(name, data, not os.path.lexists(os.path.join(site.top, path)))


def _is_edited(site: Project, item: Carried) -> bool:
    """Whether the worktree has its own version: not the one it was made with, or the carried one already."""
    if not os.path.lexists(os.path.join(site.top, item.path)):
        return False
    head = history.committed_versions(site.git, "HEAD", (item.path,)).get(item.path)
    return head is None or not is_carried(site, item.path, head.oid)


def is_text(data: bytes) -> bool:
    """Whether `data` is UTF-8, as all that gittasks writes is."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_regular(path: str) -> bool:
    return os.path.isfile(path) and not os.path.islink(path)
