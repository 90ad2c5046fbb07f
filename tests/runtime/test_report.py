"""What a run says of itself while it lives, and what becomes of that in the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gittasks.runtime import live, report, stopping
from gittasks.runtime.record import EXIT, FAILED, KILLED, LOST, Ending, Run, RunId
from gittasks.runtime.report import BadReportError, lay_over, read_report, write_report
from tests.runtime.stage import Stage

WAIT = "until [ -e go ]; do sleep 0.02; done; exit 3"


def go(stage: Stage) -> None:
    (stage.top / "go").touch()


def test_a_report_is_part_of_the_last_record(stage: Stage) -> None:
    run = stage.shell(WAIT)
    assert read_report(stage.folders, run.id) == {}
    assert write_report(stage.folders, run.id, progress={"done": 1, "of": 3}, session="s-1", tokens=99)
    assert write_report(stage.folders, run.id, message="half\u202ded", events=2, usage={"tokens": 7})
    said = read_report(stage.folders, run.id)
    seen = lay_over(stage.now(run), said)
    assert (seen.progress, seen.message, seen.session, seen.events) == (
        {"done": 1, "of": 3},
        "half\u202ded",
        "s-1",
        2,
    )
    go(stage)
    ended = stage.end(run)
    assert (ended.exit_code, ended.progress, ended.session) == (3, {"done": 1, "of": 3}, "s-1")
    assert (ended.message, ended.extra) == ("half\u202ded", (("tokens", 99),))
    assert ended.usage is not None
    assert ended.usage["tokens"] == 7
    assert ended.usage["peak_memory_bytes"] > 0
    assert not write_report(stage.folders, run.id, message="too late")
    assert os.listdir(stage.folders.live_folders) == []


def test_a_reason_counts_where_the_worker_failed(stage: Stage) -> None:
    run = stage.shell(WAIT)
    write_report(stage.folders, run.id, reason="timeout", message="the condition never came")
    assert lay_over(stage.now(run), read_report(stage.folders, run.id)).reason is None
    go(stage)
    ended = stage.end(run)
    assert (ended.status, ended.reason, ended.message) == ("failed", "timeout", "the condition never came")


def test_what_cannot_be_verified_was_not_killed(stage: Stage) -> None:
    run = stage.shell(WAIT)
    write_report(stage.folders, run.id, reason="unverified")
    stopping.ask_to_stop(stage.folders, run.id, 5)
    assert (ended := stage.end(run)).status == "failed"
    assert ended.reason == "unverified"


def test_a_report_outlives_supervisor_and_worker(stage: Stage) -> None:
    run = stage.start("sleep", "600")
    write_report(stage.folders, run.id, session="s-2", reason="timeout")
    stage.kill9(stage.supervisor(run))
    stage.kill9(stage.leader(run))
    ended = stage.now(run)
    assert (ended.reason, ended.session) == (LOST, "s-2")


@pytest.mark.parametrize(
    "said",
    [
        {"status": "completed"},
        {"process": {}},
        {"events": "many"},
        {"reason": "bored"},
        {"progress": {1: 2}},
        {"progress": float("nan")},
        {"progress": "x" * report.MAX_BYTES},
    ],
)
def test_what_a_report_may_not_say(stage: Stage, said: dict[str, object]) -> None:
    run_id, fd = live.claim(stage.folders, "b")
    write_report(stage.folders, run_id, message="fine")
    with pytest.raises(BadReportError):
        write_report(stage.folders, run_id, **said)  # type: ignore[arg-type]
    assert read_report(stage.folders, run_id) == {"message": "fine"}
    live.clear(stage.folders, run_id)
    os.close(fd)


@pytest.mark.parametrize(
    "text", [b"", b"{", b"[]", b'{"id": "b1"}', b'{"message": 3}', b"[" * 60_000, b'{"a": "\xff"}']
)
def test_a_spoilt_report_says_nothing(stage: Stage, text: bytes) -> None:
    run_id, fd = live.claim(stage.folders, "b")
    Path(stage.folders.live_folder(run_id), report.REPORT).write_bytes(text)
    assert read_report(stage.folders, run_id) == {}
    live.clear(stage.folders, run_id)
    os.close(fd)


def test_a_long_message_is_cut(stage: Stage) -> None:
    run_id, fd = live.claim(stage.folders, "b")
    write_report(stage.folders, run_id, message="x" * 10_000)
    assert len(read_report(stage.folders, run_id)["message"]) == report.MAX_MESSAGE_CHARS
    live.clear(stage.folders, run_id)
    os.close(fd)


def test_the_supervisor_knows_best() -> None:
    killed, lost = Ending(KILLED, EXIT, 0, None), Ending(FAILED, LOST, None, None)
    assert report.judge(killed, {"reason": "timeout"}) == killed
    assert report.judge(lost, {"reason": "timeout"}) == lost
    assert lay_over(Run(RunId("b0000001"), extra=(("a", 1),)), {"a": 2, "b": 3}).extra == (("a", 2), ("b", 3))
