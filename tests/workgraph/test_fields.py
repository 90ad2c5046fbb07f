from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.extras import MAX_DEPTH, check_extra
from gittasks.workgraph.fields import (
    BY_ATTRIBUTE,
    TABLE,
    FieldError,
    check_item,
    check_value,
    json_schema,
    relation_errors,
)
from gittasks.workgraph.record import FIELDS, MAX_ID, RUN_WORDS, STATUSES, Row, Task, TaskId


def test_the_table_is_the_record() -> None:
    assert tuple(field.name for field in TABLE if field.name != "blocks") == FIELDS
    assert {field.attribute for field in TABLE} == set(Task._fields) - {"extra"}
    assert set(Row._fields) == {field.attribute for field in TABLE} - {"description"}


def test_the_defaults_are_the_record_s() -> None:
    for field in TABLE:
        if not field.required and field.name != "id":
            assert field.default == Task._field_defaults[field.attribute]
            assert check_value(field.attribute, field.default) == field.default


@pytest.mark.parametrize(
    ("attribute", "value", "normal"),
    [
        ("subject", "  Größe 日本語 \n", "Größe 日本語"),
        ("subject", "x" * 500, "x" * 500),
        ("subject", "\u202eevil", "\u202eevil"),
        ("owner", "", None),
        ("owner", " ", None),
        ("owner", None, None),
        ("worktree", "", None),
        ("worktree", "A.b-c_9", "A.b-c_9"),
        ("parent", None, None),
        ("id", MAX_ID, MAX_ID),
        ("priority", 0, 0),
        ("labels", ["b", " a ", "b"], ("a", "b")),
        ("labels", {"x"}, ("x",)),
        ("blocked_by", (3, 1, 3), (1, 3)),
        ("written_blocks", [2], (2,)),
        ("description", "a\r\n\tb\n\n", "a\r\n\tb"),
        ("uid", "", ""),
        ("created", "2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"),
        ("created", "", ""),
    ],
)
def test_a_good_value_is_normalised(attribute: str, value: Any, normal: Any) -> None:
    assert check_value(attribute, value) == normal


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("id", 0, "id: is 0: expected a task id, a whole number from 1 to 999999999"),
        ("id", True, "id: is true: expected a task id"),
        ("id", "12", "id: is '12': expected"),
        ("id", MAX_ID + 1, "id: is 1000000000: expected"),
        ("id", None, "id: is null: expected"),
        ("parent", 1.0, "parent: is 1.0: expected"),
        ("priority", "high", "priority: is 'high': expected a number from 0 (highest) to 4"),
        ("priority", 5, "priority: is 5: expected"),
        ("priority", False, "priority: is false: expected"),
        ("subject", "", "subject: is empty: expected one line of 1 to 500 characters"),
        ("subject", "x" * 501, "subject: has 501 characters: expected"),
        ("subject", "a\nb", r"subject: is 'a\nb', with line breaks or control characters: expected"),
        ("subject", "a\x1b[31m", r"subject: is 'a\x1b[31m', with line breaks"),
        ("subject", "a\x85b", "subject: is"),
        ("subject", "a\u2028b", "subject: is"),
        ("subject", "a\udc80b", "subject: is"),
        ("subject", ["a"], "subject: is a list: expected"),
        ("owner", "x" * 101, "owner: has 101 characters: expected"),
        ("owner", {"a": 1}, "owner: is a map: expected"),
        ("status", "done", "status: is 'done': expected pending, in_progress, completed or deleted"),
        ("status", "Pending", "status: is 'Pending': expected"),
        ("worktree", "a/b", "worktree: is 'a/b': expected 1 to 100 letters"),
        ("worktree", "--force", "worktree: is '--force': expected"),
        ("worktree", ".hidden", "worktree: is '.hidden': expected"),
        ("worktree", "a..b", "worktree: is 'a..b': expected no `..`"),
        ("worktree", "a.lock", "worktree: is 'a.lock': expected no"),
        ("worktree", "a.", "worktree: is 'a.': expected no"),
        ("worktree", "ä", "worktree: is 'ä': expected"),
        ("worktree", "x" * 101, "worktree: is"),
        ("labels", "security", "labels: is 'security': expected a list of words"),
        ("labels", ["a", ""], "labels: holds an empty one: expected"),
        ("labels", [1], "labels: holds 1: expected"),
        ("blocked_by", [0], "blockedBy: holds 0: expected"),
        ("blocked_by", 7, "blockedBy: is 7: expected a list of task ids"),
        ("blocked_by", list(range(1, 5002)), "blockedBy: has 5001 items: expected at most 5000"),
        ("description", None, "description: is null: expected text"),
        ("description", "\ud800", "description: is not valid Unicode: expected text in UTF-8"),
        ("uid", "9F3C1A7BE2D04C55", "uid: is '9F3C1A7BE2D04C55': expected 16 hex digits in lower case"),
        ("uid", "9f3c", "uid: is '9f3c': expected"),
        ("created", "2026-11-23", "created: is '2026-11-23': expected a UTC time such as"),
        ("created", "2026-02-29T00:00:00Z", "created: is"),
        ("created", "2026-13-01T00:00:00Z", "created: is"),
        ("created", "2026-11-23T24:00:00Z", "created: is"),
        ("created", "2026-11-23T10:00:60Z", "created: is"),
        ("created", "2026-11-23T10:00:00z", "created: is"),
        ("created", "２026-11-23T10:00:00Z", "created: is"),
        ("created", "0000-01-01T00:00:00Z", "created: is"),
        ("created", "20-6-11-23T10:00:00Z", "created: is"),
    ],
)
def test_a_bad_value_is_refused_with_what_was_expected(attribute: str, value: Any, message: str) -> None:
    with pytest.raises(FieldError) as caught:
        check_value(attribute, value)
    assert caught.value.message.startswith(message)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


