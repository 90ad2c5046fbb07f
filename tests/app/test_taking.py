"""Many take the next task at once, die on the way, or race from two clones: each task goes to one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gittasks.app import reading, releasing, taking, writing
from gittasks.app.project import Project, open_project
from gittasks.repo.claims import claim_refs
from gittasks.workgraph.drafts import Draft
from tests import faults
from tests.app.desk import at, killing_git
from tests.conftest import git

# One agent of many: takes until there is nothing left, and says what it got; now and then git tidies up its refs.
AGENT = """
import os, sys
from gittasks.app import reading, taking
from gittasks.app.project import open_project
project = open_project(sys.argv[1])
try:
    while True:
        taken = taking.take_next(project, owner=sys.argv[2]).task_id
        print(taken, flush=True)
        if taken % 10 == 0:
            project.git.call("pack-refs", "--all", write=True)
except reading.NothingReadyError:
    pass
"""


def planned(repo: Path, tasks: int) -> Project:
    project = at(repo)
    os.mkdir(project.tasks_folder)
    writing.add_tasks(project, [Draft(f"task {number}") for number in range(tasks)])
    git(repo, "commit", "-q", "-m", "plan")
    age(repo)
    return project


def age(folder: Path) -> None:
    """Make the task files old enough for the cache to be sure of them: less to read, in each of very many looks."""
    for path in (folder / ".tasks").iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))


def worktrees(repo: Path, tmp_path: Path, count: int) -> list[Path]:
    folders = [tmp_path / f"tree-{number}" for number in range(count)]
    for folder in folders:
        git(repo, "worktree", "add", "-q", str(folder))
        age(folder)
    return folders


@pytest.mark.parametrize(
    ("count", "trees", "tasks"),
    [
        pytest.param(4, 2, 12, id="few"),
        pytest.param(16, 8, 60, id="many", marks=(pytest.mark.long, pytest.mark.slow)),
    ],
)
def test_agents_in_several_worktrees_get_each_task_once(
    repo: Path, tmp_path: Path, count: int, trees: int, tasks: int
) -> None:
    """Half of them under one name: the name is not what keeps them apart."""
    planned(repo, tasks)
    places = [repo, *worktrees(repo, tmp_path, trees - 1)]
    agents = [
        subprocess.Popen(
            (
                sys.executable,
                "-c",
                AGENT,
                str(places[number % trees]),
                "team" if number % 2 else f"agent-{number}",
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    taken: Counter[int] = Counter()
    for agent in agents:
        output, errors = agent.communicate(timeout=50)
        assert (agent.returncode, errors) == (0, "")
        taken.update(map(int, output.split()))
    assert taken == Counter(range(1, tasks + 1))
    rows = at(repo).board().rows
    assert {row.status for row in rows} == {"in_progress"}
    assert len(claim_refs(at(repo).checkout, os.environ)) == tasks


def check_next(project: Project, other: Project) -> list[int]:
    """That whoever asks next gets the first task not put in progress; it is given back. Answers those in progress."""
    given = taking.take_next(other, owner="bob").task_id
    rows = {row.id: row.status for row in project.snapshot().rows}
    assert given == min(task_id for task_id, status in rows.items() if status == "pending")
    assert releasing.release(other, given, owner="bob").given_back
    return [task_id for task_id, status in rows.items() if status == "in_progress"]


def check_rest(other: Project, in_progress: list[int]) -> None:
    """That nothing is held up: all that is not in progress can be taken."""
    ready = reading.ready_rows(other, other.board(), owner=lambda: "bob")
    assert sorted([*in_progress, *(row.id for row in ready)]) == [row.id for row in other.snapshot().rows]


@pytest.mark.long
def test_killed_before_any_write_a_taker_holds_nobody_up(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = planned(repo, 30)
    other = open_project(str(worktrees(repo, tmp_path, 1)[0]), env=os.environ)
    # Nothing that only reads: there are hundreds of these.
    monkeypatch.setattr(faults, "CALLS", ("write", "fsync", "replace", "rename", "link", "mkdir"))
    number, killed = 0, True
    in_progress: list[int] = []
    while killed:
        number += 1
        killed = faults.die_at(number, lambda: taking.take_next(project, owner="ada"))
        in_progress = check_next(project, other)
    assert 1 < len(in_progress) < number
    check_rest(other, in_progress)


@pytest.mark.long
def test_killed_after_any_git_command_a_taker_holds_nobody_up(repo: Path, tmp_path: Path) -> None:
    """Between claim and file, between file and git's index, between that and the claim that stays."""
    project = planned(repo, 10)
    other = open_project(str(worktrees(repo, tmp_path, 1)[0]), env=os.environ)
    path = f"{killing_git(tmp_path)}{os.pathsep}{os.environ['PATH']}"
    number, code, in_progress = 0, -signal.SIGKILL, []
    while code == -signal.SIGKILL:
        number += 1
        count = tmp_path / f"count-{number}"
        count.touch()
        env = {**os.environ, "PATH": path, "KILL_AT": str(number), "KILL_COUNT": str(count)}
        argv = (sys.executable, "-m", "gittasks", "-C", str(repo), "next", "--claim", "--owner", "ada")
        code = subprocess.run(argv, env=env, capture_output=True, check=False).returncode
        in_progress = check_next(project, other)
    assert code == 0
    assert number == 4  # killed after the claim, after `git add`, after the claim that stays; then not at all
    assert in_progress == [1, 2, 3]
    check_rest(other, in_progress)
