from __future__ import annotations

import json

from gittasks.workgraph.drafts import NoteDraft
from gittasks.workgraph.exchange import taskwarrior
from tests.workgraph.exchange.helpers import by_key, landings, lines, make_files

ONE = "00000000-0000-4000-8000-000000000001"
TWO = "00000000-0000-4000-8000-000000000002"


def test_each_field_lands() -> None:
    task = {
        "id": 4,
        "uuid": ONE,
        "description": "Buy milk",
        "status": "pending",
        "entry": "20260110T231200Z",
        "modified": "20260111T000000Z",
        "start": "20260112T000000Z",
        "due": "20260201T000000Z",
        "project": "Home.Kitchen",
        "priority": "H",
        "tags": ["shop"],
        "depends": [TWO],
        "annotations": [{"entry": "20260110T234212Z", "description": "the blue one"}],
        "urgency": 8.2,
        "effort": "small",
    }
    parsed = taskwarrior.parse(json.dumps([task]).encode(), "x")
    draft = parsed.drafts[0]
    assert (draft.key, draft.subject, draft.status, draft.priority) == (ONE, "Buy milk", "in_progress", 1)
    assert draft.labels == ("project:Home.Kitchen", "shop")
    assert draft.blocked_by == (TWO,)
    assert draft.created == "2026-01-10T23:12:00Z"
    assert draft.notes == (NoteDraft("taskwarrior", "2026-01-10T23:42:12Z", "the blue one"),)
    assert dict(draft.extra) == {
        "modified": "20260111T000000Z",
        "start": "20260112T000000Z",
        "due": "20260201T000000Z",
        "effort": "small",
    }
    assert landings(parsed, "urgency") == ["left out: derived"]
    assert landings(parsed, "id") == ["left out: a position in a list of today"]
    make_files(parsed)


def test_the_older_form_one_object_a_line_with_depends_as_text() -> None:
    parsed = taskwarrior.parse(
        lines(
            {
                "uuid": ONE,
                "description": "a",
                "status": "waiting",
                "wait": "20260601T000000Z",
                "depends": f"{TWO},x",
            },
            {"uuid": TWO, "description": "b", "status": "deleted", "end": "20260601T000000Z"},
        ),
        "x",
    )
    first, second = by_key(parsed)[ONE], by_key(parsed)[TWO]
    assert first.blocked_by == (TWO, "x")
    assert (first.status, first.labels) == ("pending", ("waiting",))
    assert second.status == "deleted"


def test_a_recurring_child_belongs_to_its_template() -> None:
    parsed = taskwarrior.parse(
        lines(
            {"uuid": ONE, "description": "Rent", "status": "recurring", "recur": "monthly", "mask": "+-"},
            {"uuid": TWO, "description": "Rent", "status": "completed", "parent": ONE, "imask": 0},
        ),
        "x",
    )
    assert by_key(parsed)[TWO].parent == ONE
    assert by_key(parsed)[ONE].labels == ("recurring",)
    assert dict(by_key(parsed)[TWO].extra)["imask"] == 0
