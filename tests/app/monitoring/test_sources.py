"""Sources, looked at without a monitor around them."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gittasks.app.monitoring import sources
from gittasks.app.monitoring.looks import Look
from gittasks.app.monitoring.spec import Watch
from gittasks.app.project import open_project
from tests.conftest import git
from tests.runtime.stage import nothing_remains, until

if TYPE_CHECKING:
    from gittasks.app.monitoring.sources import Source


def opened(repo: Path, source: str, target: object = "", **how: Any) -> Source:
    watch = Watch(source, str(target))._replace(**how)
    return sources.open_source(open_project(str(repo)), watch)


def seen(looks: Iterable[Look]) -> list[str]:
    return [look.text for look in looks]


def until_over(source: Source) -> list[Look]:
    looks: list[Look] = []

    def is_over() -> bool:
        looks.extend(source.look())
        return source.is_over

    until(is_over)
    return looks


def test_a_command_is_judged_by_its_end_and_its_answer(repo: Path, tmp_path: Path) -> None:
    script = f"cat {tmp_path}/say 2>/dev/null; test -e {tmp_path}/say"
    source = opened(repo, "command", argv=("sh", "-c", script), look_timeout_s=20.0)
    assert source.look() == [Look("failed (exit 1)", frozenset(("fails",)))]
    (tmp_path / "say").write_text("one\ntwo\n\n")
    assert source.look() == [Look("ok: two", frozenset(("ok", "changes")))]
    assert source.look() == [Look("ok: two", frozenset(("ok",)))]
    (tmp_path / "say").write_bytes(b"ERROR \x1b[31m\xff\nlast\n")
    pattern = opened(repo, "command", argv=("sh", "-c", script), pattern="ERROR", look_timeout_s=20.0)
    assert pattern.look() == [Look("ok: ERROR \\x1b[31m\ufffd", frozenset(("ok", "matches")))]
    missing = opened(repo, "command", argv=("no-such-program",), look_timeout_s=1.0)
    (look,) = missing.look()
    assert "no-such-program" in look.text and look.fulfils == {"fails"}


def test_a_command_that_hangs_or_floods_is_bounded(repo: Path) -> None:
    with nothing_remains():
        hangs = opened(repo, "command", argv=("sh", "-c", "echo up; sleep 600"), look_timeout_s=0.3)
        assert hangs.look() == [Look("took longer than 0.3 s: up", frozenset(("fails",)))]
        floods = opened(repo, "command", argv=("yes", "x" * 10_000), look_timeout_s=0.3)
        (look,) = floods.look()
        assert len(look.text) <= 300
    slow = opened(
        repo, "command", argv=("echo", "a" * 60 + "b"), pattern="(a+)+$", is_regex=True, look_timeout_s=9.0
    )
    assert seen(slow.look()) == ["ok; the pattern takes too long"]


def test_the_lines_of_a_stream_are_events_and_its_end_is_its_own(repo: Path) -> None:
    source = opened(repo, "stream", argv=("sh", "-c", "echo one; echo; echo two >&2; printf three; exit 5"))
    looks = until_over(source)
    assert seen(looks) == ["one", "two", "three", "ended with exit code 5"]
    assert looks[-1].fulfils == {"ends"} and looks[-1].code == 5
    with nothing_remains():
        # A child that keeps the pipe open holds nobody up; a signal is a code as in shells.
        script = "sleep 1 & echo up; kill -9 $$"
        source = opened(repo, "stream", argv=("sh", "-c", script), pattern="nothing")
        assert [(look.text, look.code) for look in until_over(source)] == [("ended with signal 9", 137)]


def test_a_file_comes_changes_and_goes(repo: Path, tmp_path: Path) -> None:
    path = tmp_path / "file"
    source = opened(repo, "file", path)
    assert source.look() == [Look("is not there", frozenset(("gone",)))]
    path.write_text("x")
    assert source.look() == [Look("is there, 1 bytes", frozenset(("exists", "changes")))]
    assert source.look() == [Look("is there, 1 bytes", frozenset(("exists",)))]
    path.unlink()
    assert source.look() == [Look("is not there", frozenset(("gone", "changes")))]


def test_a_log_is_followed_through_rotation_truncation_and_disappearance(repo: Path, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("old\n")
    source = opened(repo, "log", path)
    assert source.look() == []
    with path.open("a") as log:
        log.write("one\ntw")
        log.flush()
        assert seen(source.look()) == ["one"]
        log.write("o\n")
        log.flush()
        path.rename(tmp_path / "log.1")
        log.write("late\n")
        log.flush()
    path.write_text("three\n")
    assert seen(source.look()) == ["two", "late", "was replaced", "three"]
    path.write_text("4\n")
    assert seen(source.look()) == ["was truncated", "4"]
    path.unlink()
    assert seen(source.look()) == ["is not there any more"]
    assert source.look() == []
    os.mkfifo(path)
    assert source.look() == [], "nobody waits at a pipe"
    path.unlink()
    path.write_text("back\n")
    assert seen(source.look()) == ["is there", "back"]


def test_a_log_is_matched_line_by_line_from_where_it_was_asked(repo: Path, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"ERROR one\nfine\nERROR \xff" + b"x" * 100_000 + b"\n")
    source = opened(repo, "log", path, pattern="^ERROR", is_regex=True, from_start=True)
    looks = source.look()
    assert [look.text[:7] for look in looks] == ["ERROR o", "ERROR \ufffd"]
    assert all(look.fulfils == {"matches"} for look in looks)
    slow = opened(repo, "log", path, pattern="(x+)+y", is_regex=True, from_start=True)
    assert seen(slow.look()) == ["the pattern takes too long for a line"]


def test_a_ref_moves_and_goes_and_no_name_is_an_option(repo: Path) -> None:
    source = opened(repo, "ref", "refs/heads/topic")
    assert source.look() == [Look("is not there", frozenset(("gone",)))]
    git(repo, "branch", "topic")
    head = git(repo, "rev-parse", "HEAD")
    assert source.look() == [Look(f"is at {head}", frozenset(("exists", "changes")))]
    git(repo, "branch", "-D", "topic")
    assert source.look()[0].fulfils == {"gone", "changes"}
    for name in ("--all", "--git-dir", "x\ny"):
        assert opened(repo, "ref", name).look()[0].text == "is not there"


def test_a_run_is_watched_until_it_has_ended(repo: Path) -> None:
    project = open_project(str(repo))
    with nothing_remains():
        run = project.run("sh", "-c", "until [ -e .git/go ]; do sleep 0.02; done; exit 3")
        source = opened(repo, "run", run.id)
        assert seen(source.look()) == ["running (active)"] and not source.is_over
        (repo / ".git" / "go").touch()
        project.wait(run.id)
        assert source.look() == [Look("failed (exit)", frozenset(("ends", "fails")))] and source.is_over
        gone = opened(repo, "run", "b0000000")
        assert "no run" in gone.look()[0].text and gone.is_over


@pytest.mark.parametrize("kind", ["file", "log"])
def test_a_path_below_a_file_is_not_there(repo: Path, kind: str) -> None:
    source = opened(repo, kind, repo / "README" / "x")
    assert [look.text for look in source.look()] in (["is not there"], [])
