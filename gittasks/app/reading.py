"""Use cases that only look: list, ready, blocked, next, show, search. On the hot path: imports almost nothing."""

from __future__ import annotations

from gittasks.base.errors import BusyError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import count
from gittasks.repo import claims
from gittasks.workgraph import graph, store
from gittasks.workgraph.record import CLOSED, COMPLETED, CONFLICT, DELETED, PENDING, STATUSES, BadTaskError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any, TypeAlias

    from gittasks.app.at_revision import Past
    from gittasks.app.board import Board
    from gittasks.app.holders import Holding
    from gittasks.app.other_notes import OtherNotes
    from gittasks.app.project import Project
    from gittasks.workgraph.notes_format import Note
    from gittasks.workgraph.overlay import Overlaid
    from gittasks.workgraph.record import Row, Task, TaskId
    from gittasks.workgraph.snapshot import Snapshot

    # What can be asked for tasks: this checkout alone, or with the work of the others folded in.
    Tasks: TypeAlias = Snapshot | Board | Past

SORTS = ("id", "priority", "created", "subject", "status", "owner")


class NothingReadyError(BusyError):
    """No task can be started now; one may become ready when somebody completes another."""


class Filter(NamedTuple):
    """What `list` shows. Empty means any; all of `labels` and all words of `text` must match.

    Without `statuses`, completed tasks need `completed` and tombstones need `deleted`.
    """

    statuses: tuple[str, ...] = ()
    owner: str | None = None
    labels: tuple[str, ...] = ()
    text: str = ""
    completed: bool = False
    deleted: bool = False


def list_rows(snapshot: Tasks, wanted: Filter, *, sort: str = "id") -> list[Row]:
    """The rows that match, sorted by one of `SORTS` and then by id."""
    if wanted.statuses:
        shown = frozenset(wanted.statuses)
    else:
        hidden = {COMPLETED: not wanted.completed, DELETED: not wanted.deleted}
        shown = frozenset(status for status in STATUSES if not hidden.get(status, False))
    rows = [row for row in snapshot.rows if row.status in shown]
    if wanted.owner is not None:
        rows = [row for row in rows if row.owner == wanted.owner]
    for label in wanted.labels:
        rows = [row for row in rows if label in row.labels]
    for word in wanted.text.casefold().split():
        rows = [row for row in rows if word in _words(row)]
    if sort != "id":
        rows.sort(key=_sort_key(sort))
    return rows


def ready_rows(project: Project, snapshot: Tasks, *, owner: Callable[[], str] | None = None) -> list[Row]:
    """What can be started now, best first: pending, no open blocker, not another's, nowhere disagreed upon, and not
    claimed by another.

    `owner` tells who asks; it is only called when some candidate has an owner or a claim. Without it, these are out.
    """
    rows = startable_rows(snapshot, owner=owner)
    others = taken_ids(project, rows, owner=owner)
    return [row for row in rows if row.id not in others]


def startable_rows(snapshot: Tasks, *, owner: Callable[[], str] | None = None) -> list[Row]:
    """Like `ready_rows`, whoever has claimed them."""
    derived = snapshot.derived
    unsure = {
        task_id for task_id, found in snapshot.overlaid.items() if found.disagreements or found.strangers
    }
    rows = [row for row in snapshot.rows if graph.is_ready(row, derived) and row.id not in unsure]
    if any(row.owner for row in rows):
        me = owner() if owner is not None else None
        rows = [row for row in rows if row.owner is None or row.owner == me]
    return sorted(rows, key=lambda row: graph.ready_key(row, derived))


def taken_ids(
    project: Project, rows: Sequence[Row], *, owner: Callable[[], str] | None = None
) -> frozenset[int]:
    """The ids of those pending `rows` that are claimed, but not by the `owner` who asks."""
    pending = [row for row in rows if row.status == PENDING]
    found = find_claims(project, pending, owner=owner)
    return frozenset(task_id for task_id, one in found.items() if one.keeps_out)


def find_claims(
    project: Project, rows: Sequence[Row], *, owner: Callable[[], str] | None = None
) -> Mapping[int, Holding]:
    """The claims on `rows` by id, as they stand for the `owner` who asks, who is only called where there are any.

    Of several on one task it is the one that decides; also one that keeps nobody out, for people to know of.
    """
    refs = claims.claim_refs(project.checkout, project.env)
    if not refs or not rows:
        return {}
    from gittasks.app import holders

    return holders.find_all(project, rows, refs, owner)


def blocked_rows(snapshot: Tasks) -> list[Row]:
    """Open tasks that wait for others, or stand on a cycle; sorted by id."""
    derived = snapshot.derived
    cyclic = frozenset(derived.cyclic)
    return [
        row
        for row in snapshot.rows
        if row.status not in CLOSED and (row.id in derived.open_blockers or row.id in cyclic)
    ]


def freed_by(project: Project, done: Sequence[TaskId]) -> list[TaskId]:
    """The pending tasks of this worktree that wait for some of `done` and for nothing else that is open, by id."""
    from gittasks.workgraph.columns import find_freed

    return find_freed(project.require_tasks(), project.cache_folder, project.checkout.name, done)


def next_row(project: Project, snapshot: Tasks, *, owner: Callable[[], str] | None = None) -> Row:
    """The first of `ready_rows`. Raises `NothingReadyError`."""
    rows = ready_rows(project, snapshot, owner=owner)
    if not rows:
        raise nothing_ready(snapshot, claimed=len(startable_rows(snapshot, owner=owner)))
    return rows[0]


