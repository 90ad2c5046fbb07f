"""Making a repository a project: in every kind of repository, twice, killed half-way, and where it must refuse."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gittasks.app.project import Project, open_project
from gittasks.app.setup import FolderTakenError, ignore_rule, init_project
from gittasks.repo.discover import NoRepositoryError, NoWorktreeError
from gittasks.repo.git import GitTooOldError
from gittasks.workgraph.config import DEFAULT_TEXT
from tests.conftest import git


def _project(folder: Path, **env: str) -> Project:
    return open_project(str(folder), env={**os.environ, **env})


def test_it_makes_and_stages_the_settings_and_nothing_else(repo: Path) -> None:
    done = init_project(_project(repo))
    assert done.created == (".tasks", ".tasks/config.yaml", ".tasks/.gitattributes")
    assert (done.staged, done.warnings) == (True, ())
    assert git(repo, "status", "--porcelain") == "A  .tasks/.gitattributes\nA  .tasks/config.yaml"
    assert (repo / ".tasks/config.yaml").read_text() == DEFAULT_TEXT


def test_again_changes_nothing(repo: Path) -> None:
    init_project(_project(repo))
    (repo / ".tasks/config.yaml").write_text("# mine\n")
    before = git(repo, "status", "--porcelain")
    assert init_project(_project(repo)).created == ()
    assert (repo / ".tasks/config.yaml").read_text() == "# mine\n"
    assert git(repo, "status", "--porcelain") == before


def test_what_a_killed_call_left_out_is_made_up_for(repo: Path) -> None:
    (repo / ".tasks").mkdir()
    assert init_project(_project(repo)).created == (".tasks/config.yaml", ".tasks/.gitattributes")
    git(repo, "rm", "-q", "--cached", ".tasks/config.yaml")
    assert init_project(_project(repo)).created == ()
    assert git(repo, "status", "--porcelain") == "A  .tasks/.gitattributes\nA  .tasks/config.yaml"


def test_from_a_subfolder_of_a_repository_without_a_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "deep" / "down").mkdir(parents=True)
    done = init_project(_project(tmp_path / "deep" / "down"))
    assert done.folder == str(tmp_path / ".tasks")
    assert git(tmp_path, "status", "--porcelain") == "A  .tasks/.gitattributes\nA  .tasks/config.yaml"


def test_in_a_linked_worktree_it_is_that_worktree(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    assert init_project(_project(tmp_path / "side")).folder == str(tmp_path / "side" / ".tasks")
    assert (
        git(tmp_path / "side", "status", "--porcelain") == "A  .tasks/.gitattributes\nA  .tasks/config.yaml"
    )
    assert git(repo, "status", "--porcelain") == ""


def test_not_outside_a_repository_nor_in_a_bare_one(tmp_path: Path) -> None:
    with pytest.raises(NoRepositoryError) as caught:
        _project(tmp_path)
    assert "git init" in str(caught.value.hint)
    git(tmp_path, "init", "-q", "--bare", "bare")
    with pytest.raises(NoWorktreeError):
        init_project(_project(tmp_path / "bare"))
    assert not (tmp_path / "bare" / ".tasks").exists()


@pytest.mark.parametrize("kind", ["link", "dangling", "file", "config link", "config folder"])
def test_it_writes_through_nothing_strange(repo: Path, tmp_path: Path, kind: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if kind == "link":
        (repo / ".tasks").symlink_to(elsewhere)
    elif kind == "dangling":
        (repo / ".tasks").symlink_to(tmp_path / "nowhere")
    elif kind == "file":
        (repo / ".tasks").write_text("a list of tasks\n")
    else:
        (repo / ".tasks").mkdir()
        if kind == "config link":
            (repo / ".tasks/config.yaml").symlink_to(elsewhere / "made")
        else:
            (repo / ".tasks/config.yaml").mkdir()
    with pytest.raises(FolderTakenError) as caught:
        init_project(_project(repo))
    assert caught.value.hint
    assert list(elsewhere.iterdir()) == []
    assert not (tmp_path / "nowhere").exists()


def test_a_git_that_is_too_old_is_told_before_anything_is_made(repo: Path, tmp_path: Path) -> None:
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\necho git version 2.37.9\n")
    old.chmod(0o755)
    with pytest.raises(GitTooOldError, match=r"2\.37\.9 is too old.*2\.38"):
        init_project(_project(repo, PATH=f"{old.parent}:{os.environ['PATH']}"))
    assert not (repo / ".tasks").exists()


def test_an_ignored_folder_is_made_and_warned_of(repo: Path) -> None:
    (repo / ".gitignore").write_text("*.log\n.tasks/\n")
    done = init_project(_project(repo))
    assert done.created == (".tasks", ".tasks/config.yaml", ".tasks/.gitattributes")
    assert not done.staged
    assert ".gitignore:2: .tasks/" in done.warnings[0]


def test_the_rule_that_ignores_tasks_is_named_and_an_exception_from_it_is_none(repo: Path) -> None:
    assert ignore_rule(_project(repo)) is None
    (repo / ".git/info/exclude").write_text(".tasks/*.yaml\n")
    assert ignore_rule(_project(repo)) == ".git/info/exclude:1: .tasks/*.yaml"
    (repo / ".gitignore").write_text("!.tasks/*.yaml\n")
    assert ignore_rule(_project(repo)) is None
