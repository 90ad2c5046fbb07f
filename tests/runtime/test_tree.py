from __future__ import annotations

import os
import signal
import subprocess
import sys

from gittasks.base import identity
from gittasks.runtime import stopping, tree
from gittasks.runtime.record import RunId
from tests.runtime.stage import Stage, until


def test_a_pid_that_changed_hands_gets_no_signal() -> None:
    with subprocess.Popen(("sleep", "600")) as stranger:
        stat = identity.read_stat(stranger.pid)
        process = identity.find_process(stranger.pid)
        assert stat is not None
        assert process is not None
        tree.signal_all([stat._replace(start_ticks=stat.start_ticks - 1)], signal.SIGKILL)
        stopping.wake(process._replace(start_ticks=process.start_ticks - 1))
        assert stranger.poll() is None
        tree.signal_all([stat], signal.SIGTERM)
        assert stranger.wait() == -signal.SIGTERM


def test_a_supervisor_that_is_gone_is_not_woken() -> None:
    child = subprocess.Popen(("true",))
    process = identity.find_process(child.pid)
    child.wait()
    if process is not None:
        stopping.wake(process)


def test_who_sheds_session_and_environment_is_still_found(stage: Stage) -> None:
    hide = (
        "import os, sys, time\n"
        "if os.fork(): os._exit(0)\n"
        "os.setsid()\n"
        "if os.fork(): os._exit(0)\n"
        "os.execve(sys.executable, [sys.executable, '-S', '-c', "
        "'import os, time; print(os.getpid(), flush=True); time.sleep(600)'], {})\n"
    )
    run = stage.start("sh", "-c", f'"{sys.executable}" -S -c "{hide}"; sleep 600')
    stage.until_output(run, b"\n")
    hidden = int(stage.output(run))
    assert identity.read_environ(hidden) == b""
    stopping.ask_to_stop(stage.folders, run.id, 5)
    assert stage.end(run).status == "killed"
    assert identity.find_process(hidden) is None


def test_marks_are_whole_values(stage: Stage) -> None:
    run = stage.start("sleep", "600")
    assert tree.find_marked([run.id, RunId("b0000000")]) == {run.id}
    assert tree.find_marked([RunId(run.id[:7])]) == set()
    stopping.ask_to_stop(stage.folders, run.id, 5)
    stage.end(run)
    until(lambda: tree.find_marked([run.id]) == set())


def test_a_process_of_this_one_is_a_member_whatever_its_session() -> None:
    with subprocess.Popen(("sleep", "600"), start_new_session=True, env={}) as child:
        try:
            members = tree.find_members(RunId("b0000000"), None)
            assert child.pid in [stat.pid for stat in members]
            assert os.getpid() not in [stat.pid for stat in members]
        finally:
            child.kill()
