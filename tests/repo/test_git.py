"""The door to git: what it scrubs, what it answers, what it raises."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gittasks.base.proc import Completed
from gittasks.repo.git import Git, GitError, GitTooOldError, failure, parse_version, scrub
from tests.conftest import git


def test_a_hooks_environment_does_not_redirect_us(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "other")
    env = {
        **os.environ,
        "GIT_DIR": str(tmp_path / "other" / ".git"),
        "GIT_INDEX_FILE": str(tmp_path / "index"),
    }
    ours = Git(str(repo), env)
    assert ours.line("rev-parse", "--show-toplevel") == str(repo)
    assert ours.output("status", "--porcelain") == b""
    assert "GIT_AUTHOR_DATE" in scrub(env)


def test_answers_and_refusals(repo: Path) -> None:
    ours = Git(str(repo), os.environ)
    (repo / "a b").write_text("")
    (repo / "new\nline").write_text("")
    assert ours.fields("ls-files", "-z", "--others") == ["a b", "new\nline"]
    assert ours.success("rev-parse", "HEAD")
    assert not ours.success("rev-parse", "--verify", "--quiet", "nothing")
    assert ours.find_line("rev-parse", "--verify", "--quiet", "nothing") is None
    with pytest.raises(GitError, match="git rev-parse failed") as caught:
        ours.line("rev-parse", "--verify", "nothing")
    assert caught.value.returncode == 128
    assert "Needed a single revision" in caught.value.stderr


def test_reads_take_no_lock(repo: Path) -> None:
    os.utime(repo / "README", (0, 0))
    before = (repo / ".git" / "index").read_bytes()
    Git(str(repo), os.environ).output("status", "--porcelain")
    assert (repo / ".git" / "index").read_bytes() == before


def test_an_old_git_is_refused(tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text("#!/bin/sh\necho git version 2.37.9\n")
    fake.chmod(0o755)
    old = Git(str(tmp_path), {**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"})
    with pytest.raises(GitTooOldError, match=r"2\.37\.9 is too old"):
        old.require_version()
    Git(str(tmp_path), os.environ).require_version()


def test_an_old_git_that_does_not_know_an_option_is_named(repo: Path, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\ncase "$*" in *version) echo git version 2.37.9 ;; *) exit 129 ;; esac\n')
    fake.chmod(0o755)
    old = Git(str(repo), {**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"})
    with pytest.raises(GitTooOldError, match=r"2\.37\.9 is too old"):
        old.line("merge-tree", "--write-tree", "HEAD", "HEAD")
    with pytest.raises(GitError, match="merge-tree failed"):
        Git(str(repo), os.environ).line("merge-tree", "--no-such-option")


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("git version 2.39.5", (2, 39, 5)),
        ("git version 2.39.5 (Apple Git-154)", (2, 39, 5)),
        ("git version 2.47.0.windows.1", (2, 47, 0, 1)),
        ("git version unknown", ()),
    ],
)
def test_parse_version(text: str, version: tuple[int, ...]) -> None:
    assert parse_version(text) == version


SAID = {
    "lock": (
        "fatal: Unable to create '/r/.git/index.lock': File exists.\n\nAnother git process seems to be running "
        "in this repository, e.g.\nremove the file manually to continue.\n",
        "Unable to create '/r/.git/index.lock': File exists",
        "delete that file",
    ),
    "owner": (
        "fatal: detected dubious ownership in repository at '/r'\nTo add an exception for this directory, call:\n\n"
        "\tgit config --global --add safe.directory /r\n",
        "detected dubious ownership in repository at '/r'",
        "`git config --global --add safe.directory /r`",
    ),
    "list": (
        "error: Your local changes to the following files would be overwritten by merge:\n\tone\n\ttwo\n"
        "Please commit your changes or stash them before you merge.\nAborting\n",
        "Your local changes to the following files would be overwritten by merge: one, two",
        None,
    ),
    "other": ("hint: something\nno such thing\nhint: more\n", "no such thing", None),
    "silent": ("", "exit code 1", None),
}


@pytest.mark.parametrize("name", SAID)
def test_a_failure_says_what_git_said_of_it_and_no_advice(name: str) -> None:
    stderr, words, cure = SAID[name]
    error = failure(("-c", "a=b", "add", "x"), Completed(1, b"", stderr.encode()))
    assert error.message == f"git add failed: {words}"
    assert error.hint is None if cure is None else cure in (error.hint or "")
