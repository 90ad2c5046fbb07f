"""One run from its start to its end, with real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gittasks.base import clock, identity
from gittasks.runtime import journal, live, stopping, waiting
from gittasks.runtime.record import LOCAL_BASH, parse_run
from tests.runtime.stage import Stage, until

# Leaves its group and session, loses its parent, and ignores a polite request.
ESCAPEE = (
    "import os, signal, sys, time\n"
    "if os.fork(): os._exit(0)\n"
    "os.setsid()\n"
    "if os.fork(): os._exit(0)\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "print('escaped', flush=True)\n"
    "time.sleep(600)\n"
)


def python(script: str) -> tuple[str, ...]:
    return (sys.executable, "-S", "-c", script)


def escape_and(then: str) -> str:
    return f'"{sys.executable}" -S -c "{ESCAPEE}"; {then}'


def test_a_command_that_succeeds(stage: Stage) -> None:
    before = clock.now_s()
    run = stage.shell("echo out; echo err >&2; echo last", task_id=12)
    assert run.phase == "active"
    ended = stage.end(run)
    assert (ended.status, ended.reason, ended.exit_code, ended.signal, ended.phase) == (
        "completed",
        "exit",
        0,
        None,
        None,
    )
    assert stage.output(run) == b"out\nerr\nlast\n"
    assert ended.output_bytes == 13
    assert not ended.truncated
    assert ended.work_graph_task_id == 12
    assert ended.end_time is not None
    assert before <= run.start_time <= ended.end_time <= clock.now_s()
    assert ended.last_output_time is not None
    assert ended.usage is not None
    assert ended.usage["peak_memory_bytes"] > 1 << 20
    assert os.listdir(stage.folders.live_folders) == []
    assert parse_run(Path(stage.folders.ended_file(run.id)).read_bytes()) == ended


def test_a_command_that_fails_or_is_signalled(stage: Stage) -> None:
    failed, crashed = stage.shell("exit 3"), stage.shell("kill -SEGV $$")
    assert (stage.end(failed).status, stage.end(failed).exit_code) == ("failed", 3)
    ended = stage.end(crashed)
    assert (ended.status, ended.reason, ended.exit_code, ended.signal) == ("failed", "signal", None, 11)


def test_the_index_hears_of_the_start_before_the_starter_does(stage: Stage) -> None:
    run = stage.start("sleep", "60")
    assert journal.status_of(stage.index()[run.id.encode()]) == "running"
    assert identity.state_of(stage.leader(run)) == identity.ALIVE
    stopping.ask_to_stop(stage.folders, run.id, 5)
    stage.end(run)


@pytest.mark.parametrize(
    ("argv", "why"),
    [
        (("no-such-program-here",), "cannot run no-such-program-here: command not found"),
        (("./no-such-file",), "cannot run ./no-such-file: command not found"),
        (("/",), "cannot run /: Permission denied"),
    ],
)
def test_a_command_that_cannot_be_started(stage: Stage, argv: tuple[str, ...], why: str) -> None:
    started = stage.begin(*argv)
    assert started.failure == why
    ended = stage.now(started.run)
    assert (ended.status, ended.reason, ended.message, ended.exit_code) == (
        "failed",
        "not_started",
        why,
        None,
    )
    assert os.listdir(stage.folders.live_folders) == []


def test_a_folder_that_is_gone(stage: Stage) -> None:
    started = stage.begin("true", cwd=str(stage.top / "gone"))
    assert started.failure == f"cannot work in {stage.top / 'gone'}: No such file or directory"
    assert stage.now(started.run).reason == "not_started"


def test_a_script_without_interpreter_line_and_a_relative_program(stage: Stage) -> None:
    script = stage.top / "script"
    script.write_text("echo from $0 with $1\n")
    script.chmod(0o755)
    run = stage.start("./script", "me")
    assert stage.end(run).status == "completed"
    assert stage.output(run) == b"from ./script with me\n"


def test_what_a_command_gets(stage: Stage) -> None:
    probe = (
        "import os, signal, sys\n"
        "print(os.getsid(0) == os.getpid() == os.getpgid(0), sys.stdin.read() == '', os.getcwd())\n"
        "ignored = [s for s in signal.valid_signals() if signal.getsignal(s) is signal.SIG_IGN]\n"
        # The interpreter itself ignores these two.
        "print([s.name for s in ignored if s not in (signal.SIGPIPE, signal.SIGXFSZ)])\n"
        "print(signal.pthread_sigmask(signal.SIG_BLOCK, []), sorted(map(int, os.listdir('/proc/self/fd')))[:3])\n"
        "print([fd for fd in os.listdir('/proc/self/fd') if fd not in '012'][1:])\n"
        "print(os.environ['GITTASKS_RUN_ID'], 'GITTASKS_SUPERVISOR' in os.environ)\n"
    )
    run = stage.start(*python(probe))
    assert stage.end(run).status == "completed"
    assert stage.output(run).decode().splitlines() == [
        f"True True {stage.top}",
        "[]",
        "set() [0, 1, 2]",
        "[]",
        f"{run.id} False",
    ]


def test_a_broken_pipe_kills_a_command_as_it_does_in_a_terminal(stage: Stage) -> None:
    run = stage.shell("yes | head -n 1; echo done")
    assert stage.end(run).status == "completed"
    assert stage.output(run) == b"y\ndone\n"


def test_secrets_in_the_environment_reach_no_file_and_no_command_line(stage: Stage) -> None:
    run = stage.shell("test -n $SECRET; sleep 60", env={"SECRET": "hunter2-topsecret"})
    supervisor = stage.supervisor(run)
    shown = Path(f"/proc/{supervisor.pid}/cmdline").read_bytes() + identity.read_environ(supervisor.pid)
    assert b"hunter2" not in shown
    for folder, _, names in os.walk(stage.top):
        for name in names:
            path = Path(folder, name)
            assert path.is_fifo() or b"hunter2" not in path.read_bytes()
    stopping.ask_to_stop(stage.folders, run.id, 1)
    assert stage.end(run).status == "killed"


def test_kill_asks_first(stage: Stage) -> None:
    run = stage.shell("trap 'echo cleaned up; exit 0' TERM; echo ready; while :; do sleep 0.05; done")
    stage.until_output(run, b"ready")
    assert stopping.ask_to_stop(stage.folders, run.id, 10)
    ended = stage.end(run)
    assert (ended.status, ended.exit_code) == ("killed", 0)
    assert b"cleaned up" in stage.output(run)
    assert not stopping.ask_to_stop(stage.folders, run.id, 10)


def test_kill_takes_the_whole_tree(stage: Stage) -> None:
    run = stage.shell(escape_and("trap '' TERM; sleep 600 & echo started; wait; wait; sleep 600"))
    stage.until_output(run, b"escaped")
    stage.until_output(run, b"started")
    assert len(stage.alive()) >= 3
    stopping.ask_to_stop(stage.folders, run.id, 0.2)
    ended = stage.end(run)
    assert (ended.status, ended.signal) == ("killed", signal.SIGKILL)
    assert stage.alive() == []


def test_a_run_that_is_being_stopped_says_so(stage: Stage) -> None:
    run = stage.shell("trap '' TERM; echo ready; while :; do sleep 0.05; done")
    stage.until_output(run, b"ready")
    stopping.ask_to_stop(stage.folders, run.id, 60)
    until(lambda: stage.now(run).phase == "stopping")
    assert stage.now(run).status == "running"
    # Asked again, with less patience.
    stopping.ask_to_stop(stage.folders, run.id, 0)
    assert stage.end(run).status == "killed"


def test_kill_reaches_what_is_stopped(stage: Stage) -> None:
    run = stage.shell("trap 'echo bye; exit 1' TERM; echo ready; kill -STOP $$; sleep 600")
    stage.until_output(run, b"ready")
    until(lambda: (stat := identity.read_stat(stage.leader(run).pid)) is not None and stat.state == "T")
    stopping.ask_to_stop(stage.folders, run.id, 10)
    assert stage.end(run).status == "killed"
    assert b"bye" in stage.output(run)


def test_kill_reaches_a_supervisor_that_is_stopped(stage: Stage) -> None:
    run = stage.start("sleep", "600")
    os.kill(stage.supervisor(run).pid, signal.SIGSTOP)
    stopping.ask_to_stop(stage.folders, run.id, 1)
    assert stage.end(run).status == "killed"


def test_a_signal_that_nobody_recorded_does_not_stop_a_run(stage: Stage) -> None:
    run = stage.shell("sleep 0.3; echo still here")
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        os.kill(stage.supervisor(run).pid, number)
    assert stage.end(run).status == "completed"
    assert stage.output(run) == b"still here\n"


def test_the_deadline_stops_the_tree(stage: Stage) -> None:
    run = stage.shell(escape_and("trap '' TERM; sleep 600"), timeout_s=0.5, grace_s=0.1)
    ended = stage.end(run)
    assert (ended.status, ended.reason) == ("failed", "timeout")
    assert stage.alive() == []


def test_a_command_that_is_done_in_time_is_not_late(stage: Stage) -> None:
    assert stage.end(stage.start("true", timeout_s=30)).status == "completed"


def test_what_a_command_leaves_running_is_stopped(stage: Stage) -> None:
    run = stage.shell(escape_and("sleep 600 & exit 4"))
    ended = stage.end(run)
    assert (ended.status, ended.exit_code) == ("failed", 4)
    assert stage.alive() == []


def test_children_that_are_to_live_on_do(stage: Stage) -> None:
    child = "until [ -e go ]; do sleep 0.02; done; yes | head -c 1000000; touch wrote; exec sleep 600"
    run = stage.shell(f"sh -c '{child}' & exit 0", leave_children=True)
    assert stage.end(run).status == "completed"
    assert stage.alive()
    (stage.top / "go").touch()
    # Somebody goes on reading what they write, so that no full pipe ever blocks them.
    until(lambda: (stage.top / "wrote").exists())
    assert stage.output(run) == b""
    for pid in stage.alive():
        os.kill(pid, signal.SIGKILL)


def test_a_run_within_a_run_has_a_life_of_its_own(stage: Stage) -> None:
    inner = (
        "import sys; sys.path[:0] = " + repr(sys.path) + "\n"
        "from pathlib import Path\n"
        "from gittasks.runtime import launcher, settings, record\n"
        "from gittasks.runtime.folders import Folders\n"
        f"folders = Folders(*{tuple(stage.folders)!r})\n"
        "import os\n"
        "starting = launcher.begin(folders, 'local_bash', os.environ)\n"
        "rules = settings.settings_of(limit_bytes=1000, timeout_s=None, leave_children=False, at_end={})\n"
        "env = {**os.environb, b'GITTASKS_RUN_ID': starting.run_id.encode()}\n"
        "argv = [b'sh', b'-c', b'sleep 0.6; echo inner done']\n"
        "starting.go(record.Run(starting.run_id), rules, argv=argv, env=env, cwd=b'/')\n"
        "print(starting.run_id, flush=True)\n"
    )
    outer = stage.start(*python(inner))
    assert stage.end(outer).status == "completed"
    inner_id = stage.output(outer).decode().strip()
    stage.started.append(parse_run(stage.index()[inner_id.encode()]).id)
    inner_run = parse_run(stage.index()[inner_id.encode()])
    assert inner_run.is_live
    assert stage.end(inner_run).status == "completed"
    assert stage.output(inner_run) == b"inner done\n"


def test_output_without_line_feeds_and_binary_output(stage: Stage) -> None:
    run = stage.start("printf", "no end")
    blob = stage.start(*python("import os; os.write(1, bytes(range(256)) * 10)"))
    stage.end(run)
    stage.end(blob)
    assert stage.output(run) == b"no end"
    assert stage.output(blob) == bytes(range(256)) * 10


def test_a_flood_is_cut_in_the_middle(stage: Stage) -> None:
    run = stage.shell("echo first; head -c 30000000 /dev/zero; echo; echo last", limit_bytes=400_000)
    ended = stage.end(run)
    assert ended.status == "completed"
    assert ended.truncated
    assert ended.output_bytes == 30_000_000 + 12
    output = stage.output(run)
    assert len(output) < 401_000
    assert output.startswith(b"first\n")
    assert output.endswith(b"\nlast\n")
    assert b"bytes of output left out here" in output


def test_an_output_file_that_is_deleted_while_the_run_lives(stage: Stage) -> None:
    run = stage.shell("echo one; while [ ! -e go ]; do sleep 0.02; done; echo two")
    stage.until_output(run, b"one")
    os.unlink(stage.folders.output(run.id))
    (stage.top / "go").touch()
    assert stage.end(run).status == "completed"
    assert stage.output(run) == b"one\ntwo\n"


def test_questions_are_asked_at_the_end(stage: Stage) -> None:
    ask = {
        "commit_after": ["sh", "-c", "cat answer; echo second line"],
        "owner": ["sh", "-c", "exit 1"],
        "worktree": ["no-such-program"],
    }
    run = stage.shell(
        f"echo 12345 > {stage.top}/answer", at_end={**ask, "commit_after": ["cat", f"{stage.top}/answer"]}
    )
    ended = stage.end(run)
    assert (ended.commit_after, ended.owner, ended.worktree) == ("12345", None, None)


@pytest.mark.long
def test_many_runs_at_once(stage: Stage) -> None:
    runs = [stage.shell(f"echo {number}; exit {number % 2}") for number in range(50)]
    assert waiting.wait(stage.folders, [run.id for run in runs], stage.env, timeout_s=30)
    lines = stage.index()
    assert len(lines) == 50
    for number, run in enumerate(runs):
        ended = parse_run(lines[run.id.encode()])
        assert (ended.status, ended.exit_code) == (("failed", 1) if number % 2 else ("completed", 0))
        assert stage.output(run) == b"%d\n" % number


def test_a_supervisor_is_small_and_asleep(stage: Stage) -> None:
    run = stage.start("sleep", "600")
    pid = stage.supervisor(run).pid
    status = Path(f"/proc/{pid}/status").read_text()
    resident_kib = int(status.split("VmRSS:")[1].split()[0])
    assert resident_kib <= 12 * 1024
    switches = [line for line in status.splitlines() if line.startswith("voluntary_ctxt_switches")]
    stage.now(run)
    again = Path(f"/proc/{pid}/status").read_text().splitlines()
    assert [line for line in again if line.startswith("voluntary_ctxt_switches")] == switches
    loaded = Path(f"/proc/{pid}/maps").read_text()
    assert "site-packages" not in loaded
    stopping.ask_to_stop(stage.folders, run.id, 1)
    stage.end(run)


def _reap_one() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def test_whoever_starts_runs_gathers_no_zombies(stage: Stage) -> None:
    while _reap_one():  # what other tests in this process left
        pass
    for _ in range(3):
        stage.end(stage.start("true"))
    assert not _reap_one()


def test_a_start_that_is_given_up_leaves_no_trace(stage: Stage) -> None:
    from gittasks.runtime import launcher

    starting = launcher.begin(stage.folders, LOCAL_BASH, os.environ)
    stage.started.append(starting.run_id)
    starting.give_up()
    assert os.listdir(stage.folders.live_folders) == []
    assert stage.index() == {}


def test_a_start_that_the_disk_refuses_leaves_no_trace(stage: Stage) -> None:
    script = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))\n"
        "from gittasks.runtime import launcher, record, settings\n"
        "from gittasks.runtime.folders import Folders\n"
        f"starting = launcher.begin(Folders(*{tuple(stage.folders)!r}), 'local_bash', {{}})\n"
        "rules = settings.settings_of(limit_bytes=1000, timeout_s=None, leave_children=False, at_end={})\n"
        "starting.go(record.Run(starting.run_id), rules, argv=[b'true'], env={}, cwd=b'/')\n"
    )
    done = subprocess.run((sys.executable, "-c", script), capture_output=True, text=True, check=False)
    assert "NoSupervisorError: cannot start a run: " in done.stderr
    assert "No space left on device" in done.stderr
    assert os.listdir(stage.folders.live_folders) == []
    assert [name for name in os.listdir(stage.folders.outputs) if name.endswith(".txt")] == []


def test_what_else_a_starter_has_open_is_not_held_for_the_length_of_a_run(stage: Stage) -> None:
    read_end, write_end = os.pipe()
    script = (
        "import os, sys\n"
        "from gittasks.runtime import launcher, record, settings\n"
        "from gittasks.runtime.folders import Folders\n"
        f"starting = launcher.begin(Folders(*{tuple(stage.folders)!r}), 'local_bash', {{}})\n"
        "rules = settings.settings_of(limit_bytes=1000, timeout_s=None, leave_children=False, at_end={})\n"
        "argv = [b'/bin/sleep', b'600']\n"
        "starting.go(record.Run(starting.run_id), rules, argv=argv, env={}, cwd=b'/')\n"
        "print(starting.run_id)\n"
    )
    argv = (sys.executable, "-c", script)
    done = subprocess.run(argv, pass_fds=(write_end,), capture_output=True, text=True, check=True)
    os.close(write_end)
    assert os.read(read_end, 1) == b""
    os.close(read_end)
    run = parse_run(stage.index()[done.stdout.strip().encode()])
    stage.started.append(run.id)
    stopping.ask_to_stop(stage.folders, run.id, 5)
    assert stage.end(run).status == "killed"


def test_an_id_is_never_used_twice(stage: Stage) -> None:
    ended = stage.end(stage.start("true"))
    live_now = set(live.list_live(stage.folders))
    ids = set()
    for _ in range(20):
        run_id, fd = live.claim(stage.folders, "b")
        os.close(fd)
        ids.add(run_id)
    assert len(ids) == 20
    assert not ids & ({ended.id} | live_now)
    for run_id in ids:
        fd_again = live.take(stage.folders, run_id)
        assert fd_again is not None
        live.clear(stage.folders, run_id)
        os.close(fd_again)


def test_a_full_disk_keeps_nobody_from_stopping_a_run(stage: Stage) -> None:
    run = stage.shell("trap '' TERM; echo ready; sleep 600 & wait; wait; sleep 600")
    stage.until_output(run, b"ready")
    script = (
        "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))\n"
        "from gittasks.runtime import stopping\nfrom gittasks.runtime.folders import Folders\n"
        f"assert stopping.ask_to_stop(Folders(*{tuple(stage.folders)!r}), {run.id!r}, 0.1)\n"
    )
    subprocess.run((sys.executable, "-c", script), check=True)
    assert stage.end(run).status == "killed"
