"""Tasks and runs never share storage: what git sees does not know of runs, and runs are not touched by tasks."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from gittasks.cli.main import COMMANDS
from tests.conftest import Cli, git

OUTPUTS = ".task_outputs"

# Each command of the table, called so that it does its work; `{run}` and `{live}` are ids of runs.
Calls = dict[str, list[tuple[str, ...]]]

RUN_CALLS: Calls = {
    "run": [
        ("run", "--", "true"),
        ("run", "--task", "1", "--wait", "--", "echo", "hello"),
        ("run", "--", "false"),
    ],
    "runs": [("runs",), ("runs", "--all", "--json"), ("runs", "--task", "1")],
    # Started for real it is `start` and `run` in one, and so on both sides.
    "agent": [("agent", "1", "--with", "claude", "--dry-run")],
    "logs": [("logs", "{run}"), ("logs", "--follow", "{run}")],
    "input": [("input", "{live}", "text")],
    "wait": [("wait", "{run}")],
    "monitor": [("monitor", "--wait", "--file", "README", "--until", "exists")],
    "message": [("message", "reviewer", "Hello.", "--leave")],
    "kill": [("kill", "{live}")],
    "notices": [("notices", "--peek"), ("notices",)],
    "workflow": [("workflow", "list")],
    "prune": [("prune", "--keep", "0")],
}
TASK_CALLS: Calls = {
    "init": [("init",)],
    "add": [("add", "Four", "--blocked-by", "1"), ("add", "--from", "-")],
    "list": [("list", "--all"), ("list", "--json")],
    "ready": [("ready",)],
    "blocked": [("blocked",)],
    "next": [("next",)],
    "show": [("show", "1"), ("show", "1", "--json")],
    "edit": [("edit", "1", "--priority", "0")],
    "note": [("note", "1", "A note.")],
    "block": [("block", "2", "--on", "3")],
    "unblock": [("unblock", "2", "--on", "3")],
    "done": [("done", "3")],
    "reopen": [("reopen", "3")],
    "delete": [("delete", "3")],
    "undo": [("undo",)],
    "search": [("search", "one")],
    "graph": [("graph",), ("graph", "--format", "svg")],
    "log": [("log", "1")],
    "import": [("import", "csv", "-")],
    "export": [("export", "json")],
    "doctor": [("doctor",), ("doctor", "--fix")],
    "trust": [("trust", "--status")],
    "hooks": [("hooks", "install"), ("hooks", "status"), ("hooks", "uninstall")],
    "claim": [("claim", "1")],
    "release": [("release", "1")],
    "start": [("start", "1")],
    "worktree": [
        ("worktree", "list"),
        ("worktree", "status"),
        ("worktree", "add", "extra"),
        ("worktree", "events"),
    ],
    "finish": [("finish", "1", "--merge")],
    "resolve": [("resolve",)],
    "sync": [("sync",)],
    "rescue": [("rescue",)],
    "shell-init": [("shell-init",)],
    "completion": [("completion", "bash")],
}


@pytest.fixture
def project(repo: Path, cli: Cli) -> Path:
    """Three tasks, committed; and a remote."""
    cli("init")
    for subject in ("One", "Two", "Three"):
        cli("add", subject)
    git(repo, "commit", "-q", "-m", "plan")
    git(repo.parent, "clone", "-q", "--bare", str(repo), "hub")
    git(repo, "remote", "add", "origin", str(repo.parent / "hub"))
    git(repo, "push", "-q", "-u", "origin", "main")
    return repo


def what_git_sees(repo: Path) -> list[str]:
    """Everything of git that a commit, a push or a colleague could notice."""
    return [
        git(repo, "status", "--porcelain", "--untracked-files=all"),
        git(repo, "ls-files", "--stage"),
        git(repo, "for-each-ref"),
        git(repo, "stash", "list"),
        git(repo, "worktree", "list", "--porcelain"),
    ]


def files_below(folder: Path) -> dict[str, tuple[int, str]]:
    """Each file with its time of change and its content."""
    return {
        str(path.relative_to(folder)): (
            path.stat().st_mtime_ns,
            hashlib.sha256(path.read_bytes()).hexdigest(),
        )
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_each_command_is_held_to_its_side() -> None:
    # `deinit` takes away what both have made: tests/app/test_uninstalling.py.
    assert RUN_CALLS.keys() | TASK_CALLS.keys() | {"deinit"} == COMMANDS.keys()
    assert not RUN_CALLS.keys() & TASK_CALLS.keys()


def test_no_run_command_changes_what_git_sees(project: Path, cli: Cli) -> None:
    before = what_git_sees(project)
    tasks = files_below(project / ".tasks")
    run = cli("run", "--", "echo", "first").stdout.strip()
    live = cli("run", "--input", "--", "sleep", "600").stdout.strip()
    cli("wait", run)
    for calls in RUN_CALLS.values():
        for call in calls:
            cli(*(word.format(run=run, live=live) for word in call))
            assert what_git_sees(project) == before, call
    assert files_below(project / ".tasks") == tasks
    assert git(project, "ls-files", "--others", "--exclude-standard") == ""


def test_no_task_command_touches_the_outputs_of_runs(project: Path, cli: Cli) -> None:
    cli("run", "--task", "2", "--wait", "--", "echo", "hello")
    settled(project)
    before = files_below(project / OUTPUTS)
    assert before
    for calls in TASK_CALLS.values():
        for call in calls:
            cli(*call, stdin=stdin_for(call))
            assert files_below(project / OUTPUTS) == before, call


@pytest.mark.long
def test_no_task_command_makes_the_folder_of_runs(project: Path, cli: Cli) -> None:
    for calls in TASK_CALLS.values():
        for call in calls:
            cli(*call, stdin=stdin_for(call))
            assert not (project / OUTPUTS).exists(), call


def stdin_for(call: tuple[str, ...]) -> str:
    if call[:2] == ("add", "--from"):
        return '{"subject": "From a batch"}\n'
    return "subject\nFrom a table\n" if call[0] == "import" else ""


def settled(project: Path) -> None:
    """Wait until the supervisor has gone: it was the last to write."""
    live = project / ".git" / "gittasks" / "runs" / "live"
    deadline = time.monotonic() + 10
    while live.exists() and any(live.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.01)
