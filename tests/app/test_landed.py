"""Landed: the completion is on the default branch, by whatever way its content came there."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gittasks.app import writing
from gittasks.app.landed import find_landed
from gittasks.app.project import Project
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import TaskId
from tests.app.desk import ONE, TWO, at, planned, work
from tests.conftest import Cli, git


@pytest.fixture
def main(repo: Path) -> Project:
    return planned(repo)


def landed(project: Project, task_id: TaskId = ONE) -> bool | None:
    board = project.board()
    return find_landed(project, board.rows).of(task_id)


def done(project: Project, task_id: TaskId = ONE) -> None:
    writing.edit_task(project, task_id, lambda task: {"status": "completed"}, purpose="done", commit=True)


@pytest.fixture
def branch(main: Project, repo: Path) -> Path:
    """A worktree on a branch with code and the completion of #1; main went on meanwhile."""
    path = repo.parent / "tree"
    git(repo, "worktree", "add", "-q", "-b", "work", str(path))
    work(path, "one")
    done(at(path))
    work(path, "two")
    work(repo, "other")
    return path


def test_completed_on_a_branch_is_not_landed(main: Project, branch: Path) -> None:
    assert landed(main) is False
    assert landed(at(branch)) is False
    assert landed(main, TWO) is None


@pytest.mark.parametrize(
    "way",
    [
        ("merge -q --no-edit work",),
        ("merge -q --squash work", "commit -qm squashed"),
        ("cherry-pick work~2 work~1 work",),
        ("switch -q -c copy work", "rebase -q main", "switch -q main", "merge -q --ff-only copy"),
    ],
    ids=["merge", "squash", "cherry-pick", "rebase"],
)
def test_it_lands_by_every_way_and_a_revert_takes_it_back(
    main: Project, branch: Path, repo: Path, way: tuple[str, ...]
) -> None:
    for command in way:
        git(repo, *command.split())
    git(repo, "worktree", "remove", "--force", str(branch))
    assert landed(main) is True
    paths = git(repo, "log", "-1", "--format=%H", "--", ".tasks/1.yaml")
    parent = ("-m", "1") if way[0].startswith("merge -q --no") else ()
    commit = "HEAD" if parent else paths
    git(repo, "revert", "--no-edit", *parent, commit)
    assert landed(main) is None  # pending again here
    git(repo, "switch", "-q", "--detach", "HEAD~1")
    assert landed(main) is False  # completed here, not on main any more


def test_many_tasks_are_looked_up_at_once(main: Project, repo: Path) -> None:
    added = writing.add_tasks(main, [Draft(f"task {number}") for number in range(5)], commit=True).ids
    for task_id in added:
        done(main, task_id)
    git(repo, "switch", "-q", "-c", "work")
    done(main)
    found = find_landed(main, main.board().rows)
    assert found.landed == {ONE: False, **dict.fromkeys(added, True)}


def test_what_has_landed_is_known_without_git_until_the_branch_moves(main: Project, repo: Path) -> None:
    without_git = Project(main.checkout, {**os.environ, "PATH": "/nowhere"})
    done(main)
    rows = main.board().rows
    assert find_landed(main, rows).of(ONE) is True
    assert find_landed(without_git, rows).of(ONE) is True
    git(repo, "revert", "--no-edit", "HEAD")
    assert find_landed(main, rows).of(ONE) is False
    git(repo, "reset", "-q", "--hard", "HEAD~1")
    assert find_landed(main, rows).of(ONE) is True


def test_an_uncommitted_completion_and_an_empty_branch_are_not_landed(main: Project, repo: Path) -> None:
    git(repo, "switch", "-q", "-c", "empty")
    git(repo, "switch", "-q", "main")
    git(repo, "merge", "-q", "empty")
    writing.edit_task(main, ONE, lambda task: {"status": "completed"}, purpose="done")
    assert landed(main) is False


