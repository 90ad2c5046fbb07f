"""What a run, and what is known of it, must survive. Real processes, killed for real."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gittasks.base import flock, identity
from gittasks.base.identity import ALIVE
from gittasks.runtime import journal, live, notices, stopping, store, waiting
from gittasks.runtime.record import Run, RunId, format_run, parse_run
from tests.runtime.stage import Stage, until
from tests.runtime.test_supervision import escape_and


def rewrite_record(stage: Stage, run: Run, **changes: Any) -> None:
    """Change what the private record of a live run says, as if another time or machine had written it."""
    path = Path(stage.folders.live_folder(run.id), live.RECORD)
    path.write_bytes(format_run(parse_run(path.read_bytes())._replace(**changes)))


def abandon(stage: Stage, run: Run, **changes: Any) -> None:
    """Kill a run's supervisor and command, and change what was recorded of them."""
    stage.kill9(stage.supervisor(run))
    stage.kill9(stage.leader(run))
    rewrite_record(stage, run, **changes)


def test_the_supervisor_is_killed_and_the_command_goes_on(stage: Stage) -> None:
    run = stage.shell("echo one; until [ -e go ]; do sleep 0.02; done; echo two; exit 3")
    stage.until_output(run, b"one")
    first = stage.supervisor(run)
    stage.kill9(first)
    assert not live.is_guarded(stage.folders, run.id)
    assert stage.now(run).is_live
    second = stage.supervisor(run)
    assert second != first
    assert identity.state_of(second) == ALIVE
    assert live.is_guarded(stage.folders, run.id)
    (stage.top / "go").touch()
    ended = stage.end(run)
    assert (ended.status, ended.reason, ended.exit_code) == ("failed", "lost", None)
    assert ended.message is not None
    assert "how the command ended is unknown" in ended.message
    assert stage.output(run) == b"one\ntwo\n"


def test_what_is_written_while_nobody_reads_waits_for_the_next_supervisor(stage: Stage) -> None:
    run = stage.shell("until [ -e go ]; do sleep 0.02; done; head -c 900000 /dev/zero; echo; echo end")
    stage.kill9(stage.supervisor(run))
    (stage.top / "go").touch()
    # The pipe is full now: the command waits, instead of dying of a broken one.
    until(lambda: any((stat := identity.read_stat(pid)) and stat.name == "head" for pid in stage.alive()))
    stage.now(run)
    ended = stage.end(run)
    assert ended.reason == "lost"
    assert len(stage.output(run)) == 900_000 + 5
    assert stage.output(run).endswith(b"\nend\n")


def test_the_second_supervisor_is_killed_too(stage: Stage) -> None:
    run = stage.shell("until [ -e go ]; do sleep 0.02; done")
    for _ in range(3):
        stage.kill9(stage.supervisor(run))
        assert stage.now(run).is_live
    (stage.top / "go").touch()
    assert stage.end(run).reason == "lost"


def test_a_run_whose_supervisor_was_killed_can_be_killed(stage: Stage) -> None:
    run = stage.shell(escape_and("trap '' TERM; echo ready; sleep 600 & wait; wait; sleep 600"))
    stage.until_output(run, b"escaped")
    stage.until_output(run, b"ready")
    stage.kill9(stage.supervisor(run))
    assert stopping.ask_to_stop(stage.folders, run.id, 0.1)
    store.load(stage.folders, stage.env)
    ended = stage.end(run)
    assert ended.status == "killed"
    assert stage.alive() == []


def test_a_deadline_outlives_its_supervisor(stage: Stage) -> None:
    run = stage.start("sleep", "600", timeout_s=0.6)
    stage.kill9(stage.supervisor(run))
    assert stage.now(run).is_live
    assert stage.end(run).reason == "timeout"


def test_supervisor_and_command_are_killed(stage: Stage) -> None:
    run = stage.shell("echo before; sleep 600")
    stage.until_output(run, b"before")
    stage.kill9(stage.supervisor(run))
    for pid in stage.alive():
        os.kill(pid, signal.SIGKILL)
    until(lambda: stage.alive() == [])
    ended = stage.now(run)
    assert (ended.status, ended.reason, ended.phase) == ("failed", "lost", None)
    assert ended.output_bytes == 7
    assert os.listdir(stage.folders.live_folders) == []
    assert stage.now(run) == ended


