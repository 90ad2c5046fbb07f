"""Merging: tried without a trace, done whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gittasks.repo import merging, refs
from gittasks.repo.git import Git, GitError
from gittasks.repo.index import OperationInProgressError
from tests.conftest import git
from tests.repo.test_refs import commit


@pytest.fixture
def ours(repo: Path) -> Git:
    git(repo, "checkout", "-q", "-b", "work")
    commit(repo, "README", "theirs\n", "theirs")
    git(repo, "checkout", "-q", "main")
    return Git(str(repo), os.environ)


def test_a_trial_leaves_no_trace(ours: Git, repo: Path) -> None:
    before = git(repo, "for-each-ref"), git(repo, "status", "--porcelain")
    trial = merging.try_merge(ours, "main", "work")
    assert trial == merging.Trial(git(repo, "rev-parse", "work^{tree}"), ())
    commit(repo, "README", "ours\n")
    assert merging.try_merge(ours, "main", "work").conflicts == ("README",)
    git(repo, "reset", "-q", "--hard", "HEAD~1")
    assert (git(repo, "for-each-ref"), git(repo, "status", "--porcelain")) == before


def test_histories_with_nothing_in_common_are_no_conflict_but_an_error(ours: Git, repo: Path) -> None:
    git(repo, "checkout", "-q", "--orphan", "other")
    tip = commit(repo, "x", "x")
    with pytest.raises(GitError, match="unrelated"):
        merging.try_merge(ours, "main", tip)


def test_a_commit_with_more_in_it(ours: Git, repo: Path, tmp_path: Path) -> None:
    contents = {".tasks/1.yaml": b"x\n", "n\new": b"y"}
    made = merging.commit_with(ours, "work", contents, str(tmp_path / "index"))
    assert git(repo, "show", f"{made}:.tasks/1.yaml") == "x"
    assert git(repo, "show", f"{made}:n\new") == "y"
    assert git(repo, "show", f"{made}:README") == "theirs"
    assert git(repo, "rev-parse", f"{made}~1", "work").split("\n")[0] == git(repo, "rev-parse", "work")
    assert git(repo, "status", "--porcelain") == ""
    assert not (tmp_path / "index").exists()


def test_merging_where_the_target_is_checked_out(ours: Git, repo: Path) -> None:
    merging.merge_here(ours, str(repo / ".git"), "work", "main")
    assert (repo / "README").read_text() == "theirs\n"
    assert refs.find_tip(ours, "main") == refs.find_tip(ours, "work")


def test_a_real_merge_is_named_after_the_branch(ours: Git, repo: Path) -> None:
    commit(repo, "other", "x")
    merging.merge_here(ours, str(repo / ".git"), "work", "main")
    assert git(repo, "log", "-1", "--format=%s") == "Merge branch 'work' into main"


def test_a_conflict_is_put_back(ours: Git, repo: Path) -> None:
    before = commit(repo, "README", "ours\n")
    with pytest.raises(merging.MergeRefusedError, match="CONFLICT"):
        merging.merge_here(ours, str(repo / ".git"), "work", "main")
    assert git(repo, "rev-parse", "HEAD") == before
    assert git(repo, "status", "--porcelain") == ""


def test_a_hook_that_says_no(ours: Git, repo: Path) -> None:
    before = commit(repo, "other", "x")
    hook = repo / ".git" / "hooks" / "pre-merge-commit"
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(merging.MergeRefusedError, match="not today"):
        merging.merge_here(ours, str(repo / ".git"), "work", "main")
    assert git(repo, "rev-parse", "HEAD") == before
    assert git(repo, "status", "--porcelain") == ""


def test_files_in_the_way(ours: Git, repo: Path) -> None:
    (repo / "README").write_text("mine, not committed\n")
    with pytest.raises(merging.MergeRefusedError, match="overwritten"):
        merging.merge_here(ours, str(repo / ".git"), "work", "main")
    assert (repo / "README").read_text() == "mine, not committed\n"


def test_merging_where_nobody_has_the_target(ours: Git, repo: Path) -> None:
    git(repo, "checkout", "-q", "--detach")
    work, main = refs.resolve_commit(ours, "work"), refs.resolve_commit(ours, "main")
    other = commit(repo, "other", "x")
    git(repo, "branch", "-q", "ahead", other)
    merging.merge_unseen(ours, into="ahead", into_tip=other, branch="work", tip=work)
    assert git(repo, "rev-parse", "ahead^1", "ahead^2").split() == [other, work]
    assert git(repo, "log", "-1", "--format=%s", "ahead") == "Merge branch 'work' into ahead"
    assert (git(repo, "show", "ahead:README"), git(repo, "show", "ahead:other")) == ("theirs", "x")
    merging.merge_unseen(ours, into="main", into_tip=main, branch="work", tip=work)
    assert refs.find_tip(ours, "main") == work
    with pytest.raises(refs.RefMovedError):
        merging.merge_unseen(ours, into="main", into_tip=main, branch="work", tip=work)


def test_a_conflict_where_nobody_has_the_target(ours: Git, repo: Path) -> None:
    other = commit(repo, "README", "ours\n")
    git(repo, "checkout", "-q", "--detach")
    with pytest.raises(merging.MergeRefusedError, match="README"):
        work = refs.resolve_commit(ours, "work")
        merging.merge_unseen(ours, into="main", into_tip=other, branch="work", tip=work)
    assert refs.find_tip(ours, "main") == other


def test_somebody_elses_merge_is_not_aborted(ours: Git, repo: Path) -> None:
    commit(repo, "other", "x")
    git(repo, "merge", "-q", "--no-commit", "--no-ff", "work")
    with pytest.raises(OperationInProgressError, match="a merge is in progress"):
        merging.merge_here(ours, str(repo / ".git"), "work", "main")
    assert (repo / ".git" / "MERGE_HEAD").exists()


def test_what_is_staged_stays_staged(ours: Git, repo: Path) -> None:
    commit(repo, "other", "x")
    (repo / "staged").write_text("staged\n")
    git(repo, "add", "staged")
    (repo / "staged").write_text("and changed since\n")
    merging.merge_here(ours, str(repo / ".git"), "work", "main")
    assert git(repo, "log", "-1", "--format=%s") == "Merge branch 'work' into main"
    assert git(repo, "rev-parse", "main^2") == git(repo, "rev-parse", "work")
    assert git(repo, "status", "--porcelain") == "AM staged"
    assert git(repo, "show", ":staged") == "staged"


def test_a_hook_is_not_passed_by_because_of_what_is_staged(ours: Git, repo: Path) -> None:
    before = commit(repo, "other", "x")
    (repo / "staged").write_text("staged\n")
    git(repo, "add", "staged")
    hook = repo / ".git" / "hooks" / "commit-msg"
    hook.write_text("#!/bin/sh\n")
    hook.chmod(0o755)
    with pytest.raises(merging.MergeRefusedError, match="commit-msg"):
        merging.merge_here(ours, str(repo / ".git"), "work", "main")
    assert git(repo, "rev-parse", "HEAD") == before
    assert git(repo, "status", "--porcelain") == "A  staged"
