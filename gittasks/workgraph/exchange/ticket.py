"""Reading ticket (`tk`): `.tickets/*.md`, Markdown with YAML front matter. Pure.

Source of the format: the script `ticket` of wedow/ticket. The first `# ` heading is the title; notes are appended
under `## Notes`, each behind a line `**2026-11-23T10:00:00Z**`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gittasks.workgraph.exchange.entry import Entry, key_of
from gittasks.workgraph.exchange.findings import Findings, Parsed, collect
from gittasks.workgraph.exchange.markdown import parse_markdown, split_sections
from gittasks.workgraph.record import COMPLETED, IN_PROGRESS, PENDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.workgraph.drafts import Draft

KIND = "ticket"
STATUSES = {
    "open": (PENDING, True),
    "": (PENDING, True),
    "in_progress": (IN_PROGRESS, True),
    "needs_testing": (IN_PROGRESS, False),
    "closed": (COMPLETED, True),
}
_STAMP = re.compile(r"^\*\*(\d{4}-\d\d-\d\dT[\d:]+Z?)\*\*[ \t]*$", re.MULTILINE)


def parse(files: Sequence[tuple[str, bytes]]) -> Parsed:
    """All tickets among `files`, pairs of (name, content). Raises `BadSourceError` with file and line."""
    found = Findings()
    drafts: list[Draft] = []
    for name, data in files:
        file = parse_markdown(data, name)
        if file is None:
            found.skip(name, "has no front matter, so it is no ticket")
            continue
        stem = name.rsplit("/", 1)[-1].removesuffix(".md")
        key = key_of(file.front.pop("id", None)) or key_of(stem)
        drafts.append(_draft(Entry(KIND, key, file.front, found), file.body))
    return collect(KIND, drafts, found)


def _draft(entry: Entry, body: str) -> Draft:
    entry.found.land("id", "ref")
    entry.label(*entry.words("tags", "labels"))
    kind = entry.text("type", "labels, kept as type")
    entry.keep("type", kind)
    if kind != "task":
        entry.label(kind)
    entry.wait_for(*entry.words("deps", "blockedBy"))
    for target in entry.words("links", "relations"):
        entry.relate("related", target)
    entry.set_parent(entry.text("parent", "parent"))
    title = _read_body(entry, body)
    return entry.draft(
        subject=title,
        status=entry.status("status", STATUSES),
        priority=entry.priority("priority", {}),
        created=entry.created("created"),
        owner=entry.owner(entry.text("assignee", "owner")),
    )


def _read_body(entry: Entry, body: str) -> str:
    """Put the body into description and notes; answer the title."""
    title, text = _take_title(body)
    entry.found.land("the body", "subject, description, notes")
    for section in split_sections(text):
        if section.title == "Notes":
            opening, *stamped = _STAMP.split(section.text)
            entry.section("Notes", opening)
            for stamp, note in zip(stamped[::2], stamped[1::2], strict=True):
                entry.note("", stamp, note)
        else:
            entry.section(section.title, section.text)
    return title


def _take_title(body: str) -> tuple[str, str]:
    """(text of the first `# ` heading, the body without it)."""
    found = re.search(r"^# (.*)$", body, re.MULTILINE)
    if found is None:
        return "", body
    return found[1].strip(), body[: found.start()] + body[found.end() :]
