"""Who names a task that this checkout has not is told where it is, and how to get there or it here."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from gittasks.app import writing
from gittasks.app.whereabouts import find_task
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import TaskId
from tests.app.desk import ONE, at, planned
from tests.cli.direct import Direct
from tests.conftest import git


@pytest.fixture
def direct(repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Direct:
    return Direct(repo, capsys, monkeypatch)


def add_in_worktree(repo: Path, name: str = "bdw1", *, commit: bool = False) -> Path:
    """A worktree with a task #3 that nobody else has."""
    planned(repo)
    folder = repo.parent / name
    git(repo, "worktree", "add", "-q", "-b", "feature", str(folder))
    writing.add_tasks(at(folder), [Draft("only there")], commit=commit)
    return folder


COMMANDS = (
    *("edit 3 --priority 0", "done 3", "start 3", "note 3 words", "delete 3", "reopen 3", "unblock 3 --on 1"),
    *("block 3 --on 1", "block 1 --on 3", "add x --blocked-by 3", "add x --parent 3", "run --task 3 -- true"),
    "show 3 --here",
)


def test_every_command_names_the_worktree_that_has_the_task(repo: Path, direct: Direct) -> None:
    add_in_worktree(repo)
    assert "#3" in direct("ready").stdout
    for command in COMMANDS:
        told = direct(*command.split(), code=1).stderr
        assert "; it is in the worktree bdw1" in told, command
        assert 'cd "$(gittasks worktree enter bdw1)"' in told, command
        assert "`git merge feature`" in told, command


def test_the_way_that_is_told_leads_there(repo: Path, direct: Direct) -> None:
    folder = add_in_worktree(repo, "a b", commit=True)
    told = direct("done", "3", code=1).stderr
    assert "gittasks worktree enter 'a b'" not in told  # git's own name of it
    name = os.listdir(repo / ".git" / "worktrees")[0]
    assert f"gittasks worktree enter {name}" in told
    assert direct("worktree", "enter", name).stdout == f"{folder}\n"
    git(repo, "merge", "-q", "feature")
    direct("done", "3")


def test_a_document_says_it_too(repo: Path, direct: Direct) -> None:
    add_in_worktree(repo)
    assert "the worktree bdw1" in direct("done", "3", "--json", code=1).stdout


def test_a_branch_without_a_worktree_is_named(repo: Path, direct: Direct) -> None:
    folder = add_in_worktree(repo, commit=True)
    git(repo, "worktree", "remove", str(folder))
    told = direct("show", "3", code=1).stderr
    assert "; it is on the branch feature" in told
    assert "`git merge feature`" in told and "`git switch feature`" in told


def test_a_remote_branch_is_named_after_local_ones(repo: Path, tmp_path: Path) -> None:
    add_in_worktree(repo, commit=True)
    git(tmp_path, "clone", "-q", str(repo), "clone")
    found = find_task(at(tmp_path / "clone"), TaskId(3))
    assert found is not None
    assert (found.words, found.cure) == (
        "it is on the branch origin/feature",
        "`git merge origin/feature` brings it here",
    )


def test_a_task_that_is_nowhere_stays_unknown(repo: Path, direct: Direct) -> None:
    add_in_worktree(repo)
    told = direct("done", "9", code=1).stderr
    assert told.splitlines()[0] == "gittasks: no task #9 here"


def test_what_git_cannot_answer_is_not_in_the_way_of_the_error(repo: Path, direct: Direct) -> None:
    planned(repo)
    (repo / ".git" / "packed-refs").write_text("nonsense\n")
    assert subprocess.run(("git", "for-each-ref"), cwd=repo, capture_output=True, check=False).returncode
    assert direct("show", "9", code=1).stderr.splitlines()[0] == "gittasks: no task #9 here"


def test_who_takes_the_next_task_is_told_of_those_that_are_not_here(repo: Path, direct: Direct) -> None:
    add_in_worktree(repo)
    writing.edit_task(at(repo), ONE, lambda task: {"owner": "bob"}, purpose="edit")
    told = direct("next", "--claim", "--owner", "ann", code=4).stderr
    assert "1 task is ready in another worktree alone" in told
    assert "claimed" not in told
