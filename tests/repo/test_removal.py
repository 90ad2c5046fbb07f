"""Removing a worktree: nothing is lost, whatever stands in its place."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from gittasks.repo import removal, worktrees
from gittasks.repo.discover import find_checkout
from gittasks.repo.git import Git
from gittasks.repo.removal import KeptWorktreeError
from gittasks.repo.worktrees import Worktree
from tests.conftest import git


def all_trees(repo: Path) -> list[Worktree]:
    return worktrees.list_worktrees(Git(str(repo), os.environ), find_checkout(str(repo)))


def tree_of(repo: Path, name: str) -> Worktree:
    return next(tree for tree in all_trees(repo) if tree.name == name)


def refuse_dirty(files: Sequence[str]) -> None:
    if files:
        raise KeptWorktreeError("dirty:", outcome="refused_dirty", files=files)


def remove(repo: Path, name: str, *, force: bool = False) -> str | None:
    tree = tree_of(repo, name)
    removal.refuse_unsafe(tree, all_trees(repo), os.environ, force=force)
    trash = str(repo / ".git" / "gittasks" / "trash")
    return removal.remove(Git(str(repo), os.environ), tree, trash, refuse_dirty=refuse_dirty)


def outcome(repo: Path, name: str = "side", *, force: bool = False) -> str:
    with pytest.raises(KeptWorktreeError) as caught:
        remove(repo, name, force=force)
    return caught.value.outcome


@pytest.fixture
def side(repo: Path, tmp_path: Path) -> Path:
    git(repo, "worktree", "add", "-q", str(tmp_path / "side"))
    return tmp_path / "side"


def names(repo: Path) -> list[str | None]:
    return [tree.name for tree in all_trees(repo)]


def test_a_clean_worktree_goes_and_only_it(repo: Path, side: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "absent"))
    os.rename(tmp_path / "absent", tmp_path / "unplugged")
    (repo / ".git" / "info" / "exclude").write_text("ignored\n")
    (side / "ignored").write_text("")
    (side / "ignored-folder").mkdir()
    assert remove(repo, "side") is None
    assert not side.exists()
    assert names(repo) == ["main", "absent"]
    assert os.listdir(repo / ".git" / "gittasks" / "trash") == []


@pytest.mark.parametrize("kind", ["untracked", "changed", "staged", "deleted", "assumed", "skipped"])
def test_dirty_files_are_named_and_stay(repo: Path, side: Path, kind: str) -> None:
    name = "README"
    if kind in ("assumed", "skipped"):
        git(side, "update-index", "--assume-unchanged" if kind == "assumed" else "--skip-worktree", "README")
    if kind == "deleted":
        (side / name).unlink()
    else:
        name = "new\nfile" if kind in ("untracked", "staged") else name
        (side / name).write_text("work\n")
    if kind == "staged":
        git(side, "add", "--", name)
    with pytest.raises(KeptWorktreeError) as caught:
        remove(repo, "side")
    assert caught.value.files == (name,)
    assert "\nfile" not in caught.value.message
    assert kind == "deleted" or (side / name).read_text() == "work\n"
    assert names(repo) == ["main", "side"]


def test_what_a_killed_writer_of_ours_left_keeps_nobody(repo: Path, side: Path) -> None:
    (side / ".tasks").mkdir()
    (side / ".tasks" / ".3.yaml.gittasks-tmp").write_text("half")
    assert remove(repo, "side") is None
    assert not side.exists()


def test_a_file_that_appears_at_the_last_moment_is_not_lost(repo: Path, side: Path) -> None:
    calls = []

    def late(files: Sequence[str]) -> None:
        calls.append(list(files))
        refuse_dirty(files)
        (side / "late").write_text("work\n")

    trash = str(repo / ".git" / "gittasks" / "trash")
    with pytest.raises(KeptWorktreeError):
        removal.remove(Git(str(repo), os.environ), tree_of(repo, "side"), trash, refuse_dirty=late)
    assert calls == [[], ["late"]]
    assert (side / "late").read_text() == "work\n"
    assert git(side, "status", "--porcelain") == "?? late"


def test_what_is_never_removed(repo: Path, side: Path, tmp_path: Path) -> None:
    assert outcome(repo, "main", force=True) == "refused_main"
    git(repo, "worktree", "lock", str(side))
    assert outcome(repo, force=True) == "refused_locked"
    git(repo, "worktree", "unlock", str(side))
    git(repo, "worktree", "add", "-q", "-b", "inner", str(side / "deep" / "inner"))
    assert outcome(repo, force=True) == "refused_nested"
    git(repo, "worktree", "move", str(side / "deep" / "inner"), str(tmp_path / "inner"))
    os.rename(side, tmp_path / "moved")
    git(tmp_path, "clone", "-q", str(repo), "side")
    assert outcome(repo, force=True) == "refused_foreign"
    shutil.rmtree(side)
    side.symlink_to(tmp_path / "moved")
    assert outcome(repo, force=True) == "refused_foreign"
    assert (tmp_path / "moved" / "README").exists()


def test_submodules_fail_closed(repo: Path, side: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(repo), "library")
    git(side, "submodule", "--quiet", "add", str(tmp_path / "library"), "library")
    git(side, "commit", "-q", "-m", "add library")
    assert outcome(repo, force=True) == "refused_submodules"
    git(side, "submodule", "--quiet", "deinit", "library")
    assert outcome(repo) == "refused_submodules"
    assert remove(repo, "side", force=True) is None


def test_an_operation_in_progress(repo: Path, side: Path) -> None:
    (repo / ".git" / "worktrees" / "side" / "MERGE_HEAD").write_text(git(repo, "rev-parse", "HEAD") + "\n")
    assert outcome(repo) == "refused_operation"
    assert remove(repo, "side", force=True) is None


@pytest.mark.parametrize("parent_too", [False, True])
def test_one_that_is_gone_is_unregistered(repo: Path, tmp_path: Path, parent_too: bool) -> None:
    git(repo, "worktree", "add", "-q", str(repo / ".worktrees" / "side"))
    shutil.rmtree(repo / ".worktrees" if parent_too else repo / ".worktrees" / "side")
    assert remove(repo, "side") is None
    assert names(repo) == ["main"]


def test_killed_between_rename_and_unregistering(repo: Path, side: Path) -> None:
    trash = repo / ".git" / "gittasks" / "trash"
    trash.mkdir(parents=True)
    os.rename(side, trash / "side.123456")
    (trash / "trial.123456.index").write_text("")
    assert remove(repo, "side") is None
    assert names(repo) == ["main"]
    removal.empty_trash(str(trash))
    assert os.listdir(trash) == []


def test_read_only_folders_are_deleted_too(repo: Path, side: Path) -> None:
    (repo / ".git" / "info" / "exclude").write_text("cache\n")
    (side / "cache" / "deep").mkdir(parents=True)
    (side / "cache" / "deep" / "file").write_text("")
    (side / "cache" / "deep").chmod(0o555)
    (side / "cache").chmod(0o555)
    assert remove(repo, "side") is None
    assert os.listdir(repo / ".git" / "gittasks" / "trash") == []


def test_across_file_systems_git_removes_it(repo: Path) -> None:
    here = os.stat(repo).st_dev
    # The tests lie in memory where there is room, else on the disk.
    places = [Path(name) for name in ("/dev/shm", "/var/tmp") if os.access(name, os.W_OK)]
    other = next((place for place in places if os.stat(place).st_dev != here), None)
    if other is None:
        pytest.skip("no second file system here")
    place = other / f"gittasks-test-{os.getpid()}"
    git(repo, "worktree", "add", "-q", str(place / "side"))
    try:
        assert remove(repo, "side") is None
        assert not (place / "side").exists()
        assert names(repo) == ["main"]
    finally:
        shutil.rmtree(place, ignore_errors=True)
