"""`on_finish`: run once for each ended run, only when trusted, never in the run's way, never in a circle."""

from __future__ import annotations

import json
import os
import signal
from functools import partial
from pathlib import Path

import pytest

from gittasks.app import doctor, run_start, trust
from gittasks.app.on_finish import LOG_NAME
from gittasks.app.project import Project
from gittasks.app.run_start import Order
from gittasks.app.runs import run_folders
from gittasks.base import identity
from gittasks.runtime import live
from gittasks.runtime.record import Run, parse_run
from tests.app.desk import at
from tests.conftest import PYTHON
from tests.runtime.stage import nothing_remains, until


@pytest.fixture
def project(repo: Path) -> Project:
    (repo / ".tasks").mkdir()
    return at(repo)


def configure(project: Project, command: str, *, trusted: bool = True) -> None:
    (Path(project.tasks_folder) / "config.yaml").write_text(f"on_finish: {json.dumps(command)}\n")
    if trusted:
        trust.grant(project, trust.trust_state(project).sha256)


def ended(project: Project, *argv: str) -> Run:
    started = run_start.start_run(project, Order(argv))
    (run,) = project.wait(started.run.id, timeout_s=30)
    assert not run.is_live
    return run


def log(project: Project) -> str:
    path = Path(project.checkout.private_dir) / LOG_NAME
    return path.read_text() if path.exists() else ""


def test_it_gets_the_record_of_each_end_once(project: Project, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    configure(
        project,
        f'printf "%s %s " "$GITTASKS_FINISHED_RUN" "$GITTASKS_FINISHED_STATUS" >>{seen}; cat >>{seen}',
    )
    with nothing_remains():
        runs = [
            ended(project, "true"),
            ended(project, "sh", "-c", "exit 3"),
            ended(project, "no-such-program"),
        ]
        until(lambda: seen.exists() and seen.read_text().count("\n") == 3, "for the command to be told")
    told = {}
    for line in seen.read_text().splitlines():
        run_id, status, record = line.split(" ", 2)
        told[run_id] = (status, json.loads(record)["reason"])
    assert told == {run.id: (run.status, run.reason) for run in runs}
    # Somebody else was told, not the one who started them.
    assert len(project.notices()) == 3


def test_what_nobody_trusted_does_not_run_and_says_so(project: Project, tmp_path: Path) -> None:
    configure(project, f"touch {tmp_path}/ran", trusted=False)
    with nothing_remains():
        ended(project, "true")
        until(lambda: "not trusted" in log(project))
    assert not (tmp_path / "ran").exists()


def test_a_change_between_start_and_end_asks_again(project: Project, tmp_path: Path) -> None:
    configure(project, "true")
    with nothing_remains():
        run = run_start.start_run(
            project, Order(("sh", "-c", f"until [ -e {tmp_path}/go ]; do sleep 0.02; done"))
        )
        configure(project, f"touch {tmp_path}/ran", trusted=False)
        (tmp_path / "go").touch()
        project.wait(run.run.id)
        until(lambda: "was changed since" in log(project))
    assert not (tmp_path / "ran").exists()


def test_it_goes_round_in_no_circle_and_its_failure_is_kept(project: Project, tmp_path: Path) -> None:
    count = tmp_path / "count"
    program = "import gittasks; gittasks.open_project('.').run('true')"
    configure(project, f'echo once >>{count}; echo sorry; {PYTHON} -c "{program}" && exit 5')
    with nothing_remains():
        first = ended(project, "true")
        until(lambda: "ended with 5" in log(project), "for the failure to be kept")
        until(lambda: len(project.runs()) == 2)
        project.wait(*(run.id for run in project.runs()))
    assert count.read_text() == "once\n"
    (entry,) = [json.loads(line) for line in log(project).splitlines()]
    assert entry["run"] == first.id and "sorry" in entry["output"]
    (finding,) = [found for found in doctor.examine(project) if found.code == "on-finish"]
    assert finding.severity == doctor.INFO
    assert f"on_finish for the run {first.id}, " in finding.what and "ended with 5" in finding.what


def test_a_run_does_not_wait_for_it(project: Project, tmp_path: Path) -> None:
    configure(
        project,
        f"touch {tmp_path}/began; until [ -e {tmp_path}/go ]; do sleep 0.02; done; touch {tmp_path}/over",
    )
    with nothing_remains():
        run = ended(project, "true")
        until(lambda: (tmp_path / "began").exists())
        assert run.status == "completed" and not (tmp_path / "over").exists()
        assert [notice.id for notice in project.notices()] == [run.id]
        (tmp_path / "go").touch()
        until(lambda: (tmp_path / "over").exists())


def test_a_lost_run_is_announced_too(project: Project, tmp_path: Path) -> None:
    configure(project, f'echo "$GITTASKS_FINISHED_STATUS" >{tmp_path}/said')
    with nothing_remains():
        run = run_start.start_run(project, Order(("sleep", "600"))).run
        data = live.read_part(run_folders(project), run.id, live.RECORD)
        assert data is not None
        for value in (parse_run(data).supervisor, run.process):
            process = identity.parse_process(value)
            assert process is not None
            os.kill(process.pid, signal.SIGKILL)
            until(partial(is_dead, process))
        (lost,) = project.runs()
        assert lost.reason == "lost"
        until(lambda: (tmp_path / "said").exists() and (tmp_path / "said").read_text())
    assert (tmp_path / "said").read_text() == "failed\n"


def is_dead(process: identity.Process) -> bool:
    return identity.state_of(process) == identity.DEAD
