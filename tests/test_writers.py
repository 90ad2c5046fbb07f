"""Several processes write at once in one clone: each change that was confirmed is there, and every file is whole.

The long version is `python -m benchmarks --only stress`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from gittasks.workgraph.record import Task, TaskId
from tests.app.desk import at, planned
from tests.conftest import Cli, git

WRITERS = 8

# Each adds a task that waits for #1, labels #1, and edits one of its own, again and again, in a process of its own.
WRITER = """
import json, os, sys
from gittasks.app.project import open_project
from gittasks.base.errors import BusyError
name, rounds = sys.argv[1], int(sys.argv[2])
project = open_project(os.getcwd())
done = {"added": [], "labels": [], "noted": [], "busy": 0}
for n in range(rounds):
    word = f"{name}-{n}"
    try:
        task = project.add(word, blocked_by=(1,))
        done["added"].append([task.id, task.uid, word])
        from gittasks.app import writing
        writing.edit_task(project, 1, lambda task: {"labels": (*task.labels, word)}, purpose="edit")
        done["labels"].append(word)
        project.note(1, word)
        done["noted"].append(word)
        project.complete(task.id)
    except BusyError:
        done["busy"] += 1
print(json.dumps(done))
"""


class Done(NamedTuple):
    """What one writer was told it had done."""

    added: list[tuple[int, str, str]]
    labels: list[str]
    noted: list[str]
    busy: int


def write(folder: Path, name: str, rounds: int) -> Done:
    argv = (sys.executable, "-c", WRITER, name, str(rounds))
    done = subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=True)
    return Done(**json.loads(done.stdout))


@pytest.mark.parametrize(("writers", "rounds"), [(4, 2), pytest.param(8, 6, marks=pytest.mark.long)])
def test_writers_in_two_worktrees_lose_nothing(repo: Path, tmp_path: Path, writers: int, rounds: int) -> None:
    planned(repo)
    tree = tmp_path / "tree"
    git(repo, "worktree", "add", "-q", "-b", "tree", str(tree))
    places = [(repo, tree)[n % 2] for n in range(writers)]
    with ThreadPoolExecutor(writers) as pool:
        answers = pool.map(write, places, map(str, range(writers)), [rounds] * writers)
        teams = list(zip(places, answers, strict=True))
    added = [entry for _, done in teams for entry in done.added]
    assert len({number for number, _, _ in added}) == len({uid for _, uid, _ in added}) == len(added)
    assert sum(done.busy for _, done in teams) < writers
    for place in (repo, tree):
        holds(place, [done for where, done in teams if where == place])


def holds(folder: Path, team: list[Done]) -> None:
    """All that was confirmed is in `folder`, nothing else is, and all of it is staged."""
    project = at(folder)
    snapshot = project.snapshot()
    assert snapshot.problems == []
    tasks = {task.id: task for task in snapshot.tasks()}
    wanted = {number: (uid, word) for done in team for number, uid, word in done.added}
    assert {number: (task.uid, task.subject) for number, task in tasks.items() if number > 2} == wanted
    assert all(is_added_whole(task) for number, task in tasks.items() if number > 2)
    assert set(tasks[TaskId(1)].labels) == {label for done in team for label in done.labels}
    notes = [path.read_text().splitlines()[-1] for path in (folder / ".tasks" / "1").glob("*.md")]
    assert sorted(notes) == sorted(word for done in team for word in done.noted)
    assert [path.name for path in (folder / ".tasks").rglob("*gittasks-tmp*")] == []
    status = git(folder, "status", "--porcelain", "--untracked-files=all").splitlines()
    assert status and not [line for line in status if line[1] != " "]
    git(folder, "fsck", "--no-dangling")


def is_added_whole(task: Task) -> bool:
    return task.blocked_by == (TaskId(1),) and task.status in ("completed", "pending")


def test_processes_of_the_program_lose_nothing(repo: Path, cli: Cli) -> None:
    planned(repo)

    def work(name: str) -> int:
        number = int(cli("add", f"by {name}", "--blocks", "2").stdout.strip().removeprefix("#"))
        cli("edit", "1", "--label", name, cwd=repo)
        return number

    with ThreadPoolExecutor(WRITERS) as pool:
        numbers = list(pool.map(work, [f"w{n}" for n in range(WRITERS)]))
    document = json.loads(cli("list", "--all", "--json").stdout)
    tasks = {task["id"]: task for task in document["tasks"]}
    assert document["problems"] == []
    assert sorted(tasks) == sorted((1, 2, *numbers)) and len(set(numbers)) == WRITERS
    assert tasks[1]["labels"] == [f"w{n}" for n in range(WRITERS)]
    assert tasks[2]["blockedBy"] == sorted((1, *numbers))
    assert {tasks[number]["subject"] for number in numbers} == {f"by w{n}" for n in range(WRITERS)}
