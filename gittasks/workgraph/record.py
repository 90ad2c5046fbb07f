"""What a task is: its fields, their order, their words. Pure: no files, no processes, no clock.

`Row` is what a table or the graph needs of a task; `Task` is everything that its file says.
The same names in the same order make the file (design 4.1), the JSON and the schema.
"""

from __future__ import annotations

from gittasks.base.errors import InvalidError
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any, NewType

    TaskId = NewType("TaskId", int)
else:
    TaskId = int

PENDING = "pending"
IN_PROGRESS = "in_progress"
COMPLETED = "completed"
DELETED = "deleted"
STATUSES = (PENDING, IN_PROGRESS, COMPLETED, DELETED)
CLOSED = frozenset((COMPLETED, DELETED))
# These belong to runs. Refused with an error that says so, so that nobody mixes the two layers up.
RUN_WORDS = frozenset(("running", "failed", "killed", "stopped", "queued"))

# The kind of `Problem` that merge conflict markers are.
CONFLICT = "conflict"

MAX_ID = 999_999_999
MAX_SUBJECT = 500
MAX_NAME = 100
MAX_FILE_BYTES = 1 << 20
LOWEST_PRIORITY = 4
DEFAULT_PRIORITY = 2

# The order of design 4.1; `blocks` is derived and never stored.
FIELDS = (
    "id",
    "uid",
    "subject",
    "status",
    "owner",
    "worktree",
    "parent",
    "priority",
    "labels",
    "blockedBy",
    "description",
    "created",
)


class Row(NamedTuple):
    """A task as tables and the graph see it: all but its description and unknown fields.

    `labels` and `blocked_by` are sorted and without duplicates. `written_blocks` holds the ids of a
    `blocks:` that a person wrote by hand: edges stored on the wrong side, understood all the same.
    `uid` and `created` are empty where the file does not say.
    """

    id: TaskId
    uid: str = ""
    subject: str = ""
    status: str = PENDING
    owner: str | None = None
    worktree: str | None = None
    parent: TaskId | None = None
    priority: int = DEFAULT_PRIORITY
    labels: tuple[str, ...] = ()
    blocked_by: tuple[TaskId, ...] = ()
    created: str = ""
    written_blocks: tuple[TaskId, ...] = ()


class Task(NamedTuple):
    """A task as its file says it: the fields of `Row`, then `description` and `extra`.

    `description` has no final newline. `extra` maps the names of unknown fields to their values
    (what JSON can say: str, int, float, bool, None, lists and maps of these), in file order.
    """

    id: TaskId
    uid: str = ""
    subject: str = ""
    status: str = PENDING
    owner: str | None = None
    worktree: str | None = None
    parent: TaskId | None = None
    priority: int = DEFAULT_PRIORITY
    labels: tuple[str, ...] = ()
    blocked_by: tuple[TaskId, ...] = ()
    created: str = ""
    written_blocks: tuple[TaskId, ...] = ()
    description: str = ""
    extra: tuple[tuple[str, Any], ...] = ()

    @property
    def row(self) -> Row:
        """The part that tables and the graph need."""
        return Row(*self[:12])

    def as_json(self) -> dict[str, Any]:
        """The record with the names and order of the file, unknown fields last."""
        record = {
            "id": self.id,
            "uid": self.uid,
            "subject": self.subject,
            "status": self.status,
            "owner": self.owner,
            "worktree": self.worktree,
            "parent": self.parent,
            "priority": self.priority,
            "labels": list(self.labels),
            "blockedBy": list(self.blocked_by),
            "description": self.description,
            "created": self.created,
        }
        record.update((name, value) for name, value in self.extra if name not in FIELDS)
        return record


class Problem(NamedTuple):
    """One thing wrong in one file: where, in which field, what, and what was expected.

    `line` counts from 1; 0 means the file as a whole. `kind` is a stable word for programs:
    `syntax`, `field`, `conflict` (merge conflict markers), `file` (not a regular file, too large), `name`.
    """

    path: str
    line: int
    field: str
    message: str
    expected: str = ""
    kind: str = "field"

    def __str__(self) -> str:
        where = f"{self.path}:{self.line}" if self.line else self.path
        # The one kind that a command of ours mends: people look for the word.
        word = CONFLICT if self.kind == CONFLICT else ""
        parts = [where, self.field, word, self.message, self.expected]
        return ": ".join(part for part in parts if part)

    def as_json(self) -> dict[str, Any]:
        """The problem as it stands under `problems` in a JSON document."""
        return {
            "path": self.path,
            "line": self.line,
            "field": self.field,
            "kind": self.kind,
            "message": self.message,
            "expected": self.expected,
        }


class BadTaskError(InvalidError):
    """A task file, or values meant for one, break the format; `problems` holds every reason found."""

    def __init__(self, problems: list[Problem], *, hint: str | None = None) -> None:
        super().__init__("\n".join(str(problem) for problem in problems), hint=hint)
        self.problems = problems
