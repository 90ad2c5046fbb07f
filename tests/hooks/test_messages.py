"""commit-msg, and prepare-commit-msg with it: which commits get a trailer, and which do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from gittasks.app.hooking.installing import install_hooks
from tests.app.desk import at, start
from tests.conftest import git
from tests.hooks.conftest import Git


@pytest.fixture(params=(False, pytest.param(True, marks=pytest.mark.long)), ids=("commit-msg", "both"))
def bound(hooked: Path, request: pytest.FixtureRequest) -> Path:
    """A worktree bound to #1, with its binding committed."""
    install_hooks(at(hooked), with_optional=request.param)
    folder = start(at(hooked))
    git(folder, "commit", "-q", "-m", "start")
    return folder


def message(folder: Path) -> str:
    return git(folder, "log", "-1", "--format=%B").rstrip("\n")


def editor(tmp_path: Path, script: str) -> dict[str, str]:
    path = tmp_path / "editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"GIT_EDITOR": str(path)}


WRITES = {
    "-m": (("-m", "work"), "work\n\nTask: #1"),
    "-m with trailers": (
        ("-m", "work\n\nSigned-off-by: A <a@b>"),
        "work\n\nSigned-off-by: A <a@b>\nTask: #1",
    ),
    "-m with a task": (("-m", "work\n\nTask: #7"), "work\n\nTask: #7"),
    "fixup": (("--fixup", "HEAD"), "fixup! start"),
    "squash": (("-m", "more", "--squash", "HEAD"), "squash! start\n\nmore"),
    "amend with one": (("--amend", "--no-edit"), "start\n\nTask: #1"),
    "amend with another message": (("--amend", "-m", "begun"), "begun\n\nTask: #1"),
}


@pytest.mark.parametrize("name", WRITES)
def test_which_messages_get_a_trailer(bound: Path, run: Git, name: str) -> None:
    args, expected = WRITES[name]
    assert message(bound) == "start\n\nTask: #1"
    run("commit", "--allow-empty", *args, cwd=bound)
    assert message(bound) == expected


def test_an_editor_gets_the_trailer_behind_what_was_written(bound: Path, run: Git, tmp_path: Path) -> None:
    write = editor(tmp_path, 'printf "by hand\\n" | cat - "$1" >"$1.new" && mv "$1.new" "$1"')
    run("commit", "--allow-empty", "--verbose", cwd=bound, env=write)
    assert message(bound) == "by hand\n\nTask: #1"


def test_a_message_left_empty_still_calls_the_commit_off(bound: Path, run: Git, tmp_path: Path) -> None:
    before = git(bound, "rev-parse", "HEAD")
    done = run("commit", "--allow-empty", cwd=bound, env=editor(tmp_path, "true"), code=1)
    assert "empty commit message" in done.stderr
    assert git(bound, "rev-parse", "HEAD") == before


def test_a_merge_and_what_git_commits_again_keep_their_messages(bound: Path, hooked: Path, run: Git) -> None:
    (hooked / "README").write_text("main\n")
    run("commit", "-am", "on main")
    assert message(hooked) == "on main"
    run("merge", "--no-edit", "main", cwd=bound)
    assert message(bound).startswith("Merge branch 'main'")
    assert "Task:" not in message(bound)
    run("cherry-pick", "--allow-empty", "--keep-redundant-commits", "main", cwd=bound)
    assert message(bound) == "on main"


def test_what_a_squash_gathered_keeps_its_message(bound: Path, hooked: Path, run: Git) -> None:
    git(hooked, "switch", "-q", "-c", "side")
    (hooked / "README").write_text("side\n")
    run("commit", "-am", "on the side")
    run("merge", "--squash", "side", cwd=bound)
    run("commit", "--no-edit", cwd=bound)
    assert message(bound).startswith("Squashed commit") and "Task:" not in message(bound)


def test_a_completed_task_still_names_the_commit_that_completes_it(bound: Path, run: Git) -> None:
    at(bound).complete(1)
    run("commit", "-m", "done", cwd=bound)
    assert message(bound) == "done\n\nTask: #1"


def test_a_worktree_that_is_on_no_task_says_nothing(hooked: Path, run: Git) -> None:
    run("commit", "--allow-empty", "-m", "plain")
    assert message(hooked) == "plain"
