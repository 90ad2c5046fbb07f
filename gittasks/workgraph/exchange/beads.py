"""Reading beads: the JSON lines of `.beads/issues.jsonl`, `bd export` and `bd list --json`. Pure.

Source of the format: `internal/types/types.go` of beads. A dependency says "`issue_id` depends on
`depends_on_id`"; four of its types hold work back or make a hierarchy, the others only relate.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gittasks.workgraph.exchange.entry import Entry, key_of, require_key, text_of
from gittasks.workgraph.exchange.findings import LEFT_OUT, Findings, Parsed, collect
from gittasks.workgraph.exchange.jsontext import parse_objects
from gittasks.workgraph.record import COMPLETED, DELETED, IN_PROGRESS, PENDING

if TYPE_CHECKING:
    from gittasks.workgraph.drafts import Draft

KIND = "beads"
# What `export beads` writes into `external_ref` of a task that did not come from beads.
OWN_REF = "gittasks:"
_OWN = re.compile(OWN_REF + "([0-9a-f]{16})")
STATUSES = {
    "open": (PENDING, True),
    "": (PENDING, True),
    "in_progress": (IN_PROGRESS, True),
    "closed": (COMPLETED, True),
    "tombstone": (DELETED, True),
    "hooked": (IN_PROGRESS, False),
    "blocked": (PENDING, False),
    "deferred": (PENDING, False),
    "pinned": (PENDING, False),
}
_PARENT = "parent-child"
_BLOCKS = "blocks"
# They hold work back as well, but on conditions that a plain edge cannot say: the relation is kept beside it.
_CONDITIONAL = frozenset(("conditional-blocks", "waits-for"))
_DERIVED = ("dependency_count", "dependent_count", "comment_count")
_SECTIONS = (
    ("description", ""),
    ("design", "Design"),
    ("acceptance_criteria", "Acceptance criteria"),
    ("notes", "Notes"),
)


def parse(data: bytes, name: str) -> Parsed:
    """All issues in `data`. Raises `BadSourceError` with `name` and line."""
    found = Findings()
    drafts: list[Draft] = []
    uids: dict[str, str] = {}
    seen: set[str] = set()
    for line, fields in parse_objects(data, name):
        record = text_of(fields.pop("_type", "issue"))
        if record != "issue":
            found.skip(f"{name}:{line}", f"is a {record or 'record'}, not an issue")
            continue
        key = require_key(fields.pop("id", None), f"{name}:{line}")
        reference = fields.get("external_ref")
        own = _OWN.fullmatch(reference) if isinstance(reference, str) else None
        if own and own[1] not in seen:
            seen.add(own[1])
            uids[key] = own[1]
            del fields["external_ref"]
        drafts.append(_draft(Entry(KIND, key, fields, found)))
    return collect(KIND, drafts, found, uids=uids)


def _draft(entry: Entry) -> Draft:
    entry.found.land("id", "ref")
    for field, title in _SECTIONS:
        entry.section(title, entry.text(field, "description"))
    for field in _DERIVED:
        entry.leave_out(field, "derived from the edges and notes")
    entry.label(*entry.words("labels", "labels"))
    issue_type = entry.text("issue_type", "labels, kept as issue_type")
    entry.keep("issue_type", issue_type)
    if issue_type != "task":
        entry.label(issue_type)
    entry.set_parent(entry.text("parent", "parent"))
    for dependency in entry.maps("dependencies", "blockedBy, parent, relations"):
        _depend(entry, dependency)
    for comment in entry.maps("comments", "notes"):
        entry.note(text_of(comment.get("author")), comment.get("created_at"), text_of(comment.get("text")))
    return entry.draft(
        subject=entry.text("title", "subject"),
        status=entry.status("status", STATUSES),
        priority=entry.priority("priority", {}),
        created=entry.created("created_at"),
        owner=entry.owner(entry.text("assignee", "owner")),
    )


def _depend(entry: Entry, dependency: dict[str, Any]) -> None:
    target = key_of(dependency.get("depends_on_id"))
    word = key_of(dependency.get("type")) or _BLOCKS
    if word == _PARENT:
        entry.set_parent(target)
    elif word == _BLOCKS:
        entry.wait_for(target)
    else:
        entry.relate(word, target)
        if word in _CONDITIONAL:
            entry.wait_for(target)
            entry.found.fit(
                entry.key, "blockedBy", f"{word} {target} is a plain edge here, and kept as a relation"
            )
    for field in ("created_at", "created_by", "metadata"):
        if dependency.get(field) not in (None, "", "{}", {}):
            entry.found.land(f"dependencies.{field}", f"{LEFT_OUT}: git knows who made an edge, and when")
