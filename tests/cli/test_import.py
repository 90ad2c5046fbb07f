"""`gittasks import` as people call it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Cli, git

ISSUES = (
    '{"id": "bd-1", "title": "One", "status": "closed", "issue_type": "bug", "due_at": "monday"}\n'
    '{"id": "bd-2", "title": "Two \\u001b[31m\\u202e", "status": "hooked", "dependencies": ['
    '{"issue_id": "bd-2", "depends_on_id": "bd-1", "type": "blocks"},'
    '{"issue_id": "bd-2", "depends_on_id": "bd-9\\u001b[2J", "type": "blocks"}]}\n'
)


@pytest.fixture(autouse=True)
def _initialised(repo: Path, cli: Cli) -> None:
    cli("init")
    git(repo, "commit", "-qm", "init")
    (repo / "issues.jsonl").write_text(ISSUES)


def tasks_of(repo: Path) -> list[str]:
    return [path.name for path in (repo / ".tasks").glob("[0-9]*")]


def test_the_report_tells_all_of_it(cli: Cli) -> None:
    done = cli("import", "beads", "issues.jsonl")
    assert done.stderr == ""
    assert done.stdout == (
        "beads: 2 tasks read (1 in_progress, 1 completed)\n"
        "added 2, updated 0, unchanged 0\n"
        "dangling references, kept in the field `relations` (1):\n"
        "  bd-2: blockedBy bd-9 [2J\n"
        "values changed to fit (2):\n"
        "  bd-2: status: 'hooked' is in_progress here; the word is kept as a label\n"
        "  bd-2: subject: cleaned to 'Two  [31m\\u202e'\n"
        "fields without a place of their own (1):\n"
        "  due_at (1): kept as due_at\n"
    )


def test_again_it_is_a_no_op_in_git(repo: Path, cli: Cli) -> None:
    cli("import", "beads", "issues.jsonl", "--commit")
    head = git(repo, "rev-parse", "HEAD")
    assert git(repo, "log", "-1", "--format=%s") == "Import 2 tasks from beads"
    done = cli("import", "beads", "issues.jsonl", "--commit")
    assert "added 0, updated 0, unchanged 2" in done.stdout
    assert git(repo, "rev-parse", "HEAD") == head
    assert git(repo, "status", "--porcelain", ".tasks") == ""


def test_json_names_everything(cli: Cli) -> None:
    document = json.loads(cli("import", "beads", "issues.jsonl", "--json").stdout)
    assert document["schema"] == 1
    assert (document["kind"], document["source"], document["dryRun"]) == ("beads", "issues.jsonl", False)
    assert document["counts"] == {
        "read": 2,
        "added": 2,
        "updated": 0,
        "unchanged": 0,
        "gone": 0,
        "dangling": 1,
        "cycles": 0,
        "fitted": 2,
        "skipped": 0,
    }
    assert document["added"] == [{"id": 1, "ref": "beads:bd-1"}, {"id": 2, "ref": "beads:bd-2"}]
    assert document["dangling"] == [{"key": "bd-2", "field": "blockedBy", "target": "bd-9 [2J"}]
    assert document["fields"]["title"] == {"subject": 2}
    assert document["statuses"] == {"pending": 0, "in_progress": 1, "completed": 1, "deleted": 0}
    shown = json.loads(cli("show", "2", "--json").stdout)["task"]
    assert (shown["ref"], shown["blockedBy"]) == ("beads:bd-2", [1])


def test_a_dry_run_tells_and_changes_nothing(repo: Path, cli: Cli) -> None:
    done = cli("import", "beads", "issues.jsonl", "--dry-run")
    assert "would be added 2" in done.stdout
    assert tasks_of(repo) == []


def test_from_standard_input_and_from_a_subfolder(repo: Path, cli: Cli) -> None:
    (repo / "sub").mkdir()
    assert "added 2" in cli("import", "beads", "-", stdin=ISSUES).stdout
    assert "unchanged 2" in cli("import", "beads", "../issues.jsonl", cwd=repo / "sub").stdout


def test_a_prefix_keeps_sources_apart(cli: Cli) -> None:
    cli("import", "beads", "issues.jsonl", "--prefix", "web")
    assert json.loads(cli("show", "1", "--json").stdout)["task"]["ref"] == "beads:web/bd-1"


def test_what_is_wrong_is_named_and_nothing_written(repo: Path, cli: Cli) -> None:
    (repo / "bad.jsonl").write_text('{"id": "a", "title": "x"}\nnonsense\n')
    done = cli("import", "beads", "bad.jsonl", code=1)
    assert "bad.jsonl:2: is not JSON" in done.stderr
    assert done.stdout == ""
    assert "is a folder: expected a file" in cli("import", "beads", ".", code=1).stderr
    assert "no such file" in cli("import", "beads", "nothing", code=1).stderr
    assert "invalid choice" in cli("import", "nonsense", "x", code=2).stderr
    assert "standard input cannot be one" in cli("import", "ticket", "-", code=2).stderr
    error = json.loads(cli("import", "beads", "bad.jsonl", "--json", code=1).stdout)["error"]
    assert error["kind"] == "BadSourceError"
    assert tasks_of(repo) == []


def test_bytes_that_are_no_text_on_standard_input(repo: Path) -> None:
    command = (sys.executable, "-m", "gittasks", "import", "beads", "-")
    done = subprocess.run(command, cwd=repo, input=b'{"id": "a"}\n\xff', capture_output=True, check=False)
    assert done.returncode == 1
    assert b"<stdin>:2: is not UTF-8" in done.stderr


def test_without_a_project_it_says_so(repo: Path, cli: Cli, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "bare-of-tasks")
    done = cli("import", "beads", str(repo / "issues.jsonl"), cwd=tmp_path / "bare-of-tasks", code=1)
    assert "gittasks init" in done.stderr


def test_help_shows_an_example(cli: Cli) -> None:
    assert "gittasks import beads .beads/issues.jsonl --dry-run" in cli("import", "--help").stdout
