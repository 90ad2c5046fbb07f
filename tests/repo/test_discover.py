"""Finding the checkout: compared with git's own answer wherever git has one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gittasks.repo import discover
from gittasks.repo.discover import Checkout, NoRepositoryError, NoWorktreeError, find_checkout
from tests.conftest import git


def agrees_with_git(folder: Path) -> Checkout:
    """The checkout of `folder`, after holding it against `git rev-parse`."""
    found = find_checkout(str(folder))
    assert found.top == os.path.realpath(git(folder, "rev-parse", "--show-toplevel"))
    assert found.git_dir == os.path.realpath(git(folder, "rev-parse", "--absolute-git-dir"))
    common = os.path.join(folder, git(folder, "rev-parse", "--git-common-dir"))
    assert found.common_dir == os.path.realpath(common)
    return found


def test_main_worktree_and_its_subdirectories(repo: Path) -> None:
    deep = repo / "a" / "b"
    deep.mkdir(parents=True)
    found = agrees_with_git(repo)
    assert agrees_with_git(deep) == found
    assert (found.name, found.is_linked) == ("main", False)
    assert found.private_dir == str(repo / ".git" / "gittasks")


def test_linked_worktree_has_its_own_name_and_git_dir(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "side"))
    (tmp_path / "side" / "sub").mkdir()
    found = agrees_with_git(tmp_path / "side" / "sub")
    assert (found.name, found.is_linked) == ("side", True)
    assert found.common_dir == str(repo / ".git")
    assert discover.main_top(found.common_dir) == str(repo)


def test_name_is_gits_own_where_two_folders_are_called_the_same(repo: Path, tmp_path: Path) -> None:
    for number in ("1", "2"):
        git(repo, "worktree", "add", "-q", "-b", f"b{number}", str(tmp_path / number / "side"))
    names = {agrees_with_git(tmp_path / number / "side").name for number in ("1", "2")}
    assert names == {"side", "side1"}


def test_worktree_moved_by_git_and_by_hand(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "side"))
    git(repo, "worktree", "move", str(tmp_path / "side"), str(tmp_path / "moved"))
    assert agrees_with_git(tmp_path / "moved").name == "side"
    os.rename(tmp_path / "moved", tmp_path / "by-hand")
    found = agrees_with_git(tmp_path / "by-hand")
    assert (found.name, found.top) == ("side", str(tmp_path / "by-hand"))


def test_worktree_of_a_bare_repository(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    git(tmp_path / "bare.git", "worktree", "add", "-q", str(tmp_path / "wt"))
    found = agrees_with_git(tmp_path / "wt")
    assert found.common_dir == str(tmp_path / "bare.git")
    assert discover.main_top(found.common_dir) is None
    for place in ("bare.git", "bare.git/refs"):
        bare = find_checkout(str(tmp_path / place))
        assert bare.top is None
        with pytest.raises(NoWorktreeError) as refused:
            bare.require_top()
        assert refused.value.hint == f"run the command in one of its worktrees: {tmp_path / 'wt'}"
    git(tmp_path / "bare.git", "worktree", "remove", str(tmp_path / "wt"))
    with pytest.raises(NoWorktreeError) as refused:
        find_checkout(str(tmp_path / "bare.git")).require_top()
    assert "git worktree add" in (refused.value.hint or "")


@pytest.mark.parametrize("linked_by_file", [True, False])
def test_bare_repository_hidden_beside_its_worktrees(
    repo: Path, tmp_path: Path, linked_by_file: bool
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    if linked_by_file:
        git(project, "clone", "-q", "--bare", str(repo), ".bare")
        (project / ".git").write_text("gitdir: ./.bare\n")
    else:
        git(project, "clone", "-q", "--bare", str(repo), ".git")
    git(project, "worktree", "add", "-q", str(project / "side"))
    assert find_checkout(str(project)).top is None
    assert agrees_with_git(project / "side").name == "side"


def test_submodule_is_a_clone_of_its_own(repo: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    git(tmp_path, "init", "-q", "outer")
    git(outer, "submodule", "--quiet", "add", str(repo), "inner")
    found = agrees_with_git(outer / "inner")
    assert found.common_dir == str(outer / ".git" / "modules" / "inner")
    assert found.name == "main"
    assert discover.main_top(found.common_dir) == str(outer / "inner")
    git(outer / "inner", "worktree", "add", "-q", str(tmp_path / "side"))
    side = agrees_with_git(tmp_path / "side")
    assert side.common_dir == found.common_dir


def test_separate_git_dir(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--separate-git-dir", str(tmp_path / "elsewhere"), "work")
    found = agrees_with_git(tmp_path / "work")
    assert discover.main_top(found.common_dir) is None


def test_core_worktree_counts(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    git(repo, "config", "core.worktree", str(tmp_path / "files"))
    assert find_checkout(str(repo)).top == str(tmp_path / "files")


def test_symbolic_links_give_one_and_the_same_checkout(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "side"))
    for name in ("repo", "side"):
        (tmp_path / f"link-{name}").symlink_to(tmp_path / name)
        assert find_checkout(str(tmp_path / f"link-{name}")) == find_checkout(str(tmp_path / name))
    os.rename(repo / ".git", tmp_path / "hidden")
    (repo / ".git").symlink_to(tmp_path / "hidden")
    found = find_checkout(str(repo))
    assert (found.top, found.git_dir) == (str(repo), str(tmp_path / "hidden"))


def test_git_dir_as_hooks_export_it(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "side"))
    plain = find_checkout(str(repo))
    assert find_checkout(str(repo), git_dir=".git") == plain
    assert find_checkout(str(tmp_path), git_dir=str(repo / ".git")) == plain
    side = str(repo / ".git" / "worktrees" / "side")
    assert find_checkout(str(tmp_path / "side"), git_dir=side) == find_checkout(str(tmp_path / "side"))
    assert find_checkout(str(repo), work_tree=str(tmp_path)).top == str(tmp_path)
    named = find_checkout(str(tmp_path), git_dir="repo/.git", work_tree="side")
    assert (named.top, named.git_dir) == (str(tmp_path / "side"), str(repo / ".git"))


def test_git_dir_of_a_submodule_as_hooks_export_it(repo: Path, tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    git(tmp_path, "init", "-q", "outer")
    git(outer, "submodule", "--quiet", "add", str(repo), "inner")
    modules = str(outer / ".git" / "modules" / "inner")
    assert find_checkout(str(outer / "inner"), git_dir=modules) == find_checkout(str(outer / "inner"))


def test_inside_the_git_folder_nothing_is_checked_out(repo: Path) -> None:
    assert find_checkout(str(repo / ".git")).top is None


def test_broken_links_say_what_is_wrong(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "side"))
    os.rename(repo, tmp_path / "moved")
    with pytest.raises(NoRepositoryError, match="which is gone") as caught:
        find_checkout(str(tmp_path / "side"))
    assert "git worktree repair" in str(caught.value.hint)
    (tmp_path / "side" / ".git").write_text("garbage\n")
    with pytest.raises(NoRepositoryError, match="not a git link"):
        find_checkout(str(tmp_path / "side"))
    with pytest.raises(NoRepositoryError, match="GIT_DIR"):
        find_checkout(str(tmp_path), git_dir=str(tmp_path))


def test_no_repository_at_all(tmp_path: Path) -> None:
    with pytest.raises(NoRepositoryError, match="not inside a git repository"):
        find_checkout(str(tmp_path))


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("[core]\n\tbare = true\n", True),
        ("[core] bare = yes\n", True),
        ("[core]\n\tbare\n", True),
        ("[CORE]\n\tBare = false\n", False),
        ("[other]\n\tbare = true\n", False),
        ("[core]\n\tbare = true\n[core]\n\tbare = false\n", False),
        ("", False),
    ],
)
def test_reading_core_bare_agrees_with_git(tmp_path: Path, text: str, bare: bool) -> None:
    (tmp_path / "config").write_text(text)
    said = git(tmp_path, "config", "--file", "config", "--type=bool", "--default=false", "core.bare")
    assert discover.is_bare(str(tmp_path)) is bare is (said == "true")
