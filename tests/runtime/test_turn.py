"""Runs that wait: for other runs, for a slot, and what becomes of them when somebody is killed meanwhile."""

from __future__ import annotations

import os
import re
import select
import signal
import time
from pathlib import Path

import pytest

from gittasks.base import identity
from gittasks.runtime import bell, live, slots, stopping, store, waiting
from gittasks.runtime.record import Run, RunId
from gittasks.runtime.slots import BadSlotError, Place
from tests.runtime.stage import Stage, until


def hold(stage: Stage, name: str = "go", **how: object) -> Run:
    """A run that lives until the file `name` is there."""
    return stage.shell(f"until [ -e {name} ]; do sleep 0.02; done", **how)


def touch(stage: Stage, name: str = "go") -> None:
    (stage.top / name).touch()


def noting(word: str) -> str:
    return f"echo {word} >> order"


def order(stage: Stage) -> list[str]:
    path = stage.top / "order"
    return path.read_text().split() if path.exists() else []


def end_all(stage: Stage, *runs: Run) -> list[str]:
    return [stage.end(run).status for run in runs]


# -- after other runs


def test_a_run_starts_after_others(stage: Stage) -> None:
    first, second = hold(stage, "go1"), hold(stage, "go2")
    run = stage.shell(noting("last"), after={first.id: "end", second.id: "success"}, timeout_s=30)
    assert (run.status, run.phase, run.process) == ("running", "queued", None)
    assert run.message == f"waits for {first.id}, {second.id}"
    assert run.start_time > 0
    touch(stage, "go1")
    stage.end(first)
    assert stage.now(run).phase == "queued"
    assert order(stage) == []
    touch(stage, "go2")
    ended = stage.end(run)
    assert (ended.status, ended.message) == ("completed", None)
    assert ended.start_time >= (stage.now(second).end_time or 0)
    assert order(stage) == ["last"]


@pytest.mark.parametrize(
    ("code", "condition", "starts"),
    [
        (0, "end", True),
        (1, "end", True),
        (0, "success", True),
        (1, "success", False),
        (0, "failure", False),
        (1, "failure", True),
    ],
)
def test_conditions(stage: Stage, code: int, condition: str, starts: bool) -> None:
    first = stage.shell(f"until [ -e go ]; do sleep 0.02; done; exit {code}")
    run = stage.shell("exit 7", after={first.id: condition})
    late = stage.shell("exit 7", after={run.id: "success"})
    touch(stage)
    ended, never = stage.end(run), stage.end(late)
    assert (ended.reason, ended.exit_code) == (("exit", 7) if starts else ("not_started", None))
    assert ended.status == "failed"
    if not starts:
        word = "completed" if condition == "success" else "failed"
        is_now = stage.now(first).status
        assert ended.message == f"was to start only if {first.id} {word}: it is {is_now}"
    # What waits for what never starts never starts either.
    assert never.reason == "not_started"
    # And at once, where that is known from the start.
    at_once = stage.begin("true", after={first.id: condition})
    assert (at_once.failure is None) == starts
    assert stage.end(at_once.run).reason == ("exit" if starts else "not_started")


def test_after_a_run_of_which_nothing_is_known(stage: Stage) -> None:
    gone = stage.end(stage.start("true"))
    os.unlink(stage.folders.ended_file(gone.id))
    assert stage.begin("true", after={gone.id: "success"}).failure is not None
    assert stage.end(stage.start("true", after={gone.id: "end"})).status == "completed"


def test_after_a_run_whose_supervisor_is_killed(stage: Stage) -> None:
    """Nobody looks at the runs: the one that waits sees to the other by itself."""
    first = stage.start("sleep", "600")
    run = stage.shell(noting("then"), after={first.id: "failure"})
    stage.kill9(stage.supervisor(first))
    until(lambda: live.is_guarded(stage.folders, first.id), "for another supervisor")
    os.kill(stage.leader(first).pid, signal.SIGKILL)
    until(lambda: live.has_ended(stage.folders, run.id), "for the run that waited")
    assert order(stage) == ["then"]
    assert (stage.now(first).reason, stage.now(run).status) == ("lost", "completed")


