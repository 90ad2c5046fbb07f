from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gittasks.app.hooking.arriving import named_task
from tests.app.desk import at, copy_of, start
from tests.conftest import PYTHON, Cli, git
from tests.hooks.conftest import Git, said

NAMES = {
    "12": 12,
    "12-auth": 12,
    "12_auth": 12,
    "task/12": 12,
    "task/12-auth": 12,
    "wt/12-auth": 12,
    "tasks/12": 12,
    "auth": None,
    "wt/auth": None,
    "release/2024-01": None,
    "0012": None,
    "12auth": None,
    "-12": None,
    "٣": None,
}


@pytest.mark.parametrize("branch", NAMES)
def test_which_branches_name_a_task(branch: str) -> None:
    assert named_task(branch) == NAMES[branch]


def test_a_worktree_of_plain_git_is_bound_to_the_task_of_its_branch(hooked: Path, run: Git) -> None:
    done = run("worktree", "add", "../side", "-b", "task/1")
    assert said(done) == ["gittasks: on #1, in progress: Fix the login"]
    side = hooked.parent / "side"
    task = copy_of(side)
    assert (task.status, task.worktree, task.owner) == ("in_progress", "side", "Ada Tester")
    assert git(side, "status", "--porcelain") == "M  .tasks/1.yaml"
    assert copy_of(hooked).status == "pending"


def test_what_may_not_be_started_is_not_bound_and_says_why(hooked: Path, run: Git) -> None:
    done = run("worktree", "add", "../side", "-b", "2-write-it-up")
    [line] = said(done)
    assert line.startswith("gittasks: not bound to #2, which 2-write-it-up names: #2 waits for #1")
    assert git(hooked.parent / "side", "status", "--porcelain") == ""


@pytest.mark.parametrize("branch", ("plain", "99-nothing", "wt/plain"))
def test_a_branch_that_names_no_task_here_says_nothing(hooked: Path, run: Git, branch: str) -> None:
    assert said(run("worktree", "add", "../side", "-b", branch)) == []


def test_the_main_worktree_is_never_bound_by_a_checkout(hooked: Path, run: Git) -> None:
    assert said(run("switch", "-c", "1-fix")) == []
    assert git(hooked, "status", "--porcelain") == ""


def test_the_branch_of_a_worktree_that_went_away_finds_its_task_again(hooked: Path, run: Git) -> None:
    folder = start(at(hooked), worktree="auth")
    git(folder, "commit", "-q", "-m", "start")
    git(hooked, "worktree", "remove", "--force", str(folder))
    done = run("worktree", "add", "../again", "wt/auth")
    assert said(done) == ["gittasks: on #1, in progress: Fix the login"]
    assert copy_of(hooked.parent / "again").worktree == "again"


def test_our_own_worktrees_say_nothing_while_they_are_made(hooked: Path, cli: Cli) -> None:
    done = cli("start", "1")
    assert "gittasks: on #1" not in done.stderr


def test_a_branch_that_changes_under_a_binding_is_said(hooked: Path, run: Git) -> None:
    folder = start(at(hooked))
    git(folder, "commit", "-q", "-m", "start")
    [line] = said(run("switch", "-c", "other", cwd=folder))
    assert line.endswith("; its branch was wt/1-fix-the-login, here is other now")
    assert said(run("switch", "wt/1-fix-the-login", cwd=folder)) == [
        "gittasks: on #1, in progress: Fix the login"
    ]


def test_the_same_is_said_where_nothing_was_remembered(hooked: Path, run: Git, cli: Cli) -> None:
    cli("start", "1", "--here")
    [line] = said(run("switch", "-c", "other"))
    assert line == "gittasks: on #1, in progress: Fix the login; its branch was main, here is other now"
    assert said(run("checkout", "other")) == ["gittasks: on #1, in progress: Fix the login"]


def test_live_runs_are_counted(hooked: Path, run: Git, cli: Cli) -> None:
    folder = start(at(hooked))
    run_id = cli("run", "--", "sleep", "600", cwd=folder).stdout.strip()
    cli("run", "--wait", "--", "true", cwd=folder)
    try:
        [line] = said(run("checkout", "HEAD~0", cwd=folder))
        assert line.startswith("gittasks: on #1, in progress, 1 live run: Fix the login; its branch was")
    finally:
        cli("kill", run_id)


def test_outputs_that_git_would_show_are_hidden_again(hooked: Path, run: Git, cli: Cli) -> None:
    cli("run", "--wait", "--", "true")
    (hooked / ".task_outputs" / ".gitignore").unlink()
    assert ".task_outputs" in git(hooked, "status", "--porcelain")
    run("switch", "-c", "other")
    assert git(hooked, "status", "--porcelain") == ""


def test_a_file_taken_back_is_no_arrival(hooked: Path, run: Git) -> None:
    folder = start(at(hooked))
    git(folder, "commit", "-q", "-m", "start")
    (folder / "README").write_text("changed\n")
    assert said(run("checkout", "--", "README", cwd=folder)) == []


def test_a_clone_with_a_template_has_the_hooks_from_its_first_checkout(
    hooked: Path, run: Git, tmp_path: Path
) -> None:
    template = tmp_path / "template" / "hooks"
    template.mkdir(parents=True)
    trace = tmp_path / "trace"
    for path in (Path(__file__).resolve().parent.parent.parent / "hooks").iterdir():
        (template / path.name).write_bytes(path.read_bytes())
        (template / path.name).chmod(0o755)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "gittasks").write_text(f'#!/bin/sh\necho "$@" >>{trace}\nexec {PYTHON} -m gittasks "$@"\n')
    (bin_folder / "gittasks").chmod(0o755)
    env = {**os.environ, "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}"}
    argv = ("git", "clone", "-q", f"--template={template.parent}", str(hooked), str(tmp_path / "copy"))
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    assert trace.read_text().startswith("hook post-checkout 0000")
    assert done.stderr == ""
