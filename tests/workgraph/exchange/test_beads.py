from __future__ import annotations

from typing import Any

import pytest

from gittasks.workgraph.drafts import NoteDraft
from gittasks.workgraph.exchange import beads
from gittasks.workgraph.exchange.jsontext import BadSourceError
from tests.workgraph.exchange.helpers import by_key, landings, lines, make_files, told


def issue(key: str, **fields: Any) -> dict[str, Any]:
    return {
        "id": key,
        "title": f"Issue {key}",
        "status": "open",
        "priority": 2,
        "issue_type": "task",
    } | fields


def test_each_field_lands() -> None:
    parsed = beads.parse(
        lines(
            issue(
                "bd-1",
                title="Login fails",
                description="It does.",
                design="Ask twice.",
                acceptance_criteria="- [ ] works",
                notes="Seen on Monday.",
                status="closed",
                priority=0,
                issue_type="bug",
                assignee="ada",
                owner="ada@example.com",
                created_at="2026-02-27T19:43:04.123456789-08:00",
                closed_at="2026-02-28T00:00:00Z",
                close_reason="fixed",
                estimated_minutes=30,
                labels=["web", "auth"],
                dependency_count=1,
                metadata={"files": ["a.py"]},
                comments=[
                    {"id": 1, "author": "bob", "text": "Me too.", "created_at": "2026-02-28T01:02:03Z"}
                ],
            )
        ),
        "x.jsonl",
    )
    draft = parsed.drafts[0]
    assert (draft.subject, draft.status, draft.priority, draft.owner) == (
        "Login fails",
        "completed",
        0,
        "ada",
    )
    assert draft.labels == ("auth", "bug", "web")
    assert draft.created == "2026-02-28T03:43:04Z"
    assert draft.description == (
        "It does.\n\n## Design\n\nAsk twice.\n\n## Acceptance criteria\n\n- [ ] works\n\n## Notes\n\nSeen on Monday."
    )
    assert draft.notes == (NoteDraft("bob", "2026-02-28T01:02:03Z", "Me too."),)
    assert dict(draft.extra) == {
        "issue_type": "bug",
        "beads_owner": "ada@example.com",
        "closed_at": "2026-02-28T00:00:00Z",
        "close_reason": "fixed",
        "estimated_minutes": 30,
        "metadata": {"files": ["a.py"]},
    }
    assert landings(parsed, "dependency_count") == ["left out: derived from the edges and notes"]
    assert landings(parsed, "owner") == ["kept as beads_owner"]
    make_files(parsed)


@pytest.mark.parametrize(
    ("word", "status"),
    [("open", "pending"), ("in_progress", "in_progress"), ("closed", "completed"), ("tombstone", "deleted")],
)
def test_statuses_that_say_the_same_leave_no_trace(word: str, status: str) -> None:
    parsed = beads.parse(lines(issue("bd-1", status=word)), "x")
    assert parsed.drafts[0].status == status
    assert parsed.drafts[0].labels == ()
    assert not parsed.found.fitted


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("hooked", "in_progress"),
        ("deferred", "pending"),
        ("pinned", "pending"),
        ("waiting-for-ci", "pending"),
    ],
)
def test_statuses_that_say_more_are_kept_and_told(word: str, status: str) -> None:
    parsed = beads.parse(lines(issue("bd-1", status=word)), "x")
    assert parsed.drafts[0].status == status
    assert parsed.drafts[0].labels == (word,)
    assert dict(parsed.drafts[0].extra)["beads_status"] == word
    assert told(parsed, "bd-1")


def test_dependencies_by_type() -> None:
    def depends(on: str, word: str) -> dict[str, str]:
        return {"issue_id": "bd-1", "depends_on_id": on, "type": word, "created_by": "x"}

    words = {
        "bd-2": "blocks",
        "bd-3": "parent-child",
        "bd-4": "related",
        "bd-5": "waits-for",
        "bd-6": "duplicates",
    }
    parsed = beads.parse(
        lines(
            issue("bd-1", dependencies=[depends(on, word) for on, word in words.items()], parent="bd-3"),
            *(issue(key) for key in words),
        ),
        "x",
    )
    first = by_key(parsed)["bd-1"]
    assert set(first.blocked_by) == {"bd-2", "bd-5"}
    assert first.parent == "bd-3"
    assert dict(first.extra)["relations"] == ["duplicates bd-6", "related bd-4", "waits-for bd-5"]
    assert landings(parsed, "dependencies.created_by") == ["left out: git knows who made an edge, and when"]
    assert told(parsed, "bd-1")


