"""Drawing in place, seen through a real terminal (a pty) and a small model of one."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from gittasks.base.text import clip
from gittasks.cli.screen import Screen
from tests.conftest import Cli
from tests.runtime.stage import until


class Terminal:
    """A pty with a size, and what a person would see on it."""

    def __init__(self, columns: int, rows: int) -> None:
        self.ours, self.theirs = pty.openpty()
        self.columns, self.rows = columns, rows
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.set_blocking(self.ours, False)
        self.raw = ""
        self.lines = [""]
        self.at = 0

    def read(self) -> list[str]:
        """All lines, scrolled away ones too, as they are now."""
        try:
            data = os.read(self.ours, 1 << 16).decode()
        except (BlockingIOError, OSError):
            return self.lines
        self.raw += data
        for token in re.findall(r"\x1b\[\d*[A-Za-z]|\r|\n|[^\x1b\r\n]+", data):
            self._feed(token)
        return self.lines

    def _feed(self, token: str) -> None:
        if token == "\n":
            self.at += 1
            self.lines += [""] * (self.at + 1 - len(self.lines))
        elif token.endswith("A") and token[0] == "\x1b":
            # It cannot go above the first row in view.
            self.at = max(self.at - int(token[2:-1]), len(self.lines) - self.rows, 0)
        elif token == "\x1b[J":
            self.lines = [*self.lines[: self.at], ""]
        elif token not in ("\r", "\x1b[K"):
            assert "\x1b" not in token
            self.lines[self.at] = token
            assert len(token) <= self.columns, "it would wrap"

    def close(self) -> None:
        os.close(self.ours)
        os.close(self.theirs)


def test_it_draws_in_place_and_within_the_terminal() -> None:
    terminal = Terminal(20, 6)
    with os.fdopen(os.dup(terminal.theirs), "w") as stream:
        screen = Screen.find(stream, {"TERM": "xterm"})
        assert screen is not None
        assert Screen.find(stream, {"TERM": "dumb"}) is None
        for number in range(3):
            screen.draw([f"line {n} of {number} " + "x" * 50 for n in range(3)])
        assert terminal.read() == [f"line {n} of 2 xxxxxxx…" for n in range(3)] + [""]
        screen.draw(["one"])
        assert terminal.read() == ["one", ""]
        screen.draw([str(n) for n in range(100)])
        assert terminal.read() == ["… and 96 before", "96", "97", "98", "99", ""]
        screen.draw(["end"])
        assert terminal.read() == ["end", ""]
    terminal.close()


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "ab…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("", 0, ""),
    ],
)
def test_wide_characters_count_twice(text: str, columns: int, shown: str) -> None:
    assert clip(text, columns) == shown


@pytest.mark.usefixtures("apart")
def test_watching_runs_redraws_until_ctrl_c_and_leaves_the_last_picture(repo: Path, cli: Cli) -> None:
    terminal = Terminal(60, 24)
    run = cli(
        "run", "--name", "wait", "--", "sh", "-c", "until [ -e .git/go ]; do sleep 0.02; done"
    ).stdout.strip()
    argv = (sys.executable, "-m", "gittasks", "runs", "--watch")
    env = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(
        argv, cwd=repo, env=env, stdout=terminal.theirs, stderr=subprocess.PIPE
    ) as watching:
        until(lambda: terminal.read()[0].startswith(f"{run}  running"))
        (repo / ".git" / "go").touch()
        until(lambda: terminal.read()[0].startswith(f"{run}  completed"))
        assert len(terminal.lines) == 2, "drawn in place"
        watching.send_signal(signal.SIGINT)
        assert watching.wait() == 130
        assert watching.stderr is not None and watching.stderr.read() == b""
    assert terminal.read()[0].startswith(f"{run}  completed")
    assert "\x1b[?" not in terminal.raw, "no mode was changed"
    terminal.close()
