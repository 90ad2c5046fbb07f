"""The tasks as a commit holds them (`list --at`): read from git's object store, nothing is checked out.

Offers what a `Snapshot` does.
"""

from __future__ import annotations

from types import MappingProxyType

from gittasks.base.errors import NotFoundError
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import history, refs
from gittasks.workgraph import codec, graph, store
from gittasks.workgraph.record import MAX_FILE_BYTES, BadTaskError, Problem, Row, Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gittasks.app.project import Project
    from gittasks.repo.git import Git
    from gittasks.repo.history import Version
    from gittasks.workgraph.overlay import Overlaid
    from gittasks.workgraph.record import TaskId

_SHORT = 10


class UnknownMomentError(NotFoundError):
    """No commit has this name, and it is no date that the current branch has a commit before."""


class Past:
    """The tasks of `commit` (a full id), without anything that other worktrees say."""

    is_folded, is_now = False, False
    overlaid: Mapping[int, Overlaid] = MappingProxyType({})
    elsewhere: Sequence[Problem] = ()

    def __init__(self, commit: str, tasks: list[Task], problems: list[Problem]) -> None:
        self.commit = commit
        self.problems = problems
        self.rows = [task.row for task in tasks]
        self.derived = graph.derive(self.rows)
        self._tasks: dict[int, Task] = {task.id: task for task in tasks}

    def find(self, task_id: int) -> Row | None:
        """The row of one task, `None` where the commit has no readable file of that id."""
        task = self._tasks.get(task_id)
        return None if task is None else task.row

    def tasks(self) -> list[Task]:
        """Full records of all tasks, sorted by id."""
        return list(self._tasks.values())

    def full(self, rows: list[Row]) -> list[Task]:
        """Full records of `rows`, in their order."""
        return [self._tasks[row.id] for row in rows]


def load_at(project: Project, moment: str) -> Past:
    """The tasks at a revision, or at a date: the last commit of the current branch before it.

    Raises `UnknownMomentError`, `GitError`.
    """
    git = project.git
    commit = _find_commit(git, moment)
    versions = task_files(git, commit)
    oids = {version.oid for version in versions.values() if version.is_file}
    blobs = history.read_blobs(git, oids, limit_bytes=MAX_FILE_BYTES)
    tasks, problems = [], []
    for task_id, version in versions.items():
        path = f"{commit[:_SHORT]}:{store.FOLDER}/{store.file_name(task_id)}"
        data = blobs.get(version.oid) if version.is_file else None
        if data is None:
            problems.append(Problem(path, 0, "", "is no regular file, missing or too large", kind="file"))
            continue
        try:
            tasks.append(codec.parse_task(data, path, task_id=task_id))
        except BadTaskError as error:
            problems.extend(error.problems)
    return Past(commit, tasks, problems)


def task_files(git: Git, commit: str) -> dict[TaskId, Version]:
    """Each task file of the commit, sorted by id."""
    found = {}
    for path, version in history.committed_versions(git, commit, [store.FOLDER]).items():
        task_id = store.parse_file_name(path.removeprefix(store.FOLDER + "/"))
        if task_id is not None:
            found[task_id] = version
    return dict(sorted(found.items()))


def _find_commit(git: Git, moment: str) -> str:
    try:
        return refs.resolve_commit(git, moment)
    except refs.UnknownRevisionError:
        pass
    date = _date(moment)
    # git takes any word for a date, and what it does not understand for now.
    found = git.find_line("rev-list", "-1", f"--before={date}", "HEAD", "--") if date else None
    if found:
        return found
    what = moment[:60]
    raise UnknownMomentError(
        f"the current branch has no commit before {what}"
        if date
        else f"{what!r} is neither a revision nor a date",
        hint="a revision is what `git rev-parse` knows; a date is 2026-11-23 (its beginning) or 2026-11-23T10:00",
    )


def _date(text: str) -> str | None:
    """`text` as git understands a date beyond doubt, `None` for anything that is not written like one."""
    from datetime import datetime

    try:
        parsed = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    # Without a zone the clock of this machine is meant, as everywhere in git.
    return str(int(parsed.timestamp()))
