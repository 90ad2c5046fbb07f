"""What the source said last time, field by field, so that the next import changes only what the source changed. Pure.

A task keeps it in its field `imported`: six hex digits for each thing the source said (a field with its value, one
label, one edge, one note). What is in there was said before: a different value in the task is somebody's edit, and
stays.
"""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any

from gittasks.workgraph.codec import REMOVED
from gittasks.workgraph.exchange import clean

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from gittasks.workgraph.drafts import Draft, NoteDraft
    from gittasks.workgraph.record import Task

FIELD = "imported"
_LENGTH = 6
_SCALARS = ("subject", "status", "owner", "priority", "description", "created")
_OURS = frozenset((FIELD, "ref"))
_FIELD_OF = {"blocked_by": "blockedBy"}


def imprint(draft: Draft) -> str:
    """The imprint of `draft`, whose references are foreign ids."""
    return "".join(sorted({_digest(name, value) for name, value in _said(draft)}))


def read(task: Task) -> frozenset[str]:
    """The imprint that `task` carries; empty where it carries none."""
    text = dict(task.extra).get(FIELD)
    text = text if isinstance(text, str) else ""
    return frozenset(text[start : start + _LENGTH] for start in range(0, len(text), _LENGTH))


def changes(
    task: Task,
    draft: Draft,
    *,
    ids: Mapping[str, int],
    keys: Mapping[Any, str],
    speaks_of: Collection[str] = (),
) -> dict[str, Any]:
    """What the source changed since `task` was imported last: Task attributes (and `extra:NAME`) to new values.

    `ids` gives the task id of a foreign id, `keys` the other way round. `speaks_of` names the fields that the source
    has at all; empty means every one. An unknown field that is to go is `codec.REMOVED`.
    """
    old = read(task)
    new = {name: value for name, value in _scalars(draft).items() if _digest(name, value) not in old}
    new |= _parent(task, draft, old, ids, keys)
    new["labels"] = _merged("labels", task.labels, draft.labels, old)
    mine = {keys.get(blocker, f"#{blocker}"): blocker for blocker in task.blocked_by}
    wanted = _merged("blocked_by", tuple(mine), tuple(map(str, draft.blocked_by)), old)
    new["blocked_by"] = tuple(sorted(mine[key] if key in mine else ids[key] for key in wanted))
    new = {
        name: value for name, value in new.items() if not speaks_of or _FIELD_OF.get(name, name) in speaks_of
    }
    if not speaks_of or "extra" in speaks_of:
        new |= _extras(task, draft, old)
    new = {name: value for name, value in new.items() if value != _now(task, name)}
    if imprint(draft) != dict(task.extra).get(FIELD):
        new[f"extra:{FIELD}"] = imprint(draft)
    return new


def added_edges(task: Task, draft: Draft) -> tuple[list[str], str | None]:
    """The blockers and the parent, as foreign ids, that an update would newly give to `task`."""
    old = read(task)
    blockers = [str(key) for key in draft.blocked_by if _digest("blocked_by", key) not in old]
    return blockers, None if draft.parent is None or _digest("parent", draft.parent) in old else str(
        draft.parent
    )


def own_changes(
    task: Task, draft: Draft, *, ids: Mapping[str, int], speaks_of: Collection[str]
) -> dict[str, Any]:
    """What differs between `task` and a table's row of this very task: the row counts, in the columns it has."""
    said = _scalars(draft) | {
        "labels": tuple(sorted(draft.labels)),
        "blocked_by": tuple(sorted(ids[str(key)] for key in draft.blocked_by)),
        "parent": None if draft.parent is None else ids[str(draft.parent)],
    }
    said = {name: value for name, value in said.items() if _FIELD_OF.get(name, name) in speaks_of}
    # Carriage returns do not survive every table.
    if said.get("description") == clean.whole(task.description).rstrip("\n"):
        del said["description"]
    if "extra" in speaks_of:
        said |= {f"extra:{name}": value for name, value in draft.extra if name not in _OURS}
    return {name: value for name, value in said.items() if value != _now(task, name)}


def new_notes(task: Task, draft: Draft) -> list[NoteDraft]:
    """The notes of `draft` that no earlier import brought in."""
    old = read(task)
    return [note for note in draft.notes if _digest("note", list(note)) not in old]


def _said(draft: Draft) -> Iterator[tuple[str, Any]]:
    for name in _SCALARS:
        yield name, getattr(draft, name)
    yield "parent", draft.parent
    yield from (("labels", label) for label in draft.labels)
    yield from (("blocked_by", key) for key in draft.blocked_by)
    yield from ((f"extra:{name}", value) for name, value in draft.extra if name not in _OURS)
    yield from (("note", list(note)) for note in draft.notes)


def _scalars(draft: Draft) -> dict[str, Any]:
    said = {name: getattr(draft, name) for name in _SCALARS}
    if not draft.created:
        del said["created"]
    return said


def _parent(
    task: Task, draft: Draft, old: frozenset[str], ids: Mapping[str, int], keys: Mapping[Any, str]
) -> dict[str, Any]:
    if draft.parent is not None:
        return {} if _digest("parent", draft.parent) in old else {"parent": ids[str(draft.parent)]}
    was_said = task.parent is not None and _digest("parent", keys.get(task.parent)) in old
    return {"parent": None} if was_said else {}


def _merged(name: str, mine: tuple[str, ...], said: Any, old: frozenset[str]) -> tuple[str, ...]:
    """`mine`, with what the source added since last time, without what it took away."""
    added = [item for item in said if _digest(name, item) not in old]
    kept = [item for item in mine if item in said or _digest(name, item) not in old]
    return tuple(sorted({*kept, *added}))


def _extras(task: Task, draft: Draft, old: frozenset[str]) -> dict[str, Any]:
    said = {name: value for name, value in draft.extra if name not in _OURS}
    new = {
        f"extra:{name}": value for name, value in said.items() if _digest(f"extra:{name}", value) not in old
    }
    for name, value in task.extra:
        if name not in said and name not in _OURS and _digest(f"extra:{name}", value) in old:
            new[f"extra:{name}"] = REMOVED
    return new


def _now(task: Task, name: str) -> Any:
    return dict(task.extra).get(name[6:]) if name.startswith("extra:") else getattr(task, name)


def _digest(name: str, value: Any) -> str:
    said = json.dumps([name, value], ensure_ascii=False, sort_keys=True)
    return f"{zlib.crc32(said.encode('utf-8', 'replace')) & 0xFFFFFF:0{_LENGTH}x}"
