"""`gittasks note`: text from the line or from standard input, and where it shows up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gittasks.workgraph.codec import format_task
from gittasks.workgraph.record import Task, TaskId
from tests.conftest import Cli, git


@pytest.fixture(autouse=True)
def plan(repo: Path) -> None:
    (repo / ".tasks").mkdir()
    task = Task(TaskId(1), uid="9f3c1a7be2d04c55", subject="Implement auth", created="2026-11-23T10:00:00Z")
    (repo / ".tasks/1.yaml").write_bytes(format_task(task))
    git(repo, "add", ".tasks")
    git(repo, "commit", "-q", "-m", "plan")


def test_a_note_is_answered_with_its_path_and_shown(repo: Path, cli: Cli) -> None:
    done = cli("note", "#1", "the old cookie is still read")
    path = done.stdout.removeprefix("#1 noted: ").rstrip("\n")
    assert (repo / path).read_text().endswith("---\n\nthe old cookie is still read\n")
    assert "the old cookie is still read" in cli("show", "1").stdout
    assert "#1" in cli("search", "cookie").stdout


def test_a_dash_reads_standard_input(repo: Path, cli: Cli) -> None:
    document = json.loads(cli("note", "1", "-", "--author", "bob", "--json", stdin="one\n\ntwo\n").stdout)
    assert (document["schema"], document["task"], document["commit"]) == (1, 1, None)
    text = (repo / document["path"]).read_text()
    assert text.startswith("---\nauthor: bob\ncreated: 20") and text.endswith("\n\none\n\ntwo\n")


def test_it_is_committed_when_asked_or_configured(repo: Path, cli: Cli) -> None:
    before = git(repo, "rev-parse", "HEAD")
    done = json.loads(cli("note", "1", "x", "--commit", "--json").stdout)
    assert done["commit"] == git(repo, "rev-parse", "HEAD") != before
    (repo / ".tasks/config.yaml").write_text("commit: auto\n")
    assert json.loads(cli("note", "1", "y", "--json").stdout)["commit"] == git(repo, "rev-parse", "HEAD")


def test_what_cannot_be_noted_is_refused_and_changes_nothing(repo: Path, cli: Cli) -> None:
    assert "is empty" in cli("note", "1", "-", stdin="\n", code=1).stderr
    assert "no task #7" in cli("note", "7", "x", code=1).stderr
    assert "usage" in cli("note", "x", "y", code=2).stderr
    assert "which task?" in cli("note", "text without a task", code=2).stderr
    assert git(repo, "status", "--porcelain") == ""


def test_in_a_bound_worktree_the_task_can_be_left_out(repo: Path, cli: Cli) -> None:
    cli("edit", "1", "--status", "in_progress", "--worktree", "main")
    assert cli("note", "for the task of this worktree").stdout.startswith("#1 noted: ")


def test_a_document_has_the_notes(cli: Cli) -> None:
    cli("init")
    cli("add", "One")
    cli("note", "1", "hello")
    (note,) = json.loads(cli("show", "1", "--json").stdout)["task"]["notes"]
    assert note["text"] == "hello"
