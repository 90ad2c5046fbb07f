"""Reading Taskwarrior: what `task export` prints, an array or one object a line. Pure.

Source of the format: Taskwarrior's "JSON Format" document. Fields it does not list are the user's own (UDAs) and
are kept as they are, as that document asks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gittasks.workgraph.exchange.entry import Entry, require_key, text_of
from gittasks.workgraph.exchange.findings import Findings, Parsed, collect
from gittasks.workgraph.exchange.jsontext import parse_objects
from gittasks.workgraph.record import COMPLETED, DELETED, IN_PROGRESS, PENDING

if TYPE_CHECKING:
    from gittasks.workgraph.drafts import Draft

KIND = "taskwarrior"
STATUSES = {
    "pending": (PENDING, True),
    "": (PENDING, True),
    "completed": (COMPLETED, True),
    "deleted": (DELETED, True),
    "waiting": (PENDING, False),
    "recurring": (PENDING, False),
}
PRIORITIES = {"h": 1, "m": 2, "l": 3}


def parse(data: bytes, name: str) -> Parsed:
    """All tasks in `data`. Raises `BadSourceError` with `name` and line."""
    found = Findings()
    drafts = [
        _draft(Entry(KIND, require_key(fields.pop("uuid", None), f"{name}:{line}", "uuid"), fields, found))
        for line, fields in parse_objects(data, name)
    ]
    return collect(KIND, drafts, found)


def _draft(entry: Entry) -> Draft:
    entry.found.land("uuid", "ref")
    entry.leave_out("id", "a position in a list of today")
    entry.leave_out("urgency", "derived")
    entry.label(*entry.words("tags", "labels"))
    project = entry.text("project", "labels (project:...)")
    entry.label(f"project:{project}" if project else "")
    entry.wait_for(*entry.words("depends", "blockedBy"))
    entry.set_parent(entry.text("parent", "parent"))
    for annotation in entry.maps("annotations", "notes"):
        entry.note("", annotation.get("entry"), text_of(annotation.get("description")))
    status = entry.status("status", STATUSES)
    if status == PENDING and entry.peek("start"):
        status = IN_PROGRESS
    return entry.draft(
        subject=entry.text("description", "subject"),
        status=status,
        priority=entry.priority("priority", PRIORITIES),
        created=entry.created("entry"),
    )
