"""`gittasks resolve` as people and merge tools call it."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from gittasks.app.setup import init_project
from gittasks.workgraph.record import COMPLETED, IN_PROGRESS
from tests.app.forks import Fork, new_task
from tests.conftest import PYTHON, Cli, git


@pytest.fixture
def fork(repo: Path) -> Fork:
    """A merge that stopped: #1 has two conflicts, #2 none that fields cannot settle, #4 is two tasks."""
    made = Fork(repo).put(new_task(1, "1"), new_task(2, "2", labels=("b", "d")), new_task(3, "3"))
    made.commit("tasks")
    made.on("topic").edit(1, status=COMPLETED, owner="ann").edit(2, labels=("b", "c2", "d"))
    made.put(new_task(4, "b")).edit(3, blocked_by=(4,)).commit("topic")
    made.on("main").edit(1, status=IN_PROGRESS, owner="bob").edit(2, labels=("b", "c1", "d"))
    made.put(new_task(4, "a")).commit("main")
    assert not made.merge("topic")
    return made


def test_it_says_what_it_did_and_how_to_go_on(fork: Fork, cli: Cli) -> None:
    done = cli("resolve", code=4)
    assert done.stdout == (
        "#1 conflict: status: in_progress on main, completed on topic (was pending)\n"
        "#1 conflict: owner: bob on main, ann on topic\n"
        "#2 merged: Task 2\n"
        "#3 names tasks by their new numbers: Task 3\n"
        "#4 keeps its number: Task a\n"
        "#5 was #4 on topic: Task b\n"
    )
    assert "`gittasks resolve 1 --ours` takes main" in done.stderr
    assert "`gittasks resolve 1 --theirs` takes topic" in done.stderr
    assert "`gittasks resolve 1 --set status=VALUE`" in done.stderr
    done = cli("resolve", "#1", "--set", "owner=carol", "--set", "status=completed")
    assert done.stdout == "#1 merged: Task 1\n"
    assert "`git commit` ends the merge" in done.stderr
    assert (fork.task(1).owner, fork.task(1).status) == ("carol", COMPLETED)
    assert fork.go("commit", "--no-edit") and fork.status() == ""
    assert "nothing to resolve" in cli("resolve").stderr


def test_json(fork: Fork, cli: Cli) -> None:
    document = json.loads(cli("resolve", "--json", code=4).stdout)
    assert (document["schema"], document["operation"], document["left"]) == (1, "merge", [])
    assert document["ours"] == {"name": "main", "commit": git(fork.folder, "rev-parse", "main")}
    assert document["theirs"]["name"] == "topic"
    assert document["conflicts"][1] == {
        "id": 1,
        "subject": "Task 1",
        "field": "owner",
        "base": None,
        "ours": "bob",
        "theirs": "ann",
        "regions": [],
    }
    assert document["resolved"][-1] == {"id": 5, "subject": "Task b", "action": "renumbered", "was": 4}
    assert document["staged"] == [f".tasks/{number}.yaml" for number in (2, 3, 4, 5)]
    assert json.loads(cli("resolve", "--json", "--theirs").stdout)["conflicts"] == []


def test_a_dry_run(fork: Fork, cli: Cli) -> None:
    before = fork.status()
    done = cli("resolve", "--dry-run", code=4)
    assert "#5 was #4 on topic" in done.stdout and "dry run" in done.stderr
    assert fork.status() == before
    assert cli("resolve", "--dry-run", "--ours").returncode == 0
    assert fork.status() == before


def test_one_task_at_a_time(fork: Fork, cli: Cli) -> None:
    assert cli("resolve", "2").stdout == "#2 merged: Task 2\n"
    assert fork.unmerged() == [".tasks/1.yaml", ".tasks/4.yaml"]
    assert cli("resolve", "--set", "owner=", "--ours", ".tasks/1.yaml").returncode == 0
    assert (fork.task(1).owner, fork.task(1).status) == (None, IN_PROGRESS)
    assert fork.unmerged() == [".tasks/4.yaml"]


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        (("--ours", "--theirs"), 2, "not allowed with"),
        (("--set", "owner"), 2, "FIELD=VALUE"),
        (("--set", "status=running"), 2, "state of a run"),
        (("--set", "priority=9"), 2, "0 (highest) to 4"),
        (("1", "--set", "priority=0"), 2, "priority is not in conflict"),
        (("--set", "priority=0"), 2, "0 tasks are in conflict"),
        (("--set", "blockedBy=../x"), 2, "not a task"),
        (("../x",), 2, "not a task"),
        (("\x1b[31m",), 2, "\\x1b"),
    ],
)
def test_bad_calls_change_nothing(fork: Fork, cli: Cli, args: tuple[str, ...], code: int, words: str) -> None:
    before = fork.status()
    done = cli("resolve", *args, code=code)
    assert words in done.stderr and "\x1b" not in done.stderr
    assert fork.status() == before


