from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph import codec
from gittasks.workgraph.fields import FieldError
from gittasks.workgraph.record import BadTaskError, Task, TaskId
from tests.strategies import TASK_ID, Written, hand_written, mangled, tasks

SAMPLE = b"""\
id: 12

uid: 9f3c1a7be2d04c55

subject: Implement auth module

status: in_progress

owner: alice

worktree: auth-refactor

parent:

priority: 2

labels:
- security

blockedBy:
- 7

description: |
  Replace the session cookie by a signed token.

created: 2026-11-23T10:00:00Z
"""

TASK = Task(
    id=TaskId(12),
    uid="9f3c1a7be2d04c55",
    subject="Implement auth module",
    status="in_progress",
    owner="alice",
    worktree="auth-refactor",
    labels=("security",),
    blocked_by=(TaskId(7),),
    created="2026-11-23T10:00:00Z",
    description="Replace the session cookie by a signed token.",
)


def parse(data: bytes) -> Task:
    return codec.parse_task(data, ".tasks/12.yaml", task_id=TASK_ID)


def test_the_file_of_the_design_reads_and_writes_byte_for_byte() -> None:
    assert parse(SAMPLE) == TASK
    assert codec.format_task(TASK) == SAMPLE


@given(tasks())
def test_what_was_written_reads_the_same(task: Task) -> None:
    assert repr(parse(codec.format_task(task))) == repr(task)


@given(tasks())
def test_a_written_file_has_one_unchanging_line_between_two_fields(task: Task) -> None:
    data = codec.format_task(task._replace(description="", extra=()))
    lines = data.decode().split("\n")
    assert not data.endswith(b"\n\n") and data.endswith(b"\n")
    keys = [at for at, line in enumerate(lines) if line and not line.startswith("- ")]
    assert all(lines[at - 1] == "" for at in keys[1:])


@given(hand_written())
def test_a_file_written_by_hand_reads_as_it_is_meant(written: Written) -> None:
    assert repr(parse(written.data)) == repr(written.task)


@given(
    st.one_of(
        st.binary(max_size=200),
        st.text(max_size=100).map(lambda text: text.encode("utf-8", "replace")),
        mangled(),
    )
)
def test_any_bytes_are_a_task_or_a_clean_refusal(data: bytes) -> None:
    try:
        task = parse(data)
    except BadTaskError as error:
        assert error.problems
        assert all(problem.path == ".tasks/12.yaml" and problem.line >= 1 for problem in error.problems)
    else:
        assert codec.check_task(task) == task


def test_a_file_that_says_only_its_subject_has_the_defaults() -> None:
    assert parse(b"subject: Buy milk\n") == Task(id=TASK_ID, subject="Buy milk")


def test_an_empty_field_has_its_default() -> None:
    empty = b"id:\nuid:\nsubject: x\nstatus:\nowner: ~\nworktree: null\nparent:\npriority:\nlabels:\nblockedBy: []\n"
    assert parse(empty + b"description:\ncreated:\n") == Task(id=TASK_ID, subject="x")


def test_a_plain_word_that_looks_like_something_else_stays_text() -> None:
    task = parse(b"subject: 123\nowner: no\nlabels: [on, 1.5, 2026-11-23]\ndescription: true\nref: 0123\n")
    assert (task.subject, task.owner, task.description) == ("123", "no", "true")
    assert task.labels == ("1.5", "2026-11-23", "on")
    assert task.extra == (("ref", "0123"),)


def test_edges_on_the_wrong_side_are_read_and_kept() -> None:
    task = parse(b"subject: x\nblocks: [14, 13]\n")
    assert task.written_blocks == (13, 14)
    assert parse(codec.format_task(task)) == task


def test_unknown_fields_come_last_in_their_order() -> None:
    task = TASK._replace(extra=(("zeta", {"a": [1, None]}), ("alpha", "two\nlines"), ("none", None)))
    data = codec.format_task(task)
    assert data == SAMPLE + b"\nzeta:\n  a: [1, null]\n\nalpha: |-\n  two\n  lines\n\nnone:\n"


@pytest.mark.parametrize(
    "wrong",
    [
        {"subject": ""},
        {"status": "running"},
        {"blocked_by": (12,)},
        {"parent": 12},
        {"extra": (("subject", "x"),)},
        {"extra": (("x", float("nan")),)},
        {"description": "\udcff"},
    ],
)
def test_a_task_that_breaks_a_rule_is_not_written(wrong: dict[str, Any]) -> None:
    with pytest.raises(FieldError):
        codec.format_task(TASK._replace(**wrong))


def test_a_file_that_could_not_be_read_back_is_not_written() -> None:
    with pytest.raises(codec.OversizeError):
        codec.format_task(TASK._replace(description="x" * (1 << 20)))
