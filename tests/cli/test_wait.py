from __future__ import annotations

import json
import time

import pytest

from tests.conftest import Cli

pytestmark = pytest.mark.usefixtures("apart")


def test_it_waits_for_all_and_tells_how_they_ended(cli: Cli) -> None:
    good = cli("run", "--", "sleep", "0.2").stdout.strip()
    bad = cli("run", "--", "sh", "-c", "exit 2").stdout.strip()
    assert "completed" in cli("wait", good).stdout
    done = cli("wait", good, bad[:5], "--json", code=1)
    assert [run["status"] for run in json.loads(done.stdout)["runs"]] == ["completed", "failed"]


def test_the_time_is_up(cli: Cli) -> None:
    run = cli("run", "--", "sleep", "600").stdout.strip()
    begun = time.monotonic()
    done = cli("wait", run, "--timeout", "0.1", code=4)
    assert time.monotonic() - begun < 30
    assert "the time is up" in done.stderr
    assert "running" in done.stdout
    cli("kill", run)


def test_an_unknown_run_keeps_it_from_waiting(cli: Cli) -> None:
    run = cli("run", "--", "sleep", "600").stdout.strip()
    cli("wait", run, "zzz", code=1)
    cli("kill", run)
