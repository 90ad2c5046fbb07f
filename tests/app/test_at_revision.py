"""The tasks as they were: at a commit, a branch, a date."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gittasks.app import writing
from gittasks.app.at_revision import Past, UnknownMomentError, load_at
from gittasks.app.project import Project
from gittasks.workgraph import graph
from tests.app.desk import ONE, planned
from tests.conftest import Cli, git


@pytest.fixture
def main(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """Planned on the first day, #1 completed on the third."""
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-03-01T12:00:00Z")
    project = planned(repo)
    monkeypatch.setenv("GIT_COMMITTER_DATE", "2026-03-03T12:00:00Z")
    done = {"status": "completed", "description": "all\nof it"}
    writing.edit_task(project, ONE, lambda task: done, purpose="done", commit=True)
    return project


def statuses(project: Project, moment: str) -> list[str]:
    return [row.status for row in load_at(project, moment).rows]


@pytest.mark.parametrize(
    ("moment", "status"),
    [
        ("HEAD", "completed"),
        ("main", "completed"),
        ("HEAD~1", "pending"),
        ("2026-03-02", "pending"),
        ("2026-03-02T10:00:00+02:00", "pending"),
        ("2026-03-03T11:59Z", "pending"),
        ("2026-03-03T12:00:01Z", "completed"),
    ],
)
def test_a_revision_and_a_date_name_a_moment(main: Project, moment: str, status: str) -> None:
    assert statuses(main, moment)[0] == status


@pytest.mark.parametrize("moment", ["no-such", "", "--all", "2026-02-01", "2026-99-99", "now-ish", "HEAD:x"])
def test_what_names_no_commit_is_refused(main: Project, moment: str) -> None:
    with pytest.raises(UnknownMomentError):
        load_at(main, moment)


def test_before_there_were_tasks_there_are_none(main: Project) -> None:
    past = load_at(main, "HEAD~2")
    assert (past.rows, past.tasks(), past.problems, past.find(1)) == ([], [], [], None)


def test_readiness_and_full_records_are_those_of_then(main: Project) -> None:
    before, after = load_at(main, "HEAD~1"), load_at(main, "HEAD")
    assert ready_ids(before) == [1]
    assert ready_ids(after) == [2]
    assert after.full([row for row in after.rows if row.id == 1])[0].description == "all\nof it"
    assert before.tasks()[0].description == "as reported"


def ready_ids(past: Past) -> list[int]:
    return [row.id for row in past.rows if graph.is_ready(row, past.derived)]


def test_bad_files_of_then_are_named_and_hide_nothing(main: Project, repo: Path) -> None:
    (repo / ".tasks" / "7.yaml").write_text("<<<<<<< HEAD\n")
    (repo / ".tasks" / "8.yaml").symlink_to("1.yaml")
    (repo / ".tasks" / "9.yaml").write_text("id: 9\nsubject: " + "x" * (1 << 20) + "\n")
    (repo / ".tasks" / "1").mkdir()
    (repo / ".tasks" / "1" / "note.md").write_text("words\n")
    git(repo, "add", "-A")
    git(repo, "commit", "-qm", "bad")
    past = load_at(main, "HEAD")
    assert [row.id for row in past.rows] == [1, 2]
    short = git(repo, "rev-parse", "HEAD")[:10]
    assert {problem.path for problem in past.problems} == {f"{short}:.tasks/{n}.yaml" for n in (7, 8, 9)}


def test_uncommitted_work_and_other_worktrees_do_not_count(main: Project, repo: Path) -> None:
    writing.edit_task(main, ONE, lambda task: {"status": "pending"}, purpose="reopen")
    assert statuses(main, "HEAD")[0] == "completed"


def test_the_option_of_list(main: Project, cli: Cli) -> None:
    assert "#1" in cli("list", "--at", "2026-03-02").stdout
    assert "#1" not in cli("list", "--at", "HEAD").stdout
    document = json.loads(cli("list", "--at", "HEAD~1", "--json").stdout)
    assert [task["status"] for task in document["tasks"]] == ["pending", "pending"]
    cli("list", "--at", "nowhere", code=1)
    cli("list", "--at", "HEAD", "--here", code=2)


def test_a_claim_of_now_says_nothing_of_then(main: Project, cli: Cli) -> None:
    cli("claim", "2", "--owner", "bob")
    assert "claimed" in cli("list").stdout
    assert "claimed" not in cli("list", "--at", "HEAD").stdout
    (task,) = json.loads(cli("list", "--at", "HEAD", "--json").stdout)["tasks"]
    assert (task["id"], task["ready"]) == (2, True)
