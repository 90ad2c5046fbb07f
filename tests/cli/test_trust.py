"""`gittasks trust`: what is shown, who is asked, what is answered."""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import Cli

CHECKS = (
    'checks:\n  tests: [pytest, -q, "a b"]\n  lint: "make \\e[31mlint"\nagents:\n  claude: [claude, -p]\n'
)


@pytest.fixture
def settings(repo: Path) -> Path:
    (repo / ".tasks").mkdir()
    path = repo / ".tasks/config.yaml"
    path.write_text(CHECKS)
    return path


def test_a_call_without_a_terminal_is_the_consent_and_shows_what_was_trusted(
    settings: Path, cli: Cli
) -> None:
    assert cli("trust", "--status", code=1).stdout.splitlines() == [
        "check tests: pytest -q 'a b'",
        "check lint: sh -c 'make \\x1b[31mlint'",
        "agent claude: claude -p",
        ".tasks/config.yaml: not trusted in this clone: nothing of it runs",
    ]
    trusted = cli("trust").stdout.splitlines()
    assert trusted[0] == "check tests: pytest -q 'a b'"
    assert trusted[-1].startswith(".tasks/config.yaml: trusted in this clone since 20")
    assert cli("trust", "--status").stdout.splitlines() == trusted


def test_a_change_and_a_revocation_ask_again(settings: Path, cli: Cli) -> None:
    cli("trust")
    settings.write_text(CHECKS + "# x\n")
    assert "changed since it was trusted" in cli("trust", "--status", code=1).stdout
    cli("trust", "--yes")
    assert "not trusted" in cli("trust", "--revoke").stdout
    assert "not trusted" in cli("trust", "--status", code=1).stdout


def test_json(settings: Path, cli: Cli) -> None:
    before = json.loads(cli("trust", "--status", "--json", code=1).stdout)
    assert (before["schema"], before["state"], before["since"]) == (1, "untrusted", None)
    assert before["checks"]["lint"] == ["sh", "-c", "make \x1b[31mlint"]
    after = json.loads(cli("trust", "--json").stdout)
    assert (after["state"], after["sha256"], after["agents"]) == (
        "trusted",
        before["sha256"],
        {"claude": {"command": ["claude", "-p"], "resume": [], "prompt": "argument"}},
    )


def test_without_commands_there_is_nothing_to_do(settings: Path, cli: Cli) -> None:
    settings.write_text("comit: auto\n")
    done = cli("trust")
    assert done.stdout == ".tasks/config.yaml: names no commands: there is nothing to trust\n"
    assert "did you mean commit?" in done.stderr


def test_bad_settings_are_named_with_their_line(settings: Path, cli: Cli) -> None:
    settings.write_text("checks:\n  a: 3\n")
    done = cli("trust", code=1)
    assert ".tasks/config.yaml:2: checks.a: is 3: expected a list" in done.stderr


@pytest.mark.parametrize(("answer", "trusted"), [("y", True), ("n", False), ("", False)])
def test_a_person_is_asked(settings: Path, repo: Path, cli: Cli, answer: str, trusted: bool) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        (sys.executable, "-m", "gittasks", "trust"), cwd=repo, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    said = _read_until(ours, "[y/N] ")
    assert "check tests: pytest -q 'a b'" in said and "\x1b" not in said
    os.write(ours, answer.encode() + b"\n")
    assert process.wait(timeout=10) == (0 if trusted else 1)
    os.close(ours)
    assert cli("trust", "--status", code=None).returncode == (0 if trusted else 1)


def _read_until(fd: int, text: str) -> str:
    said = ""
    deadline = time.monotonic() + 10
    while text not in said:
        assert time.monotonic() < deadline, said
        if select.select([fd], [], [], 0.5)[0]:
            said += os.read(fd, 4096).decode()
    return said
