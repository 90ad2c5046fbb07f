"""`import gittasks`: the same use cases as the command line, from Python."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gittasks
from tests.conftest import git


@pytest.fixture
def project(repo: Path) -> gittasks.Project:
    (repo / ".tasks").mkdir()
    return gittasks.open_project(str(repo))


def test_plan_and_change(project: gittasks.Project) -> None:
    first = project.add("one", labels=["a"], priority=0)
    second = project.add("two", blocked_by=[first.id])
    assert [task.subject for task in project.ready()] == ["one"]
    assert [task.subject for task in project.blocked()] == ["two"]
    project.edit(first.id, description="the cookie")
    assert [task.id for task in project.search("COOKIE")] == [first.id]
    project.complete(first.id)
    assert project.ready() == [project.task(second.id)]
    project.unblock(second.id, on=[first.id])
    project.delete(second.id)
    assert [task.status for task in project.tasks()] == ["completed"]
    project.reopen(first.id, second.id)
    project.block(first.id, on=[second.id])
    project.note(first.id, "a word")
    assert [task.id for task in project.tasks(gittasks.Filter(text="two"))] == [second.id]


def test_what_a_task_blocks(project: gittasks.Project) -> None:
    first = project.add("one")
    others = [project.add(name, blocked_by=[first.id]) for name in ("two", "three")]
    assert project.blocks(first.id) == [task.id for task in others]
    assert project.blocks(others[0].id) == []
    project.delete(others[0].id)
    assert project.blocks(first.id) == [others[1].id]
    with pytest.raises(gittasks.GittasksError, match="#9"):
        project.blocks(9)


def test_the_next_one(project: gittasks.Project) -> None:
    with pytest.raises(gittasks.GittasksError, match="nothing is ready"):
        project.next()
    project.add("later", priority=3)
    project.add("now", priority=0)
    assert (project.next().subject, project.next().status) == ("now", "pending")


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda p: p.edit(1, uid="0" * 16), "uid: cannot be changed"),
        (lambda p: p.edit(1, id=2), "id: cannot be changed: expected 1"),
        (lambda p: p.edit(1, bogus=1), "bogus: is no field of a task: expected one of subject, status"),
        (lambda p: p.edit(1, extra=()), "extra: is no field of a task: .*extra:NAME"),
        (lambda p: p.edit(1, blocks=(3,)), "blocks: cannot be set: expected `blocked_by`"),
        (lambda p: p.edit(1, written_blocks=(3,)), "written_blocks: cannot be set"),
        (lambda p: p.edit(1, blocked_by=3), "blockedBy: is 3"),
        (lambda p: p.edit("1", owner="x"), "task_id: is '1': expected a task's id"),
        (lambda p: p.add("x", bogus=1), "bogus: is not known here: expected one of key, status"),
        (lambda p: p.add("x", blocked_by=1), "blockedBy: is 1: expected a list"),
        (lambda p: p.add("x", blocks="1"), "blocks: is '1': expected a list"),
        (lambda p: p.add("x", blocked_by=[[1]]), "blockedBy: is a list: expected the id"),
        (lambda p: p.add("x", parent=True), "parent: is true"),
        (lambda p: p.add("x", key=1), "key: is 1"),
        (lambda p: p.add("x", created=1), "created: is 1"),
        (lambda p: p.add("x", notes=["x"]), "notes: is 'x': expected a list of gittasks.NoteDraft"),
        (lambda p: p.add("x", extra=["x"]), "extra: holds 'x'"),
        (lambda p: p.add("x", labels="abc"), "labels: is 'abc'"),
        (lambda p: p.add(3), "subject: is 3"),
        (lambda p: p.add_many(["x"]), "'x' is no draft"),
        (lambda p: p.add_many("x"), "'x' is no list of drafts"),
        (lambda p: p.block(1, on=3), "on: is 3: expected a list of task ids"),
        (lambda p: p.unblock(1, on=["2"]), "task_id: is '2'"),
        (lambda p: p.complete("1"), "task_id: is '1'"),
        (lambda p: p.task(None), "task_id: is null"),
        (lambda p: p.note(1, 5), "text: is 5: expected text"),
        (lambda p: p.search(5), "words: is 5"),
        (lambda p: p.claim(1, who="x"), "who: is not known here: expected one of owner"),
        (lambda p: p.start(1, bogus=True), "bogus: is not known here: expected one of worktree"),
        (lambda p: p.finish(1, how="x"), "how: is 'x': expected one of merge, keep, remove"),
        (lambda p: p.finish(1, how="keep", bogus=1), "bogus: is not known here: expected one of into"),
        (lambda p: p.run("true", bogus=1), "bogus: is not known here"),
        (lambda p: p.agent(1, bogus=1), "bogus: is not known here"),
    ],
)
def test_what_is_wrong_is_named_and_changes_nothing(
    project: gittasks.Project, repo: Path, call: Callable[[Any], object], words: str
) -> None:
    project.add("one", blocked_by=[project.add("two").id])
    before = git(repo, "write-tree")
    with pytest.raises(gittasks.GittasksError, match=words):
        call(project)
    assert (git(repo, "write-tree"), git(repo, "diff", "--name-only")) == (before, "")


def test_a_batch_is_all_or_nothing(project: gittasks.Project) -> None:
    drafts = [gittasks.Draft("a", key="a"), gittasks.Draft("b", blocked_by=["nobody"])]
    with pytest.raises(gittasks.GittasksError, match="nobody"):
        project.add_many(drafts)
    assert project.tasks() == []


def test_start_run_wait_finish(project: gittasks.Project, repo: Path) -> None:
    task = project.add("one")
    git(repo, "commit", "-qm", "tasks")
    started = project.start(task.id)
    run = project.run("sh", "-c", "echo hello; exit 3", task_id=task.id, cwd=started.path)
    [ended] = project.wait(run.id, timeout_s=30)
    assert (ended.status, ended.exit_code) == ("failed", 3)
    assert project.output(run.id) == b"hello\n"
    assert [each.id for each in project.runs(task_id=task.id)] == [run.id]
    assert [each.id for each in project.notices()] == [run.id]
    assert project.notices() == []
    finished = project.finish(task.id, how="merge")
    assert finished.merged
    assert project.task(task.id).status == "completed"


def test_the_names_are_those_promised() -> None:
    for name in gittasks.__all__:
        assert getattr(gittasks, name).__name__ == name
        assert name in dir(gittasks)
    with pytest.raises(AttributeError, match="nothing"):
        gittasks.nothing  # noqa: B018 - looking it up is the test


def test_importing_it_is_free() -> None:
    code = "import sys, gittasks; print(sorted(m for m in sys.modules if m.startswith('gittasks')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['gittasks', 'gittasks.base', 'gittasks.base.records']"
