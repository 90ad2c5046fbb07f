"""Whose repository it is: what git refuses to work in, we refuse to read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gittasks.app.project import open_project
from gittasks.repo.git import GitError
from tests.conftest import git


@pytest.fixture
def foreign(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of another user: we are somebody else, and git is told to think so (its own tests' variable)."""
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    return repo


def test_a_repository_of_somebody_else_is_refused_with_gits_cure(foreign: Path) -> None:
    with pytest.raises(GitError, match="dubious ownership") as caught:
        open_project(str(foreign))
    assert f"`git config --global --add safe.directory {foreign}`" in (caught.value.hint or "")


def test_whom_git_trusts_we_trust(foreign: Path) -> None:
    git(Path("/"), "config", "--global", "--add", "safe.directory", str(foreign))
    assert open_project(str(foreign)).git.line("rev-parse", "--git-dir") == ".git"


def test_what_is_named_by_hand_is_asked_nobody_about(foreign: Path) -> None:
    env = {**os.environ, "GIT_DIR": str(foreign / ".git")}
    assert open_project(str(foreign), env=env).top == str(foreign)


def test_no_git_is_asked_about_ones_own(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert open_project(str(repo)).top == str(repo)
