from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.runtime.stage import until

pytestmark = pytest.mark.usefixtures("apart")


def _is_up(cli: Cli, run: str) -> bool:
    return cli("logs", run).stdout == "up\n"


def test_it_ends_whole_trees(cli: Cli) -> None:
    runs = [
        cli("run", "--shell", "--", "sleep 600 & setsid sleep 600 & wait").stdout.strip() for _ in range(2)
    ]
    done = cli("kill", *runs)
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["killed", "killed"]
    statuses = [run["status"] for run in json.loads(cli("runs", "--json").stdout)["runs"]]
    assert statuses == ["killed", "killed"]
    assert cli("wait", runs[0], code=1)


def test_it_gives_time_to_end_and_then_no_more(repo: Path, cli: Cli) -> None:
    polite = cli("run", "--shell", "--", "trap 'echo bye; exit' TERM; echo up; while :; do sleep 0.02; done")
    stubborn = cli("run", "--shell", "--", "trap '' TERM; echo up; while :; do sleep 0.02; done")
    runs = [polite.stdout.strip(), stubborn.stdout.strip()]
    for run in runs:
        until(partial(_is_up, cli, run))
    cli("kill", runs[0], "--grace", "30s")
    assert "bye" in cli("logs", runs[0]).stdout
    document = json.loads(cli("kill", runs[1], "--grace", "100ms", "--json").stdout)
    assert (document["runs"][0]["status"], document["runs"][0]["signal"]) == ("killed", 9)


def test_what_has_ended_stays_as_it_ended(cli: Cli) -> None:
    run = cli("run", "--", "true").stdout.strip()
    cli("wait", run)
    done = cli("kill", run)
    assert "had ended by itself: completed" in done.stderr
    assert "completed" in done.stdout
    cli("kill", "zzz", code=1)