def nothing_ready(snapshot: Tasks, *, claimed: int, away: int = 0) -> NothingReadyError:
    """The error that says so; `claimed` is how many tasks could be started, had nobody taken them, `away` how many
    can be, but have no file here.
    """
    waiting = len(blocked_rows(snapshot))
    facts = (
        (waiting, "waits for others", "wait for others"),
        (claimed, "is claimed", "are claimed"),
        (away, "is ready in another worktree alone", "are ready in other worktrees alone"),
    )
    words = [f"{count(n, 'task')} {one if n == 1 else many}" for n, one, many in facts if n]
    return NothingReadyError(
        f"nothing is ready ({', '.join(words)})" if words else "nothing is ready",
        hint="`gittasks blocked` says what waits for what; `next --wait` waits",
    )


def search_rows(project: Project, snapshot: Tasks, text: str) -> list[Row]:
    """Rows of tasks (tombstones left out) that hold all words of `text` somewhere: in subject, description,
    labels, owner, unknown fields or notes, in any case; sorted by id.
    """
    words = text.casefold().split()
    rows = [row for row in snapshot.rows if row.status != DELETED]
    notes = _Notes(project, snapshot)
    found = []
    for task, row in zip(snapshot.full(rows), rows, strict=True):
        haystack = f"{_words(row)}\n{task.description}\n{task.extra or ''}".casefold()
        missing = [word for word in words if word not in haystack]
        if not missing or notes.hold(row.id, missing):
            found.append(row)
    return found


def require_row(snapshot: Tasks, task_id: TaskId) -> Row:
    """The row of one task. Raises `UnknownTaskError`, or `BadTaskError` where its file cannot be read."""
    row = snapshot.find(task_id)
    if row is not None:
        return row
    path = f"{store.FOLDER}/{store.file_name(task_id)}"
    problems = [problem for problem in snapshot.problems if problem.path == path]
    if problems:
        in_conflict = any(problem.kind == CONFLICT for problem in problems)
        cure = f"`gittasks resolve {task_id}` mends it" if in_conflict else f"mend {path} by hand"
        raise BadTaskError(problems, hint=f"{cure}; `gittasks doctor` names every bad file")
    raise store.UnknownTaskError(task_id)


def as_json(
    snapshot: Tasks, tasks: Sequence[Task], *, claimed: Mapping[int, Holding] | None = None
) -> list[dict[str, Any]]:
    """Records as JSON documents show them: the fields of the file, then what follows from all tasks together.

    That is `blocks`, `openBlockers`, `ready`; `claim`, from `claimed` (see `find_claims`), else `None`; `from`, which
    names for each field that is not as in this checkout the worktrees that it comes from; and `conflicts`, the fields
    that two worktrees changed each in its own way.
    """
    blocks, open_blockers = snapshot.derived.blocks, snapshot.derived.open_blockers
    records = []
    for task in tasks:
        record = task.as_json()
        record["blocks"] = list(blocks.get(task.id, ()))
        record["openBlockers"] = list(open_blockers.get(task.id, ()))
        record["from"], record["conflicts"] = _sources(snapshot.overlaid.get(task.id))
        claim = claimed.get(task.id) if claimed else None
        waits = task.id in open_blockers or record["conflicts"] or (claim is not None and claim.keeps_out)
        record["ready"] = task.status == PENDING and not waits
        record["claim"] = claim.as_json() if claim is not None else None
        records.append(record)
    return records


def _sources(found: Overlaid | None) -> tuple[dict[str, list[str]], list[dict[str, Any]]]:
    if found is None:
        return {}, []
    conflicts = [
        {"field": item.field, "values": [{"from": source, "value": value} for source, value in item.values]}
        for item in found.disagreements
    ]
    return {name: list(sources) for name, sources in found.origins.items()}, conflicts


def _words(row: Row) -> str:
    return " ".join((row.subject, *row.labels, row.owner or "", row.worktree or "")).casefold()


class _Notes:
    """The words of notes, here and in the worktrees that are folded in."""

    def __init__(self, project: Project, snapshot: Tasks) -> None:
        self._project = project
        self._snapshot = snapshot
        self._others: OtherNotes | None = None

    def hold(self, task_id: TaskId, words: Sequence[str]) -> bool:
        """Whether the notes of a task hold all of `words`."""
        import os

        text = ""
        if os.path.isdir(os.path.join(self._project.tasks_folder, str(task_id))):
            from gittasks.app.notes import list_notes

            text = _joined(list_notes(self._project, task_id))
        if self._snapshot.is_folded:
            if self._others is None:
                from gittasks.app.other_notes import OtherNotes

                self._others = OtherNotes(self._project, self._snapshot.overlaid)
            text += _joined(self._others.of(task_id))
        return all(word in text for word in words)


def _joined(notes: Sequence[Note]) -> str:
    return " ".join([note.text for note in notes]).casefold()


def _sort_key(sort: str) -> Callable[[Row], Any]:
    if sort == "priority":
        return lambda row: (row.priority, row.id)
    if sort == "status":
        return lambda row: (STATUSES.index(row.status), row.id)
    return lambda row: (getattr(row, sort) or "", row.id)
