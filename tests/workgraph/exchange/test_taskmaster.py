from __future__ import annotations

import json
from typing import Any

import pytest

from gittasks.workgraph.exchange import taskmaster
from gittasks.workgraph.exchange.jsontext import BadSourceError
from tests.workgraph.exchange.helpers import by_key, landings, make_files

TASKS: list[dict[str, Any]] = [
    {
        "id": 1,
        "title": "Set up",
        "description": "Short.",
        "details": "Long.",
        "testStrategy": "Try it.",
        "status": "done",
        "priority": "high",
        "dependencies": [],
        "complexity": 4,
        "subtasks": [
            {"id": 1, "title": "Files", "status": "done", "dependencies": []},
            {
                "id": 2,
                "title": "Names",
                "status": "in-progress",
                "dependencies": [1, "2"],
                "acceptanceCriteria": "- ok",
            },
            {"id": 3, "title": "More", "status": "pending", "dependencies": ["1.2", 7]},
        ],
    },
    {"id": 2, "title": "Go on", "status": "cancelled", "dependencies": [1], "priority": "medium"},
    {"id": "7", "title": "Rest", "status": "review", "dependencies": ["1.3"], "priority": "low"},
]


def test_the_older_form() -> None:
    parsed = taskmaster.parse(
        json.dumps({"tasks": TASKS, "metadata": {"created": "x"}}).encode(), "tasks.json"
    )
    drafts = by_key(parsed)
    assert list(drafts) == ["1", "1.1", "1.2", "1.3", "2", "7"]
    assert drafts["1"].description == "Short.\n\n## Details\n\nLong.\n\n## Test strategy\n\nTry it."
    assert (drafts["1"].status, drafts["1"].priority) == ("completed", 1)
    assert dict(drafts["1"].extra) == {"complexity": 4}
    assert drafts["1.2"].parent == "1"
    assert drafts["1.2"].blocked_by == (
        "1.1",
        "1.2",
    )  # its own number too: that is said, and sorted out later
    assert drafts["1.2"].description == "## Acceptance criteria\n\n- ok"
    assert drafts["1.3"].blocked_by == ("1.2", "7")
    assert (drafts["2"].status, drafts["2"].labels, drafts["2"].blocked_by) == (
        "deleted",
        ("cancelled",),
        ("1",),
    )
    assert (drafts["7"].status, drafts["7"].blocked_by) == ("in_progress", ("1.3",))
    assert landings(parsed, "(file) metadata") == ["left out: belongs to the list, not to a task"]
    make_files(parsed)


def test_the_tagged_form_keeps_lists_apart() -> None:
    document = {
        "master": {"tasks": TASKS, "metadata": {}},
        "feature-x": {"tasks": [{"id": 1, "title": "X"}, {"id": 2, "title": "Y", "dependencies": [1]}]},
    }
    drafts = by_key(taskmaster.parse(json.dumps(document).encode(), "x"))
    assert drafts["1"].subject == "Set up"
    assert drafts["feature-x/1"].subject == "X"
    assert drafts["feature-x/2"].blocked_by == ("feature-x/1",)
    assert drafts["feature-x/2"].labels == ("tag:feature-x",)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"[]", "is a list"),
        (b"{}", "holds no tasks"),
        (b'{"tasks": [1]}', "task 1: is the number 1"),
        (b'{"tasks": [{"title": "x"}]}', "task 1: id: is missing"),
        (b'{"tasks": []} x', "more text behind"),
        (b'{"tasks":\n [}', "x:2: is not JSON"),
    ],
)
def test_broken_files_are_refused(data: bytes, words: str) -> None:
    with pytest.raises(BadSourceError) as caught:
        taskmaster.parse(data, "x")
    assert words in caught.value.message
