"""Branches: names, compare-and-swap, and whether a branch's work is in another."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gittasks.repo import refs
from gittasks.repo.git import Git
from tests.conftest import git


def commit(folder: Path, name: str, text: str, message: str = "change") -> str:
    (folder / name).write_text(text)
    git(folder, "add", "--", name)
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


@pytest.fixture
def ours(repo: Path) -> Git:
    return Git(str(repo), os.environ)


@pytest.fixture
def branched(repo: Path) -> str:
    """A branch `work` with two commits on files of its own; main is checked out. Answers where it started."""
    start = git(repo, "rev-parse", "HEAD")
    git(repo, "checkout", "-q", "-b", "work")
    commit(repo, "one", "1\n", "add one")
    commit(repo, "two", "2\n", "add two")
    git(repo, "checkout", "-q", "main")
    return start


@pytest.mark.parametrize("name", ["wt/12-auth", "feature", "ünï", "a.b"])
def test_good_names(ours: Git, name: str) -> None:
    assert refs.check_branch_name(ours, name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "--force",
        "-",
        "a..b",
        "a b",
        "a\nb",
        "a\x1bb",
        "a\x00b",
        "../x",
        "x.lock",
        "x/",
        "@{-1}",
        "a" * 10_000,
        "\u202e",
    ],
)
def test_bad_names_are_refused(ours: Git, name: str) -> None:
    with pytest.raises(refs.BadRefNameError):
        refs.check_branch_name(ours, name)
    with pytest.raises(refs.UnknownRevisionError):
        refs.resolve_commit(ours, name)


def test_revisions(ours: Git, repo: Path) -> None:
    head = git(repo, "rev-parse", "HEAD")
    git(repo, "tag", "-a", "-m", "x", "v1")
    assert (
        refs.resolve_commit(ours, "v1") == refs.resolve_commit(ours, "main") == head == refs.find_head(ours)
    )
    assert refs.find_current_branch(ours) == "main"
    git(repo, "checkout", "-q", "--detach")
    assert refs.find_current_branch(ours) is None
    with pytest.raises(refs.UnknownRevisionError):
        refs.resolve_commit(ours, "main:README")


def test_the_base_branch_a_revision_stands_for(ours: Git, repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", str(repo), "other")
    other = Git(str(tmp_path / "other"), os.environ)
    git(repo, "branch", "only-there")
    git(tmp_path / "other", "fetch", "-q")
    assert refs.find_base_branch(other, "main") == "main"
    assert refs.find_base_branch(other, "HEAD") == "main"
    assert refs.find_base_branch(other, "origin/main") == "main"
    assert refs.find_base_branch(other, "origin/only-there") is None
    assert refs.find_base_branch(other, refs.resolve_commit(other, "main")) is None


def test_create_move_and_delete_are_compare_and_swap(ours: Git, repo: Path) -> None:
    first = git(repo, "rev-parse", "HEAD")
    second = commit(repo, "x", "x")
    refs.create_branch(ours, "wt/x", first)
    with pytest.raises(refs.RefMovedError):
        refs.create_branch(ours, "wt/x", second)
    with pytest.raises(refs.RefMovedError):
        refs.create_branch(ours, "wt", first)
    with pytest.raises(refs.RefMovedError):
        refs.move_branch(ours, "wt/x", new=second, old=second, reason="test")
    refs.move_branch(ours, "wt/x", new=second, old=first, reason="test")
    with pytest.raises(refs.RefMovedError):
        refs.delete_branch(ours, "wt/x", first)
    assert refs.find_tip(ours, "wt/x") == second
    git(repo, "config", "branch.wt/x.remote", "origin")
    refs.delete_branch(ours, "wt/x", second)
    assert refs.find_tip(ours, "wt/x") is None
    assert not ours.success("config", "branch.wt/x.remote")


def test_unmerged_work_is_not_integrated(ours: Git, branched: str) -> None:
    tip, main = refs.resolve_commit(ours, "work"), refs.resolve_commit(ours, "main")
    assert refs.integrated(ours, tip, main, started_at=branched) is None
    assert [c.subject for c in refs.commits_between(ours, main, tip)] == ["add two", "add one"]


def test_an_empty_branch_has_nothing_to_lose(ours: Git, repo: Path) -> None:
    start = git(repo, "rev-parse", "HEAD")
    main = commit(repo, "x", "x")
    assert refs.integrated(ours, start, main, started_at=start) == "empty"
    assert refs.integrated(ours, start, main) == "merged"


@pytest.mark.parametrize("how", ["--no-ff", "--ff-only"])
def test_merged(ours: Git, repo: Path, branched: str, how: str) -> None:
    tip = refs.resolve_commit(ours, "work")
    git(repo, "merge", "-q", "--no-edit", how, "work")
    assert refs.integrated(ours, tip, refs.resolve_commit(ours, "main"), started_at=branched) == "merged"


def test_squashed_and_overwritten_since(ours: Git, repo: Path, branched: str) -> None:
    tip = refs.resolve_commit(ours, "work")
    git(repo, "merge", "-q", "--squash", "work")
    git(repo, "commit", "-q", "-m", "squashed")
    assert refs.integrated(ours, tip, refs.resolve_commit(ours, "main")) == "squashed"
    commit(repo, "one", "changed since\n")
    assert refs.integrated(ours, tip, refs.resolve_commit(ours, "main")) == "squashed"


def test_picked_one_by_one(ours: Git, repo: Path, branched: str) -> None:
    tip = refs.resolve_commit(ours, "work")
    commit(repo, "between", "x")
    git(repo, "cherry-pick", "work~1")
    commit(repo, "one", "changed since\n")
    assert refs.integrated(ours, tip, refs.resolve_commit(ours, "main")) is None
    git(repo, "cherry-pick", "work")
    assert refs.integrated(ours, tip, refs.resolve_commit(ours, "main")) == "patch_ids"


def test_a_merge_commit_on_the_branch_is_never_taken_for_picked(ours: Git, repo: Path, branched: str) -> None:
    commit(repo, "side", "x", "on main")
    git(repo, "checkout", "-q", "work")
    git(repo, "merge", "-q", "--no-commit", "main")
    (repo / "evil").write_text("only in the merge commit\n")
    git(repo, "add", "evil")
    git(repo, "commit", "-q", "-m", "merge main")
    git(repo, "checkout", "-q", "main")
    git(repo, "cherry-pick", branched + "..work~1")
    commit(repo, "one", "changed since\n")
    tip, main = refs.resolve_commit(ours, "work"), refs.resolve_commit(ours, "main")
    assert refs.integrated(ours, tip, main) is None


def test_histories_with_nothing_in_common(ours: Git, repo: Path) -> None:
    git(repo, "checkout", "-q", "--orphan", "other")
    tip = commit(repo, "x", "x")
    assert refs.integrated(ours, tip, refs.resolve_commit(ours, "main")) is None


def test_commits_only_here(ours: Git, repo: Path, branched: str) -> None:
    tip = refs.resolve_commit(ours, "work")
    subjects = [c.subject for c in refs.commits_only_here(ours, tip, "work")]
    assert subjects == ["add two", "add one"]
    git(repo, "update-ref", "refs/remotes/origin/work", "work~1")
    assert [c.subject for c in refs.commits_only_here(ours, tip, "work")] == ["add two"]
    git(repo, "tag", "keep", "work")
    assert refs.commits_only_here(ours, tip, "work") == []


def test_a_subject_is_taken_as_written(ours: Git, repo: Path) -> None:
    tip = commit(repo, "x", "x", "a\u2028b \x1b[31mred")
    main = refs.resolve_commit(ours, "HEAD~1")
    assert refs.commits_between(ours, main, tip) == [refs.Commit(tip, "a\u2028b \x1b[31mred")]
