"""Commits of a path and their contents, on real repositories, against settings that would change git's output."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gittasks.repo import history
from gittasks.repo.git import Git, GitError
from gittasks.repo.history import Version
from tests.conftest import git


def _git(folder: Path) -> Git:
    return Git(str(folder), os.environ)


def _commit(folder: Path, files: dict[str, str | None], message: str = "change") -> str:
    for name, text in files.items():
        path = folder / name
        if text is None:
            path.unlink()
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)
    return git(folder, "rev-parse", "HEAD")


def test_each_commit_says_what_it_did_to_the_paths_newest_first(repo: Path) -> None:
    made = _commit(repo, {"d/a": "1\n", "other": "x"}, "make a")
    _commit(repo, {"other": "y"}, "not ours")
    changed = _commit(repo, {"d/a": "2\n"}, "change a\n\nwith a body")
    removed = _commit(repo, {"d/a": None}, "remove a")
    commits = history.commits_of(_git(repo), [removed], ["d"])
    assert [commit.oid for commit in commits] == [removed, changed, made]
    assert [commit.subject for commit in commits] == ["remove a", "change a", "make a"]
    assert {(commit.author, commit.email) for commit in commits} == {("Ada Tester", "ada@example.com")}
    assert commits[0].time_s == 1795428000
    assert commits[1].parents == (git(repo, "rev-parse", "HEAD~2"),)
    one, two = (
        Version("100644", git(repo, "rev-parse", f"{made}:d/a")),
        Version("100644", git(repo, "rev-parse", f"{changed}:d/a")),
    )
    assert [commit.changes for commit in commits] == [
        (history.Change("d/a", (two,), None),),
        (history.Change("d/a", (one,), two),),
        (history.Change("d/a", (None,), one),),
    ]


def test_the_first_commit_of_a_repository_counts(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "r")
    first = _commit(tmp_path / "r", {"a": "1"})
    git(tmp_path / "r", "config", "log.showRoot", "false")
    (commit,) = history.commits_of(_git(tmp_path / "r"), [first], ["a"])
    assert commit.parents == ()
    assert [change.old for change in commit.changes] == [(None,)]


def test_limit_takes_the_newest(repo: Path) -> None:
    oids = [_commit(repo, {"a": str(number)}) for number in range(5)]
    found = history.commits_of(_git(repo), [oids[-1]], ["a"], limit=2)
    assert [commit.oid for commit in found] == [oids[4], oids[3]]


def test_a_merge_is_told_only_where_it_differs_from_both_sides(repo: Path) -> None:
    _commit(repo, {"a": "1\n2\n3\n4\n5\n", "b": "base\n"})
    git(repo, "checkout", "-q", "-b", "side")
    _commit(repo, {"a": "one\n2\n3\n4\n5\n", "b": "side\n"})
    git(repo, "checkout", "-q", "main")
    _commit(repo, {"a": "1\n2\n3\n4\nfive\n"})
    git(repo, "merge", "-q", "--no-edit", "side")
    merge = history.commits_of(_git(repo), [git(repo, "rev-parse", "HEAD")], ["a", "b"])[0]
    assert len(merge.parents) == 2
    assert [change.path for change in merge.changes] == ["a"]
    olds = tuple(Version("100644", git(repo, "rev-parse", f"{parent}:a")) for parent in merge.parents)
    assert merge.changes[0].old == olds
    assert merge.changes[0].new == Version("100644", git(repo, "rev-parse", "HEAD:a"))


@pytest.mark.parametrize(
    "setting",
    [
        ("log.showSignature", "true"),
        ("log.follow", "true"),
        ("color.ui", "always"),
        ("diff.renames", "copies"),
        ("diff.noprefix", "true"),
        ("log.diffMerges", "off"),
        ("log.abbrevCommit", "true"),
        ("core.abbrev", "4"),
        ("format.pretty", "oneline"),
        ("log.decorate", "full"),
        ("i18n.logOutputEncoding", "ISO-8859-1"),
    ],
)
def test_settings_of_the_user_change_nothing(repo: Path, setting: tuple[str, str]) -> None:
    _commit(repo, {"a": "some text that is long enough to be found again\n"}, "grüße")
    tip = _commit(repo, {"b": "some text that is long enough to be found again\n", "a": None})
    before = history.commits_of(_git(repo), [tip], ["a", "b"])
    git(repo, "config", *setting)
    assert history.commits_of(_git(repo), [tip], ["a", "b"]) == before
    assert before[1].subject == "grüße"


def test_headers_may_look_like_anything(repo: Path) -> None:
    (repo / "a").write_text("1")
    git(repo, "add", "a")
    subject = ":100644 100644 x y M"
    git(repo, "-c", "user.name=\x02 :100644", "commit", "-q", "-m", subject)
    (commit,) = history.commits_of(_git(repo), [git(repo, "rev-parse", "HEAD")], ["a"])
    assert commit.subject == subject
    assert [change.path for change in commit.changes] == ["a"]


def test_paths_are_no_patterns_and_may_have_any_character(repo: Path) -> None:
    name = ":(glob)*\t\n\x01é"
    _commit(repo, {"plain": "1"})
    tip = _commit(repo, {name: "1"})
    (commit,) = history.commits_of(_git(repo), [tip], [name])
    assert [change.path for change in commit.changes] == [name]
    assert history.commits_of(_git(repo), [tip], ["*"]) == []


def test_lost_files_are_what_a_commit_removed_or_changed(repo: Path) -> None:
    parent = _commit(repo, {"d/a": "1", "d/b": "1", "d/c": "1"})
    commit = _commit(repo, {"d/a": None, "d/b": "2", "d/new": "1"})
    lost = history.lost_files(_git(repo), commit, parent, "d")
    assert [(change.path, change.new is None) for change in lost] == [("d/a", True), ("d/b", False)]


def test_versions_in_a_commit_and_in_the_index(repo: Path) -> None:
    tip = _commit(repo, {"d/a": "1", "d/b": "1"})
    (repo / "d/a").write_text("2")
    os.symlink("a", repo / "d/link")
    git(repo, "add", "d")
    committed = history.committed_versions(_git(repo), tip, ["d"])
    staged, conflicts = history.staged_versions(_git(repo), ["d"])
    assert sorted(committed) == ["d/a", "d/b"]
    assert staged["d/a"] != committed["d/a"] and staged["d/b"] == committed["d/b"]
    assert not staged["d/link"].is_file
    assert conflicts == set()


def test_a_path_in_a_merge_conflict_is_named(repo: Path) -> None:
    _commit(repo, {"a": "base\n"})
    git(repo, "checkout", "-q", "-b", "side")
    _commit(repo, {"a": "side\n"})
    git(repo, "checkout", "-q", "main")
    _commit(repo, {"a": "main\n"})
    assert not _git(repo).success("merge", "side")
    assert history.staged_versions(_git(repo), ["a"]) == ({}, {"a"})


def test_blobs_are_read_byte_for_byte_and_huge_or_missing_ones_left_out(repo: Path) -> None:
    tip = _commit(repo, {"small": "a\n\nb", "empty": "", "huge": "x" * 2000})
    oids = {name: git(repo, "rev-parse", f"{tip}:{name}") for name in ("small", "empty", "huge")}
    found = history.read_blobs(_git(repo), [*oids.values(), "0" * 39 + "1"], limit_bytes=1000)
    assert found == {oids["small"]: b"a\n\nb", oids["empty"]: b""}
    assert history.read_blobs(_git(repo), [], limit_bytes=1000) == {}


def test_an_unknown_commit_is_an_error_and_no_option(repo: Path) -> None:
    with pytest.raises(GitError):
        history.commits_of(_git(repo), ["0" * 40], ["a"])


def test_a_shallow_clone_is_known_as_one(repo: Path, tmp_path: Path) -> None:
    _commit(repo, {"a": "1"})
    git(tmp_path, "clone", "-q", "--depth=1", f"file://{repo}", "shallow")
    assert history.is_shallow(str(tmp_path / "shallow" / ".git"))
    assert not history.is_shallow(str(repo / ".git"))
