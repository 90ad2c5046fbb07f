"""`gittasks log`: what a person reads, what a program reads."""

from __future__ import annotations

import json
from pathlib import Path

from gittasks.workgraph.codec import format_task
from gittasks.workgraph.record import Task, TaskId
from tests.conftest import Cli, git

TASK = Task(TaskId(12), uid="9f3c1a7be2d04c55", subject="Implement auth", created="2026-11-23T10:00:00Z")


def _write(repo: Path, task: Task) -> None:
    (repo / ".tasks").mkdir(exist_ok=True)
    (repo / ".tasks/12.yaml").write_bytes(format_task(task))
    git(repo, "add", ".tasks")


def _commit(repo: Path, task: Task, message: str, *, author: str = "Ada Tester") -> None:
    _write(repo, task)
    git(repo, "-c", f"user.name={author}", "commit", "-q", "-m", message)


def test_a_person_reads_one_paragraph_a_step(repo: Path, cli: Cli) -> None:
    _commit(repo, TASK._replace(labels=("a", "b"), description="one\ntwo\nthree"), "Add it")
    _commit(repo, TASK._replace(labels=("b", "c"), description="one\n2\nthree", owner="alice"), "Work on it")
    _write(repo, TASK._replace(labels=("b", "c"), description="one\n2\nthree", status="completed"))
    done = cli("log", "#12")
    oids = git(repo, "log", "--format=%H", "-2").split("\n")
    assert done.stdout.split("\n") == [
        "staged, not committed",
        "  status: pending -> completed",
        "  owner: alice -> (empty)",
        "",
        f"{oids[0][:10]}  2026-11-23T10:00:00Z  Ada Tester: Work on it",
        "  owner: alice",
        "  labels: +c  -a",
        "  description:",
        "    - two",
        "    + 2",
        "",
        f"{oids[1][:10]}  2026-11-23T10:00:00Z  Ada Tester: Add it",
        "  created",
        "  subject: Implement auth",
        "  status: pending",
        "  priority: 2",
        "  labels: +a  +b",
        "  description:",
        "    + one",
        "    + two",
        "    + three",
        "",
    ]
    assert done.stderr == ""


def test_json_holds_whole_values(repo: Path, cli: Cli) -> None:
    _commit(repo, TASK, "Add it")
    _commit(repo, TASK._replace(priority=0), "Press on")
    document = json.loads(cli("log", "12", "--limit", "1", "--json").stdout)
    (entry,) = document.pop("history")
    assert document == {"schema": 1, "id": 12, "more": True, "shallow": False}
    assert entry == {
        "where": "committed",
        "branch": None,
        "worktree": None,
        "kind": "changed",
        "commit": git(repo, "rev-parse", "HEAD"),
        "author": "Ada Tester",
        "email": "ada@example.com",
        "time": 1795428000,
        "message": "Press on",
        "changes": [{"field": "priority", "old": 2, "new": 0}],
        "notes": [],
        "problems": [],
    }


def test_other_branches_and_worktrees_are_named_unless_here(repo: Path, cli: Cli) -> None:
    _commit(repo, TASK, "Add it")
    side = repo.parent / "side"
    git(repo, "worktree", "add", "-q", "-b", "wt/side", str(side))
    _commit(side, TASK._replace(priority=0), "Press on")
    (side / ".tasks/12.yaml").write_bytes(format_task(TASK._replace(priority=1)))
    lines = cli("log", "12").stdout.splitlines()
    assert lines[:3] == ["changed, not staged  (in side)", "  priority: 0 -> 1", ""]
    assert lines[3].endswith("Press on  (on wt/side)")
    assert lines[6].endswith("Add it")
    here = cli("log", "12", "--here").stdout
    assert "Press on" not in here and "Add it" in here


def test_what_is_left_out_is_said(repo: Path, cli: Cli) -> None:
    _commit(repo, TASK, "Add it")
    _commit(repo, TASK._replace(priority=0), "Press on")
    assert "older commits left out" in cli("log", "12", "--limit", "1").stderr
    git(repo.parent, "clone", "-q", "--depth=1", f"file://{repo}", "shallow")
    assert "shallow" in cli("log", "12", cwd=repo.parent / "shallow").stderr


def test_hostile_names_subjects_and_notes_are_not_printed_raw(repo: Path, cli: Cli) -> None:
    _commit(repo, TASK._replace(subject="x \u202e y"), "evil\x1b[31m \u202e", author="mal\x1b[2Jlory")
    folder = repo / ".tasks/12"
    folder.mkdir()
    (folder / "20261123T100000Z-x-0001.md").write_text("---\nauthor: a\x1b[1m\n---\n\n\x9b31m note\nmore\n")
    done = cli("log", "12")
    assert not {"\x1b", "\u202e", "\x9b"} & set(done.stdout)
    assert "note added, by a\\x1b[1m: \\x9b31m note\n" in done.stdout


def test_an_unknown_task_or_count_is_refused(repo: Path, cli: Cli) -> None:
    assert "gittasks init" in cli("log", "3", code=1).stderr
    (repo / ".tasks").mkdir()
    assert "no task #3, neither here nor in the history" in cli("log", "3", code=1).stderr
    for count in ("0", "-1", "x", "9" * 20):
        assert "usage" in cli("log", "3", f"--limit={count}", code=2).stderr


def test_without_a_number_it_is_the_task_of_this_worktree(repo: Path, cli: Cli) -> None:
    _commit(repo, TASK._replace(status="in_progress", worktree="main"), "Start it")
    assert "Start it" in cli("log").stdout
    _write(repo, TASK)
    assert "which task?" in cli("log", code=2).stderr
