"""Remote-tracking branches fold into the board like worktrees, when they are asked for."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import remotes, writing
from gittasks.app.board import Board
from gittasks.app.project import Project
from gittasks.app.reading import as_json
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import TaskId
from tests.app.desk import ONE, at, planned
from tests.conftest import Cli, git


@pytest.fixture(autouse=True)
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commits are made now: how old a branch is counts."""
    for name in ("GIT_AUTHOR_DATE", "GIT_COMMITTER_DATE"):
        monkeypatch.setenv(name, f"@{int(time.time())} +0000")


@pytest.fixture
def main(repo: Path) -> Project:
    return planned(repo)


@pytest.fixture
def colleague(main: Project, tmp_path: Path) -> Project:
    """A clone that pushes to the bare remote `main` fetches from."""
    git(tmp_path, "clone", "-q", "--bare", main.top, str(tmp_path / "hub"))
    git(Path(main.top), "remote", "add", "origin", str(tmp_path / "hub"))
    git(tmp_path, "clone", "-q", str(tmp_path / "hub"), str(tmp_path / "colleague"))
    return at(tmp_path / "colleague")


def push(project: Project, branch: str, task_id: int = 1, **changes: Any) -> None:
    top = Path(project.top)
    git(top, "switch", "-q", "-C", branch)
    writing.edit_task(project, TaskId(task_id), lambda task: changes, purpose="edit", commit=True)
    git(top, "push", "-qf", "origin", branch)


def fetch(project: Project) -> None:
    git(Path(project.top), "fetch", "-q", "--prune", "origin")


def record(project: Project, task_id: int = 1, *, wanted: bool | None = True) -> dict[str, Any]:
    board = project.board(remotes=wanted)
    row = board.find(task_id)
    assert row is not None
    return as_json(board, board.full([row]))[0]


def test_what_a_remote_branch_changed_shows_with_its_source_when_asked(
    main: Project, colleague: Project
) -> None:
    push(colleague, "work", status="in_progress", owner="ann")
    fetch(main)
    assert record(main, wanted=None)["status"] == "pending"
    for _ in range(2):  # the second time from the cache
        found = record(main)
        assert (found["status"], found["owner"]) == ("in_progress", "ann")
        assert found["from"] == {"status": ["origin/work"], "owner": ["origin/work"]}
    push(colleague, "work", status="completed")
    fetch(main)
    assert record(main)["status"] == "completed"
    git(Path(main.top), "merge", "-q", "origin/work")
    assert record(main)["from"] == {}


def test_a_task_that_only_a_colleague_has_is_there(main: Project, colleague: Project) -> None:
    git(Path(colleague.top), "switch", "-q", "-C", "work")
    added = writing.add_tasks(colleague, [Draft("theirs")], commit=True).ids[0]
    git(Path(colleague.top), "push", "-q", "origin", "work")
    fetch(main)
    assert record(main, added)["from"] == {"file": ["origin/work"]}


def test_what_main_changed_since_is_not_undone_by_an_old_branch(main: Project, colleague: Project) -> None:
    push(colleague, "work", 2, owner="ann")
    fetch(main)
    writing.edit_task(main, ONE, lambda task: {"status": "completed"}, purpose="edit", commit=True)
    assert record(main)["status"] == "completed" and record(main)["from"] == {}
    assert record(main, 2)["owner"] == "ann"


def test_a_branch_that_a_worktree_went_on_from_is_no_second_opinion(
    main: Project, colleague: Project
) -> None:
    push(colleague, "work", status="in_progress")
    fetch(main)
    path = Path(main.top).parent / "tree"
    git(Path(main.top), "worktree", "add", "-q", "-b", "work", str(path), "origin/work")
    writing.edit_task(at(path), ONE, lambda task: {"status": "completed"}, purpose="done")
    found = record(main)
    assert (found["status"], found["conflicts"]) == ("completed", [])
    assert found["from"] == {"status": ["tree"]}
    git(path, "commit", "-qm", "done")
    assert record(main)["conflicts"] == [] and record(main)["from"] == {"status": ["tree"]}


