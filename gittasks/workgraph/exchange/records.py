"""What all exports share: a task with its notes, and which fields stand for where it came from. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from gittasks.workgraph.drafts import NoteDraft
    from gittasks.workgraph.record import Task


class Full(NamedTuple):
    """A task with everything that belongs to it. `notes` are in the order of their writing."""

    task: Task
    notes: tuple[NoteDraft, ...] = ()

    @property
    def extra(self) -> dict[str, Any]:
        """The unknown fields, a copy."""
        return dict(self.task.extra)


def foreign_key(task: Task, kind: str) -> str:
    """The id that `task` has in a tracker of this `kind`; empty where it did not come from one."""
    ref = dict(task.extra).get("ref")
    return ref.removeprefix(f"{kind}:") if isinstance(ref, str) and ref.startswith(f"{kind}:") else ""
