"""Runs whose command only tends something elsewhere: what ends that command does not end them."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from gittasks.runtime import live, stopping, tending
from gittasks.runtime.record import EXIT, FAILED, KILLED, UNVERIFIED, Run
from gittasks.runtime.tending import FIRST_VARIABLE, Outcome, read_outcome, write_outcome
from tests.runtime.stage import Stage, until

Tend = Callable[..., Run]

# Says which attempt it is and what it knows, then waits to be told how the run ended.
WORKER = (
    'echo "attempt ${GITTASKS_TEND-again}"; trap "echo told" TERM; '
    'until [ -e "$0/end" ]; do sleep 0.02; done; cp "$0/end" "$1/outcome.json"'
)


# What stands in for our own program when it is started again: the script, in a package that is found first.
STAND_IN = "import os; os.execvp('sh', ['sh', '-c', {script!r}])\n"


@pytest.fixture
def tend(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tend:
    """Start a run that is tended by a script; where that writes its outcome is found by the id of the run."""

    def call(script: str = WORKER) -> Run:
        live_folder = f"{stage.folders.live_folders}/$GITTASKS_RUN_ID"
        text = f'set -- "{live_folder}"; {script}'.replace('"$0', f'"{stage.top}')
        package = tmp_path / "stand-in" / "gittasks"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(STAND_IN.format(script=text))
        monkeypatch.setenv("PYTHONPATH", str(package.parent))
        return stage.start("sh", "-c", text, tends="stand-in", env={FIRST_VARIABLE: "first"})

    return call


def finish(stage: Stage, outcome: Outcome) -> None:
    partly = stage.top / "part"
    partly.write_text(json.dumps(outcome._asdict()))
    partly.rename(stage.top / "end")


def test_the_outcome_is_the_end(stage: Stage, tend: Tend) -> None:
    run = tend()
    stage.until_output(run, b"attempt first")
    outcome = Outcome(
        FAILED, EXIT, exit_code=7, end_time=run.start_time + 5, usage={"cpu_s": 3}, message="why"
    )
    finish(stage, outcome)
    ended = stage.end(run)
    assert (ended.status, ended.reason, ended.exit_code, ended.message) == ("failed", "exit", 7, "why")
    assert (ended.end_time, ended.usage) == (run.start_time + 5, {"cpu_s": 3})


@pytest.mark.slow
def test_a_worker_that_is_killed_is_started_again_without_its_secrets(stage: Stage, tend: Tend) -> None:
    run = tend()
    stage.until_output(run, b"attempt first")
    stage.kill9(stage.leader(run))
    stage.until_output(run, b"attempt again")
    again = stage.now(run)
    assert again.is_live
    # And by whoever looks next, when its supervisor was killed too.
    stage.kill9(stage.supervisor(again))
    stage.kill9(stage.leader(again))
    assert stage.now(run).is_live
    until(lambda: stage.output(run).count(b"attempt again") == 2)
    finish(stage, Outcome("completed", EXIT, exit_code=0))
    ended = stage.end(run)
    assert (ended.status, ended.exit_code) == ("completed", 0)
    assert stage.output(run) == b"attempt first\nattempt again\nattempt again\n"


def test_a_reboot_of_this_machine_does_not_end_it(stage: Stage, tend: Tend) -> None:
    run = tend()
    stage.until_output(run, b"attempt first")
    stage.kill9(stage.supervisor(run))
    stage.kill9(stage.leader(run))
    path = Path(stage.folders.live_folder(run.id), live.RECORD)
    record = json.loads(path.read_text())
    record["process"]["boot_id"] = record["supervisor"]["boot_id"] = "00000000-0000-0000-0000-000000000000"
    path.write_text(json.dumps(record) + "\n")
    finish(stage, Outcome("completed", EXIT, exit_code=0))
    assert stage.now(run).is_live
    assert stage.end(run).status == "completed"


def test_it_is_told_to_stop_and_never_killed(stage: Stage, tend: Tend) -> None:
    run = tend()
    stage.until_output(run, b"attempt first")
    stopping.ask_to_stop(stage.folders, run.id, 0)
    until(lambda: stage.output(run).count(b"told") == 1)
    # Asked again, it hears it again.
    stopping.ask_to_stop(stage.folders, run.id, 0)
    until(lambda: stage.output(run).count(b"told") == 2)
    seen = stage.now(run)
    assert (seen.status, seen.phase) == ("running", "stopping")
    finish(stage, Outcome(KILLED, "signal", signal=int(signal.SIGTERM)))
    ended = stage.end(run)
    assert (ended.status, ended.signal) == ("killed", 15)


@pytest.mark.long
@pytest.mark.slow
def test_a_worker_that_cannot_stop_its_run_leaves_that_unverified(stage: Stage, tend: Tend) -> None:
    run = tend("echo no; exit 3")
    stage.until_output(run, b"no")
    stopping.ask_to_stop(stage.folders, run.id, 0)
    ended = stage.end(run)
    assert (ended.status, ended.reason) == (FAILED, UNVERIFIED)
    assert ended.message is not None
    assert "unknown" in ended.message


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"status": "running"}', '{"status": "completed", "reason": "x"}', '{"a": 1}']
)
def test_a_spoilt_outcome_is_none(stage: Stage, text: str) -> None:
    run_id, fd = live.claim(stage.folders, "r")
    assert read_outcome(stage.folders, run_id) is None
    Path(stage.folders.live_folder(run_id), tending.OUTCOME).write_text(text)
    assert read_outcome(stage.folders, run_id) is None
    write_outcome(stage.folders, run_id, Outcome("completed"))
    assert read_outcome(stage.folders, run_id) == Outcome("completed")
    live.clear(stage.folders, run_id)
    os.close(fd)
