"""`gittasks doctor`: what it prints, what it answers, and that nothing of it is a stranger's raw text."""

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
    for number in (1, 2):
        task = Task(TaskId(number), uid=f"{number:016x}", subject="x", created="2026-11-23T10:00:00Z")
        (repo / f".tasks/{number}.yaml").write_bytes(format_task(task))
    git(repo, "add", ".tasks")
    git(repo, "commit", "-q", "-m", "plan")


def _append(repo: Path, number: int, text: str) -> None:
    with (repo / f".tasks/{number}.yaml").open("a") as file:
        file.write(text)


def test_nothing_wrong_is_exit_0_and_said(cli: Cli) -> None:
    for args in ((), ("--fix",)):
        done = cli("doctor", *args)
        assert (done.stdout, done.stderr) == ("", "nothing is wrong\n")


def test_each_finding_comes_with_its_cure_and_exit_1_until_it_is_mended(repo: Path, cli: Cli) -> None:
    _append(repo, 1, "\nblocks: [2]\n")
    done = cli("doctor", code=1)
    what = "blocks #2 from the wrong side: an edge stands on the task that waits"
    assert done.stdout.splitlines() == [
        f"warning  misplaced-edge  .tasks/1.yaml: {what}",
        "         cure: `gittasks doctor --fix` moves it",
    ]
    fixed = cli("doctor", "--fix")
    assert fixed.stdout.startswith("mended   misplaced-edge  .tasks/1.yaml: ")
    assert fixed.stderr == "all is mended\n"
    assert git(repo, "status", "--porcelain") == "M  .tasks/2.yaml"
    assert cli("doctor").stdout == ""


def test_what_cannot_be_mended_stays_exit_1_beside_what_was(repo: Path, cli: Cli) -> None:
    _append(repo, 1, "\nblocks: [2]\n")
    (repo / ".tasks/idea.yaml").write_text("subject: x\n")
    done = cli("doctor", "--fix", code=1)
    assert [line.split()[:2] for line in done.stdout.splitlines()] == [
        ["mended", "misplaced-edge"],
        ["error", "strange-name"],
        ["cure:", "rename"],
    ]


def test_information_alone_is_no_fault(repo: Path, cli: Cli) -> None:
    cli("edit", "1", "--status", "in_progress")
    done = cli("doctor")
    assert done.stdout.startswith("info     no-worktree  .tasks/1.yaml: ")


def test_json(repo: Path, cli: Cli) -> None:
    _append(repo, 1, "\nblocks: [2]\n")
    before = json.loads(cli("doctor", "--json", code=1).stdout)
    (finding,) = before.pop("findings")
    assert before == {"schema": 1, "mended": [], "refusals": [], "ok": False}
    assert finding == {
        "severity": "warning",
        "code": "misplaced-edge",
        "where": ".tasks/1.yaml",
        "what": "blocks #2 from the wrong side: an edge stands on the task that waits",
        "cure": "`gittasks doctor --fix` moves it",
        "fixable": True,
    }
    after = json.loads(cli("doctor", "--fix", "--json").stdout)
    assert after == {"schema": 1, "findings": [], "mended": [finding], "refusals": [], "ok": True}


def test_bad_settings_do_not_stop_the_mending(repo: Path, cli: Cli) -> None:
    (repo / ".tasks/config.yaml").write_text("commit: never\n")
    _append(repo, 1, "\nblocks: [2]\n")
    done = cli("doctor", "--fix", code=1)
    assert [line.split()[1] for line in done.stdout.splitlines()][:2] == ["misplaced-edge", "bad-config"]


def test_hostile_names_are_not_printed_raw(repo: Path, cli: Cli) -> None:
    (repo / ".tasks/x\x1b[31m\u202e.yaml").write_text("")
    (repo / ".tasks/config.yaml").write_text('"\\e[31m": 1\n')
    done = cli("doctor", code=1)
    assert not {"\x1b", "\u202e"} & set(done.stdout + done.stderr)
    assert "x\\x1b[31m\\u202e.yaml" in done.stdout


def test_without_a_project_there_is_nothing_to_examine(cli: Cli, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "other")
    done = cli("doctor", cwd=tmp_path / "other", code=1)
    assert "gittasks init" in done.stderr


def test_of_many_of_a_kind_the_first_are_named_and_the_rest_is_counted(repo: Path, cli: Cli) -> None:
    for number in range(10, 35):
        (repo / f".tasks/{number}.yaml").write_text("subject: [\n")
    done = cli("doctor", code=1)
    assert done.stdout.count("error    bad-file") == 20
    assert done.stdout.endswith("\n         and 5 more bad-file; --json names them all\n")
    assert len(json.loads(cli("doctor", "--json", code=1).stdout)["findings"]) == 25
    read = cli("list", code=1)
    assert len(read.stderr.splitlines()) == 21
    assert read.stderr.endswith("\ngittasks: and 5 more; `gittasks doctor --json` names them all\n")
