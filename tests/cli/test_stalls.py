from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Cli
from tests.runtime.stage import nothing_remains, until


def test_a_silent_run_is_shown_as_stalled_with_its_last_lines(repo: Path, cli: Cli) -> None:
    with nothing_remains():
        look_at_a_stall(repo, cli)


def look_at_a_stall(repo: Path, cli: Cli) -> None:
    cli("init")
    cli("add", "One")
    script = "echo first; echo 'la\033[31mst'; until [ -e .git/go ]; do sleep 0.02; done"
    run = cli("run", "--task", "1", "--stall-after", "100ms", "--", "sh", "-c", script).stdout.strip()
    until(lambda: "running (stalled)" in cli("runs").stdout)
    (line,) = cli("runs").stdout.splitlines()
    assert "[no output for " in line
    assert line.endswith(": la\\x1b[31mst]")
    (found,) = json.loads(cli("runs", "--json").stdout)["runs"]
    assert found["output_bytes"] == len("first\nla\033[31mst\n") and found["last_output_time"]
    details = cli("runs", run).stdout
    assert "    first\n    la\\x1b[31mst" in details and "(16 B)" in details
    assert found["status"] == "running" and found["stalled"]["lines"] == ["first", "la\x1b[31mst"]
    shown = cli("show", "1").stdout
    assert "    | first\n    | la\\x1b[31mst\n" in shown
    task = json.loads(cli("show", "1", "--json").stdout)["task"]
    assert task["runs"][0]["stalled"]["since"] == found["last_output_time"]
    (repo / ".git" / "go").touch()
    cli("wait", run)
    assert "stalled" not in cli("runs").stdout
    (ended,) = json.loads(cli("runs", "--json").stdout)["runs"]
    assert "stalled" not in ended