def test_what_may_have_changed_is_asked_anew(stage: Stage) -> None:
    first = hold(stage)
    ask = {"commit_before": ["cat", str(stage.top / "head")]}
    run = stage.start("true", after={first.id: "end"}, after_wait=ask)
    at_once = stage.start("true", after_wait=ask)
    (stage.top / "head").write_text("12345\n")
    touch(stage)
    end_all(stage, first, run, at_once)
    assert (stage.now(run).commit_before, stage.now(at_once).commit_before) == ("12345", None)


# -- slots


def test_slots_are_taken_in_turn(stage: Stage) -> None:
    two = {"test": 2}
    held = [hold(stage, "go1", slots=two), hold(stage, "go2", slots=two)]
    assert [run.phase for run in held] == ["active", "active"]
    queued = [stage.shell(noting(str(n)), slots=two) for n in range(4)]
    other = stage.shell(noting("other"), slots={"build": 1})
    assert stage.end(other).status == "completed"
    assert [stage.now(run).phase for run in queued] == ["queued"] * 4
    assert queued[0].message == "waits for slot test"
    touch(stage, "go2")
    assert end_all(stage, *queued) == ["completed"] * 4
    assert order(stage) == ["other", "0", "1", "2", "3"]
    touch(stage, "go1")
    end_all(stage, *held)


def test_no_slot_is_overtaken_by_a_larger_number(stage: Stage) -> None:
    first = hold(stage, slots={"a": 1})
    small = stage.shell(noting("small"), slots={"a": 1})
    large = stage.shell(noting("large"), slots={"a": 5})
    both = stage.shell(noting("both"), slots={"a": 2, "b": 1})
    assert [stage.now(run).phase for run in (small, large, both)] == ["queued"] * 3
    touch(stage)
    end_all(stage, small, large, both)
    over = stage.end(first).end_time or 0.0
    assert min(stage.now(run).start_time for run in (small, large, both)) >= over


def test_never_more_at_once_than_there_are_slots(stage: Stage) -> None:
    script = "mkdir in/$GITTASKS_RUN_ID; ls in | wc -l; sleep 0.05; rmdir in/$GITTASKS_RUN_ID"
    (stage.top / "in").mkdir()
    runs = [stage.shell(script, slots={"t": 3}) for _ in range(12)]
    assert set(end_all(stage, *runs)) == {"completed"}
    counts = [int(stage.output(run)) for run in runs]
    assert max(counts) <= 3


def test_a_killed_holder_frees_its_slot(stage: Stage) -> None:
    first = stage.start("sleep", "600", slots={"a": 1})
    run = stage.shell(noting("next"), slots={"a": 1})
    supervisor, leader = stage.supervisor(first), stage.leader(first)
    os.kill(leader.pid, signal.SIGSTOP)
    stage.kill9(supervisor)
    # Its command lives: the slot is not free, and the run that waits finds it another supervisor.
    until(lambda: live.is_guarded(stage.folders, first.id), "for another supervisor")
    assert order(stage) == []
    os.kill(stage.supervisor(first).pid, signal.SIGKILL)
    os.kill(leader.pid, signal.SIGKILL)
    until(lambda: live.has_ended(stage.folders, run.id), "for the slot")
    assert order(stage) == ["next"]
    assert stage.now(first).reason == "lost"


def test_a_queued_run_can_be_killed(stage: Stage) -> None:
    first = hold(stage, slots={"a": 1})
    second = stage.shell(noting("second"), slots={"a": 1})
    third = stage.shell(noting("third"), slots={"a": 1})
    stopping.ask_to_stop(stage.folders, second.id, 5)
    ended = stage.end(second)
    assert (ended.status, ended.reason, ended.exit_code) == ("killed", "not_started", None)
    assert ended.message == "stopped before its command was started"
    assert stage.now(third).phase == "queued"
    touch(stage)
    end_all(stage, first, third)
    assert order(stage) == ["third"]


def test_the_time_of_a_queued_run_counts_from_its_start(stage: Stage) -> None:
    first = hold(stage, slots={"a": 1})
    run = stage.start("sleep", "600", slots={"a": 1}, timeout_s=0.3)
    over = time.monotonic() + 0.4  # longer than its time
    until(lambda: time.monotonic() > over)
    assert stage.now(run).phase == "queued"
    touch(stage)
    stage.end(first)
    assert stage.end(run).reason == "timeout"