def test_each_kind_of_value_can_be_given(repo: Path, cli: Cli) -> None:
    made = Fork(repo).put(new_task(1, "1"), new_task(2, "2"))
    made.commit()
    for branch, letter, more in (("topic", "x", b"\nref: 5\n"), ("main", "y", b"\nref: 6\n")):
        made.on(branch) if branch == "topic" else git(repo, "checkout", "-q", "main")
        made.put(new_task(1, "1", subject=letter, description=letter, priority=0 if letter == "x" else 4))
        made.edit(
            1, parent=2 if letter == "x" else None, created="2026-11-23T10:00:0" + "12"[letter == "x"] + "Z"
        )
        made.path(1).write_bytes(made.path(1).read_bytes() + more)
        made.commit()
    assert not made.merge("topic")
    given = ("subject=A = b", "description=one", "priority=1", "ref=[1]", "created=2026-11-24T10:00:00Z")
    cli("resolve", *(word for value in given for word in ("--set", value)))
    task = made.task(1)
    assert (task.subject, task.description, task.priority, task.parent) == ("A = b", "one", 1, 2)
    assert (task.created, task.extra) == ("2026-11-24T10:00:00Z", (("ref", [1]),))


def test_nothing_that_strangers_wrote_is_printed_raw(repo: Path, cli: Cli) -> None:
    made = Fork(repo).put(new_task(1, "1", description="x"))
    made.commit()
    git(repo, "checkout", "-q", "-b", "topic")
    made.edit(1, owner="\u202eann", description="\x1b[31mred").commit("\x1b[31mevil\u202e")
    git(repo, "checkout", "-q", "main")
    made.edit(1, owner="bob", description="y").commit()
    assert not made.go("cherry-pick", "topic")
    for args in ((), ("--json",), ("--dry-run",)):
        done = cli("resolve", *args, code=4)
        assert "\x1b" not in done.stdout + done.stderr
        assert args == ("--json",) or "\u202e" not in done.stdout + done.stderr
    assert "\\x1b[31mred" in cli("resolve", code=4).stdout


def answer(folder: Path, words: bytes, *args: str) -> tuple[int, str]:
    """Run `gittasks resolve` on a terminal where somebody types `words`; exit code, all that is shown."""
    main, side = pty.openpty()
    process = subprocess.Popen(
        (sys.executable, "-m", "gittasks", "resolve", *args),
        cwd=folder,
        stdin=side,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    os.close(side)
    os.write(main, words)
    shown, _ = process.communicate()
    os.close(main)
    return process.returncode, shown.decode()


def test_on_a_terminal_it_asks(fork: Fork) -> None:
    code, shown = answer(fork.folder, b"t\n\n")
    assert code == 4
    assert shown.count("take [o]urs (main), [t]heirs (topic), or leave it open?") == 2
    assert "#1 conflict: owner" in shown
    assert ".tasks/1.yaml" in fork.unmerged()
    code, shown = answer(fork.folder, b"theirs\nO\n")
    assert (code, fork.unmerged()) == (0, [])
    assert (fork.task(1).status, fork.task(1).owner) == (COMPLETED, "bob")


def test_as_a_merge_tool(fork: Fork) -> None:
    init_project(fork.project)
    done = subprocess.run(
        ("git", "-c", "mergetool.keepBackup=false", "mergetool", "--no-prompt", "--tool=gittasks"),
        cwd=fork.folder,
        capture_output=True,
        text=True,
        check=False,
        input="y\ny\n",  # go on after one that stays open
    )
    assert "#5 was #4 on topic" in done.stdout
    # The one that only a person can decide is left; git does not take it for merged.
    assert fork.unmerged() == [".tasks/1.yaml"]
    assert done.returncode != 0
    assert fork.task(2).labels == ("b", "c1", "c2", "d")
    git(
        fork.folder,
        "config",
        "mergetool.gittasks.cmd",
        f'{PYTHON} -P -m gittasks resolve --ours -- "$MERGED"',
    )
    git(fork.folder, "mergetool", "--no-prompt", "--tool=gittasks")
    assert fork.unmerged() == []
    assert fork.task(1).owner == "bob"


def test_paths_that_are_no_task_are_named(repo: Path, cli: Cli) -> None:
    made = Fork(repo).put(new_task(1, "1"))
    made.commit()
    for branch in ("topic", "main"):
        made.on(branch) if branch == "topic" else git(repo, "checkout", "-q", "main")
        made.edit(1, owner=branch)
        (repo / "README").write_text(branch)
        made.commit()
    assert not made.merge("topic")
    done = cli("resolve", "--ours")
    assert "still unmerged, and no task: README" in done.stderr
    assert "`git commit`" not in done.stderr


def test_nothing_to_do_in_a_new_project(cli: Cli, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    cli("init", cwd=tmp_path)
    assert "nothing to resolve" in cli("resolve", cwd=tmp_path).stderr


def test_outside_a_project(repo: Path, cli: Cli, tmp_path: Path) -> None:
    assert "gittasks init" in cli("resolve", code=1).stderr
    assert "not inside a git repository" in cli("resolve", cwd=tmp_path, code=1).stderr
