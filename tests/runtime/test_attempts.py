"""Commands that are tried again: how often, when, what is kept of each attempt, and who is killed in between."""

from __future__ import annotations

import os
import signal

import pytest

from gittasks.runtime import attempts, report, stopping
from gittasks.runtime.record import EXIT, FAILED, KILLED, LOST, Ending, Run, RunId
from tests.runtime.stage import Stage, until
from tests.runtime.test_supervision import escape_and

COUNT = "echo x >> tries; n=$(wc -l < tries); echo try $n; "


def test_a_command_is_tried_again_until_it_succeeds(stage: Stage) -> None:
    run = stage.shell(COUNT + "printf unfinished; [ $n = 3 ]", retries=5, backoff_s=0.01)
    ended = stage.end(run)
    assert (ended.status, ended.exit_code, ended.attempt, ended.retries) == ("completed", 0, 3, 5)
    assert [(tried["attempt"], tried["exit_code"]) for tried in ended.attempts] == [(1, 1), (2, 1)]
    assert ended.start_time <= ended.attempts[0]["end_time"] <= ended.attempts[1]["start_time"]
    assert ended.message is None
    assert stage.output(run) == (
        b"[gittasks: attempt 1 of 6]\ntry 1\nunfinished\n"
        b"[gittasks: attempt 2 of 6]\ntry 2\nunfinished\n"
        b"[gittasks: attempt 3 of 6]\ntry 3\nunfinished"
    )
    assert ended.output_bytes == len(stage.output(run))
    assert os.listdir(stage.folders.live_folders) == []


def test_in_the_end_the_last_attempt_counts(stage: Stage) -> None:
    run = stage.shell(COUNT + "[ $n = 2 ] && kill -9 $$; exit $n", retries=2, backoff_s=0)
    ended = stage.end(run)
    assert (ended.status, ended.reason, ended.exit_code, ended.attempt) == ("failed", "exit", 3, 3)
    assert [(tried["reason"], tried["exit_code"], tried["signal"]) for tried in ended.attempts] == [
        ("exit", 1, None),
        ("signal", None, 9),
    ]
    assert ended.usage is not None
    assert ended.usage["peak_memory_bytes"] > 1 << 20


@pytest.mark.long
def test_each_attempt_has_its_time_and_ends_whole(stage: Stage) -> None:
    script = escape_and(COUNT + "[ $n = 2 ] && exit 0; sleep 600")
    ended = stage.end(stage.shell(script, retries=1, backoff_s=0, timeout_s=2, grace_s=0.1))
    assert (ended.status, ended.attempts[0]["reason"]) == ("completed", "timeout")
    assert stage.alive() == []


def test_between_two_attempts_it_is_queued_and_can_be_killed(stage: Stage) -> None:
    run = stage.shell("echo out; exit 3", retries=1, backoff_s=600)
    until(lambda: stage.now(run).phase == "queued")
    seen = stage.now(run)
    assert seen.message == "attempt 1 of 2 failed (exit 3), the next one follows"
    assert (seen.process, seen.attempt, len(seen.attempts)) == (None, 1, 1)
    stopping.ask_to_stop(stage.folders, run.id, 5)
    ended = stage.end(run)
    assert (ended.status, ended.exit_code, ended.message) == ("killed", 3, "stopped after attempt 1")


def test_a_killed_attempt_is_not_tried_again(stage: Stage) -> None:
    run = stage.start("sleep", "600", retries=3, backoff_s=0)
    stopping.ask_to_stop(stage.folders, run.id, 5)
    ended = stage.end(run)
    assert (ended.status, ended.attempt) == ("killed", 1)


def test_what_cannot_be_started_is_not_tried_again(stage: Stage) -> None:
    started = stage.begin("no-such-program-here", retries=3, backoff_s=0)
    assert started.failure is not None
    assert stage.end(started.run).attempts == ()


def test_a_supervisor_killed_between_two_attempts_is_replaced(stage: Stage) -> None:
    run = stage.shell(COUNT + "echo $SECRET; [ $n = 2 ]", retries=1, backoff_s=1.5, env={"SECRET": "pst"})
    until(lambda: stage.now(run).phase == "queued")
    os.kill(stage.supervisor(run).pid, signal.SIGKILL)
    ended = stage.end(run)
    assert (ended.status, ended.exit_code, ended.attempt) == ("completed", 0, 2)
    assert stage.output(run).endswith(b"[gittasks: attempt 2 of 2]\ntry 2\npst\n")


def test_a_supervisor_killed_during_an_attempt_ends_it_all(stage: Stage) -> None:
    """Nobody can know how that attempt ended, so nobody can know whether to try again."""
    run = stage.shell(COUNT + "until [ -e go ]; do sleep 0.02; done; exit 1", retries=3, backoff_s=0)
    stage.until_output(run, b"try 1")
    stage.kill9(stage.supervisor(run))
    assert stage.now(run).is_live
    (stage.top / "go").touch()
    ended = stage.end(run)
    assert (ended.reason, ended.attempt) == ("lost", 1)


def test_a_slot_is_held_between_attempts(stage: Stage) -> None:
    first = stage.shell(COUNT + "[ $n = 2 ]", retries=1, backoff_s=0.3, slots={"a": 1})
    second = stage.shell("cat tries", slots={"a": 1})
    assert stage.end(first).status == "completed"
    stage.end(second)
    assert stage.output(second) == b"x\nx\n"


def test_what_a_worker_said_stays_and_its_reason_is_its_attempts(stage: Stage) -> None:
    script = "until [ -e said ]; do sleep 0.02; done; " + COUNT + "exit 3"
    run = stage.shell(script, retries=1, backoff_s=0)
    report.write_report(stage.folders, run.id, reason="timeout", session="s-1")
    (stage.top / "said").touch()
    ended = stage.end(run)
    assert (ended.attempts[0]["reason"], ended.reason, ended.session) == ("timeout", "exit", "s-1")


def test_pauses_double_up_to_an_hour() -> None:
    assert [attempts.pause_s(1, n) for n in (1, 2, 3, 4)] == [1, 2, 4, 8]
    assert attempts.pause_s(1, 10_000) == 3600
    assert attempts.pause_s(7200, 3) == 7200
    assert attempts.pause_s(0, 50) == 0


@pytest.mark.parametrize(
    ("ending", "again"),
    [
        (Ending(FAILED, EXIT, 1, None), True),
        (Ending(FAILED, "timeout", None, 9), True),
        (Ending(FAILED, "out_of_memory", None, 9), True),
        (Ending(FAILED, LOST, None, None), False),
        (Ending(KILLED, EXIT, 1, None), False),
        (Ending("completed", EXIT, 0, None), False),
    ],
)
def test_what_is_tried_again(ending: Ending, again: bool) -> None:
    run = Run(RunId("b0000001"), attempt=2, retries=2)
    assert attempts.may_try_again(run, ending) == again
    assert not attempts.may_try_again(run._replace(attempt=3), ending)
    assert not attempts.may_try_again(run._replace(attempt=None, retries=None), ending)


def test_only_the_last_attempts_are_kept() -> None:
    run = Run(RunId("b0000001"), retries=1000)
    for number in range(1, 40):
        run = run._replace(attempt=number)
        tried = attempts.noted(run, Ending(FAILED, EXIT, 1, None), start_time=2.0, end_time=1.0)
        run = run._replace(attempts=tried)
    assert [tried["attempt"] for tried in run.attempts] == list(range(20, 40))
    assert run.attempts[0]["end_time"] == 2.0