def test_a_queued_run_outlives_its_supervisor(stage: Stage) -> None:
    """Its job may hold secrets and is in no file; who stands by has it too."""
    first = hold(stage, slots={"a": 1})
    run = stage.shell("echo $SECRET; exit 3", slots={"a": 1}, env={"SECRET": "hunter2"})
    for _ in range(3):
        supervisor = stage.supervisor(run)
        os.kill(supervisor.pid, signal.SIGKILL)
        until(lambda: stage.supervisor(run) != supervisor, "for the one who stood by")  # noqa: B023
        assert stage.now(run).phase == "queued"
        assert live.is_guarded(stage.folders, run.id)
    touch(stage)
    stage.end(first)
    ended = stage.end(run)
    # Nothing was lost: not even the exit code.
    assert (ended.status, ended.reason, ended.exit_code) == ("failed", "exit", 3)
    assert stage.output(run) == b"hunter2\n"


def test_who_stood_by_is_killed_and_the_run_goes_on(stage: Stage) -> None:
    first = hold(stage, slots={"a": 1})
    run = stage.shell("exit 3", slots={"a": 1})
    until(lambda: len(_guards(run)) == 2, "for somebody to stand by")
    for pid in _guards(run):
        if pid != stage.supervisor(run).pid:
            os.kill(pid, signal.SIGKILL)
    touch(stage)
    stage.end(first)
    assert stage.end(run).exit_code == 3


def test_all_guards_of_a_queued_run_are_killed(stage: Stage) -> None:
    first = hold(stage, slots={"a": 1})
    run, other = stage.shell("exit 3", slots={"a": 1}), stage.shell("exit 4", slots={"a": 1})
    stopped = stage.shell("exit 5", slots={"a": 1})
    for victim in (run, stopped):
        until(lambda: len(_guards(victim)) == 2, "for somebody to stand by")  # noqa: B023
        pids = _guards(victim)
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        if victim is stopped:
            stopping.ask_to_stop(stage.folders, victim.id, 5)
        for pid in sorted(pids):
            os.kill(pid, signal.SIGKILL)
        until(lambda: not live.is_guarded(stage.folders, victim.id))  # noqa: B023
    ended = stage.end(run)
    assert (ended.status, ended.reason) == ("failed", "not_started")
    assert ended.message == "its supervisor was killed while it waited: its command was never started"
    assert stage.end(stopped).status == "killed"
    touch(stage)
    stage.end(first)
    assert stage.end(other).exit_code == 4


def _guards(run: Run) -> list[int]:
    mark = f"GITTASKS_SUPERVISOR={run.id}\0".encode()
    return [
        pid
        for pid in identity.all_pids()
        if identity.read_environ(pid).startswith(mark)
        and (stat := identity.read_stat(pid)) is not None
        and not stat.has_ended
    ]


def test_the_machine_was_restarted_while_a_run_waited(stage: Stage) -> None:
    first = hold(stage, slots={"a": 1})
    run = stage.shell("exit 3", slots={"a": 1})
    until(lambda: len(_guards(run)) == 2)
    for pid in sorted(_guards(run), reverse=True):
        os.kill(pid, signal.SIGSTOP)
    for pid in _guards(run):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not live.is_guarded(stage.folders, run.id))
    path = Path(stage.folders.live_folder(run.id), live.RECORD)
    path.write_bytes(re.sub(rb'"boot_id": "[^"]*"', b'"boot_id": "another"', path.read_bytes()))
    ended = stage.now(run)
    assert (ended.reason, ended.message) == (
        "reboot",
        "the machine was restarted while it waited: its command was never started",
    )
    touch(stage)
    stage.end(first)


def test_waiting_costs_nothing(stage: Stage) -> None:
    first = hold(stage, slots={"a": 1})
    runs = [stage.shell("true", slots={"a": 1}), stage.shell("true", after={first.id: "end"})]
    for run in runs:
        until(lambda: len(_guards(run)) == 2)  # noqa: B023
        until(
            lambda: all(
                "sleeping" in Path(f"/proc/{pid}/status").read_text()
                for pid in _guards(run)  # noqa: B023
            )
        )

    def switches() -> list[str]:
        lines = []
        for run in runs:
            for pid in _guards(run):
                status = Path(f"/proc/{pid}/status").read_text()
                assert int(status.split("VmRSS:")[1].split()[0]) <= 12 * 1024
                lines += [line for line in status.splitlines() if "ctxt_switches" in line]
        return lines

    before = switches()
    for _ in range(5):
        stage.now(first)
    assert switches() == before
    touch(stage)
    end_all(stage, first, *runs)


