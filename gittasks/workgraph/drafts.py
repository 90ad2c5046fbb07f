"""Tasks that are not there yet: what `add` and `import` hand over, with symbolic references between them. Pure."""

from __future__ import annotations

from gittasks.base.errors import InvalidError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.fields import FieldError, check_value, shown
from gittasks.workgraph.record import DEFAULT_PRIORITY, PENDING, Task, TaskId

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    # An existing task's id, or the `key` of another draft of the same batch.
    Ref = int | str


_LISTS = (list, tuple, set, frozenset)
_A_REFERENCE = "the id of a task, or the key of another entry of the same batch"


class NoteDraft(NamedTuple):
    """A note that comes with a task; `created` as task files write times, empty for now."""

    author: str
    created: str
    text: str


class Draft(NamedTuple):
    """A task to be added. `key` names it inside its batch; empty `created` means now."""

    subject: str
    key: str = ""
    status: str = PENDING
    owner: str | None = None
    parent: Ref | None = None
    priority: int = DEFAULT_PRIORITY
    labels: Sequence[str] = ()
    blocked_by: Sequence[Ref] = ()
    blocks: Sequence[Ref] = ()
    description: str = ""
    created: str = ""
    extra: Sequence[tuple[str, Any]] = ()
    notes: Sequence[NoteDraft] = ()


class BadReferenceError(InvalidError):
    """A draft names a task that is neither in its batch nor in the project, or a key twice.

    `task_id` is the task, where it was named by number.
    """

    def __init__(self, message: str, *, hint: str | None = None, task_id: int | None = None) -> None:
        super().__init__(message, hint=hint)
        self.task_id = task_id


class Plan(NamedTuple):
    """What a batch comes to: the new tasks in the order of their drafts, and edges for tasks that exist.

    `waiters` maps an existing task to the ids of new tasks that it is to wait for.
    """

    tasks: list[Task]
    waiters: dict[TaskId, list[TaskId]]


def plan(
    drafts: Sequence[Draft],
    *,
    first_id: int,
    uids: Sequence[str],
    now: str,
    exists: Mapping[int, bool] | set[int],
) -> Plan:
    """Give each draft its id (from `first_id` on) and `uids`, and resolve all references.

    `exists` holds the ids of the tasks that references may name. Raises `BadReferenceError`, `InvalidError` for
    a value that breaks its format; both name the entry.
    """
    keys = _keys(drafts, first_id)
    blockers: list[set[TaskId]] = [set() for _ in drafts]
    waiters: dict[TaskId, list[TaskId]] = {}
    for index, draft in enumerate(drafts):
        new_id = TaskId(first_id + index)
        blockers[index].update(_resolve(ref, keys, exists, draft, "blockedBy") for ref in draft.blocked_by)
        for ref in draft.blocks:
            waiter = _resolve(ref, keys, exists, draft, "blocks")
            if waiter >= first_id:
                blockers[waiter - first_id].add(new_id)
            else:
                waiters.setdefault(waiter, []).append(new_id)
    tasks = [
        _task(draft, TaskId(first_id + i), uids[i], now, keys, exists, tuple(sorted(blockers[i])))
        for i, draft in enumerate(drafts)
    ]
    return Plan(tasks, waiters)


def check_shapes(drafts: Sequence[Draft]) -> None:
    """Raise `InvalidError` where something is no draft, or a field of one is not of the kind that it should be.

    What the values of plain fields must look like is checked by `plan`.
    """
    if not isinstance(drafts, (list, tuple)):
        raise InvalidError(f"{shown(drafts)} is no list of drafts", hint="expected a list of gittasks.Draft")
    for draft in drafts:
        if not isinstance(draft, Draft):
            raise InvalidError(f"{shown(draft)} is no draft", hint="expected gittasks.Draft(subject, ...)")
        _require_kind("key", draft.key, (str,), "text")
        _require_kind("created", draft.created, (str,), "text")
        _require_kind("parent", draft.parent, (int, str, type(None)), _A_REFERENCE)
        for name, refs in (("blockedBy", draft.blocked_by), ("blocks", draft.blocks)):
            _require_kind(name, refs, _LISTS, f"a list: {_A_REFERENCE}")
            for ref in refs:
                _require_kind(name, ref, (int, str), _A_REFERENCE)
        _require_kind("notes", draft.notes, _LISTS, "a list of gittasks.NoteDraft")
        for note in draft.notes:
            _require_kind("notes", note, (NoteDraft,), "a list of gittasks.NoteDraft")
        _require_kind("extra", draft.extra, _LISTS, "a list of pairs, name and value")
        for pair in draft.extra:
            if not isinstance(pair, tuple) or len(pair) != 2 or not isinstance(pair[0], str):
                raise FieldError("extra", f"holds {shown(pair)}", "expected a list of pairs, name and value")


def _require_kind(name: str, value: Any, kinds: tuple[type, ...], expected: str) -> None:
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise FieldError(name, f"is {shown(value)}", f"expected {expected}")


def references(drafts: Sequence[Draft]) -> set[int]:
    """The ids of existing tasks that the drafts name."""
    found = {ref for draft in drafts for ref in (*draft.blocked_by, *draft.blocks) if isinstance(ref, int)}
    return found | {draft.parent for draft in drafts if isinstance(draft.parent, int)}


def _keys(drafts: Sequence[Draft], first_id: int) -> dict[str, TaskId]:
    keys: dict[str, TaskId] = {}
    for index, draft in enumerate(drafts):
        if draft.key and draft.key in keys:
            raise BadReferenceError(f"two entries have the key {draft.key!r}", hint="give each its own key")
        if draft.key:
            keys[draft.key] = TaskId(first_id + index)
    return keys


def _resolve(
    ref: Ref, keys: Mapping[str, TaskId], exists: Mapping[int, bool] | set[int], draft: Draft, field: str
) -> TaskId:
    if isinstance(ref, str) and ref in keys:
        return keys[ref]
    if isinstance(ref, int) and ref in exists:
        return TaskId(ref)
    name = f"#{ref}" if isinstance(ref, int) else repr(ref)
    raise BadReferenceError(
        f"{draft.subject!r}: {field}: there is no task {name}",
        hint="name an existing task by its id, or another entry of the same batch by its key",
        task_id=ref if isinstance(ref, int) else None,
    )


def _task(
    draft: Draft,
    task_id: TaskId,
    uid: str,
    now: str,
    keys: Mapping[str, TaskId],
    exists: Mapping[int, bool] | set[int],
    blocked_by: tuple[TaskId, ...],
) -> Task:
    parent = None if draft.parent is None else _resolve(draft.parent, keys, exists, draft, "parent")
    if task_id in blocked_by:
        raise BadReferenceError(f"{draft.subject!r}: a task cannot wait for itself")
    if parent == task_id:
        raise BadReferenceError(f"{draft.subject!r}: a task cannot be its own parent")
    return Task(
        id=task_id,
        uid=uid,
        subject=check_value("subject", draft.subject),
        status=check_value("status", draft.status),
        owner=check_value("owner", draft.owner),
        parent=parent,
        priority=check_value("priority", draft.priority),
        labels=check_value("labels", draft.labels),
        blocked_by=blocked_by,
        created=draft.created or now,
        description=check_value("description", draft.description),
        extra=tuple(draft.extra),
    )
