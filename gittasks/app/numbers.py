"""Which numbers tasks have elsewhere in the clone: on branches, and in the files of other worktrees. Only looks."""

from __future__ import annotations

import os

from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import history, refs, remote, siblings
from gittasks.workgraph import codec, store
from gittasks.workgraph.record import MAX_FILE_BYTES, BadTaskError, TaskId

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from gittasks.app.project import Project
    from gittasks.repo.git import Git
    from gittasks.workgraph.record import Row

# Branches to look at, the newest first.
_MAX_BRANCHES = 200
BRANCHES = ("refs/heads/", "refs/remotes/")


def free_numbers(
    project: Project, uids: Collection[str], rows: Mapping[TaskId, Row]
) -> dict[str, tuple[TaskId, ...]]:
    """Uid to the numbers that tasks have in other worktrees and on branches, and nothing else has here, sorted.

    `rows` are the tasks of this worktree.
    """
    from gittasks.app.sites import project_at

    checkout = project.checkout
    others = siblings.find_siblings(checkout)
    heads = [siblings.read_head(other.git_dir, checkout.common_dir) for other in others]
    head = siblings.require_head(project.git, checkout.git_dir, checkout.common_dir)
    found = numbers_on_branches(project.git, head, [tip for tip in heads if tip], uids) if head else {}
    for other in others:
        try:
            known = project_at(project, other.top).snapshot().rows
        except GittasksError:
            continue  # no tasks there, or it went away: then nothing there has a number
        for row in known:
            if row.uid in uids:
                found.setdefault(row.uid, set()).add(row.id)
    return {
        uid: tuple(sorted(number for number in numbers if _is_free(project, number, uid, rows)))
        for uid, numbers in found.items()
    }


def numbers_on_branches(
    git: Git, head: str, tips: Iterable[str], uids: Collection[str]
) -> dict[str, set[TaskId]]:
    """Uid to the numbers of its task on the newest branches and in the commits `tips`, where files are not as in
    `head`.
    """
    commits = [head, *dict.fromkeys([*refs.newest_tips(git, BRANCHES, limit=_MAX_BRANCHES), *tips])]
    ours, *trees = remote.folder_trees(git, commits, store.FOLDER)
    others = {tree for tree in trees if tree and tree != ours}
    versions: dict[str, set[TaskId]] = {}
    for name, oid in history.differing_files(git, ours, sorted(others)) if ours else ():
        number = store.parse_file_name(name)
        if number is not None:
            versions.setdefault(oid, set()).add(number)
    found: dict[str, set[TaskId]] = {}
    wanted = [uid.encode() for uid in uids]
    for oid, data in history.read_blobs(git, versions, limit_bytes=MAX_FILE_BYTES).items():
        if not any(uid in data for uid in wanted):
            continue
        for number in versions[oid]:
            uid = uid_of(data, number)
            if uid in uids:
                found.setdefault(uid, set()).add(number)
    return found


def uid_of(data: bytes, number: TaskId) -> str:
    """The uid of a task's file; empty where it has none, or says no task of this number."""
    try:
        return codec.parse_task(data, store.file_name(number), task_id=number).uid
    except BadTaskError:
        return ""


def _is_free(project: Project, number: TaskId, uid: str, rows: Mapping[TaskId, Row]) -> bool:
    row = rows.get(number)
    if row is not None:
        return row.uid == uid
    return not os.path.lexists(os.path.join(project.tasks_folder, store.file_name(number)))
