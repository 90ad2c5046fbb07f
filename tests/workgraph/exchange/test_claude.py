from __future__ import annotations

import json
from typing import Any

import pytest

from gittasks.workgraph.exchange import claude
from gittasks.workgraph.exchange.jsontext import BadSourceError
from tests.workgraph.exchange.helpers import by_key, make_files


def file(name: str, **fields: Any) -> tuple[str, bytes]:
    return name, json.dumps(fields).encode()


def test_a_task_list_of_claude_code() -> None:
    parsed = claude.parse(
        [
            file(
                "1.json",
                id="1",
                subject="Schema",
                description="d",
                status="completed",
                blocks=["2"],
                blockedBy=[],
            ),
            file(
                "2.json",
                id="2",
                subject="Code",
                description="",
                activeForm="Coding",
                owner="ada",
                status="in_progress",
                blocks=[],
                blockedBy=["1"],
                metadata={"priority": "high", "files": ["a.py"]},
            ),
        ]
    )
    second = by_key(parsed)["2"]
    assert (second.subject, second.status, second.owner) == ("Code", "in_progress", "ada")
    assert second.blocked_by == ("1",)
    assert dict(second.extra) == {
        "activeForm": "Coding",
        "metadata": {"priority": "high", "files": ["a.py"]},
    }
    tasks = make_files(parsed)
    assert [task.blocked_by for task in tasks] == [(), (1,)]


def test_the_form_task_n_and_edges_from_one_end_only() -> None:
    parsed = claude.parse(
        [
            file(
                "task_1.json",
                id=1,
                subject="a",
                status="pending",
                blockedBy=[],
                blocks=[2],
                owner="",
                worktree="w",
            ),
            file("task_2.json", subject="b", status="pending", created_at=1_700_000_000.5),
        ]
    )
    drafts = by_key(parsed)
    assert dict(drafts["1"].extra) == {"claude_worktree": "w"}
    assert drafts["2"].created == "2023-11-14T22:13:20Z"
    assert [task.blocked_by for task in make_files(parsed)] == [(), (1,)]


def test_files_that_are_no_tasks_are_named() -> None:
    parsed = claude.parse([file("config.json", version=1)])
    assert [skipped.path for skipped in parsed.found.skipped] == ["config.json"]


@pytest.mark.parametrize("data", [b"[]", b"{", b"\xff", b'{"subject": "a", "subject": "b"}'])
def test_broken_files_are_refused_by_name(data: bytes) -> None:
    with pytest.raises(BadSourceError, match=r"^3\.json:1"):
        claude.parse([("3.json", data)])
