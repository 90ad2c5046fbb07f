"""Which task a worktree is on: the binding is the task's own `worktree` field."""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph import store
from gittasks.workgraph.record import CLOSED, DELETED, BadTaskError, TaskId

if TYPE_CHECKING:
    from gittasks.app.project import Project


def find_bound(project: Project) -> TaskId | None:
    """The one open task bound to this worktree; `None` where there is none, or more than one.

    A worktree that `start` made is asked for the task it was made for; only elsewhere are all tasks looked through.
    """
    name = project.checkout.name
    if (made_for := _made_for(project, name)) is not None:
        return made_for
    from gittasks.workgraph.columns import find_in_worktree

    folder = project.require_tasks()
    found = find_in_worktree(folder, project.cache_folder, name)
    bound = [task_id for task_id, status in found if status not in CLOSED]
    return bound[0] if len(bound) == 1 else None


def find_worked_on(project: Project) -> TaskId | None:
    """The task that commits in this worktree are for: the bound one, also right after it was completed.

    In the main worktree only an open one: completed tasks that were worked on there stay bound to it.
    """
    bound = find_bound(project)
    if bound is not None or not project.checkout.is_linked:
        return bound
    name = project.checkout.name
    rows = [row for row in project.snapshot().rows if row.worktree == name and row.status != DELETED]
    return rows[0].id if len(rows) == 1 else None


def _made_for(project: Project, name: str) -> TaskId | None:
    private = project.checkout.private_dir
    if not os.path.isdir(os.path.join(private, "worktrees")):
        return None
    from gittasks.app import memos

    task_id = memos.load(private, name).task
    if task_id is None:
        return None
    try:
        task = store.read_task(project.tasks_folder, TaskId(task_id))
    except (store.UnknownTaskError, BadTaskError):
        return None
    return task.id if task.worktree == name and task.status not in CLOSED else None
