"""Reading Task Master (claude-task-master): `tasks.json`, its tagged form and the older one. Pure.

Source of the format: `docs/task-structure.md` of that project. In the tagged form each top-level name is a list of
its own with its own ids; the older form is what `master` is now. A subtask's plain number names a sibling.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gittasks.workgraph.exchange.entry import Entry, key_of, require_key
from gittasks.workgraph.exchange.findings import LEFT_OUT, Findings, Parsed, collect
from gittasks.workgraph.exchange.jsontext import BadSourceError, describe, parse_document
from gittasks.workgraph.record import COMPLETED, DELETED, IN_PROGRESS, PENDING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gittasks.workgraph.drafts import Draft

KIND = "taskmaster"
MASTER = "master"
STATUSES = {
    "pending": (PENDING, True),
    "todo": (PENDING, True),
    "": (PENDING, True),
    "in_progress": (IN_PROGRESS, True),
    "done": (COMPLETED, True),
    "completed": (COMPLETED, True),
    "review": (IN_PROGRESS, False),
    "blocked": (PENDING, False),
    "deferred": (PENDING, False),
    "cancelled": (DELETED, False),
}
PRIORITIES = {"critical": 0, "high": 1, "medium": 2, "low": 3}
_SECTIONS = (
    ("description", ""),
    ("details", "Details"),
    ("testStrategy", "Test strategy"),
    ("acceptanceCriteria", "Acceptance criteria"),
)


class _Place(NamedTuple):
    """Where a task stands: the prefix of its tag's keys, its parent's key, the ids of its siblings as text."""

    tag: str
    parent: str
    siblings: frozenset[str]


def parse(data: bytes, name: str) -> Parsed:
    """All tasks and subtasks of all tags in `data`. Raises `BadSourceError` with `name`."""
    document = parse_document(data, name)
    if not isinstance(document, dict):
        raise BadSourceError(f"{name}:1: is {describe(document)}: expected an object with tasks")
    found = Findings()
    drafts: list[Draft] = []
    for tag, tasks in _lists(document, name, found):
        place = _Place("" if tag == MASTER else f"{tag}/", "", frozenset())
        drafts += _drafts(tasks, f"{name}: {tag}", place, found)
    return collect(KIND, drafts, found)


def _lists(document: dict[str, Any], name: str, found: Findings) -> Iterator[tuple[str, list[Any]]]:
    """(tag, tasks) of each list; what stands beside the tasks is booked as left out."""
    if isinstance(document.get("tasks"), list):
        document = {MASTER: document}
    if not any(isinstance(part, dict) and isinstance(part.get("tasks"), list) for part in document.values()):
        raise BadSourceError(f"{name}:1: holds no tasks: expected `tasks`, or tags that have `tasks`")
    for tag, part in document.items():
        if not isinstance(part, dict) or not isinstance(part.get("tasks"), list):
            found.land(f"(file) {tag}", f"{LEFT_OUT}: belongs to the list, not to a task")
            continue
        for beside in part:
            if beside != "tasks":
                found.land(f"(file) {beside}", f"{LEFT_OUT}: belongs to the list, not to a task")
        yield key_of(tag), part["tasks"]


def _drafts(tasks: list[Any], where: str, place: _Place, found: Findings) -> Iterator[Draft]:
    for index, fields in enumerate(tasks):
        at = f"{where}: task {index + 1}"
        if not isinstance(fields, dict):
            raise BadSourceError(f"{at}: is {describe(fields)}: expected an object")
        fields = dict(fields)
        own = require_key(fields.pop("id", None), at)
        key = f"{place.parent}.{own}" if place.parent else place.tag + own
        subtasks = fields.pop("subtasks", None)
        if not isinstance(subtasks, list):
            fields["subtasks"] = subtasks
            subtasks = []
        yield _draft(Entry(KIND, key, fields, found), place)
        siblings = frozenset(key_of(task.get("id")) for task in subtasks if isinstance(task, dict))
        yield from _drafts(subtasks, at, _Place(place.tag, key, siblings), found)


def _draft(entry: Entry, place: _Place) -> Draft:
    entry.found.land("id", "ref")
    for field, title in _SECTIONS:
        entry.section(title, entry.text(field, "description"))
    entry.leave_out("parentId", "derived from where the subtask stands")
    entry.leave_out("parentTaskId", "derived from where the subtask stands")
    entry.set_parent(place.parent)
    entry.wait_for(*(_name(word.strip(), place) for word in entry.words("dependencies", "blockedBy")))
    if place.tag:
        entry.label(f"tag:{place.tag[:-1]}")
    return entry.draft(
        subject=entry.text("title", "subject"),
        status=entry.status("status", STATUSES),
        priority=entry.priority("priority", PRIORITIES),
        created=entry.created("createdAt"),
        owner=entry.owner(entry.text("assignee", "owner")),
    )


def _name(reference: str, place: _Place) -> str:
    """The key that a dependency names."""
    if place.parent and reference in place.siblings:
        return f"{place.parent}.{reference}"
    return place.tag + reference
