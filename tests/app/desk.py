"""What the tests of worktrees share: a planned repository, and the whole state of a clone to compare."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

from gittasks.app import starting, writing
from gittasks.app.project import Project, open_project
from gittasks.repo.git import Git
from gittasks.workgraph import codec, store
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import Task, TaskId
from tests.conftest import git

ONE, TWO = TaskId(1), TaskId(2)


def at(folder: Path | str) -> Project:
    """The project of a folder."""
    return open_project(str(folder), env=os.environ)


def planned(repo: Path, *, commit: bool = True) -> Project:
    """`repo` with two tasks, #2 waiting for #1; committed or only staged."""
    project = at(repo)
    os.mkdir(project.tasks_folder)
    first = Draft("Fix the login", key="first", description="as reported")
    writing.add_tasks(project, [first, Draft("Write it up", blocked_by=("first",))])
    if commit:
        git(repo, "commit", "-q", "-m", "plan")
    return project


def copy_of(folder: Path | str, task_id: TaskId = ONE) -> Task:
    """A task as the checkout at `folder` has it."""
    return store.read_task(os.path.join(folder, store.FOLDER), task_id)


def start(project: Project, task_id: TaskId = ONE, **options: Any) -> Path:
    """Start a task; the path of its worktree."""
    chosen = starting.Options()._replace(**options)
    return Path(starting.start_task(project, task_id, chosen).path)


def work(folder: Path, name: str = "code", text: str = "code\n") -> str:
    """Commit a file, and nothing else; the commit's id."""
    (folder / name).write_text(text)
    git(folder, "add", "--", name)
    git(folder, "commit", "-q", "-m", f"write {name}", "--only", "--", name)
    return git(folder, "rev-parse", "HEAD")


def state(repo: Path) -> dict[str, str]:
    """Everything that a refused operation must leave alone: refs, worktrees, what is staged or changed."""
    found = {"refs": git(repo, "for-each-ref"), "trees": git(repo, "worktree", "list", "--porcelain")}
    for line in found["trees"].splitlines():
        path = line.removeprefix("worktree ")
        if line.startswith("worktree ") and os.path.isdir(path):
            found[path] = git(Path(path), "status", "--porcelain", "--untracked-files=all")
            diff = Git(path, os.environ).output("diff", "HEAD", "--no-ext-diff")
            found[path] += diff.decode("utf-8", "replace")
    memos = repo / ".git" / "gittasks" / "worktrees"
    found["memos"] = (
        " ".join(sorted(f"{p.name} {p.read_text()}" for p in memos.glob("*"))) if memos.is_dir() else ""
    )
    return found


def commit_task(folder: Path, task: Task) -> None:
    """Commit a task's file as `task` says it."""
    path = folder / ".tasks" / f"{task.id}.yaml"
    path.write_bytes(codec.format_task(task))
    git(folder, "add", "--", str(path))
    git(folder, "commit", "-q", "-m", f"edit #{task.id}", "--only", "--", str(path))


def killing_git(folder: Path) -> Path:
    """A folder with a `git` that kills its parent after the write command number $KILL_AT; $KILL_COUNT counts."""
    real = subprocess.run(
        ("sh", "-c", "command -v git"), capture_output=True, text=True, check=True
    ).stdout.strip()
    script = folder / "bin" / "git"
    script.parent.mkdir()
    script.write_text(
        f"""#!/bin/sh
{real} "$@"
code=$?
for word in "$@"; do
    case $word in
        update-ref | add | commit | merge | reset | checkout | remove | --remove-section)
            echo "$*" >>"$KILL_COUNT"
            test "$(wc -l <"$KILL_COUNT")" -eq "$KILL_AT" && kill -9 $PPID
            break ;;
    esac
done
exit $code
"""
    )
    script.chmod(0o755)
    return script.parent
