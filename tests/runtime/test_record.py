from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.runtime import record
from gittasks.runtime.record import BadRunError, Run, RunId, TransitionError, WrongLayerError
from tests.runtime.strategies import runs

DESIGN_SAMPLE = (
    b'{"id": "b8k2m1qz", "type": "local_bash", "status": "running", "description": "Run pytest", '
    b'"start_time": 1710000000.0, "end_time": null, "output_file": ".task_outputs/b8k2m1qz.txt", '
    b'"notified": false, "work_graph_task_id": 12'
)


def a_run(**fields: Any) -> Run:
    return Run(RunId("b8k2m1qz"))._replace(**fields)


def test_a_line_begins_as_designed() -> None:
    run = a_run(
        description="Run pytest",
        start_time=1710000000.0,
        output_file=".task_outputs/b8k2m1qz.txt",
        work_graph_task_id=12,
    )
    assert record.format_run(run).startswith(DESIGN_SAMPLE)


@given(runs())
def test_a_run_survives_its_line(run: Run) -> None:
    line = record.format_run(run)
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert record.parse_run(line) == run


@given(runs())
def test_json_has_every_field_in_order(run: Run) -> None:
    names = list(run.as_json())
    assert tuple(names[: len(record.FIELDS)]) == record.FIELDS
    json.dumps(run.as_json())


@given(st.binary(max_size=200) | st.builds(bytes, st.text().map(lambda text: text.encode())))
def test_any_bytes_give_a_run_or_a_clean_error(data: bytes) -> None:
    try:
        record.parse_run(data)
    except BadRunError as error:
        assert error.message


def test_unknown_fields_are_kept_and_missing_ones_get_defaults() -> None:
    run = record.parse_run(b'{"id": "b8k2m1qz", "status": "failed", "slot": {"name": "test"}}')
    assert run.extra == (("slot", {"name": "test"}),)
    assert run.type == "local_bash"
    assert run.output_bytes == 0
    assert json.loads(record.format_run(run))["slot"] == {"name": "test"}


def test_a_field_of_another_type_counts_as_missing() -> None:
    run = record.parse_run(
        b'{"id": "b8k2m1qz", "status": "failed", "exit_code": "1", "notified": 1, "signal": true, "command": 3}'
    )
    assert (run.exit_code, run.notified, run.signal, run.command) == (None, False, None, ())


@pytest.mark.parametrize("word", ["pending", "in_progress", "deleted"])
def test_words_of_tasks_are_refused_by_name(word: str) -> None:
    with pytest.raises(WrongLayerError, match="state of a task"):
        record.check_status(word)
    with pytest.raises(WrongLayerError):
        record.parse_run(b'{"id": "b8k2m1qz", "status": "%s"}' % word.encode())
    with pytest.raises(WrongLayerError):
        record.change(a_run(), status=word)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b'{"status": "running"}',
        b'{"id": "x8k2m1qz", "status": "running"}',
        b'{"id": "b8k2m1q", "status": "running"}',
        b'{"id": "../../ab", "status": "running"}',
        b'{"id": "b8K2m1qz", "status": "running"}',
        b'{"id": "b8k2m1qz"}',
        b'{"id": "b8k2m1qz", "status": "done"}',
        b'{"id": "b8k2m1qz", "status": "running", "type": "robot"}',
        b'{"id": "b8k2m1qz", "status": "running", "type": []}',
        b'{"id": "b8k2m1qz", "status": {}}',
        b'{"id": [], "status": "running"}',
        b"[" * 100_000,
    ],
)
def test_what_is_no_run_is_refused(line: bytes) -> None:
    with pytest.raises(BadRunError):
        record.parse_run(line)


@given(runs(), st.sampled_from(record.STATUSES))
def test_a_terminal_status_is_for_ever(run: Run, status: str) -> None:
    if run.is_live or status == run.status:
        assert record.change(run, status=status).status == status
    else:
        with pytest.raises(TransitionError, match="never"):
            record.change(run, status=status)


def test_no_end_lies_before_its_start() -> None:
    run = a_run(start_time=100.0)
    ended = record.end(run, status="completed", reason="exit", end_time=50.0)
    assert ended.end_time == 100.0
    assert ended.phase is None


@pytest.mark.parametrize(
    ("exit_code", "signal", "stopped_for", "out_of_memory", "expected"),
    [
        (0, None, None, False, ("completed", "exit", 0, None)),
        (3, None, None, False, ("failed", "exit", 3, None)),
        (None, 11, None, False, ("failed", "signal", None, 11)),
        (None, 9, None, False, ("failed", "signal", None, 9)),
        (None, 9, None, True, ("failed", "out_of_memory", None, 9)),
        (None, 11, None, True, ("failed", "signal", None, 11)),
        (0, None, "killed", False, ("killed", "exit", 0, None)),
        (None, 9, "killed", True, ("killed", "signal", None, 9)),
        (0, None, "timeout", False, ("failed", "timeout", 0, None)),
        (None, 15, "timeout", False, ("failed", "timeout", None, 15)),
        (None, None, None, False, ("failed", "lost", None, None)),
        (None, None, "killed", False, ("killed", "lost", None, None)),
        (None, None, "timeout", False, ("failed", "timeout", None, None)),
    ],
)
def test_five_ends_are_five_things(
    exit_code: int | None,
    signal: int | None,
    stopped_for: str | None,
    out_of_memory: bool,
    expected: tuple[str, str, int | None, int | None],
) -> None:
    ending = record.judge(
        exit_code=exit_code, signal=signal, stopped_for=stopped_for, out_of_memory=out_of_memory
    )
    assert ending == expected


def test_a_command_is_text_and_never_endless() -> None:
    assert record.describe_command((b"ls", b"\xff")) == ("ls", "\\xff")
    words = record.describe_command((b"a" * 10, b"b" * record.MAX_COMMAND_CHARS, b"c"))
    assert sum(map(len, words)) <= record.MAX_COMMAND_CHARS + 1
    assert words[-1].endswith("b…")


@pytest.mark.parametrize("number", ["1e999", "-1e999", "NaN", "Infinity", "-Infinity"])
def test_a_number_that_json_has_no_word_for_is_no_record(number: str) -> None:
    line = f'{{"id": "b1234567", "type": "local_bash", "status": "running", "start_time": {number}}}'
    with pytest.raises(BadRunError):
        record.parse_run(line.encode())