def test_supervisor_and_leader_are_killed_but_children_live(stage: Stage) -> None:
    run = stage.shell(escape_and("sleep 600 & echo ready; wait; sleep 600"))
    stage.until_output(run, b"escaped")
    stage.until_output(run, b"ready")
    stage.kill9(stage.supervisor(run))
    stage.kill9(stage.leader(run))
    assert len(stage.alive()) >= 2
    assert stage.now(run).is_live
    ended = stage.end(run)
    assert ended.reason == "lost"
    assert stage.alive() == []


def test_a_reboot(stage: Stage) -> None:
    run = stage.start("sleep", "600")
    process = dict(run.process or {}, boot_id="another-boot")
    abandon(stage, run, process=process)
    ended = stage.now(run)
    assert (ended.status, ended.reason) == ("failed", "reboot")
    assert ended.message == "the machine was restarted while it ran"


def test_pids_in_other_hands_are_left_alone(stage: Stage) -> None:
    run = stage.start("sleep", "600")
    stranger = subprocess.Popen(("sleep", "600"))
    try:
        theirs = identity.find_process(stranger.pid)
        assert theirs is not None
        reused = theirs._replace(start_ticks=theirs.start_ticks - 5).as_json()
        abandon(stage, run, process=reused, supervisor=reused)
        stopping.ask_to_stop(stage.folders, run.id, 0)
        ended = stage.now(run)
        assert (ended.status, ended.reason) == ("failed", "lost")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_another_machine_or_container_cannot_be_judged_from_here(stage: Stage) -> None:
    run = stage.start("sleep", "600")
    abandon(stage, run, process=dict(run.process or {}, host="elsewhere"))
    seen = stage.now(run)
    assert seen.is_live
    assert seen.message == "runs on elsewhere, out of sight from here"
    rewrite_record(stage, run, process=run.process)
    assert stage.now(run).reason == "lost"


def test_the_outputs_are_cleaned_away_while_runs_live(stage: Stage) -> None:
    done = stage.end(stage.shell("echo old"))
    assert [told.run.id for told in notices.drain(stage.folders, stage.env)] == [done.id]
    run = stage.shell("echo one; until [ -e go ]; do sleep 0.02; done; echo two", task_id=7)
    stage.until_output(run, b"one")
    shutil.rmtree(stage.folders.outputs)
    seen = {found.id: found for found in store.parse(store.load(stage.folders, stage.env).values())}
    assert seen[run.id].is_live
    assert seen[run.id].work_graph_task_id == 7
    assert seen[done.id].status == "completed"
    (stage.top / "go").touch()
    assert stage.end(run).status == "completed"
    assert stage.output(run) == b"one\ntwo\n"
    # What was told once stays told.
    assert [told.run.id for told in notices.drain(stage.folders, stage.env)] == [run.id]


def test_a_live_run_that_the_index_lost_is_still_listed(stage: Stage) -> None:
    run = stage.start("sleep", "600")
    Path(stage.folders.index_file).write_bytes(b"")
    assert stage.now(run).is_live
    stopping.ask_to_stop(stage.folders, run.id, 5)
    assert stage.end(run).status == "killed"


def test_a_run_ends_while_the_index_is_gone(stage: Stage) -> None:
    run = stage.shell("until [ -e go ]; do sleep 0.02; done")
    shutil.rmtree(stage.folders.outputs)
    (stage.top / "go").touch()
    waiting.wait(stage.folders, [run.id], stage.env)
    assert stage.now(run).status == "completed"
    assert (Path(stage.folders.outputs) / ".gitignore").exists()


def test_a_torn_or_spoilt_index(stage: Stage) -> None:
    first, second = stage.end(stage.shell("exit 1")), stage.end(stage.shell("exit 2"))
    path = Path(stage.folders.index_file)
    lines = path.read_bytes().splitlines(keepends=True)
    starts = [line for line in lines if b'"running"' in line]
    ends = [line for line in lines if b'"running"' not in line]
    # The end of the first run is garbled, that of the second torn.
    path.write_bytes(starts[0] + starts[-1] + ends[0].replace(b'"type"', b'"ty\x00e"') + ends[1][:40])
    assert stage.now(first).exit_code == 1
    assert stage.now(second).exit_code == 2
    assert {run.exit_code for run in store.parse(stage.index().values())} == {1, 2}


