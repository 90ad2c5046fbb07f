from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Cli

pytestmark = pytest.mark.usefixtures("apart")


def test_each_end_is_told_once(cli: Cli) -> None:
    assert "nothing new" in cli("notices").stderr
    runs = [cli("run", "--", *command).stdout.strip() for command in (("true",), ("sh", "-c", "exit 3"))]
    live = cli("run", "--", "sleep", "600").stdout.strip()
    cli("wait", *runs, code=1)
    peeked = json.loads(cli("notices", "--peek", "--json").stdout)["notices"]
    told = json.loads(cli("notices", "--json").stdout)
    assert told["schema"] == 1
    assert {run["id"] for run in told["notices"]} == {run["id"] for run in peeked} == set(runs)
    assert all(run["notified"] for run in told["notices"])
    assert json.loads(cli("notices", "--json").stdout)["notices"] == []
    cli("kill", live)
    assert cli("notices").stdout.split()[0] == live
    assert all(run["notified"] for run in json.loads(cli("runs", "--json").stdout)["runs"])


def test_following_tells_of_each_end_as_it_comes(repo: Path, cli: Cli) -> None:
    argv = (sys.executable, "-m", "gittasks", "notices", "--follow")
    first = cli("run", "--wait", "--", "true").stdout.split()[0]
    with subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert following.stdout.readline().split()[0] == first
        second = cli("run", "--", "true").stdout.strip()
        assert following.stdout.readline().split()[0] == second
        following.kill()
    cli("notices", "--peek", "--follow", code=2)