def test_a_branch_that_another_remote_branch_holds_is_no_second_opinion(
    main: Project, colleague: Project
) -> None:
    push(colleague, "one", status="in_progress")
    push(colleague, "two", status="completed")
    fetch(main)
    assert record(main)["from"] == {"status": ["origin/two"]}
    assert record(main)["conflicts"] == []


def test_two_remote_branches_that_disagree_are_shown_not_guessed(main: Project, colleague: Project) -> None:
    push(colleague, "ann", owner="ann")
    git(Path(colleague.top), "checkout", "-q", "origin/main")
    push(colleague, "bob", owner="bob")
    fetch(main)
    conflict = record(main)["conflicts"][0]
    assert [value["from"] for value in conflict["values"]] == ["here", "origin/ann", "origin/bob"]


def test_an_old_branch_stays_out_until_the_settings_say_otherwise(
    main: Project, colleague: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_COMMITTER_DATE", f"@{int(time.time()) - 20 * 86_400} +0000")
    push(colleague, "old", owner="ann")
    fetch(main)
    assert record(main)["owner"] is None
    config = Path(main.top, ".tasks", "config.yaml")
    config.write_text("remotes: true\nremote_days: 30\n")
    assert record(main, wanted=None)["owner"] == "ann"
    config.write_text("checks:\n  t: [pytest]\nremotes: false\nremote_days: 30\n")
    assert record(main, wanted=None)["owner"] is None
    assert record(main)["owner"] == "ann"
    config.write_text("remotes: perhaps\n")
    assert record(main, wanted=None)["owner"] is None


def test_a_bad_file_on_a_remote_branch_is_named_and_hides_nothing(main: Project, colleague: Project) -> None:
    push(colleague, "work", owner="ann")
    top = Path(colleague.top)
    (top / ".tasks" / "2.yaml").write_text("<<<<<<< HEAD\n")
    (top / ".tasks" / "3.yaml").symlink_to("1.yaml")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "bad")
    git(top, "push", "-q", "origin", "work")
    fetch(main)
    board = main.board(remotes=True)
    paths = {problem.path for problem in board.elsewhere}
    assert paths == {"origin/work:.tasks/2.yaml", "origin/work:.tasks/3.yaml"}
    assert record(main)["owner"] == "ann"


def test_a_clone_without_remotes_has_just_its_snapshot(main: Project) -> None:
    assert not isinstance(main.board(remotes=True), Board)


def test_an_unborn_branch_and_a_foreign_history_do_no_harm(
    main: Project, colleague: Project, tmp_path: Path
) -> None:
    top = Path(colleague.top)
    git(top, "switch", "-q", "--orphan", "alien")
    (top / ".tasks").mkdir(exist_ok=True)
    (top / ".tasks" / "7.yaml").write_text("id: 7\nsubject: alien\n")
    git(top, "add", "-A")
    git(top, "commit", "-qm", "alien")
    git(top, "push", "-q", "origin", "alien")
    fetch(main)
    assert record(main, 7)["from"] == {"file": ["origin/alien"]}
    git(Path(main.top), "switch", "-q", "--orphan", "fresh")
    (Path(main.top) / ".tasks").mkdir(exist_ok=True)
    assert main.board(remotes=True).rows == []


def test_a_read_where_nothing_moved_asks_git_once(
    main: Project, colleague: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(colleague, "work", owner="ann")
    fetch(main)
    main.board(remotes=True)

    def refuse(*args: object) -> None:
        raise AssertionError("asked git again")

    monkeypatch.setattr(remotes, "_ask_git", refuse)
    assert record(main)["owner"] == "ann"


def test_the_option_of_the_lists(main: Project, colleague: Project, cli: Cli) -> None:
    push(colleague, "work", owner="ann")
    fetch(main)
    assert "<- origin/work" in cli("list", "--remotes").stdout
    assert "origin/work" not in cli("list").stdout
    cli("list", "--remotes", "--here", code=2)
    assert os.listdir(main.cache_folder)
