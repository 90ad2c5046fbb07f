"""What is told of a task's life: its steps, each a commit or a change that is not committed yet."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any

    from gittasks.repo.history import Commit
    from gittasks.workgraph.difference import FieldChange
    from gittasks.workgraph.record import TaskId

COMMITTED, STAGED, WORKING = "committed", "staged", "working"
CREATED, CHANGED, REMOVED, RENUMBERED = "created", "changed", "removed", "renumbered"


class NoteChange(NamedTuple):
    """A note that was `added`, `changed` or `removed`: its path, author, and text (empty when removed)."""

    kind: str
    path: str
    author: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """The change as it stands in a JSON document."""
        return {"kind": self.kind, "path": self.path, "author": self.author, "text": self.text}


class Entry(NamedTuple):
    """One step of a task's life. `commit` is `None` for what is `staged`, or only in the `working` tree.

    `kind` is about the task file: `created`, `changed`, `removed` (the file itself; a deleted task is a change of
    `status`), `renumbered`. `problems` says which version could not be read, and why. `branch` names one that has a
    commit which the current one has not; `worktree` is the other worktree where something is not committed.
    """

    where: str
    kind: str
    commit: Commit | None
    changes: tuple[FieldChange, ...] = ()
    notes: tuple[NoteChange, ...] = ()
    problems: tuple[str, ...] = ()
    branch: str | None = None
    worktree: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The entry as it stands under `history` in a JSON document; times in Unix seconds."""
        commit = self.commit
        return {
            "where": self.where,
            "branch": self.branch,
            "worktree": self.worktree,
            "kind": self.kind,
            "commit": commit and commit.oid,
            "author": commit and commit.author,
            "email": commit and commit.email,
            "time": commit and commit.time_s,
            "message": commit and commit.subject,
            "changes": [change.as_json() for change in self.changes],
            "notes": [note.as_json() for note in self.notes],
            "problems": list(self.problems),
        }


class History(NamedTuple):
    """The steps, newest first. `more`: older ones were left out. `shallow`: this clone does not hold them all."""

    task_id: TaskId
    entries: tuple[Entry, ...]
    more: bool
    shallow: bool
