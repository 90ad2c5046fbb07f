from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import PYTHON, Cli

pytestmark = pytest.mark.usefixtures("apart")


def logs(repo: Path, *args: str) -> bytes:
    return subprocess.run(
        (sys.executable, "-m", "gittasks", "logs", *args), cwd=repo, capture_output=True, check=True
    ).stdout


def test_bytes_come_out_as_they_went_in(repo: Path, cli: Cli) -> None:
    script = "import os; os.write(1, bytes(range(256)))"
    started = cli("run", "--", sys.executable, "-c", script).stdout.strip()
    cli("wait", started)
    assert logs(repo, started) == bytes(range(256))
    assert logs(repo, started[:4], "--tail", "1") == bytes(range(11, 256))
    document = json.loads(logs(repo, started, "--json"))
    assert document["run"]["id"] == started
    assert document["output"].startswith("\x00\x01")


def test_the_last_lines(repo: Path, cli: Cli) -> None:
    run = cli("run", "--", "seq", "1000").stdout.strip()
    cli("wait", run)
    assert cli("logs", run, "--tail", "3").stdout == "998\n999\n1000\n"
    assert cli("logs", run, "--tail", "0").stdout == ""
    assert cli("logs", run, "--tail", "5000").stdout.startswith("1\n2\n")


def test_following_ends_with_the_run(repo: Path, cli: Cli) -> None:
    script = "seq 5; until [ -e .git/go ]; do sleep 0.02; done; printf end"
    run = cli("run", "--shell", "--", script).stdout.strip()
    argv = (sys.executable, "-m", "gittasks", "logs", "-f", "--tail", "2", run)
    while cli("logs", run).stdout != "1\n2\n3\n4\n5\n":
        pass
    with subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE) as following:
        assert following.stdout is not None
        assert following.stdout.readline() == b"4\n"
        (repo / ".git" / "go").touch()
        assert following.stdout.read() == b"5\nend"
        assert following.wait() == 0


def on_terminal(repo: Path, *args: str) -> bytes:
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(repo)
        os.execv(sys.executable, (sys.executable, "-m", "gittasks", *args))
    output = b""
    while True:
        try:
            block = os.read(terminal, 10_000)
        except OSError:
            break
        if not block:
            break
        output += block
    os.waitpid(pid, 0)
    os.close(terminal)
    return output


def test_a_terminal_gets_no_control_characters_unless_asked(repo: Path, cli: Cli) -> None:
    run = cli("run", "--", "printf", r"\033]0;gotcha\007\r\nfoo\303\244\nlone\rreturn").stdout.strip()
    cli("wait", run)
    shown = on_terminal(repo, "logs", run)
    assert shown == "\\x1b]0;gotcha\\x07\r\nfooä\r\nlone\\rreturn".encode()
    assert b"\x1b]0;gotcha\x07" in on_terminal(repo, "logs", "--raw", run)


def test_an_unknown_or_ambiguous_run(cli: Cli) -> None:
    cli("run", "--wait", "--", "true")
    cli("run", "--wait", "--", "true")
    assert "no run 'zzz'" in cli("logs", "zzz", code=1).stderr
    assert "may be any of 2 runs" in cli("logs", "b", code=2).stderr
    cli("logs", "", code=1)
    assert "\x1b" not in cli("logs", "\x1b[31m", code=1).stderr


def test_output_that_the_disk_did_not_take_is_told(repo: Path, cli: Cli) -> None:
    call = f"ulimit -f 64; exec {PYTHON} -m gittasks run -- head -c 200000 /dev/zero"
    done = subprocess.run(("sh", "-c", call), cwd=repo, capture_output=True, text=True, check=True)
    run = done.stdout.strip()
    assert cli("wait", run).stdout.rstrip().endswith("[output cut]")
    told = "not all of the output is here: it was over its limit, or the disk took no more\n"
    for words in (("logs", run), ("logs", "-f", run)):
        shown = cli(*words)
        assert 0 < len(shown.stdout) < 200_000 and shown.stderr == told
    assert cli("notices").stdout.rstrip().endswith("[output cut]")
