"""The board: the tasks of this checkout with the work of all other worktrees folded in, as a merge would.

It offers what a `Snapshot` does, and says of each value that is not as here where it comes from. What others changed
is found by `elsewhere` and `remotes`, and laid over by `folding`.
"""

from __future__ import annotations

import os

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import siblings
from gittasks.workgraph import store

if TYPE_CHECKING:
    from gittasks.app.changes import Changes
    from gittasks.app.folding import Folded
    from gittasks.app.project import Project
    from gittasks.repo.siblings import Sibling
    from gittasks.workgraph.record import Row, Task
    from gittasks.workgraph.snapshot import Snapshot

_MAX_CONFIG_BYTES = 1 << 18


class Board:
    """A snapshot and what others changed. `overlaid` holds, by id, every task that some other worktree changed.

    `problems` are this checkout's, `elsewhere` those of the other worktrees: they name the worktree with the path.
    """

    is_folded = is_now = True

    def __init__(self, here: Snapshot, folded: Folded) -> None:
        self.here = here
        self.overlaid = folded.overlaid
        self.problems = here.problems
        self.elsewhere = folded.problems
        self.rows, self.derived = folded.rows, folded.derived
        self._folded = {
            task_id: found.task for task_id, found in self.overlaid.items() if found.task is not None
        }
        self._by_id: dict[int, Row] | None = None

    def find(self, task_id: int) -> Row | None:
        """The row of one task, `None` where no worktree has a readable file of that id."""
        if self._by_id is None:
            self._by_id = {row.id: row for row in self.rows}
        return self._by_id.get(task_id)

    def tasks(self) -> list[Task]:
        """Full records of all tasks, sorted by id."""
        return self.full(self.rows)

    def full(self, rows: list[Row]) -> list[Task]:
        """Full records of `rows`, in their order."""
        here = iter(self.here.full([row for row in rows if row.id not in self._folded]))
        return [self._folded[row.id] if row.id in self._folded else next(here) for row in rows]


def load_board(project: Project, *, remotes: bool | None = None) -> Board | Snapshot:
    """The board of this checkout; just its snapshot where nothing else has tasks.

    `remotes` lays remote-tracking branches over it too (`None`: if the settings say so).
    """
    here = project.snapshot()
    others = siblings.find_siblings(project.checkout)
    found: dict[str, Changes] = {}
    with_tasks = [other for other in others if _has_tasks(other)]
    if with_tasks:
        from gittasks.app.elsewhere import load_worktree_changes

        found |= load_worktree_changes(project, with_tasks, len(here.rows))
    if _may_want_remotes(project) if remotes is None else remotes:
        from gittasks.app import remotes as remote_branches

        if remotes or remote_branches.wants_remotes(project):
            found |= remote_branches.load_remote_changes(project, others)
    if not found:
        return here
    from gittasks.app.folding import fold

    return Board(here, fold(project, here, found))


def _may_want_remotes(project: Project) -> bool:
    """Whether the settings say a word of remote branches: few do, and every read comes by here."""
    path = os.path.join(project.tasks_folder, "config.yaml")
    try:
        return b"\nremotes" in b"\n" + files.read_regular(path, limit_bytes=_MAX_CONFIG_BYTES)
    except (OSError, files.UnsafeFileError):
        return False


def _has_tasks(sibling: Sibling) -> bool:
    return os.path.isdir(os.path.join(sibling.top, store.FOLDER))