def test_another_task_of_the_same_number_does_not_count(main: Project, repo: Path) -> None:
    git(repo, "switch", "-q", "-c", "work")
    done(main)
    git(repo, "switch", "-q", "main")
    path = repo / ".tasks" / "1.yaml"
    text = path.read_text().replace("status: pending", "status: completed").splitlines()
    text[2] = "uid: " + "f" * 16
    path.write_text("\n".join(text) + "\n")
    git(repo, "commit", "-qam", "another")
    git(repo, "switch", "-q", "work")
    assert landed(main) is False


def test_the_remote_decides_where_it_is_ahead_and_where_this_clone_is(
    main: Project, repo: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo), str(tmp_path / "hub"))
    git(tmp_path, "clone", "-q", str(tmp_path / "hub"), str(tmp_path / "mine"))
    git(tmp_path, "clone", "-q", str(tmp_path / "hub"), str(tmp_path / "theirs"))
    mine, theirs = at(tmp_path / "mine"), at(tmp_path / "theirs")
    done(theirs)
    git(tmp_path / "theirs", "push", "-q")
    git(tmp_path / "mine", "switch", "-q", "-c", "work")
    done(mine)
    assert landed(mine) is False
    git(tmp_path / "mine", "fetch", "-q")
    assert landed(mine) is True
    writing.edit_task(theirs, ONE, lambda task: {"status": "pending"}, purpose="reopen", commit=True)
    git(tmp_path / "theirs", "push", "-q")
    git(tmp_path / "mine", "fetch", "-q")
    assert landed(mine) is False
    done(theirs, TWO)  # ahead of its remote: merged here counts
    assert landed(theirs, TWO) is True


def test_a_default_branch_of_any_name(main: Project, repo: Path, tmp_path: Path) -> None:
    git(repo, "branch", "-m", "main", "trunk")
    git(repo, "switch", "-q", "-c", "work")
    git(tmp_path, "clone", "-q", "--branch", "work", str(repo), str(tmp_path / "clone"))
    git(tmp_path / "clone", "remote", "set-head", "origin", "trunk")
    done(at(tmp_path / "clone"))
    board = at(tmp_path / "clone").board()
    found = find_landed(at(tmp_path / "clone"), board.rows)
    assert (found.branch, found.of(ONE)) == ("trunk", False)


def test_without_any_commit_nothing_can_be_said(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    os.mkdir(tmp_path / ".tasks")
    (tmp_path / ".tasks" / "1.yaml").write_text("id: 1\nsubject: x\nstatus: completed\n")
    assert landed(at(tmp_path)) is None


def test_show_and_list_tell_it(main: Project, branch: Path, repo: Path, cli: Cli) -> None:
    assert "completed, not landed on main" in cli("show", "1").stdout
    assert json.loads(cli("show", "1", "--json").stdout)["task"]["landed"] is False
    assert json.loads(cli("show", "2", "--json").stdout)["task"]["landed"] is None
    assert cli("list", "--landed").stdout == ""
    assert "#1" in cli("list", "--not-landed").stdout
    git(repo, "merge", "-q", "--no-edit", "work")
    assert "completed, landed" in cli("show", "1").stdout
    assert "#1" in cli("list", "--landed").stdout
    cli("list", "--landed", "--at", "HEAD", code=2)


def test_show_says_where_values_come_from_and_what_is_in_conflict(
    main: Project, branch: Path, repo: Path, cli: Cli
) -> None:
    writing.edit_task(at(branch), TWO, lambda task: {"owner": "ann"}, purpose="edit")
    writing.edit_task(main, TWO, lambda task: {"owner": "bob"}, purpose="edit")
    shown = cli("show", "1", "--from").stdout
    assert "from\n  status       tree" in shown
    assert "from" not in cli("show", "1").stdout
    assert "conflict: owner\n  here: bob\n  tree: ann" in cli("show", "2").stdout
    assert "from here alone" in cli("show", "2", "--from").stdout
