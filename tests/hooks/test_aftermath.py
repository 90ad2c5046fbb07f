"""post-merge, post-rewrite, post-commit, and pre-commit of a merge that had stopped: what came in is said once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gittasks.app.hooking.installing import install_hooks
from tests.app.desk import at, start, work
from tests.conftest import git
from tests.hooks.conftest import Git, edit, said

LANDED = ["gittasks: landed on main: #1 Fix the login"]


@pytest.fixture
def finished(hooked: Path, run: Git) -> Path:
    """A worktree whose branch holds work and the completion of #1."""
    folder = start(at(hooked))
    work(folder)
    at(folder).complete(1)
    run("commit", "-m", "done", cwd=folder)
    return folder


def mark(repo: Path) -> int:
    return int(json.loads((repo / ".git" / "gittasks" / "ids.json").read_text())["highest"])


def test_a_merge_says_what_landed_and_another_one_does_not(finished: Path, hooked: Path, run: Git) -> None:
    assert said(run("merge", "wt/1-fix-the-login")) == LANDED
    git(hooked, "switch", "-q", "-c", "side")
    work(hooked, "more")
    git(hooked, "switch", "-q", "main")
    assert said(run("merge", "--no-ff", "--no-edit", "side")) == []


def test_a_merge_into_another_branch_lands_nothing(finished: Path, hooked: Path, run: Git) -> None:
    git(hooked, "switch", "-q", "-c", "side")
    assert said(run("merge", "wt/1-fix-the-login")) == []


def test_a_merge_that_stopped_over_code_says_it_when_it_is_committed(
    finished: Path, hooked: Path, run: Git
) -> None:
    work(hooked, text="other\n")
    run("merge", "--no-edit", "wt/1-fix-the-login", code=1)
    git(hooked, "checkout", "--theirs", "code")
    git(hooked, "add", "code")
    assert said(run("commit", "--no-edit")) == LANDED


def test_a_rebase_says_it_at_its_end_and_only_there(finished: Path, hooked: Path, run: Git) -> None:
    work(hooked, "other")
    assert said(run("rebase", "main", cwd=finished)) == []
    git(finished, "checkout", "-q", "--detach")
    git(hooked, "fetch", "-q", ".", "wt/1-fix-the-login:feature")
    work(hooked, "third")
    assert said(run("rebase", "feature")) == LANDED


def test_post_commit_says_it_where_it_was_asked_for(hooked: Path, run: Git) -> None:
    install_hooks(at(hooked), with_optional=True)
    at(hooked).complete(1)
    assert said(run("commit", "-m", "done")) == LANDED
    assert said(run("commit", "--allow-empty", "-m", "nothing")) == []


def test_a_number_that_came_in_is_never_issued_again(hooked: Path, run: Git) -> None:
    before = mark(hooked)
    git(hooked, "switch", "-q", "-c", "side")
    text = (hooked / ".tasks" / "1.yaml").read_text()
    uid = next(line for line in text.splitlines() if line.startswith("uid: "))
    (hooked / ".tasks" / "40.yaml").write_text(
        text.replace("id: 1", "id: 40", 1).replace(uid, "uid: " + "a" * 16)
    )
    git(hooked, "add", ".tasks")
    run("commit", "-m", "a task by hand")
    assert before < mark(hooked) == 40


def test_a_circle_and_a_file_that_a_merge_made_are_named(hooked: Path, run: Git) -> None:
    git(hooked, "switch", "-q", "-c", "side")
    edit(hooked, 1, "blockedBy: []", "blockedBy:\n- 2")
    run("commit", "-m", "a circle", "--no-verify")
    (hooked / ".tasks" / "2.yaml").write_text("<<<<<<< a\n=======\n>>>>>>> b\n")
    git(hooked, "add", ".tasks")
    run("commit", "-m", "marks", "--no-verify")
    git(hooked, "switch", "-q", "main")
    assert said(run("merge", "side^")) == [
        "gittasks: these tasks wait for each other now: #1 -> #2 -> #1; `gittasks doctor` says how to part them"
    ]
    [line] = said(run("merge", "side"))
    assert line == "gittasks: cannot be read now: .tasks/2.yaml; `gittasks resolve` helps"


def test_one_task_under_two_numbers_is_named(hooked: Path, run: Git) -> None:
    git(hooked, "switch", "-q", "-c", "side")
    text = (hooked / ".tasks" / "1.yaml").read_text()
    (hooked / ".tasks" / "3.yaml").write_text(text.replace("id: 1", "id: 3", 1))
    git(hooked, "add", ".tasks")
    run("commit", "-m", "a copy", "--no-verify")
    git(hooked, "switch", "-q", "main")
    [line] = said(run("merge", "side"))
    assert line.startswith("gittasks: #1 and #3 are one task under several numbers now")
