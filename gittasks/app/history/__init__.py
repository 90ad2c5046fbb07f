"""One task's history, field by field: what is not committed yet, then the commits, newest first.

Of this branch, and of all other branches and worktrees that this clone knows of: `lineage` reads what one number was
in some commits, `elsewhere` says where to look.
"""

from __future__ import annotations

from gittasks.app.history.elsewhere import Elsewhere
from gittasks.app.history.lineage import Lineage
from gittasks.app.history.records import Entry, History, NoteChange
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import history as git_history
from gittasks.repo import refs
from gittasks.workgraph import store

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.workgraph.record import TaskId

__all__ = ["Entry", "History", "NoteChange", "task_history"]


def task_history(
    project: Project, task_id: TaskId, *, limit: int | None = None, here: bool = False
) -> History:
    """The history of one task: uncommitted changes, then at most `limit` commits, of all branches and worktrees.

    `here`: of this worktree and its branch alone. Raises `UnknownTaskError` where nothing ever had it, `GitError`.
    """
    head = refs.find_head(project.git)
    lineage = Lineage(project, task_id)
    commits = lineage.commits_of([head] if head else [], task_id, limit)
    fresh = lineage.uncommitted(head)
    uid = lineage.find_uid(commits)
    entries, more = lineage.follow(commits, uid, limit)
    if not here:
        others = Elsewhere(project, lineage, task_id, head=head, uid=uid)
        fresh += others.uncommitted()
        entries = _interleave(entries, others.entries(limit))
        more = more or (limit is not None and len(entries) > limit)
    if not entries and not fresh:
        raise store.UnknownTaskError(
            task_id,
            f"no task #{task_id}, neither here nor in the history of "
            + ("this branch" if here else "any branch"),
            hint="`gittasks list --all` shows all tasks there are",
        )
    shallow = git_history.is_shallow(project.checkout.common_dir)
    return History(task_id, (*fresh, *entries[:limit]), more, shallow)


def _interleave(ours: list[Entry], others: list[Entry]) -> list[Entry]:
    """Both, newest first as far as dates tell: each keeps its own order, which is git's."""
    found: list[Entry] = []
    rest = others[::-1]
    for entry in ours:
        while rest and _time(rest[-1]) >= _time(entry):
            found.append(rest.pop())
        found.append(entry)
    return found + rest[::-1]


def _time(entry: Entry) -> int:
    return entry.commit.time_s if entry.commit else 0
