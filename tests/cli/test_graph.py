"""`gittasks graph`, as a user calls it."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.conftest import Cli


def write(repo: Path, number: int, *lines: str, subject: str = "") -> None:
    """A task file by hand, as a merge or an editor may leave it."""
    text = "\n".join([f"id: {number}", f"subject: {subject or f'Task {number}'}", *lines])
    (repo / ".tasks" / f"{number}.yaml").write_text(text + "\n")


@pytest.fixture
def plan(cli: Cli, repo: Path) -> Cli:
    """#1 completed, #2 <- #3 <- #4 open, #5 alone."""
    (repo / ".tasks").mkdir()
    write(repo, 1, "status: completed")
    write(repo, 2, "blockedBy: [1]", "owner: alice")
    write(repo, 3, "blockedBy: [1, 2]")
    write(repo, 4, "blockedBy: [2, 3]")
    write(repo, 5)
    return cli


def test_a_tree_of_what_is_open(plan: Cli) -> None:
    done = plan("graph")
    assert done.stderr == ""
    assert done.stdout.split("\n") == [
        "○ #2 Task 2  @alice",
        "╘═ · #3 Task 3",
        "   ╘═ · #4 Task 4",
        "",
        "○ #5 Task 5",
        "",
        "○ ready  · waiting",
        "═ critical path, 3 tasks: #2 #3 #4",
        "",
    ]


def test_a_terminal_without_unicode_gets_ascii(plan: Cli, repo: Path) -> None:
    done = plan("graph", "--all", env={"PYTHONIOENCODING": "ascii"})
    assert done.stdout.split("\n")[:3] == ["x #1 Task 1", "`- o #2 Task 2  @alice", "   `= . #3 Task 3"]
    plan("graph", "-o", "plan.txt", env={"PYTHONIOENCODING": "ascii"})
    assert (repo / "plan.txt").read_text(encoding="utf-8").startswith("○ #2")


def test_all_one_task_and_the_critical_path(plan: Cli) -> None:
    assert "✓ #1 Task 1" in plan("graph", "--all").stdout
    assert "Task 5" not in plan("graph", "#3").stdout
    assert "✓ #1 Task 1" in plan("graph", "3").stdout
    assert "Task 5" not in plan("graph", "--critical").stdout


def test_json(plan: Cli) -> None:
    document = json.loads(plan("graph", "--json").stdout)
    assert (document["schema"], document["criticalPath"], document["cycles"]) == (1, [2, 3, 4], [])
    assert [node["id"] for node in document["nodes"]] == [2, 3, 4, 5]
    assert {"from": 2, "to": 4, "implied": True} in document["edges"]
    assert document["problems"] == []
    assert json.loads(plan("graph", "--format", "json").stdout) == document


def test_a_file_gets_the_format_its_name_says(plan: Cli, repo: Path) -> None:
    done = plan("graph", "-o", "plan.svg")
    assert (done.stdout, done.stderr) == ("", "wrote plan.svg\n")
    assert ElementTree.parse(repo / "plan.svg").getroot().get("role") == "img"
    plan("graph", "-o", "plan.mmd")
    assert (repo / "plan.mmd").read_text().startswith("flowchart LR\n")
    plan("graph", "-o", "plan.gv")
    assert (repo / "plan.gv").read_text().startswith("digraph")
    plan("graph", "-o", "plan.svg", "--format", "dot")
    assert (repo / "plan.svg").read_text().endswith("}\n")
    plan("graph", "-o", "plan.txt", "--json")
    assert json.loads((repo / "plan.txt").read_text())["schema"] == 1


def test_a_file_is_meant_relative_to_the_folder_of_the_call(plan: Cli, repo: Path) -> None:
    (repo / "docs").mkdir()
    plan("graph", "-o", "plan.svg", cwd=repo / "docs")
    assert (repo / "docs" / "plan.svg").is_file()


@pytest.mark.parametrize("file", ["", "docs", "gone/plan.svg"])
def test_a_file_that_cannot_be_one(plan: Cli, repo: Path, file: str) -> None:
    (repo / "docs").mkdir()
    assert "expected a file name" in plan("graph", "-o", file, code=2).stderr


def test_json_excludes_other_formats(plan: Cli) -> None:
    assert "exclude each other" in plan("graph", "--json", "--format", "svg", code=2).stderr


def test_cycles_and_missing_blockers_are_said_and_drawn(plan: Cli, repo: Path) -> None:
    write(repo, 2, "blockedBy: [4]")
    write(repo, 5, "blockedBy: [77]")
    done = plan("graph")
    assert "these wait for each other: #2 -> #4 -> #2" in done.stderr
    assert "#5 waits for #77, which does not exist or cannot be read" in done.stderr
    assert "↻ #2 Task 2" in done.stdout
    assert "? #77" in done.stdout
    assert json.loads(plan("graph", "--json").stdout)["cycles"] == [[2, 4, 2]]


def test_a_bad_file_hides_nothing_else(plan: Cli, repo: Path) -> None:
    write(repo, 3, "priority: high")
    done = plan("graph", code=1)
    assert ".tasks/3.yaml:3: priority" in done.stderr
    assert "╘═ · #4 Task 4" in done.stdout
    assert "? #3 no readable task has this id\n└─ → #4" in done.stdout
    assert json.loads(plan("graph", "--json", code=1).stdout)["problems"][0]["field"] == "priority"


def test_nothing_to_draw(cli: Cli) -> None:
    cli("init")
    done = cli("graph")
    assert (done.stdout, done.stderr) == ("", "no open tasks\n")
    assert "no open task waits for another one" in cli("graph", "--critical").stderr
    assert ElementTree.fromstring(cli("graph", "--format", "svg").stdout) is not None
    assert "no task #9 here" in cli("graph", "9", code=1).stderr


def test_a_chart_too_large_for_mermaid_is_told_of(cli: Cli, repo: Path) -> None:
    (repo / ".tasks").mkdir()
    write(repo, 1)
    for number in range(2, 503):
        write(repo, number, "blockedBy: [1]")
    done = cli("graph", "--format", "mermaid")
    assert done.stdout.count("-->") + done.stdout.count("==>") == 501
    assert "at most 500 arrows" in done.stderr


def test_on_a_terminal_lines_are_cut_to_its_width(plan: Cli, repo: Path) -> None:
    write(repo, 5, subject="word " * 90)
    leader, follower = pty.openpty()
    try:
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 50, 0, 0))
        argv = (sys.executable, "-m", "gittasks", "graph")
        subprocess.run(argv, cwd=repo, stdout=follower, stderr=subprocess.PIPE, check=True)
        lines = os.read(leader, 4096).decode().split("\r\n")
    finally:
        os.close(follower)
        os.close(leader)
    assert lines[4].startswith("○ #5 word word")
    assert (len(lines[4]), lines[4][-1]) == (50, "…")
