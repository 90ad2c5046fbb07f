"""`gittasks start` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Cli, git


@pytest.fixture
def project(cli: Cli, repo: Path) -> Cli:
    cli("init")
    cli("add", "Fix the \x7flogin".replace("\x7f", ""), "-d", "as reported")
    cli("add", "Write it up", "--blocked-by", "1")
    git(repo, "commit", "-q", "-m", "plan")
    return cli


def test_it_prints_the_path_and_nothing_else(project: Cli, repo: Path) -> None:
    done = project("start", "#1")
    assert done.stdout == f"{repo}/.worktrees/1-fix-the-login\n"
    assert "#1 started: Fix the login" in done.stderr
    again = project("start", "1", cwd=Path(done.stdout.strip()))
    assert again.stdout == done.stdout
    assert "started already" in again.stderr


def test_json(project: Cli, repo: Path) -> None:
    document = json.loads(project("start", "1", "--json").stdout)
    assert document["schema"] == 1
    assert document["task"]["status"] == "in_progress"
    assert document["worktree"] == {
        "name": "1-fix-the-login",
        "path": f"{repo}/.worktrees/1-fix-the-login",
        "branch": "wt/1-fix-the-login",
        "base": "main",
    }


def test_a_subject_makes_a_new_task(project: Cli, repo: Path) -> None:
    document = json.loads(
        project("start", "Something new", "--worktree", "new", "--owner", "bob", "--json").stdout
    )
    task = document["task"]
    assert (task["id"], task["owner"], task["worktree"]) == (3, "bob", "new")
    assert git(repo, "status", "--porcelain") == ""


def test_refusals_name_the_cure(project: Cli) -> None:
    done = project("start", "2", code=1)
    assert "#1 Fix the login (pending)" in done.stderr
    assert "--force" in done.stderr
    assert project("start", "99", code=1).stdout == ""
    assert project("start", "1", "--worktree", "../x", code=1).stdout == ""
    assert project("start", "99999999999", code=2).stdout == ""
    assert project("start", "--", "", code=1).stdout == ""
    assert project("start", "1", "--base", "--force", code=2).stdout == ""
    error = json.loads(project("start", "2", "--json", code=1).stdout)["error"]
    assert error["kind"] == "BlockedError"


def test_commit_auto(project: Cli, repo: Path) -> None:
    (repo / ".tasks" / "config.yaml").write_text("schema: 1\ncommit: auto\n")
    path = Path(project("start", "1").stdout.strip())
    assert git(path, "log", "-1", "--format=%s").startswith("Start task #1")
    assert git(path, "status", "--porcelain") == ""
