"""What the tests of merges share: a repository with tasks whose branches go apart, and what became of them."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gittasks.app.project import Project, open_project
from gittasks.app.resolving import Resolution, resolve
from gittasks.workgraph import codec, store
from gittasks.workgraph.merge import Given
from gittasks.workgraph.record import Task, TaskId
from gittasks.workgraph.resolution import Choices
from tests.conftest import git

CREATED = "2026-11-23T10:00:00Z"


def uid(letter: str) -> str:
    """A task's uid, from one hex digit that stands for it."""
    return letter * 16


def new_task(task_id: int, letter: str, **fields: Any) -> Task:
    """A task as `add` makes it."""
    task = Task(TaskId(task_id), uid(letter), f"Task {letter}", created=CREATED)
    return task._replace(**fields)


class Fork:
    """One checkout. Branches go apart by `on`, and `merge`, `rebase` and others answer whether git was content."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".tasks").mkdir(exist_ok=True)

    @property
    def project(self) -> Project:
        return open_project(str(self.folder), env=os.environ)

    def on(self, branch: str) -> Fork:
        """Check out `branch`, made here if it is not there."""
        known = git(self.folder, "branch", "--list", branch)
        git(self.folder, "checkout", "-q", *(() if known else ("-b",)), branch)
        return self

    def put(self, *tasks: Task) -> Fork:
        """Write whole files."""
        for task in tasks:
            self.path(task.id).write_bytes(codec.format_task(task))
        return self

    def edit(self, task_id: int, **changes: Any) -> Fork:
        data = self.path(task_id).read_bytes()
        self.path(task_id).write_bytes(codec.edit_task(data, "", task_id=task_id, changes=changes))
        return self

    def note(self, task_id: int, name: str) -> Fork:
        folder = self.folder / ".tasks" / str(task_id)
        folder.mkdir(exist_ok=True)
        (folder / f"{name}.md").write_text(f"A note: {name}\n")
        return self

    def commit(self, message: str = "work") -> str:
        git(self.folder, "add", "-A")
        git(self.folder, "commit", "-q", "-m", message)
        return git(self.folder, "rev-parse", "HEAD")

    def go(self, *args: str) -> bool:
        """`git *args`; whether it exits 0."""
        env = {**os.environ, "GIT_EDITOR": "true"}
        done = subprocess.run(("git", *args), cwd=self.folder, env=env, capture_output=True, check=False)
        return done.returncode == 0

    def merge(self, branch: str) -> bool:
        return self.go("merge", "--no-edit", branch)

    def resolve(
        self, prefer: str | None = None, values: Mapping[str, Any] | None = None, *, dry_run: bool = False
    ) -> Resolution:
        """Resolve; `values` are `{"12 owner": value}`, where the value may be a side."""
        fields = {}
        for name, value in (values or {}).items():
            number, field = name.split()
            fields[TaskId(int(number)), field] = value if value in ("ours", "theirs") else Given(value)
        return resolve(self.project, Choices(prefer, fields), dry_run=dry_run)

    def path(self, task_id: int) -> Path:
        return self.folder / ".tasks" / f"{task_id}.yaml"

    def task(self, task_id: int) -> Task:
        return store.read_task(str(self.folder / ".tasks"), TaskId(task_id))

    def tasks(self) -> dict[str, Task]:
        """Uid's digit to task, of all files; no two share one, and nothing is unreadable."""
        snapshot = self.project.snapshot()
        assert snapshot.problems == []
        found = {task.uid[0]: task for task in snapshot.tasks()}
        assert len(found) == len(snapshot.rows)
        return found

    def edges(self) -> dict[str, set[str]]:
        """What each task waits for, by their digits: the graph, whatever the numbers are."""
        tasks = self.tasks()
        letters = {task.id: letter for letter, task in tasks.items()}
        return {letter: {letters[blocker] for blocker in task.blocked_by} for letter, task in tasks.items()}

    def numbers(self) -> dict[str, int]:
        return {letter: task.id for letter, task in self.tasks().items()}

    def notes(self) -> dict[str, set[str]]:
        """The notes of each task that has some, by its digit."""
        found = {}
        for letter, task in self.tasks().items():
            folder = self.folder / ".tasks" / str(task.id)
            if folder.is_dir():
                found[letter] = {path.stem for path in folder.iterdir()}
        return found

    def status(self) -> str:
        return git(self.folder, "status", "--porcelain")

    def unmerged(self) -> list[str]:
        return git(self.folder, "diff", "--name-only", "--diff-filter=U").splitlines()