def test_a_queue_that_is_garbled_or_gone_lets_everybody_go_on(stage: Stage) -> None:
    first = hold(stage, slots={"a": 1})
    run = stage.shell(noting("run"), slots={"a": 1})
    Path(stage.folders.slots_file).write_bytes(b"\xff\x00 garbage\n\nb1 holds a=x\n" + b"z" * 5000)
    touch(stage)
    assert end_all(stage, first, run) == ["completed", "completed"]
    os.unlink(stage.folders.slots_file)
    assert stage.end(stage.shell("true", slots={"a": 1})).status == "completed"


# -- the queue alone


def test_who_stands_in_the_way() -> None:
    def ids(*numbers: int) -> tuple[RunId, ...]:
        return tuple(RunId(f"b000000{number}") for number in numbers)

    def place(number: int, holds: bool, **wanted: int) -> Place:
        return Place(ids(number)[0], holds, wanted)

    queue = [place(1, True, a=2), place(2, False, a=1), place(3, False, b=1), place(4, False, a=9, b=9)]
    assert slots._in_the_way(queue, queue[1]) == ids(1)
    assert slots._in_the_way(queue, queue[2]) == ()
    assert slots._in_the_way(queue, queue[3]) == ids(2, 3)
    assert slots._in_the_way([queue[0], place(5, False, a=2)], place(5, False, a=2)) == ()
    assert slots._next_in_line(queue, ["a", "b", "c"]) == set(ids(2, 3))


@pytest.mark.parametrize("name", ["", "--force/..", "../x", "a b", "a=b", "é", "x" * 41, "a\n"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(BadSlotError):
        slots.check_slot(name, 1)


def test_numbers_that_are_none() -> None:
    with pytest.raises(BadSlotError):
        slots.check_slot("a", 0)
    slots.check_slot("test.1_x-y", 1)


@pytest.mark.long
def test_a_hundred_runs_for_three_slots_while_guards_are_killed(stage: Stage) -> None:
    (stage.top / "in").mkdir()
    script = "mkdir in/$GITTASKS_RUN_ID; ls in | wc -l; sleep 0.02; rmdir in/$GITTASKS_RUN_ID"
    runs = [stage.shell(script, slots={"t": 3}) for _ in range(100)]
    for run in runs[10::10]:
        for pid in _guards(run)[:1]:
            os.kill(pid, signal.SIGKILL)
    assert waiting.wait(stage.folders, [run.id for run in runs], stage.env, timeout_s=120)
    ended = store.parse(store.load(stage.folders, stage.env).values())
    assert {run.status for run in ended} == {"completed"}, [run for run in ended if run.status != "completed"]
    assert max(int(stage.output(run)) for run in ended) <= 3


def test_a_bell_tells_whether_anybody_holds_it(stage: Stage) -> None:
    run_id, alive_fd = live.claim(stage.folders, "b")
    own = bell.hang(stage.folders, run_id)
    ear = bell.listen(stage.folders, run_id)
    assert bell.is_held(stage.folders, run_id, ear)
    bell.ring(stage.folders, run_id)
    # Looked at by a stranger, it has not been heard yet.
    assert bell.is_held(stage.folders, run_id, ear)
    assert os.read(own, 10) == b"r"
    poll = select.poll()
    poll.register(ear, 0)
    assert poll.poll(0) == []
    os.close(own)
    assert poll.poll(0) == [(ear, select.POLLHUP)]
    late = bell.listen(stage.folders, run_id)
    assert not bell.is_held(stage.folders, run_id, late)
    for fd in (ear, late):
        os.close(fd)
    live.clear(stage.folders, run_id)
    os.close(alive_fd)
    assert bell.listen(stage.folders, run_id) == -1
    bell.ring(stage.folders, run_id)
