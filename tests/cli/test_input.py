from __future__ import annotations

import json

import pytest

from tests.conftest import Cli
from tests.runtime.stage import until

pytestmark = pytest.mark.usefixtures("apart")

READ = 'while read line; do echo "got $line"; [ "$line" = bye ] && exit 5; done'


def test_lines_and_bytes(cli: Cli) -> None:
    run = cli("run", "--input", "--shell", "--", READ).stdout.strip()
    assert cli("input", run, "--", "-one").stdout == ""
    until(lambda: cli("logs", run).stdout == "got -one\n")
    document = json.loads(cli("input", run[:6], "-", "--json", stdin="two\nbye\n").stdout)
    assert (document["run"]["id"], document["bytes"]) == (run, 8)
    cli("wait", run, code=1)
    assert cli("logs", run).stdout == "got -one\ngot two\ngot bye\n"
    late = cli("input", run, "late", code=1)
    assert "has ended" in late.stderr
    assert "--input" in late.stderr


def test_a_terminal(cli: Cli) -> None:
    run = cli("run", "--pty", "--", "sh", "-c", "read x; test -t 0 && echo hello $x").stdout.strip()
    cli("input", run, "ada")
    cli("wait", run)
    assert cli("logs", run).stdout.replace("\r\n", "\n") == "ada\nhello ada\n"


def test_a_run_that_reads_nothing(cli: Cli) -> None:
    run = cli("run", "--", "sleep", "600").stdout.strip()
    assert "without an input" in cli("input", run, "x", code=1).stderr
    cli("input", "zz", "x", code=1)
    cli("input", run, code=2)
    cli("kill", run)
