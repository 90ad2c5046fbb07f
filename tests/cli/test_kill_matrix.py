"""Who started a run, who guards it, its command: each of them killed, alone and together, by SIGKILL.

After each: no process is left, the run has ended, and its record says why in words a person understands.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

from gittasks.base import identity
from tests.conftest import Cli
from tests.runtime.stage import until

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("apart")]

LOST = "its supervisor was killed while it ran: how the command ended is unknown"
SCRIPT = "echo up; until [ -e .git/go ]; do sleep 0.02; done; echo on; exit 3"

CLI, SUPERVISOR, COMMAND = "cli", "supervisor", "command"
# Who is killed; then status, reason, signal and message of the end, and what the output must hold.
CASES = [
    ((), "failed", "exit", None, None, "up\non\n"),
    ((CLI,), "failed", "exit", None, None, "up\non\n"),
    ((COMMAND,), "failed", "signal", 9, None, "up\n"),
    ((SUPERVISOR,), "failed", "lost", None, LOST, "up\non\n"),
    ((CLI, COMMAND), "failed", "signal", 9, None, "up\n"),
    ((CLI, SUPERVISOR), "failed", "lost", None, LOST, "up\non\n"),
    ((SUPERVISOR, COMMAND), "failed", "lost", None, LOST, "up\n"),
    ((COMMAND, SUPERVISOR), "failed", None, None, None, "up\n"),
    ((CLI, SUPERVISOR, COMMAND), "failed", "lost", None, LOST, "up\n"),
]


def _is_over(pid: int) -> bool:
    return (now := identity.read_stat(pid)) is None or now.has_ended


@pytest.mark.parametrize("case", CASES, ids=lambda case: "+".join(case[0]) or "nobody")
def test_who_is_killed(repo: Path, cli: Cli, case: tuple[object, ...]) -> None:
    victims, status, reason, number, message, output = case
    argv = (sys.executable, "-m", "gittasks", "run", "--wait", "--shell", "--", SCRIPT)
    starter = subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert starter.stdout is not None
    run = starter.stdout.readline().strip()
    assert starter.stdout.readline() == "up\n"
    (found,) = json.loads(cli("runs", "--json").stdout)["runs"]
    pids = {CLI: starter.pid, COMMAND: found["process"]["pid"], SUPERVISOR: _guard(repo, run)}
    assert isinstance(victims, tuple)
    for victim in victims:
        stat = identity.read_stat(pids[victim])
        if stat is not None:
            os.kill(pids[victim], signal.SIGKILL)
            until(partial(_is_over, pids[victim]))
    if CLI in victims:
        starter.wait()
    # Somebody looks, and sees to it; then whatever still waits may go on.
    cli("runs")
    (repo / ".git" / "go").touch()
    cli("wait", run, code=1)
    starter.wait()
    starter.stdout.close()
    (ended,) = json.loads(cli("runs", "--json").stdout)["runs"]
    assert (ended["status"], ended.get("phase")) == (status, None)
    if reason is not None:  # where the command dies first, its supervisor may or may not have seen it
        assert (ended["reason"], ended["signal"], ended["message"]) == (reason, number, message)
    assert ended["end_time"] >= ended["start_time"]
    assert cli("logs", run).stdout == output
    assert os.listdir(repo / ".git" / "gittasks" / "runs" / "live") == []


def _guard(repo: Path, run: str) -> int:
    record = (repo / ".git" / "gittasks" / "runs" / "live" / run / "record.json").read_bytes()
    return int(json.loads(record)["supervisor"]["pid"])


def test_two_hundred_runs_started_at_once(repo: Path, cli: Cli) -> None:
    argv = (
        sys.executable,
        "-m",
        "gittasks",
        "run",
        "--shell",
        "--",
        "echo $GITTASKS_RUN_ID; exit $(( $$ % 2 ))",
    )
    starters = [
        subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(200)
    ]
    answers = [starter.communicate() for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 200, {talk for _, talk in answers}
    runs = [told.strip() for told, _ in answers]
    assert len(set(runs)) == 200
    cli("wait", *runs, code=None)
    found = json.loads(cli("runs", "--all", "--json").stdout)["runs"]
    assert {run["id"] for run in found} == set(runs)
    assert {run["status"] for run in found} <= {"completed", "failed"}
    assert {run["reason"] for run in found} == {"exit"}
    for run in runs:
        assert (repo / ".task_outputs" / f"{run}.txt").read_text() == f"{run}\n"
    told = json.loads(cli("notices", "--json").stdout)["notices"]
    assert {notice["id"] for notice in told} == set(runs)
    assert os.listdir(repo / ".git" / "gittasks" / "runs" / "live") == []


def test_sixty_runs_for_one_slot_at_once(repo: Path, cli: Cli) -> None:
    script = "mkdir .git/held && echo alone && rmdir .git/held"
    argv = (sys.executable, "-m", "gittasks", "run", "--slots", "one=1", "--shell", "--", script)
    starters = [
        subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(60)
    ]
    answers = [starter.communicate() for starter in starters]
    assert [starter.returncode for starter in starters] == [0] * 60, {talk for _, talk in answers}
    cli("wait", *(told.strip() for told, _ in answers))


def test_a_kill_by_a_second_supervisor_says_what_it_cannot_know(cli: Cli, repo: Path) -> None:
    run = cli("run", "--", "sleep", "600").stdout.strip()
    os.kill(_guard(repo, run), signal.SIGKILL)
    killed = json.loads(cli("kill", run, "--json").stdout)["runs"][0]
    assert killed["status"] == "killed"
    assert killed["message"].startswith("its first supervisor was killed: ")
