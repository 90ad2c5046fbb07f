"""git's worktrees, whoever made, moved, locked or removed them."""

from __future__ import annotations

import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gittasks.app.project import open_project
from gittasks.repo import refs, worktrees
from gittasks.repo.discover import find_checkout
from gittasks.repo.git import Git, GitError
from gittasks.repo.worktrees import Worktree
from tests.conftest import git


def listed(folder: Path) -> dict[str | None, Worktree]:
    found = worktrees.list_worktrees(Git(str(folder), os.environ), find_checkout(str(folder)))
    assert len({tree.name for tree in found}) == len(found)
    return {tree.name: tree for tree in found}


def test_listing(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", "-b", "topic", str(tmp_path / "plain"))
    git(repo, "worktree", "add", "-q", "--detach", str(tmp_path / "loose"))
    git(repo, "worktree", "lock", "--reason", "on a\nstick", str(tmp_path / "loose"))
    git(repo, "worktree", "add", "-q", "-b", "gone", str(tmp_path / "gone"))
    shutil.rmtree(tmp_path / "gone")
    found = listed(repo)
    head = git(repo, "rev-parse", "HEAD")
    assert list(found) == ["main", "gone", "loose", "plain"]
    main = found["main"]
    assert (main.path, main.branch, main.head, main.is_linked, main.exists) == (
        str(repo),
        "main",
        head,
        False,
        True,
    )
    assert (found["plain"].branch, found["plain"].exists, found["plain"].locked) == ("topic", True, None)
    assert (found["loose"].branch, found["loose"].locked) == (None, "on a\nstick")
    assert (found["gone"].exists, found["gone"].prunable is None) == (False, False)
    assert listed(tmp_path / "plain") == found


def test_listing_a_bare_repository(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "-q", str(tmp_path / "main"))
    found = listed(tmp_path / "main")
    assert list(found) == [None, "main"]
    assert found[None].is_bare
    assert found["main"].is_linked
    assert listed(tmp_path / "bare.git") == found


def test_listing_files_beside_a_bare_repository(repo: Path, tmp_path: Path) -> None:
    """As people keep their dot files: `--git-dir` and `--work-tree`."""
    git(tmp_path, "clone", "-q", "--bare", str(repo), "dots.git")
    home = tmp_path / "home"
    home.mkdir()
    env = {**os.environ, "GIT_DIR": str(tmp_path / "dots.git"), "GIT_WORK_TREE": str(home)}
    project = open_project(str(home), env=env)
    (tree,) = worktrees.list_worktrees(project.git, project.checkout)
    assert (tree.name, tree.path, tree.branch) == ("main", str(home), "main")
    assert tree.head == git(repo, "rev-parse", "HEAD")


def test_listing_a_submodule_names_its_real_root(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "outer")
    git(tmp_path / "outer", "submodule", "--quiet", "add", str(repo), "inner")
    inner = tmp_path / "outer" / "inner"
    git(inner, "worktree", "add", "-q", str(tmp_path / "side"))
    for place in (inner, tmp_path / "side"):
        assert {name: tree.path for name, tree in listed(place).items()} == {
            "main": str(inner),
            "side": str(tmp_path / "side"),
        }


def test_two_folders_of_one_name_are_told_apart(repo: Path, tmp_path: Path) -> None:
    for number in ("1", "2"):
        git(repo, "worktree", "add", "-q", "-b", f"b{number}", str(tmp_path / number / "side"))
    assert {tree.path: name for name, tree in listed(repo).items() if tree.is_linked} == {
        str(tmp_path / "1" / "side"): "side",
        str(tmp_path / "2" / "side"): "side1",
    }


def test_moved_by_hand_is_found_from_inside(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "side"))
    os.rename(tmp_path / "side", tmp_path / "moved")
    assert not listed(repo)["side"].exists
    checkout = find_checkout(str(tmp_path / "moved"))
    trees = worktrees.list_worktrees(Git(str(repo), os.environ), checkout)
    here = worktrees.find_here(trees, checkout)
    assert here is not None
    assert (here.name, here.path, here.exists) == ("side", str(tmp_path / "moved"), True)


def test_a_stranger_at_the_path_is_not_the_worktree(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "side"))
    shutil.rmtree(tmp_path / "side")
    git(tmp_path, "clone", "-q", str(repo), "side")
    assert not listed(repo)["side"].exists
    shutil.rmtree(tmp_path / "side")
    git(tmp_path, "clone", "-q", str(repo), "clone")
    git(tmp_path / "clone", "worktree", "add", "-q", str(tmp_path / "side"))
    assert not listed(repo)["side"].exists


