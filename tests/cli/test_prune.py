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
