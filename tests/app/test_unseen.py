"""Tasks that git has and this worktree does not show: nothing is made in their place, and the cure is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gittasks.app.setup import init_project
from gittasks.workgraph.store import NoTasksError
from tests.app.desk import at, planned
from tests.conftest import Cli, git


@pytest.fixture
def plan(repo: Path) -> Path:
    """`repo` with two committed tasks and a folder of code."""
    planned(repo)
    init_project(at(repo))
    (repo / "src").mkdir()
    (repo / "src" / "a").write_text("a\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "source")
    return repo


def refused(folder: Path, words: str, cure: str) -> None:
    """Nobody reads, writes or makes tasks in `folder`, and the cure works."""
    for action in (
        lambda: at(folder).tasks(),
        lambda: at(folder).add("New"),
        lambda: at(folder).complete(1),
        lambda: at(folder).start(1),
        lambda: init_project(at(folder)),
    ):
        with pytest.raises(NoTasksError, match=words) as caught:
            action()
        assert f"`{cure}`" in (caught.value.hint or "")
    assert not (folder / ".tasks").exists()
    git(folder, *cure.split()[1:])
    assert [task.id for task in at(folder).tasks()] == [1, 2]
    assert git(folder, "status", "--porcelain") == ""


@pytest.mark.parametrize("index", ["--no-sparse-index", "--sparse-index"])
def test_a_sparse_checkout(plan: Path, index: str) -> None:
    git(plan, "sparse-checkout", "set", "--cone", index, "src")
    refused(plan, "not part of this sparse checkout", "git sparse-checkout add .tasks")


def test_a_folder_that_was_deleted(plan: Path) -> None:
    shutil.rmtree(plan / ".tasks")
    refused(plan, "is gone", "git checkout -- .tasks")


def test_a_clone_that_checked_nothing_out(plan: Path) -> None:
    git(plan.parent, "clone", "-q", "--no-checkout", str(plan), "copy")
    refused(plan.parent / "copy", "not checked out yet", "git checkout")


def test_what_was_taken_out_of_git_can_be_made_anew(plan: Path, cli: Cli) -> None:
    git(plan, "rm", "-rq", ".tasks")
    assert "`gittasks init`" in cli("list", code=1).stderr
    cli("init")
    assert "no tasks" in cli("list").stderr + cli("list").stdout
