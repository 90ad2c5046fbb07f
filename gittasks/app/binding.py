"""Which task a worktree is on: the binding is the task's own `worktree` field."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.record import CLOSED

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.workgraph.record import TaskId


def find_bound(project: Project) -> TaskId | None:
    """The one open task bound to this worktree; `None` where there is none, or more than one."""
    name = project.checkout.name
    bound = [row.id for row in project.snapshot().rows if row.worktree == name and row.status not in CLOSED]
    return bound[0] if len(bound) == 1 else None
