"""`.worktreeinclude`: only files that are ignored and matched, never over something else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gittasks.base.files import UnsafeFileError
from gittasks.repo import include
from gittasks.repo.git import Git
from tests.conftest import git


@pytest.fixture
def source(repo: Path) -> Path:
    (repo / ".gitignore").write_text("*.env\n/build/\n/.worktrees/\nlocal/*\n")
    (repo / ".worktreeinclude").write_text(
        "# comment\n*.env\n!secret.env\n/local/\nREADME\nplain\n*\n!secret.env\n"
    )
    for name in (
        ".env",
        "a/deep/x.env",
        "secret.env",
        "local/settings",
        "build/out",
        "plain",
        ".worktrees/w/.env",
    ):
        (repo / name).parent.mkdir(parents=True, exist_ok=True)
        (repo / name).write_text(name)
    (repo / ".env").chmod(0o600)
    (repo / "local" / "link").symlink_to("../README")
    return repo


def test_which_files(source: Path) -> None:
    found = include.included_files(Git(str(source), os.environ))
    assert sorted(found) == [".env", "a/deep/x.env", "build/out", "local/link", "local/settings"]


def test_without_the_file_nothing(repo: Path) -> None:
    assert include.included_files(Git(str(repo), os.environ)) == []
    (repo / ".worktreeinclude").write_text("*\n")
    assert include.included_files(Git(str(repo), os.environ)) == []
    (repo / ".worktreeinclude").unlink()
    (repo / ".worktreeinclude").symlink_to("README")
    with pytest.raises(UnsafeFileError):
        include.included_files(Git(str(repo), os.environ))


def test_copying(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "side"
    git(source, "worktree", "add", "-q", str(target))
    (target / "build").mkdir()
    (target / "build" / "out").write_text("mine")
    paths = include.included_files(Git(str(source), os.environ))
    for _ in range(2):
        assert include.copy_files(paths, str(source), str(target)) == []
    assert (target / "a" / "deep" / "x.env").read_text() == "a/deep/x.env"
    assert (target / "build" / "out").read_text() == "mine"
    assert os.readlink(target / "local" / "link") == "../README"
    assert (target / ".env").stat().st_mode & 0o777 == 0o600
    assert not list(target.rglob("*gittasks-tmp"))


def test_a_link_in_the_branch_leads_nothing_outside(source: Path, tmp_path: Path) -> None:
    target, outside = tmp_path / "side", tmp_path / "outside"
    outside.mkdir()
    git(source, "worktree", "add", "-q", str(target))
    (target / "local").symlink_to(outside)
    assert include.copy_files(["local/settings", ".env"], str(source), str(target)) == ["local/settings"]
    assert list(outside.iterdir()) == []
    assert (target / ".env").exists()