def test_a_second_parent_is_kept_as_a_relation() -> None:
    dependency = {"issue_id": "bd-1", "depends_on_id": "bd-3", "type": "parent-child"}
    parsed = beads.parse(lines(issue("bd-1", parent="bd-2", dependencies=[dependency])), "x")
    assert parsed.drafts[0].parent == "bd-2"
    assert dict(parsed.drafts[0].extra)["relations"] == ["parent bd-3"]


def test_an_array_is_read_too() -> None:
    assert [
        draft.key for draft in beads.parse(b'[{"id": "bd-1", "title": "x"}, {"id": "bd-2"}]', "x").drafts
    ] == [
        "bd-1",
        "bd-2",
    ]


def test_a_missing_title_is_told() -> None:
    parsed = beads.parse(lines({"id": "bd-1"}), "x")
    assert parsed.drafts[0].subject == "bd-1"
    assert told(parsed, "bd-1") == ["subject: is empty: the id is taken"]


def test_a_long_title_is_cut_and_kept_whole_in_the_description() -> None:
    title = "word " * 200
    parsed = beads.parse(lines(issue("bd-1", title=title, description="More.")), "x")
    assert len(parsed.drafts[0].subject) <= 500
    assert parsed.drafts[0].subject.endswith("…")
    assert parsed.drafts[0].description == f"{title}\n\nMore."
    assert "cut to one line" in told(parsed, "bd-1")[0]
    make_files(parsed)


def test_one_id_twice_is_kept_apart_and_told() -> None:
    parsed = beads.parse(lines(issue("bd-1", title="a"), issue("bd-1", title="b")), "x")
    assert {key: draft.subject for key, draft in by_key(parsed).items()} == {"bd-1": "a", "bd-1~2": "b"}
    assert told(parsed, "bd-1")


def test_other_records_are_named_as_not_read() -> None:
    parsed = beads.parse(lines({"_type": "memory", "id": "m1"}, issue("bd-1")), "x.jsonl")
    assert [draft.key for draft in parsed.drafts] == ["bd-1"]
    assert [(skipped.path, skipped.reason) for skipped in parsed.found.skipped] == [
        ("x.jsonl:1", "is a memory, not an issue")
    ]


def test_values_of_the_wrong_type_are_kept_not_lost() -> None:
    parsed = beads.parse(
        lines(
            issue("bd-1", labels={"a": 1}, comments="none", description=["x"], priority=9, created_at="soon")
        ),
        "x",
    )
    extra = dict(parsed.drafts[0].extra)
    assert extra["beads_labels"] == {"a": 1}
    assert extra["comments"] == "none"
    assert extra["beads_description"] == ["x"]
    assert extra["created_at"] == "soon"
    assert extra["beads_priority"] == 9
    assert parsed.drafts[0].priority == 4
    make_files(parsed)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"id": "bd-1", "title": "x"}\n{"id": "bd-2", \n', "x.jsonl:3: is not JSON"),
        (b'{"id": "a"}\n\n{broken}\n', "x.jsonl:3: is not JSON"),
        (b'{"id": "a"}\n["b"]\n', "x.jsonl:2: is a list"),
        (b'{"title": "x"}\n', "x.jsonl:1: id: is missing"),
        (b'{"id": {"a": 1}}\n', "x.jsonl:1: id: is an object"),
        (b'{"id": "a", "id": "b"}\n', "stands twice"),
        (b'{"id": "a", "x": NaN}\n', "NaN"),
        (b'{"id": "a"}\n\xff\n', "x.jsonl:2: is not UTF-8"),
        (b'{"id": "a", "x": ' + b"[" * 100_000 + b"\n", "too deep"),
        (b'{"id": "a", "x": ' + b"[" * 100 + b"]" * 100 + b"}", "nested deeper"),
        (b'{"id": "a", "x": ' + b"9" * 5000 + b"}", "x.jsonl:1"),
    ],
)
def test_broken_files_are_refused_with_their_line(data: bytes, words: str) -> None:
    with pytest.raises(BadSourceError) as caught:
        beads.parse(data, "x.jsonl")
    assert words in caught.value.message
