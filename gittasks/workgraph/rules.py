"""Which changes of a task are allowed. Pure: each rule takes a task and answers the changes, or refuses."""

from __future__ import annotations

from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.record import COMPLETED, DELETED, IN_PROGRESS, PENDING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gittasks.workgraph.record import Task


class NotAllowedError(RefusedError):
    """The task's state does not allow this change."""


def complete(task: Task) -> dict[str, Any]:
    """The changes of `done`: nothing for a completed task; a deleted one is refused."""
    require_not_deleted(task)
    return {} if task.status == COMPLETED else {"status": COMPLETED}


def reopen(task: Task) -> dict[str, Any]:
    """The changes of `reopen`: a completed or deleted task is pending again, and nobody's."""
    if task.status not in (COMPLETED, DELETED):
        return {}
    return {"status": PENDING, "owner": None, "worktree": None}


def delete(task: Task) -> dict[str, Any]:
    """The changes of `delete`: a tombstone. The file stays, so that the id is never issued again."""
    return {} if task.status == DELETED else {"status": DELETED}


def take(task: Task, owner: str, *, worktree: str | None = None) -> dict[str, Any]:
    """The changes of taking a task on. Refused for one that is closed or another's."""
    require_open(task)
    if task.owner not in (None, owner):
        raise NotAllowedError(
            f"#{task.id} belongs to {task.owner}", hint="ask them, or change it with `gittasks edit --owner`"
        )
    changes: dict[str, Any] = {"status": IN_PROGRESS, "owner": owner}
    return changes | ({"worktree": worktree} if worktree is not None else {})


def add_blockers(task: Task, blockers: Sequence[int]) -> dict[str, Any]:
    """The changes that make `task` wait for `blockers` too."""
    require_open(task)
    if task.id in blockers:
        raise NotAllowedError(f"#{task.id} cannot wait for itself")
    return {"blocked_by": tuple(sorted({*task.blocked_by, *blockers}))}


def remove_blockers(task: Task, blockers: Sequence[int]) -> dict[str, Any]:
    """The changes that let `task` no longer wait for `blockers`; each must be one of its blockers."""
    strangers = [blocker for blocker in blockers if blocker not in task.blocked_by]
    if strangers:
        names = ", ".join(f"#{blocker}" for blocker in strangers)
        raise NotAllowedError(
            f"#{task.id} does not wait for {names}", hint=f"`gittasks show {task.id}` lists its blockers"
        )
    return {"blocked_by": tuple(blocker for blocker in task.blocked_by if blocker not in blockers)}


def require_open(task: Task) -> None:
    """Raise `NotAllowedError` for a completed or deleted task."""
    require_not_deleted(task)
    if task.status == COMPLETED:
        raise NotAllowedError(
            f"#{task.id} is completed", hint=f"`gittasks reopen {task.id}` takes it up again"
        )


def require_not_deleted(task: Task) -> None:
    """Raise `NotAllowedError` for a tombstone."""
    if task.status == DELETED:
        raise NotAllowedError(f"#{task.id} is deleted", hint=f"`gittasks reopen {task.id}` brings it back")