def test_find_by_branch_sees_a_rebase(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", "-b", "topic", str(tmp_path / "side"))
    (tmp_path / "side" / "README").write_text("theirs\n")
    git(tmp_path / "side", "commit", "-q", "-am", "theirs")
    (repo / "README").write_text("ours\n")
    git(repo, "commit", "-q", "-am", "ours")
    trees = list(listed(repo).values())
    assert worktrees.find_by_branch(trees, "topic") == listed(repo)["side"]
    assert worktrees.find_by_branch(trees, "nobody") is None
    subprocess.run(("git", "rebase", "main"), cwd=tmp_path / "side", capture_output=True, check=False)
    tree = listed(repo)["side"]
    assert tree.branch is None
    assert worktrees.find_by_branch([tree], "topic") == tree


def test_what_git_cannot_read_is_not_taken_for_another_branch(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", "-b", "side", str(tmp_path / "side"))
    (repo / ".git" / "refs" / "heads" / "main").write_text("noise\n")
    trees = list(listed(tmp_path / "side").values())
    assert worktrees.find_by_branch(trees, "side") == trees[1]
    with pytest.raises(worktrees.BrokenWorktreeError, match=r"cannot tell whether .* has main checked out"):
        worktrees.find_by_branch(trees, "main")


def test_adding(repo: Path) -> None:
    ours = Git(str(repo), os.environ)
    refs.create_branch(ours, "wt/x", git(repo, "rev-parse", "HEAD"))
    path = str(repo / ".worktrees" / "x")
    assert worktrees.add(ours, path, "wt/x") is None
    assert (listed(repo)["x"].path, listed(repo)["x"].branch) == (path, "wt/x")
    assert not ours.success("config", "branch.wt/x.remote")
    with pytest.raises(GitError):
        worktrees.add(ours, str(repo / ".worktrees" / "y"), "wt/x")


def test_a_failing_hook_leaves_a_whole_worktree(repo: Path) -> None:
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\necho no luck >&2\nexit 1\n")
    hook.chmod(0o755)
    ours = Git(str(repo), os.environ)
    refs.create_branch(ours, "wt/x", git(repo, "rev-parse", "HEAD"))
    warning = worktrees.add(ours, str(repo / ".worktrees" / "x"), "wt/x")
    assert warning is not None
    assert "no luck" in warning
    assert listed(repo)["x"].exists
    assert listed(repo)["x"].locked is None


def test_paths_that_are_taken(repo: Path, tmp_path: Path) -> None:
    root = str(repo)
    worktrees.require_free(str(repo / ".worktrees" / "x"), root)
    (repo / ".worktrees" / "x").mkdir(parents=True)
    worktrees.require_free(str(repo / ".worktrees" / "x"), root)
    (repo / ".worktrees" / "x" / "file").write_text("")
    (repo / ".worktrees" / "y").symlink_to(tmp_path)
    (repo / ".worktrees" / "z").write_text("")
    for name in "xyz":
        with pytest.raises(worktrees.PathTakenError, match="there already"):
            worktrees.require_free(str(repo / ".worktrees" / name), root)
    (repo / "link").symlink_to(tmp_path)
    with pytest.raises(worktrees.PathTakenError, match="symbolic link"):
        worktrees.require_free(str(repo / "link" / "x"), root)


def test_excluding_once(repo: Path) -> None:
    ours = Git(str(repo), os.environ)
    exclude = repo / ".git" / "info" / "exclude"
    exclude.write_text("mine")
    assert worktrees.exclude(ours, str(repo / ".git"), "/.worktrees/", ".worktrees/x")
    assert not worktrees.exclude(ours, str(repo / ".git"), "/.worktrees/", ".worktrees/x")
    assert exclude.read_text() == "mine\n/.worktrees/\n"
    (repo / ".gitignore").write_text("/elsewhere/\n")
    assert not worktrees.exclude(ours, str(repo / ".git"), "/elsewhere/x/", "elsewhere/x")


def test_default_branch(repo: Path, tmp_path: Path) -> None:
    git(repo, "branch", "topic")
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "-q", str(tmp_path / "side"), "topic")
    for place, name in ((repo, "main"), (tmp_path / "side", "main")):
        checkout = find_checkout(str(place))
        ours = Git(str(place), os.environ)
        assert worktrees.default_branch(ours, worktrees.list_worktrees(ours, checkout), checkout) == name
    git(repo, "checkout", "-q", "--detach")
    ours = Git(str(repo), os.environ)
    assert worktrees.default_branch(ours, list(listed(repo).values()), find_checkout(str(repo))) is None


def test_who_is_still_adding(repo: Path, tmp_path: Path) -> None:
    """A hook that waits keeps `git worktree add` alive; it is seen, and gone once it ends."""
    fifo, told = tmp_path / "fifo", tmp_path / "told"
    os.mkfifo(fifo)
    os.mkfifo(told)
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.write_text(f"#!/bin/sh\necho here >{told}\ncat {fifo}\n")
    hook.chmod(0o755)
    ours = Git(str(repo), os.environ)
    refs.create_branch(ours, "wt/x", git(repo, "rev-parse", "HEAD"))
    path = str(repo / ".worktrees" / "x")
    with ThreadPoolExecutor(1) as pool:
        adding = pool.submit(worktrees.add, ours, path, "wt/x")
        assert told.read_text() == "here\n"
        with pytest.raises(worktrees.StillAddingError):
            worktrees.require_settled(listed(repo)["x"].path)
        fifo.write_text("go on\n")
        assert adding.result() is None
    worktrees.require_settled(listed(repo)["x"].path)