@pytest.mark.parametrize("word", sorted(RUN_WORDS))
def test_the_status_of_a_run_is_refused_by_its_layer(word: str) -> None:
    with pytest.raises(FieldError, match=r"which is a state of a run, not of a task.*`gittasks runs`"):
        check_value("status", word)


def test_only_lists_have_items() -> None:
    assert check_item("labels", " a ") == "a"
    with pytest.raises(FieldError, match="holds 'x'"):
        check_item("blocked_by", "x")


@given(
    st.sampled_from(sorted(BY_ATTRIBUTE)),
    st.from_type(object) | st.text() | st.lists(st.text() | st.integers()),
)
def test_any_value_is_normalised_once_or_refused(attribute: str, value: Any) -> None:
    try:
        normal = check_value(attribute, value)
    except FieldError as error:
        assert error.name == BY_ATTRIBUTE[attribute].name
        return
    assert check_value(attribute, normal) == normal


def test_a_task_waits_for_others_only() -> None:
    own = TaskId(3)
    task = Task(id=own, subject="x", parent=own, blocked_by=(own,), written_blocks=(own,))
    assert [error.name for error in relation_errors(task)] == ["blockedBy", "blocks", "parent"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("subject", "x"),
        ("blocks", [1]),
        ("", "x"),
        ("a\nb", "x"),
        ("x" * 501, "x"),
        ("x", float("inf")),
        ("x", 10**300),
        ("x", {1: 2}),
        ("x", {"a": {"\x00": 1}}),
        ("x", b"bytes"),
        ("x", {1, 2}),
        ("x", "\ud800"),
    ],
)
def test_an_unknown_field_holds_what_json_can_say(name: str, value: Any) -> None:
    with pytest.raises(FieldError):
        check_extra(name, value)


def test_an_unknown_field_is_not_nested_for_ever() -> None:
    value: Any = 1
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert check_extra("x", value) == value
    with pytest.raises(FieldError, match="nested too deep"):
        check_extra("x", [value])


def test_the_schema_names_every_field_and_its_rule() -> None:
    schema = json_schema()
    assert list(schema["properties"]) == [field.name for field in TABLE]
    assert schema["required"] == ["subject"]
    assert schema["properties"]["status"]["enum"] == list(STATUSES)
    assert schema["properties"]["priority"] == {
        "type": "integer",
        "minimum": 0,
        "maximum": 4,
        "description": "a number from 0 (highest) to 4",
    }
