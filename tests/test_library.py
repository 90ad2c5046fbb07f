"""`import gittasks`: the same use cases as the command line, from Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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
    with pytest.raises(AttributeError, match="nothing"):
        gittasks.nothing  # noqa: B018 - looking it up is the test


def test_importing_it_is_free() -> None:
    code = "import sys, gittasks; print(sorted(m for m in sys.modules if m.startswith('gittasks')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['gittasks', 'gittasks.base', 'gittasks.base.records']"
