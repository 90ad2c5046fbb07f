"""Worktrees that grew out of each other: what one of them has outgrown is no second opinion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gittasks.app import writing
from gittasks.app.project import Project
from gittasks.app.reading import as_json
from tests.app.desk import ONE, at, planned
from tests.conftest import git


@pytest.fixture
def main(repo: Path) -> Project:
    return planned(repo)


def tree(main: Project, name: str, base: str = "main") -> Project:
    path = Path(main.top).parent / name
    git(Path(main.top), "worktree", "add", "-q", "-b", name, str(path), base)
    return at(path)


def edit(project: Project, *, commit: bool = False, **changes: Any) -> None:
    writing.edit_task(project, ONE, lambda task: changes, purpose="edit", commit=commit)


def record(project: Project) -> dict[str, Any]:
    board = project.board()
    row = board.find(1)
    assert row is not None
    return as_json(board, board.full([row]))[0]


def test_a_branch_that_went_on_speaks_for_the_one_it_came_from(main: Project) -> None:
    first = tree(main, "first")
    edit(first, status="in_progress", commit=True)
    second = tree(main, "second", "first")
    edit(second, status="completed", commit=True)
    for _ in range(2):  # the second time from the cache
        found = record(main)
        assert (found["status"], found["conflicts"]) == ("completed", [])
        assert found["from"] == {"status": ["second"]}


def test_an_uncommitted_edit_speaks_for_a_worktree_at_the_same_commit(main: Project) -> None:
    first = tree(main, "first")
    edit(first, status="in_progress", commit=True)
    tree(main, "second", "first")
    edit(first, status="completed")
    found = record(main)
    assert (found["status"], found["conflicts"]) == ("completed", [])
    assert found["from"] == {"status": ["first"]}


def test_an_uncommitted_edit_in_the_outgrown_worktree_still_counts(main: Project) -> None:
    first = tree(main, "first")
    edit(first, status="in_progress", commit=True)
    second = tree(main, "second", "first")
    edit(second, priority=0, commit=True)
    edit(first, owner="ann")
    found = record(main)
    assert (found["status"], found["priority"], found["owner"]) == ("in_progress", 0, "ann")
    assert found["conflicts"] == []


def test_two_that_went_on_apart_still_disagree(main: Project) -> None:
    first = tree(main, "first")
    edit(first, status="in_progress", commit=True)
    for name in ("second", "third"):
        edit(tree(main, name, "first"), owner=name, commit=True)
    found = record(main)
    assert found["status"] == "in_progress"
    assert [value["from"] for value in found["conflicts"][0]["values"]] == ["here", "second", "third"]
