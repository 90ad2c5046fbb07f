from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.conftest import Cli

pytestmark = pytest.mark.usefixtures("apart")


def listed(cli: Cli) -> list[str]:
    return [run["id"] for run in json.loads(cli("runs", "--json").stdout)["runs"]]


def test_old_runs_go_with_their_outputs_and_live_ones_stay(repo: Path, cli: Cli) -> None:
    live = cli("run", "--", "sleep", "600").stdout.strip()
    ended = [cli("run", "--wait", "--", "echo", str(number)).stdout.split()[0] for number in range(3)]
    assert cli("prune").stdout == ""
    assert listed(cli) == [live, *ended]
    dry = cli("prune", "--keep", "1", "--dry-run", "--json")
    assert [run["id"] for run in json.loads(dry.stdout)["runs"]] == ended[:2]
    assert listed(cli) == [live, *ended]
    done = cli("prune", "--keep", "1")
    assert [line.split()[0] for line in done.stdout.splitlines()] == ended[:2]
    assert "2 runs forgotten, 4 bytes" in done.stderr
    assert "2 of them `notices` had told nobody of" in done.stderr
    assert listed(cli) == [live, ended[2]]
    cli("prune", "--older-than", "0")
    assert listed(cli) == [live]
    assert sorted(os.listdir(repo / ".task_outputs")) == [".gitignore", f"{live}.txt", "index.jsonl"]
    assert os.listdir(repo / ".git" / "gittasks" / "runs" / "ended") == []
    cli("kill", live)


def test_both_bounds_must_let_a_run_go(cli: Cli) -> None:
    run = cli("run", "--wait", "--", "true").stdout.split()[0]
    cli("prune", "--keep", "0", "--older-than", "1h")
    assert listed(cli) == [run]


def test_where_nothing_ever_ran(repo: Path, cli: Cli) -> None:
    assert "0 runs forgotten" in cli("prune").stderr
    assert not (repo / ".task_outputs").exists()


def test_the_oldest_go_until_the_rest_fits(cli: Cli) -> None:
    runs = [
        cli("run", "--wait", "--shell", "--", f"head -c {size} /dev/zero").stdout[:8]
        for size in (3000, 1000, 1000)
    ]
    cli("prune", "--max-size", "2k", "--older-than", "1h")
    cli("prune", "--max-size", "5000")
    assert listed(cli) == runs
    cli("prune", "--max-size", "2k")
    assert listed(cli) == runs[1:]
    cli("prune", "--max-size", "0", "--keep", "1")
    assert listed(cli) == runs[2:]
    cli("prune", "--max-size", "soon", code=2)


def test_a_live_run_that_the_index_calls_ended_stays(repo: Path, cli: Cli) -> None:
    live = cli("run", "--", "sh", "-c", "echo x; sleep 600").stdout.strip()
    index = repo / ".task_outputs" / "index.jsonl"
    line = index.read_bytes().splitlines()[-1]
    ended = line.replace(b'"running"', b'"completed"').replace(b'"end_time": null', b'"end_time": 1.0')
    with index.open("ab") as file:
        file.write(ended + b"\n")
    cli("prune", "--keep", "0")
    assert (repo / ".task_outputs" / f"{live}.txt").exists()
    cli("kill", live)
