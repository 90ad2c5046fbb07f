"""A writer that dies at any system call leaves every file old or new, and the next command works."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from gittasks.app import writing
from gittasks.app.edits import load_edits
from gittasks.app.project import Project, open_project
from gittasks.workgraph.drafts import Draft, NoteDraft
from gittasks.workgraph.record import Task, TaskId
from tests.conftest import git
from tests.faults import die_at, fail_at

FIRST, SECOND = TaskId(1), TaskId(2)


@pytest.fixture
def project(repo: Path) -> Project:
    (repo / ".tasks").mkdir()
    made = open_project(str(repo))
    writing.add_tasks(made, [Draft("first", description="words"), Draft("second")])
    git(repo, "commit", "-qm", "tasks")
    return made


def add_one(project: Project) -> None:
    writing.add_tasks(project, [Draft("new")])


def add_three_with_edges(project: Project) -> None:
    notes = [NoteDraft("ann", "", "a note")]
    drafts = [Draft("a", key="a", notes=notes), Draft("b", blocked_by=["a"]), Draft("c", blocks=[1, 2])]
    writing.add_tasks(project, drafts)


def edit_one(project: Project) -> None:
    writing.edit_task(project, FIRST, lambda task: {"subject": "FIRST"}, purpose="edit")


def edit_two(project: Project) -> None:
    edits = dict.fromkeys((FIRST, SECOND), lambda task: {"subject": task.subject.upper()})
    writing.edit_many(project, edits, purpose="edit")


def tasks(project: Project) -> dict[int, Task]:
    snapshot = project.snapshot()
    assert snapshot.problems == []
    return {task.id: task for task in snapshot.tasks()}


def subjects(project: Project) -> list[str]:
    return [task.subject for task in tasks(project).values()]


def touch(project: Project) -> None:
    """Any later write: it also finishes what was interrupted."""
    writing.edit_task(project, SECOND, lambda task: {"labels": ("later",)}, purpose="edit")


WHOLE: dict[Callable[[Project], None], tuple[list[str], list[str]]] = {
    add_one: (["first", "second"], ["first", "second", "new"]),
    add_three_with_edges: (["first", "second"], ["first", "second", "a", "b", "c"]),
    edit_one: (["first", "second"], ["FIRST", "second"]),
    edit_two: (["first", "second"], ["FIRST", "SECOND"]),
}


# Each case is a process and some git commands: at every call in `make long`, else at every twelfth.
STEPS = [25, pytest.param(1, marks=pytest.mark.long)]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("action", WHOLE)
def test_killed_at_every_call(
    project: Project, repo: Path, action: Callable[[Project], None], step: int
) -> None:
    old, new = WHOLE[action]
    seen = set()
    number = 1 - step
    killed = True
    while killed:
        number += step
        killed = die_at(number, lambda: action(project))
        tasks(project)  # every file is whole, whatever the moment
        is_known(project)
        git(repo, "add", "-A")
        assert "gittasks-tmp" not in git(repo, "ls-files"), number
        touch(project)
        found = subjects(project)
        assert found in (old, new), number
        seen.add(tuple(found))
        assert not [name for name in os.listdir(repo / ".tasks") if name.startswith(".")], number
        assert not Path(project.journal).exists()
        reset(repo)
    assert seen == {tuple(old), tuple(new)}
    assert number > 5


def is_known(project: Project) -> None:
    """What stands in the files that no commit has is in the journal of edits: `rescue` finds it there."""
    after = {item.after for edit in load_edits(project.checkout.private_dir) for item in edit.files}
    changed = git(Path(project.top), "status", "--porcelain", "-z", "--untracked-files=all", ".tasks")
    for entry in filter(None, changed.split("\0")):
        assert Path(project.top, entry[3:]).read_bytes() in after


def reset(repo: Path) -> None:
    # A git process whose parent died goes on for a moment and holds its own lock.
    deadline = time.monotonic() + 10
    while (repo / ".git" / "index.lock").exists() and time.monotonic() < deadline:
        time.sleep(0.002)
    git(repo, "reset", "-q", "--hard")
    git(repo, "clean", "-qfd", ".tasks")


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EMFILE])
@pytest.mark.parametrize("action", [add_three_with_edges, edit_one])
def test_an_error_at_every_call(
    project: Project, repo: Path, action: Callable[[Project], None], error: int, step: int
) -> None:
    """A disk that fails once: the command fails or copes, nothing is half-done after the next one."""
    old, new = WHOLE[action]
    remembered = (Path(project.checkout.private_dir) / "edits.jsonl").read_bytes()
    number = 1 - step
    failed = True
    while failed:
        number += step
        failed = fail_at(number, error, lambda: action(project))
        tasks(project)
        if subjects(project) == old and not Path(project.journal).exists():
            assert all(edit.message == "Add 2 tasks" for edit in load_edits(project.checkout.private_dir))
        touch(project)
        assert subjects(project) in (old, new), number
        reset(repo)
        (Path(project.checkout.private_dir) / "edits.jsonl").write_bytes(remembered)
    assert number > 5


@pytest.mark.long
def test_ids_lost_to_a_kill_are_never_issued_again(project: Project) -> None:
    number, killed = 0, True
    highest = 2
    while killed:
        number += 1
        killed = die_at(number, lambda: add_one(project))
        made = writing.add_tasks(project, [Draft("after")]).ids[0]
        assert made > highest
        highest = made
