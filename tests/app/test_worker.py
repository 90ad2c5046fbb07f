"""Runs whose command is a worker of ours."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gittasks.app import runs, worker
from gittasks.app.project import Project, open_project
from gittasks.app.run_start import Order, start_run
from gittasks.runtime import live
from gittasks.runtime.live import NoSpecError
from tests.conftest import Cli
from tests.runtime.stage import nothing_remains, until

# A worker as a type of run would have it, in a module of the folder that is named.
COUNTER = """
import os, time
def count(worker):
    for number in range(worker.spec["to"]):
        worker.output.write(b"%d\\n" % number)
        worker.output.flush()
        worker.report(progress=number, message=f"at {number}", session="s-9")
    while not os.path.exists("go"):
        time.sleep(0.02)
    return 5
"""
CALL = """
import os, sys
sys.path.insert(0, {folder!r})
from gittasks.app import worker
from gittasks.app.project import open_project
worker.KINDS["counter"] = ("counter", "count")
sys.exit(worker.work(open_project(".", env=os.environ), "counter", sys.stdout.buffer))
"""


@pytest.fixture
def project(repo: Path) -> Iterator[Project]:
    with nothing_remains():
        yield open_project(str(repo), env=dict(os.environ))


def test_a_worker_gets_its_spec_and_is_heard(project: Project, repo: Path, tmp_path: Path, cli: Cli) -> None:
    (tmp_path / "counter.py").write_text(COUNTER)
    script = CALL.format(folder=str(tmp_path))
    order = Order((sys.executable, "-c", script), spec={"to": 3, "why": 'q"'}, name="count")
    run = start_run(project, order).run
    folders = runs.run_folders(project)
    until(lambda: runs.find_run(project, run.id).progress == 2)
    seen = runs.find_run(project, run.id)
    assert (seen.message, seen.session, seen.name) == ("at 2", "s-9", "count")
    assert runs.list_runs(project).runs == [seen]
    assert "[at 2]" in cli("runs").stdout
    spec = Path(folders.live_folder(run.id), "spec.json")
    assert spec.stat().st_mode & 0o777 == 0o600
    assert live.read_spec(folders, run.id) == {"to": 3, "why": 'q"'}
    (repo / "go").touch()
    (ended,), _ = runs.wait_runs(project, [run.id])
    (repo / "go").unlink()
    assert (ended.status, ended.exit_code, ended.progress, ended.session) == ("failed", 5, 2, "s-9")
    assert b"".join(runs.read_output(project, ended)) == b"0\n1\n2\n"
    with pytest.raises(NoSpecError):
        live.read_spec(folders, run.id)


def test_a_worker_is_called_by_nobody_else(project: Project, cli: Cli) -> None:
    assert "no worker 'x' to call here" in cli("worker", "x", code=2).stderr
    started = worker.start_worker(project, "nothing", Order(name="odd"), kind="monitor")
    (ended,), _ = runs.wait_runs(project, [started.run.id])
    assert (ended.type, ended.status, ended.exit_code) == ("monitor", "failed", 2)
    assert b"no worker 'nothing'" in b"".join(runs.read_output(project, ended))


def test_a_folder_that_is_called_like_us_is_not_imported(project: Project, repo: Path) -> None:
    (repo / "gittasks").mkdir()
    (repo / "gittasks" / "__main__.py").write_text("print('mine')")
    started = worker.start_worker(project, "nothing", Order(name="odd"), kind="workflow")
    (ended,), _ = runs.wait_runs(project, [started.run.id])
    assert b"mine" not in b"".join(runs.read_output(project, ended))