def test_an_index_that_lost_a_run_altogether(stage: Stage) -> None:
    first, second = stage.end(stage.shell("exit 1")), stage.end(stage.shell("exit 2"))
    path = Path(stage.folders.index_file)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(b"\x00" * 30 + b"\n" if first.id.encode() in line else line for line in lines))
    assert stage.now(first) == first
    assert stage.now(second) == second
    assert b"\x00" not in path.read_bytes()


def test_an_index_that_calls_running_what_has_no_folder(stage: Stage) -> None:
    unknown = Run(RunId("b0000001"))
    dead = Run(RunId("b0000002"), process=identity.this_process()._replace(start_ticks=1).as_json())
    far = Run(RunId("b0000003"), process=identity.this_process()._replace(host="elsewhere").as_json())
    with flock.Hold(stage.folders.lock_file, purpose="test"):
        journal.append(stage.folders, b"".join(map(format_run, (unknown, dead, far))))
    assert stage.now(unknown).reason == "unverified"
    assert stage.now(dead).reason == "lost"
    assert stage.now(far).is_live
    assert os.listdir(stage.folders.live_folders) == []


def test_an_index_of_an_older_version_loads(stage: Stage) -> None:
    old = Path(__file__).parent / "data" / "index-1.jsonl"
    shutil.copy(old, stage.folders.index_file)
    runs = store.parse(store.load(stage.folders, stage.env).values())
    assert [(run.id, run.status) for run in runs] == [
        ("bq3k2m1z", "completed"),
        ("b8k2m1qz", "failed"),
        ("a0zzzzzz", "killed"),
        ("b0000old", "completed"),
    ]
    assert runs[0].output_bytes == 13
    # What was an unknown field then.
    assert runs[2].session == "5f0c"


LOAD = """
import os, sys
from gittasks.runtime import store
from gittasks.runtime.folders import Folders
lines = store.load(Folders(*sys.argv[1:4]), os.environ)
"""


def load_from(stage: Stage, count: int) -> None:
    """Let `count` processes look at all runs at once."""
    workers = [subprocess.Popen((sys.executable, "-c", LOAD, *stage.folders)) for _ in range(count)]
    assert [worker.wait() for worker in workers] == [0] * count


def test_many_find_an_orphan_at_once_and_one_takes_it(stage: Stage) -> None:
    run = stage.shell("until [ -e go ]; do sleep 0.02; done")
    stage.kill9(stage.supervisor(run))
    load_from(stage, 6)
    stage.now(run)
    assert len(stage.supervisors()) == 1
    (stage.top / "go").touch()
    stage.end(run)


def test_many_find_a_dead_run_at_once_and_its_end_is_recorded_once(stage: Stage) -> None:
    run = stage.start("sleep", "600")
    abandon(stage, run)
    load_from(stage, 6)
    ended = stage.now(run)
    assert ended.reason == "lost"
    ends = [line for line in Path(stage.folders.index_file).read_bytes().splitlines() if b'"failed"' in line]
    assert len(ends) == 1


DRAIN = """
import os, sys
from gittasks.runtime import notices
from gittasks.runtime.folders import Folders
folders = Folders(*sys.argv[1:4])
told = []
parent = os.getppid()  # a test that was killed must not leave its readers spinning
while not os.path.exists(sys.argv[4]) and os.getppid() == parent:
    told += notices.drain(folders, os.environ)
told += notices.drain(folders, os.environ)
print(" ".join(notice.run.id for notice in told))
"""


@pytest.mark.long
def test_sixteen_readers_are_told_of_each_run_once(stage: Stage) -> None:
    over = stage.top / "over"
    readers = [
        subprocess.Popen(
            (sys.executable, "-c", DRAIN, *stage.folders, str(over)), stdout=subprocess.PIPE, text=True
        )
        for _ in range(16)
    ]
    runs = [stage.shell("exit $(( $$ % 2 ))") for _ in range(20)]
    for run in runs:
        stage.end(run)
    over.touch()
    told = [run_id for reader in readers for run_id in reader.communicate()[0].split()]
    assert sorted(told) == sorted(run.id for run in runs)
    assert all(run.notified for run in store.parse(stage.index().values()))


