"""`gittasks export` as people call it."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.conftest import Cli, git


@pytest.fixture(autouse=True)
def _tasks(cli: Cli) -> None:
    cli("init")
    plan = (
        '{"key": "a", "subject": "One", "status": "completed"}\n{"subject": "Zwei: ü", "blockedBy": ["a"]}\n'
    )
    cli("add", "--from", "-", stdin=plan)
    cli("note", "1", "a word")
    cli("add", "gone")
    cli("delete", "3")


def test_json_holds_everything(cli: Cli) -> None:
    for arguments in (("export", "json"), ("export", "json", "--json")):
        document = json.loads(cli(*arguments).stdout)
        assert document["schema"] == 1
        assert [task["subject"] for task in document["tasks"]] == ["One", "Zwei: ü", "gone"]
        assert [note["text"] for note in document["tasks"][0]["notes"]] == ["a word"]
        assert document["tasks"][1]["blockedBy"] == [1]


def test_a_table(cli: Cli) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("export", "csv").stdout)))
    assert [(row["id"], row["subject"], row["status"], row["blockedBy"]) for row in rows] == [
        ("1", "One", "completed", ""),
        ("2", "Zwei: ü", "pending", "1"),
        ("3", "gone", "deleted", ""),
    ]


def test_beads_lines(cli: Cli) -> None:
    issues = [json.loads(line) for line in cli("export", "beads").stdout.splitlines()]
    assert [(issue["id"], issue["status"]) for issue in issues] == [
        ("gt-1", "closed"),
        ("gt-2", "open"),
        ("gt-3", "tombstone"),
    ]
    assert issues[1]["dependencies"][0]["depends_on_id"] == "gt-1"


def test_a_checklist_of_open_tasks(cli: Cli) -> None:
    assert cli("export", "markdown", "--open").stdout == (
        "# Tasks\n\n0 of 1 done.\n\n## Pending (1)\n\n- [ ] #2 Zwei: ü\n"
    )


def test_into_a_file(repo: Path, cli: Cli) -> None:
    done = cli("export", "csv", "-o", "out.csv")
    assert (done.stdout, done.stderr) == ("", "3 tasks written to out.csv\n")
    assert (repo / "out.csv").read_text() == cli("export", "csv").stdout
    document = json.loads(cli("export", "csv", "-o", "out.csv", "--json").stdout)
    assert document == {"schema": 1, "kind": "csv", "file": "out.csv", "count": 3, "problems": []}
    assert "is a folder" in cli("export", "csv", "-o", ".", code=2).stderr
    assert "does not exist" in cli("export", "csv", "-o", "no/where.csv", code=2).stderr


def test_a_document_around_other_forms(cli: Cli) -> None:
    document = json.loads(cli("export", "markdown", "--json").stdout)
    assert document["text"] == cli("export", "markdown").stdout


def test_a_bad_file_is_named_and_the_rest_comes_out(repo: Path, cli: Cli) -> None:
    (repo / ".tasks/2.yaml").write_text("id: [")
    done = cli("export", "csv", code=1)
    assert ".tasks/2.yaml" in done.stderr
    assert [row["id"] for row in csv.DictReader(io.StringIO(done.stdout))] == ["1", "3"]


def test_exporting_changes_nothing(repo: Path, cli: Cli) -> None:
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "x")
    for kind in ("json", "csv", "beads", "markdown"):
        cli("export", kind)
    assert git(repo, "status", "--porcelain") == ""


def test_usage(cli: Cli) -> None:
    assert "invalid choice" in cli("export", "nonsense", code=2).stderr
    assert "gittasks export csv > tasks.csv" in cli("export", "--help").stdout
