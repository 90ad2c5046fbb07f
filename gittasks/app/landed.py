"""Completed and landed: whether the completion of a task is on the default branch.

A completion is content: what counts is what the task's file says there. So it does not matter whether it came by a
merge, squash, rebase or cherry-pick; a revert takes it back, and an empty branch brings nothing.
"""

from __future__ import annotations

import os

from gittasks.base import cache
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import landing
from gittasks.workgraph.record import COMPLETED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittasks.app.project import Project
    from gittasks.workgraph.record import Row, TaskId

# So few files are each read by a git process of their own, without loading `subprocess`.
_FEW = 2
# Of the commits that the default branch stands at: id and uid of the tasks that are completed there. What is not may
# be something that git could not read just now, and is looked at again.
_LAYOUT = "landed 1"


class Landing(NamedTuple):
    """`branch` is the default branch, `None` where there is none. `landed` has an answer for each completed task."""

    branch: str | None
    landed: Mapping[TaskId, bool]

    def of(self, task_id: TaskId) -> bool | None:
        """Whether the task's completion landed; `None` where it is not completed, or nothing can be said."""
        return self.landed.get(task_id)


def find_landed(project: Project, rows: Sequence[Row]) -> Landing:
    """Which of `rows` that are completed are so on the default branch too. Raises `GitError`."""
    completed = [row for row in rows if row.status == COMPLETED]
    target = landing.find_target(lambda: project.git, project.checkout.common_dir) if completed else None
    if target is None:
        return Landing(None, {})
    path = os.path.join(project.cache_folder, "landed.bin")
    loaded = cache.load_cache(path, _LAYOUT)
    known: dict[str, dict[int, str]] = {
        commit: found for commit, found in (loaded or {}).items() if commit in target.commits
    }
    landed = dict.fromkeys((row.id for row in completed), False)
    for commit in target.commits:
        there = known.get(commit, {})
        unknown = [row for row in completed if row.id not in there]
        if unknown and (new := _completed_in(project, target.branch, commit, unknown)):
            there = known[commit] = there | new
            cache.save_cache(path, _LAYOUT, known)
        for row in completed:
            if row.id in there and _is_same(row.uid, there[row.id]):
                landed[row.id] = True
    return Landing(target.branch, landed)


def _completed_in(project: Project, branch: str, commit: str, rows: Sequence[Row]) -> dict[int, str]:
    """Which of `rows` are completed in a commit, each with the uid that it has there."""
    from gittasks.app.changes import parse_version, task_path

    contents = _read(project, commit, rows)
    versions = (parse_version(contents.get(task_path(row.id)), row.id, branch, []) for row in rows)
    return {task.id: task.uid for task in versions if task is not None and task.status == COMPLETED}


def _read(project: Project, commit: str, rows: Sequence[Row]) -> dict[str, bytes]:
    from gittasks.app.changes import task_path

    paths = [task_path(row.id) for row in rows]
    if len(paths) <= _FEW:
        found = {path: landing.read_file(project.git, commit, path) for path in paths}
        return {path: data for path, data in found.items() if data is not None}
    # By object id: git looks a path up in a folder of thousands by reading all of it.
    from gittasks.app.at_revision import task_files
    from gittasks.repo.history import read_blobs
    from gittasks.workgraph.record import MAX_FILE_BYTES

    versions = task_files(project.git, commit)
    wanted = {row.id: versions[row.id].oid for row in rows if row.id in versions and versions[row.id].is_file}
    blobs = read_blobs(project.git, wanted.values(), limit_bytes=MAX_FILE_BYTES)
    return {task_path(task_id): blobs[oid] for task_id, oid in wanted.items() if oid in blobs}


def _is_same(one: str, other: str) -> bool:
    # A file written by hand may have no uid yet: then its id is all that says which task it is.
    return not one or not other or one == other
