from __future__ import annotations

from gittasks.workgraph.drafts import NoteDraft
from gittasks.workgraph.exchange import ticket
from tests.workgraph.exchange.helpers import by_key, make_files

TICKET = b"""---
id: nw-5c46
status: needs_testing
deps: [nw-0001, nw-0002]
links: [nw-0003]
created: 2026-01-24T23:57:57Z
type: bug
priority: 1
assignee: Ada Tester
external-ref: gh-123
parent: nw-0004  # the epic
tags: [ui, backend]
---
# Add SSE

It hangs.

## Design

Retry.

## Notes

Written by hand.

**2026-01-25T01:02:03Z**

First note.

**2026-01-26T01:02:03Z**

Second
note.
"""


def test_each_field_lands() -> None:
    parsed = ticket.parse([(".tickets/nw-5c46.md", TICKET)])
    draft = parsed.drafts[0]
    assert (draft.key, draft.subject, draft.status) == ("nw-5c46", "Add SSE", "in_progress")
    assert (draft.priority, draft.owner) == (1, "Ada Tester")
    assert draft.labels == ("backend", "bug", "needs-testing", "ui")
    assert draft.blocked_by == ("nw-0001", "nw-0002")
    assert draft.parent == "nw-0004"
    assert draft.description == "It hangs.\n\n## Design\n\nRetry.\n\n## Notes\n\nWritten by hand."
    assert draft.notes == (
        NoteDraft("ticket", "2026-01-25T01:02:03Z", "First note."),
        NoteDraft("ticket", "2026-01-26T01:02:03Z", "Second\nnote."),
    )
    assert dict(draft.extra) == {
        "type": "bug",
        "ticket_status": "needs_testing",
        "external-ref": "gh-123",
        "relations": ["related nw-0003"],
    }
    make_files(parsed)


def test_the_file_name_stands_in_for_a_missing_id() -> None:
    parsed = ticket.parse([("ab-1.md", b"---\nstatus: closed\n---\nno heading\n")])
    assert by_key(parsed)["ab-1"].subject == "ab-1"
    assert by_key(parsed)["ab-1"].status == "completed"
    assert by_key(parsed)["ab-1"].description == "no heading"


def test_what_is_no_ticket_is_named() -> None:
    parsed = ticket.parse([("README.md", b"# hello\n")])
    assert [skipped.path for skipped in parsed.found.skipped] == ["README.md"]
