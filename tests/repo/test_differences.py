"""What a worktree, or a commit, holds otherwise: by path and object id."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gittasks.repo import differences
from gittasks.repo.git import Git
from tests.conftest import git


@pytest.fixture
def here(repo: Path) -> Git:
    for name in ("a", "b", "c"):
        (repo / "d").mkdir(exist_ok=True)
        (repo / "d" / name).write_text(f"{name}\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "files")
    return Git(str(repo), os.environ)


def commit(repo: Path, words: str) -> str:
    git(repo, "commit", "-q", "--allow-empty", "-m", words)
    return git(repo, "rev-parse", "HEAD")


def oid(repo: Path, name: str, revision: str = "HEAD") -> str:
    return git(repo, "rev-parse", f"{revision}:{name}")


def test_edits_are_named_with_the_version_in_head(repo: Path, here: Git) -> None:
    assert differences.edited_files(here, "d") == {}
    a, b, c = (oid(repo, f"d/{name}") for name in "abc")
    (repo / "d" / "a").write_text("in the tree\n")
    (repo / "d" / "b").write_text("in the index\n")
    git(repo, "add", "d/b")
    (repo / "d" / "c").unlink()
    (repo / "d" / "new one").write_text("new\n")
    (repo / "d" / "added").write_text("new\n")
    git(repo, "add", "d/added")
    (repo / ".gitignore").write_text("ignored*\n")
    (repo / "d" / "ignored").write_text("new\n")
    (repo / "d" / "ignored folder").mkdir()
    (repo / "d" / "ignored folder" / "x").write_text("new\n")
    (repo / "elsewhere").write_text("not asked for\n")
    new = ("d/new one", "d/added", "d/ignored", "d/ignored folder/x")
    assert differences.edited_files(here, "d") == {
        "d/a": a,
        "d/b": b,
        "d/c": c,
        **dict.fromkeys(new),
    }


def test_a_file_in_conflict_is_edited(repo: Path, here: Git) -> None:
    git(repo, "checkout", "-q", "-b", "side")
    (repo / "d" / "a").write_text("theirs\n")
    (repo / "d" / "both").write_text("theirs\n")
    git(repo, "add", "-A")
    commit(repo, "theirs")
    git(repo, "checkout", "-q", "-")
    (repo / "d" / "a").write_text("ours\n")
    (repo / "d" / "both").write_text("ours\n")
    git(repo, "add", "-A")
    commit(repo, "ours")
    assert not here.success("merge", "-q", "side")
    assert differences.edited_files(here, "d") == {"d/a": oid(repo, "d/a"), "d/both": oid(repo, "d/both")}


def test_before_the_first_commit_everything_is_new(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a").write_text("a\n")
    assert differences.edited_files(Git(str(tmp_path), os.environ), "d") == {"d/a": None}


def test_commits_differ_by_version_and_a_link_is_none(repo: Path, here: Git) -> None:
    old = git(repo, "rev-parse", "HEAD")
    (repo / "d" / "a").write_text("other\n")
    (repo / "d" / "b").unlink()
    (repo / "d" / "c").unlink()
    (repo / "d" / "c").symlink_to("a")
    (repo / "d" / "e").write_text("e\n")
    git(repo, "add", "-A")
    new = commit(repo, "more")
    before = {name: oid(repo, f"d/{name}", old) for name in "abc"}
    assert differences.changed_in_commit(here, old, new, "d") == {
        "d/a": (before["a"], oid(repo, "d/a")),
        "d/b": (before["b"], None),
        "d/c": (before["c"], ""),
        "d/e": (None, oid(repo, "d/e")),
    }
    assert differences.changed_in_commit(here, new, new, "d") == {}
    unrelated = differences.merge_base(here, new, git(repo, "commit-tree", "-m", "alone", f"{new}^{{tree}}"))
    assert set(differences.changed_in_commit(here, unrelated, new, "d")) == {"d/a", "d/c", "d/e"}


def test_only_ahead_means_that_nothing_more_is_in_common(repo: Path, here: Git) -> None:
    old = git(repo, "rev-parse", "HEAD")
    git(repo, "checkout", "-q", "-b", "side")
    side = commit(repo, "side")
    git(repo, "checkout", "-q", "-")
    first, second = commit(repo, "first"), commit(repo, "second")
    assert differences.is_only_ahead(here, old, second, [side, old])
    assert differences.is_only_ahead(here, old, second, [])
    assert not differences.is_only_ahead(here, old, second, [side, first])
    assert not differences.is_only_ahead(here, second, first, [side])
    assert not differences.is_only_ahead(here, side, first, [side])
    git(repo, "merge", "-q", "--no-edit", "side")
    assert not differences.is_only_ahead(here, second, git(repo, "rev-parse", "HEAD"), [side])
    assert not differences.is_only_ahead(here, "0" * 40, second, [side])
