"""The index of a merge that stopped, and what its sides are called."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gittasks.repo.attributes import with_driver
from gittasks.repo.git import Git
from gittasks.repo.merge_config import set_missing
from gittasks.repo.stages import (
    find_finished,
    find_just_rebased,
    find_rebase,
    find_rebased,
    find_sides,
    read_unmerged,
    unstage_paths,
)
from tests.app.forks import Fork
from tests.conftest import git

HOSTILE = ("plain", "with space", "new\nline", "-dash", 'quo"te', "ünï", ":(top)magic", "*")


@pytest.fixture
def fork(repo: Path) -> Fork:
    """`file` changed on main and on topic."""
    made = Fork(repo)
    for branch in ("main", "topic", "main"):
        made.on(branch)
        (repo / "file").write_text(f"{branch} {git(repo, 'rev-list', '--count', 'HEAD')}\n")
        made.commit(f"{branch} work")
    return made


def gitdir(repo: Path) -> tuple[Git, str]:
    return Git(str(repo), os.environ), str(repo / ".git")


@pytest.mark.parametrize("name", HOSTILE)
def test_stages_of_every_name(fork: Fork, name: str) -> None:
    for branch in ("topic", "main"):
        fork.on(branch)
        (fork.folder / name).write_text(branch)
        fork.commit()
    assert not fork.merge("topic")
    entry = read_unmerged(gitdir(fork.folder)[0])[name]
    assert entry.base is None and entry.ours is not None and entry.theirs is not None
    assert git(fork.folder, "cat-file", "blob", entry.theirs.oid) == "topic"
    assert unstage_paths(gitdir(fork.folder)[0], [name, "not there"]) is None
    assert name not in read_unmerged(gitdir(fork.folder)[0])
    assert "file" in read_unmerged(gitdir(fork.folder)[0])


def test_nothing_stopped(repo: Path) -> None:
    run, folder = gitdir(repo)
    assert read_unmerged(run) == {}
    sides = find_sides(run, folder, {})
    assert (sides.operation, sides.ours.name, sides.theirs.commit, sides.base) == ("", "main", None, None)
    assert find_finished(run) is None
    assert find_rebase(folder) is None
    assert find_just_rebased(run) is None


def test_before_the_first_commit_and_without_a_reflog(repo: Path, tmp_path: Path) -> None:
    git(repo, "config", "core.logAllRefUpdates", "false")
    (repo / ".git/logs/HEAD").unlink()
    git(tmp_path, "init", "-q", "empty")
    for folder in (repo, tmp_path / "empty"):
        run, git_dir = gitdir(folder)
        assert read_unmerged(run) == {}
        assert find_sides(run, git_dir, {}).operation == ""
        assert find_finished(run) is None
        assert find_just_rebased(run) is None


def test_a_merge_names_branches_and_commits(fork: Fork) -> None:
    run, folder = gitdir(fork.folder)
    assert not fork.merge("topic")
    sides = find_sides(run, folder, read_unmerged(run))
    assert (sides.operation, sides.ours.name, sides.theirs.name) == ("merge", "main", "topic")
    assert sides.base == git(fork.folder, "merge-base", "main", "topic") and sides.is_only_base
    git(fork.folder, "branch", "-m", "topic", "renamed")
    git(fork.folder, "commit", "-qam", "later", "--allow-empty")
    finished = find_finished(run)
    assert finished is not None
    assert (finished.theirs.name, finished.base) == ("renamed", sides.base)


def test_a_commit_without_a_branch_is_named_by_its_subject(fork: Fork) -> None:
    run, folder = gitdir(fork.folder)
    commit = git(fork.folder, "rev-parse", "topic")
    git(fork.folder, "branch", "-qD", "topic")
    assert not fork.merge(commit)
    assert find_sides(run, folder, {}).theirs.name == f"{commit[:7]} topic work"


def test_a_remote_branch_is_named_and_not_what_stands_for_it(fork: Fork) -> None:
    run, folder = gitdir(fork.folder)
    git(fork.folder, "update-ref", "refs/remotes/origin/trunk", "topic")
    git(fork.folder, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    git(fork.folder, "branch", "-qD", "topic")
    assert not fork.merge("origin/trunk")
    assert find_sides(run, folder, {}).theirs.name == "origin/trunk"


def test_a_rebase_names_the_upstream_and_the_commit(fork: Fork) -> None:
    run, folder = gitdir(fork.folder)
    fork.on("topic")
    before = git(fork.folder, "rev-parse", "topic")
    assert not fork.go("rebase", "main")
    sides = find_sides(run, folder, read_unmerged(run))
    assert (sides.operation, sides.ours.name) == ("rebase", "main")
    assert sides.theirs.name == f"topic, commit {before[:7]} topic work"
    onto = git(fork.folder, "rev-parse", "main")
    assert find_rebase(folder) == (onto, before)
    (fork.folder / "file").write_text("both\n")
    git(fork.folder, "add", "file")
    assert fork.go("rebase", "--continue")
    assert find_just_rebased(run) == (onto, before)
    rebased = find_rebased(run, onto, before)
    assert rebased is not None and (rebased.ours.commit, rebased.theirs.commit) == (onto, before)
    git(fork.folder, "commit", "-q", "--allow-empty", "-m", "later")
    assert find_just_rebased(run) is None
    git(fork.folder, "checkout", "-q", "--detach", before)
    assert find_rebased(run, onto, before) is None


def test_several_merge_bases_are_told_and_one_is_chosen_alike(fork: Fork) -> None:
    run, _ = gitdir(fork.folder)
    git(fork.folder, "branch", "main1")
    git(fork.folder, "merge", "-q", "-s", "ours", "--no-edit", "topic")
    git(fork.folder, "checkout", "-q", "topic")
    git(fork.folder, "merge", "-q", "-s", "ours", "--no-edit", "main1")
    git(fork.folder, "merge", "-q", "-s", "ours", "--no-edit", "main")
    one = find_finished(run)
    git(fork.folder, "reset", "-q", "--hard", "HEAD^")
    git(fork.folder, "checkout", "-q", "main")
    git(fork.folder, "merge", "-q", "-s", "ours", "--no-edit", "topic")
    other = find_finished(run)
    assert one is not None and other is not None
    assert (one.base, one.is_only_base) == (other.base, other.is_only_base)
    assert not one.is_only_base


def test_a_stash_that_is_not_what_stopped_is_not_taken_for_it(fork: Fork) -> None:
    run, folder = gitdir(fork.folder)
    (fork.folder / "file").write_text("stashed\n")
    git(fork.folder, "stash", "-q")
    (fork.folder / "file").write_text("changed\n")
    fork.commit()
    assert not fork.go("stash", "apply")
    assert find_sides(run, folder, read_unmerged(run)).operation == "stash"
    git(fork.folder, "checkout", "-q", "HEAD", "--", "file")
    (fork.folder / "README").write_text("another\n")
    git(fork.folder, "stash", "-q")
    assert not fork.go("stash", "apply", "stash@{1}")
    assert find_sides(run, folder, read_unmerged(run)).operation == ""


def test_the_attributes_keep_what_a_person_wrote() -> None:
    line = b"[1-9]*.yaml merge=gittasks\n"
    assert with_driver(b"", "gittasks") == line
    assert with_driver(line, "gittasks") == line
    assert with_driver(b"*.md text", "gittasks") == b"*.md text\n" + line
    mine = b"*.yaml merge=mine\n"
    assert with_driver(mine, "gittasks") == mine
    assert with_driver(b"# *.yaml merge=mine\n", "gittasks") == b"# *.yaml merge=mine\n" + line


def test_settings_are_set_once(repo: Path) -> None:
    run, _ = gitdir(repo)
    values = {"merge.x.driver": "a 'b' \"c\" %O", "merge.x.name": "x"}
    assert set_missing(run, values) == list(values)
    assert set_missing(run, values) == []
    assert git(repo, "config", "merge.x.driver") == values["merge.x.driver"]
