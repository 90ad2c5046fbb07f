from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.drafts import Draft, NoteDraft
from gittasks.workgraph.exchange import beads, imprint, native
from gittasks.workgraph.exchange.findings import Parsed
from gittasks.workgraph.exchange.records import Full
from gittasks.workgraph.exchange.to_beads import format_beads
from gittasks.workgraph.exchange.to_csv import COLUMNS, format_csv
from gittasks.workgraph.exchange.to_json import format_json
from gittasks.workgraph.exchange.to_markdown import escape, format_markdown
from gittasks.workgraph.record import FIELDS, Task, TaskId
from tests.strategies import tasks as any_tasks
from tests.workgraph.exchange.helpers import NOW, by_key

UID = "0123456789abcdef"


def task(number: int, subject: str = "", **fields: Any) -> Task:
    return Task(
        id=TaskId(number), uid=f"{number:016x}", subject=subject or f"Task {number}", created=NOW
    )._replace(**fields)


def only(parsed: Parsed) -> Draft:
    (draft,) = parsed.drafts
    return draft


def unchanged(task: Task, draft: Draft) -> dict[str, Any]:
    """What importing a task's own row again would change; other tasks' ids stand for themselves."""
    ids = {str(number): number for number in (task.parent, *task.blocked_by) if number}
    return imprint.own_changes(task, draft, ids=ids, speaks_of={*FIELDS, "extra"})


@given(any_tasks())
def test_a_table_read_back_changes_nothing(made: Task) -> None:
    text = format_csv([Full(made)])
    parsed = native.parse_csv(text.encode(), "x")
    assert unchanged(made, only(parsed)) == {}
    assert parsed.uids.get(str(made.id), "") == made.uid


@given(any_tasks())
def test_a_document_read_back_changes_nothing(made: Task) -> None:
    text = format_json([Full(made, (NoteDraft("a", NOW, "text"),))], schema=1)
    parsed = native.parse_json(text.encode(), "x")
    assert unchanged(made, only(parsed)) == {}
    assert only(parsed).notes == (NoteDraft("a", NOW, "text"),)


def test_a_table_has_one_row_a_task_and_guards_formulas() -> None:
    made = task(
        1,
        "=cmd|' /C calc'!A0",
        labels=("a,b", "c"),
        description="two\nlines",
        extra=(("ref", "x:1"), ("due", 3)),
    )
    rows = list(csv.DictReader(io.StringIO(format_csv([Full(made), Full(task(2, blocked_by=(1,)))]))))
    assert tuple(rows[0]) == COLUMNS
    assert rows[0]["subject"] == "'=cmd|' /C calc'!A0"
    assert rows[0]["labels"] == '["a,b", "c"]'
    assert rows[0]["description"] == "two\nlines"
    assert (rows[0]["ref"], rows[0]["extra"]) == ("x:1", '{"due": 3}')
    assert rows[1]["blockedBy"] == "1"


def test_a_task_that_was_beads_goes_back_as_it_came() -> None:
    issue = {
        "id": "bd-2",
        "title": "T",
        "description": "d",
        "status": "deferred",
        "priority": 1,
        "issue_type": "bug",
        "assignee": "ada",
        "owner": "ada@example.com",
        "created_at": NOW,
        "updated_at": "2026-12-01T00:00:00Z",
        "labels": ["web"],
        "estimated_minutes": 5,
    }
    edges = [("bd-1", "blocks"), ("bd-9", "parent-child"), ("bd-7", "related"), ("gone", "blocks")]
    issue["dependencies"] = [{"issue_id": "bd-2", "depends_on_id": on, "type": word} for on, word in edges]
    draft = only(beads.parse(json.dumps(issue).encode(), "x"))
    extra = dict(draft.extra) | {
        "relations": ["blockedBy gone", "related bd-7"],
        "ref": "beads:bd-2",
        "imported": "aa",
    }
    made = task(
        2,
        draft.subject,
        status=draft.status,
        priority=1,
        owner="ada",
        labels=draft.labels,
        description="d",
        blocked_by=(1,),
        parent=9,
        extra=tuple(extra.items()),
    )
    others = [task(n, extra=(("ref", f"beads:bd-{n}"),)) for n in (1, 9)]
    again = json.loads(format_beads([Full(made)], [*others, made]))
    said = [(edge["depends_on_id"], edge["type"]) for edge in again.pop("dependencies")]
    assert sorted(said) == sorted(edges)
    del issue["dependencies"]
    assert again == issue


@pytest.mark.parametrize(
    ("there", "dependencies", "left"),
    [
        ("related bd-7", ["bd-7"], None),
        ([{"a": 1}, "x bd-7"], ["bd-7"], [{"a": 1}]),
        (0, [], [0]),
        (None, [], None),
    ],
)
def test_what_is_no_relation_stays_a_field_in_beads_lines(
    there: Any, dependencies: list[str], left: list[Any] | None
) -> None:
    made = task(1, extra=(("relations", there),))
    issue = json.loads(format_beads([Full(made)], [made]))
    assert [edge["depends_on_id"] for edge in issue.get("dependencies", ())] == dependencies
    assert issue.get("relations") == left


def test_a_task_of_ours_is_recognised_in_beads_lines() -> None:
    made = task(3, status="deleted", uid=UID)
    text = format_beads([Full(made, (NoteDraft("ada", NOW, "hi"),))], [made])
    issue = json.loads(text)
    assert (issue["id"], issue["status"], issue["external_ref"]) == ("gt-3", "tombstone", f"gittasks:{UID}")
    parsed = beads.parse(text.encode(), "x")
    assert parsed.uids == {"gt-3": UID}
    assert by_key(parsed)["gt-3"].notes == (NoteDraft("ada", NOW, "hi"),)
    assert by_key(parsed)["gt-3"].status == "deleted"


def test_a_closed_bead_has_the_time_it_needs_and_an_open_one_none() -> None:
    closed = task(1, status="completed", extra=(("ref", "beads:b"),))
    reopened = task(2, extra=(("ref", "beads:c"), ("closed_at", NOW)))
    first, second = map(
        json.loads, format_beads([Full(closed), Full(reopened)], [closed, reopened]).splitlines()
    )
    assert first["closed_at"] == NOW
    assert "closed_at" not in second


def test_the_checklist() -> None:
    everything = [
        task(1, "Done *thing*", status="completed"),
        task(2, "Go", status="in_progress", owner="ada", priority=0, labels=("web",)),
        task(3, "Wait", blocked_by=(1, 2, 9), parent=2),
        task(4, "Gone", status="deleted"),
    ]
    text = format_markdown(everything, everything)
    assert text == (
        "# Tasks\n\n1 of 3 done.\n\n"
        "## In progress (1)\n\n- [ ] #2 Go (priority 0, ada) `web`\n\n"
        "## Pending (1)\n\n- [ ] #3 Wait (part of #2)\n  - waits for #2, #9\n\n"
        "## Completed (1)\n\n- [x] #1 Done \\*thing\\*\n"
    )


@given(st.text())
def test_no_text_breaks_the_checklist(text: str) -> None:
    shown = escape(text)
    assert "\n" not in shown
    assert all(char.isprintable() or char in "\u200d\u00a0" for char in shown)
    assert "<" not in shown.replace("\\<", "")