FULL_DISK = """
import os, resource, sys
sys.path.insert(0, sys.argv[4])
from pathlib import Path
from tests.runtime.stage import Stage
stage = Stage.__new__(Stage)
from gittasks.runtime.folders import Folders
stage.folders, stage.top = Folders(*sys.argv[1:4]), Path(sys.argv[1]).parent
stage.mark, stage.started = sys.argv[5], []
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, resource.RLIM_INFINITY))
run = stage.shell("head -c 100000 /dev/zero; exit 5")
print(run.id)
"""


def test_a_disk_that_is_full_for_index_and_output(stage: Stage) -> None:
    # No file may grow over 20,000 bytes for this run's supervisor, and the index is larger already.
    old = b"".join(format_run(Run(RunId(f"b{number:07}"), status="completed")) for number in range(200))
    Path(stage.folders.index_file).write_bytes(old)
    done = subprocess.run(
        (sys.executable, "-c", FULL_DISK, *stage.folders, os.getcwd(), stage.mark),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    run_id = RunId(done.stdout.strip())
    stage.started.append(run_id)
    assert waiting.wait(stage.folders, [run_id], stage.env, timeout_s=15)
    ended = parse_run(store.load(stage.folders, stage.env)[run_id.encode()])
    assert (ended.status, ended.exit_code, ended.truncated) == ("failed", 5, True)
    assert run_id.encode() in stage.index()
    assert os.listdir(stage.folders.live_folders) == []


# -- writers that are killed at each of their system calls


CALLS = (
    "open",
    "write",
    "pwrite",
    "fsync",
    "ftruncate",
    "rename",
    "replace",
    "link",
    "unlink",
    "rmdir",
    "mkdir",
)


def die_at(number: int) -> None:
    """Let this process be killed right before its `number`th call that changes something on disk."""
    left = [number]

    def guard(call: Any) -> Any:
        def guarded(*args: Any, **kwargs: Any) -> Any:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*args, **kwargs)

        return guarded

    for name in CALLS:
        setattr(os, name, guard(getattr(os, name)))


def killed_at(number: int, work: Any) -> bool:
    """Do `work` in a process that is killed at its `number`th step; whether it was."""
    pid = os.fork()
    if pid == 0:
        try:
            die_at(number)
            work()
        finally:
            os._exit(0)
    _, status = os.waitpid(pid, 0)
    return os.WIFSIGNALED(status)


def dead_run(stage: Stage, number: int) -> Run:
    """A live run as its supervisor records it, with a process that is dead for sure."""
    run_id, fd = live.claim(stage.folders, "b")
    gone = identity.this_process()._replace(start_ticks=number)
    run = Run(run_id, phase="active", start_time=float(number), process=gone.as_json())
    live.open_up(stage.folders, run, {"limit_bytes": 1000})
    live.write_record(stage.folders, run)
    os.close(fd)
    return run


@pytest.mark.long
@pytest.mark.parametrize("work", ["finish", "write_record", "mend", "drain", "compact", "start"])
def test_a_writer_killed_at_each_step_loses_nothing(stage: Stage, work: str) -> None:
    number = 0
    killed = True
    while killed:
        number += 1
        run = dead_run(stage, number)
        ended = run._replace(status="completed", exit_code=0, phase=None, end_time=float(number))
        if work == "finish":
            killed = killed_at(number, lambda: live.finish(stage.folders, ended))  # noqa: B023
        elif work == "write_record":
            stopping_run = run._replace(phase="stopping")
            killed = killed_at(number, lambda: live.write_record(stage.folders, stopping_run))  # noqa: B023
        elif work == "mend":
            killed = killed_at(number, lambda: store.load(stage.folders, {}))
        elif work == "start":
            killed = killed_at(number, lambda: live.claim(stage.folders, "b"))
        else:
            live.finish(stage.folders, ended)
            change = notices.drain if work == "drain" else compact
            killed = killed_at(number, lambda: change(stage.folders, {}))  # noqa: B023
        after = stage.now(run)
        assert not after.is_live
        assert after.status == "completed" or after.reason == "lost"
        assert len(stage.index()) == number
        assert os.listdir(stage.folders.live_folders) == []
        if work == "drain":
            told = notices.drain(stage.folders, {})
            assert [found.run.id for found in told] in ([run.id], [])
            assert notices.drain(stage.folders, {}) == []
    assert number > 2
    json.loads(Path(stage.folders.ended_file(run.id)).read_bytes())


def compact(folders: Any, env: Any) -> None:
    with flock.Hold(folders.lock_file, purpose="test"):
        journal.compact(folders)
