"""The part of a task's history that is not on this branch: on other branches, and uncommitted in other worktrees."""

from __future__ import annotations

import os

from gittasks.app.history.lineage import Lineage
from gittasks.app.history.records import RENUMBERED, Entry
from gittasks.app.numbers import BRANCHES, numbers_on_branches, uid_of
from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import history as git_history
from gittasks.repo import siblings
from gittasks.workgraph import store
from gittasks.workgraph.record import MAX_FILE_BYTES, TaskId

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.repo.siblings import Sibling


class Elsewhere:
    """Looks for the task `uid` (empty: whichever has the number) beyond `head`, the commit that is checked out."""

    def __init__(
        self, project: Project, lineage: Lineage, task_id: TaskId, *, head: str | None, uid: str
    ) -> None:
        self._project = project
        self._lineage = lineage
        self._head = head
        self._others = siblings.find_siblings(project.checkout)
        common = project.checkout.common_dir
        self._heads = {other.name: siblings.read_head(other.git_dir, common) for other in self._others}
        self._revisions = ["--branches", *sorted({tip for tip in self._heads.values() if tip}), "--remotes"]
        self._revisions += ["--not", head] if head else []
        self._uid = uid or self._whoever(task_id)
        self._numbers = self._find_numbers(task_id)

    def entries(self, limit: int | None) -> list[Entry]:
        """The steps on other branches, newest first: under each number that the task has there, at most `limit`."""
        found: list[Entry] = []
        numbers = list(self._numbers)
        for number in numbers:
            commits = self._lineage.commits_of(self._revisions, number, limit)
            for entry in self._lineage.entries(commits, number, self._uid):
                step = self._lineage.renumbered(entry, number, self._uid)
                if step is not None and step[1].task.id not in numbers:
                    numbers.append(step[1].task.id)
                found.append((step[0] if step else entry)._replace(branch=_branch(entry)))
        moves = {entry.commit.oid for entry in found if entry.commit and entry.kind == RENUMBERED}
        kept = [
            entry
            for entry in found
            if entry.kind == RENUMBERED or entry.commit is None or entry.commit.oid not in moves
        ]
        return sorted(kept, key=lambda entry: -entry.commit.time_s if entry.commit else 0)

    def uncommitted(self) -> list[Entry]:
        """What is not committed in other worktrees."""
        from gittasks.app.sites import project_at

        found: list[Entry] = []
        for other in self._others:
            for number in self._numbers:
                if not self._may_differ(other, number):
                    continue
                lineage = Lineage(project_at(self._project, other.top), number)
                if not self._uid or lineage.find_uid([]) in ("", self._uid):
                    entries = lineage.uncommitted(self._heads[other.name])
                    found += [entry._replace(worktree=other.name) for entry in entries]
        return found

    def _whoever(self, task_id: TaskId) -> str:
        """The uid that other worktrees, or else other branches, have under the number; empty where nobody has one."""
        for other in self._others:
            uid = uid_of(_read(other, task_id) or b"", task_id)
            if uid:
                return uid
        commits = self._lineage.commits_of(self._revisions, task_id, None)
        return self._lineage.find_uid(commits)

    def _find_numbers(self, task_id: TaskId) -> list[TaskId]:
        """The number that was asked for, and those that the task has on other branches."""
        if not self._uid or not self._head:
            return [task_id]
        tips = filter(None, self._heads.values())
        found = numbers_on_branches(self._project.git, self._head, tips, (self._uid,))
        return [task_id, *sorted(found.get(self._uid, set()) - {task_id})]

    def _may_differ(self, other: Sibling, number: TaskId) -> bool:
        """Whether it is worth asking git there: the file is not as in the head, or there are notes."""
        if os.path.isdir(os.path.join(other.top, store.FOLDER, str(number))):
            return True
        head = self._heads[other.name]
        path = f"{store.FOLDER}/{store.file_name(number)}"
        committed = git_history.committed_versions(self._project.git, head, [path]) if head else {}
        oids = {version.oid for version in committed.values() if version.is_file}
        blobs = git_history.read_blobs(self._project.git, oids, limit_bytes=MAX_FILE_BYTES)
        return next(iter(blobs.values()), None) != _read(other, number)


def _branch(entry: Entry) -> str | None:
    """How people call the branch that git found the commit on; the commit's own id where it is on none."""
    source = entry.commit.source if entry.commit else ""
    for prefix in BRANCHES:
        source = source.removeprefix(prefix)
    return source or None


def _read(other: Sibling, number: TaskId) -> bytes | None:
    path = os.path.join(other.top, store.FOLDER, store.file_name(number))
    try:
        return files.read_regular(path, limit_bytes=MAX_FILE_BYTES)
    except (OSError, files.UnsafeFileError):
        return None
