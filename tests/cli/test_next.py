"""`gittasks next`: what to do next, for one who asks or for many at once."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.direct import Direct, plan
from tests.conftest import git


@pytest.fixture
def project(repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Direct:
    plan(repo)
    return Direct(repo, capsys, monkeypatch)


def test_next_names_one_and_says_when_there_is_none(project: Direct) -> None:
    assert "nothing is ready" in project("next", code=4).stderr
    project("add", "a")
    project("add", "b", "--priority", "0")
    assert project("next").stdout.startswith("#2")
    assert json.loads(project("next", "--json").stdout)["task"]["id"] == 2


def test_next_sees_what_other_worktrees_do(project: Direct, repo: Path, tmp_path: Path) -> None:
    project("add", "a")
    project("add", "b")
    git(repo, "commit", "-qm", "plan")
    git(repo, "worktree", "add", "-q", str(tmp_path / "other"))
    project("next", "--claim", cwd=tmp_path / "other")
    assert project("next").stdout.startswith("#2")
    project("done", "2", cwd=tmp_path / "other")
    assert "nothing is ready" in project("next", code=4).stderr


def test_next_claim_takes_each_task_once(project: Direct) -> None:
    project("add", "a")
    project("add", "b")
    taken = [
        json.loads(project("next", "--claim", "--json", "--owner", who).stdout)["task"]
        for who in ("ann", "bob")
    ]
    assert [(task["id"], task["owner"], task["status"]) for task in taken] == [
        (1, "ann", "in_progress"),
        (2, "bob", "in_progress"),
    ]
    assert taken[0]["claim"]["owner"] == "ann"
    answer = json.loads(project("next", "--claim", "--json", code=4).stdout)
    assert answer["error"]["kind"] == "NothingReadyError"


def test_next_says_how_much_waits_and_is_claimed(project: Direct) -> None:
    project("add", "a")
    project("add", "b", "--blocked-by", "1")
    project("claim", "1", "--owner", "bob")
    assert "1 task waits for others, 1 task is claimed" in project("next", code=4).stderr


def test_options_that_go_together(project: Direct) -> None:
    assert "--wait" in project("next", "--timeout", "1s", code=2).stderr
    assert "--claim" in project("next", "--remote", "origin", code=2).stderr


def test_waiting_ends_with_its_time(project: Direct) -> None:
    assert "nothing is ready" in project("next", "--wait", "--timeout", "0.2s", code=4).stderr


@pytest.mark.parametrize("how", ["add", "release"])
def test_next_waits_until_there_is_one(project: Direct, repo: Path, how: str) -> None:
    if how == "release":
        project("add", "late")
        project("claim", "1", "--owner", "bob")
    argv = (sys.executable, "-u", "-m", "gittasks", "next", "--wait", "--timeout", "50s", "--claim")
    with subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE, text=True) as waiting:
        # A fixed window for absence: it goes on waiting.
        time.sleep(0.3)
        assert waiting.poll() is None
        project("add", "late") if how == "add" else project("release", "1", "--owner", "bob")
        output, _ = waiting.communicate(timeout=50)
    assert waiting.returncode == 0
    assert output.startswith("#1")
