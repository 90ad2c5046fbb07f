from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.base.errors import InvalidError
from gittasks.workgraph.batch import parse_batch
from gittasks.workgraph.drafts import Draft, NoteDraft
from gittasks.workgraph.exchange.jsontext import BadSourceError
from gittasks.workgraph.record import BadTaskError

YAML = """\
# the plan
- key: schema
  subject: Design the schema
  priority: 1
  labels: [db, 2026]
  description: |
    First line.

    Second.
- subject: Write the migration
  blockedBy: [schema, 7, "#8"]
  parent: 3
  owner: ada
  status: in_progress
  blocks: last
  notes:
  - begun
  - author: bob
    created: 2026-11-23T10:00:00Z
    text: looks good
- id: last
  subject: 123
"""


def drafts(text: str, name: str = "plan.yaml") -> list[Draft]:
    return parse_batch(text.encode(), name)


def problems(text: str) -> list[str]:
    with pytest.raises(BadTaskError) as caught:
        drafts(text, "f")
    return [str(problem) for problem in caught.value.problems]


def test_yaml_with_every_field() -> None:
    first, second, third = drafts(YAML)
    assert first == Draft(
        subject="Design the schema",
        key="schema",
        priority=1,
        labels=("2026", "db"),
        description="First line.\n\nSecond.",
    )
    assert second == Draft(
        subject="Write the migration",
        blocked_by=("schema", 7, 8),
        parent=3,
        owner="ada",
        status="in_progress",
        blocks=("last",),
        notes=(NoteDraft("unknown", "", "begun"), NoteDraft("bob", "2026-11-23T10:00:00Z", "looks good")),
    )
    assert third == Draft(subject="123", key="last")


def test_entries_that_are_no_tasks_are_named_by_their_lines() -> None:
    assert [problem.split(": ")[0] for problem in problems("- one\n\n- two\n- subject: x\n- 3\n")] == [
        "f:1",
        "f:3",
        "f:5",
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"key": "a", "subject": "One"}\n\n{"subject": "Two", "blockedBy": ["a"]}\n',
        '[{"key": "a", "subject": "One"}, {"subject": "Two", "blocked_by": ["a"]}]',
        '{"key": "a",\n "subject": "One"}\n{"subject": "Two", "blockedBy": "a"}',
        '\ufeff{"key": "a", "subject": "One"} {"subject": "Two", "blockedBy": ["a"]}',
        "key: a\nsubject: One\n---\nsubject: Two\nblockedBy: [a]\n",
        "---\n- {key: a, subject: One}\n---\n- {subject: Two, blockedBy: [a]}\n",
    ],
)
def test_every_form_says_the_same(text: str) -> None:
    assert drafts(text) == [Draft(subject="One", key="a"), Draft(subject="Two", blocked_by=("a",))]


def test_a_key_of_the_batch_goes_before_an_id() -> None:
    batch = drafts('{"id": 1, "subject": "a"}\n{"id": 2, "subject": "b", "blockedBy": [1, 3]}')
    assert batch[1].blocked_by == ("1", 3)


def test_references_may_point_ahead() -> None:
    assert drafts('{"subject": "a", "blockedBy": ["z"]}\n{"key": "z", "subject": "b"}')[0].blocked_by == (
        "z",
    )


def test_an_empty_array_is_no_tasks() -> None:
    assert drafts("[]") == []


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("- subject: x\n  blokedBy: [1]", "f:2: blokedBy: is no field of a task: did you mean 'blockedBy'?"),
        ("- title: x", "f:1: title: is no field of a task: did you mean 'subject'?"),
        ("- subject: x\n  colour: 1", "f:2: colour: is no field of a task: expected one of"),
        ("- subject: ok\n- key: a", "f:2: subject: is missing: expected one line"),
        ("- subject: x\n  priority: 9", "f:2: priority: is 9: expected a number from 0"),
        ("- subject: x\n  priority: high", "f:2: priority: is 'high': expected a number from 0"),
        ("- subject: x\n  status: running", "f:2: status: is 'running', which is a state of a run"),
        ("- subject: x\n  labels: [a, [b]]", "f:2: labels: holds a list: expected"),
        (
            "- subject: x\n  blockedBy:\n  - nobody",
            "f:2: blockedBy: holds 'nobody': expected the id of a task",
        ),
        (
            "- {key: alpha, subject: x}\n- subject: y\n  parent: alpa",
            "f:3: parent: holds 'alpa': did you mean 'alpha'?",
        ),
        ("- {key: a, subject: x}\n- {key: a, subject: y}", "f:2: key: 'a' is taken by the entry at line 1"),
        ("- {key: a, subject: x, blockedBy: [a]}", "f:1: blockedBy: names the entry itself"),
        ("- {key: a, id: b, subject: x}", "f:1: key: is given twice, under two names"),
        ("- {key: '', subject: x}", "f:1: key: is '': expected one line"),
        ("- {subject: x, blockedBy: [true]}", "f:1: blockedBy: holds true: expected"),
        ("- {subject: x, notes: [3]}", "f:1: notes: holds 3: expected text"),
        ("- {subject: x, notes: [{text: a, when: b}]}", "f:1: notes: expected text"),
        ("- {subject: x, notes: [{text: a, created: soon}]}", "f:1: created: is 'soon'"),
        ("- just words", "f:1: is a text: expected a task"),
        ("just words", "f:1: is a text: expected a task"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(entry: str, problem: str) -> None:
    assert problems(entry)[0].startswith(problem)


def test_everything_wrong_is_named_at_once() -> None:
    text = '{"subject": "", "priority": -1}\n{"subject": "x", "nope": 1}\n'
    assert [line.split(": ")[:2] for line in problems(text)] == [
        ["f:1", "subject"],
        ["f:1", "priority"],
        ["f:2", "nope"],
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f: is empty"),
        (" \n", "f: is empty"),
        ('{"subject": "x"}\n{"subject": \n', "f:3: is not JSON"),
        ('{"subject": "x"}\nsubject: y\n', "f:2: is not JSON"),
        ("- subject: &a x\n- subject: *a\n", "f:1: an anchor or alias"),
        ("- subject: [\n", "f:1: is not valid YAML"),
        ("- subject: x\n  subject: y\n", "f:2: subject: stands twice"),
        ("[1, 2]", "f:1: is the number 1"),
    ],
)
def test_a_text_that_cannot_be_read(text: str, message: str) -> None:
    with pytest.raises(BadSourceError) as caught:
        drafts(text, "f")
    assert caught.value.message.startswith(message)


def test_ten_thousand_lines() -> None:
    text = "".join(
        json.dumps({"key": f"t{n}", "subject": f"Task {n}", "blockedBy": [f"t{n - 1}"] if n else []}) + "\n"
        for n in range(10_000)
    )
    batch = drafts(text)
    assert len(batch) == 10_000
    assert batch[-1].blocked_by == ("t9998",)


@given(
    st.one_of(
        st.binary(max_size=80), st.text(st.sampled_from("subject:key-[]{},\"'ab1 \n&*#|~")).map(str.encode)
    )
)
def test_any_bytes_are_a_batch_or_a_clean_error(data: bytes) -> None:
    try:
        parse_batch(data, "f")
    except InvalidError as error:
        assert error.message.startswith("f")
