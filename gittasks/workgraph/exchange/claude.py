"""Reading the task lists of Claude Code: a folder with one JSON file a task, `3.json` or `task_3.json`. Pure.

`blocks` and `blockedBy` say the same edges from both ends; either end alone is understood.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gittasks.workgraph.exchange.entry import Entry, key_of, text_of
from gittasks.workgraph.exchange.findings import Findings, Parsed, collect
from gittasks.workgraph.exchange.jsontext import BadSourceError, describe, parse_document
from gittasks.workgraph.record import COMPLETED, DELETED, IN_PROGRESS, PENDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.workgraph.drafts import Draft

KIND = "claude"
FILE_NAME = re.compile(r"(?:task_)?([A-Za-z0-9][\w.-]*)\.json")
STATUSES = {
    "pending": (PENDING, True),
    "open": (PENDING, True),
    "": (PENDING, True),
    "in_progress": (IN_PROGRESS, True),
    "completed": (COMPLETED, True),
    "resolved": (COMPLETED, True),
    "done": (COMPLETED, True),
    "deleted": (DELETED, True),
    "cancelled": (DELETED, False),
}


def parse(files: Sequence[tuple[str, bytes]]) -> Parsed:
    """All tasks among `files`, pairs of (name, content). Raises `BadSourceError` with the file's name."""
    found = Findings()
    drafts: list[Draft] = []
    for name, data in files:
        fields = parse_document(data, name)
        if not isinstance(fields, dict):
            raise BadSourceError(f"{name}:1: is {describe(fields)}: expected a JSON object, one task")
        if not any(field in fields for field in ("subject", "title")):
            found.skip(name, "has no subject, so it is no task")
            continue
        by_name = FILE_NAME.fullmatch(name.rsplit("/", 1)[-1])
        key = key_of(fields.pop("id", None)) or key_of(by_name[1] if by_name else name)
        drafts.append(_draft(Entry(KIND, key, fields, found)))
    return collect(KIND, drafts, found)


def _draft(entry: Entry) -> Draft:
    entry.found.land("id", "ref")
    entry.section("", entry.text("description", "description"))
    entry.wait_for(*entry.words("blockedBy", "blockedBy"))
    entry.block(*entry.words("blocks", "blockedBy of the other task"))
    entry.set_parent(entry.text("parentID", "parent"))
    entry.set_parent(entry.text("parent", "parent"))
    entry.label(*entry.words("tags", "labels"))
    for comment in entry.maps("comments", "notes"):
        when = comment.get("created_at", comment.get("createdAt"))
        entry.note(text_of(comment.get("author")), when, text_of(comment.get("content", comment.get("text"))))
    subject = "subject" if entry.peek("subject") else "title"
    created = "created_at" if entry.peek("created_at") else "createdAt"
    return entry.draft(
        subject=entry.text(subject, "subject"),
        status=entry.status("status", STATUSES),
        priority=entry.priority("priority", {"critical": 0, "high": 1, "medium": 2, "low": 3}),
        created=entry.created(created),
        owner=entry.owner(entry.text("owner", "owner")),
    )
