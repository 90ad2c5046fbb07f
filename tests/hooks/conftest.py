"""A planned repository whose hooks are installed; its git is watched, not just its files."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from gittasks.app.hooking.installing import install_hooks
from tests.app.desk import at, planned

Git = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def hooked(repo: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`repo` with two tasks, #2 waiting for #1, committed; hooks installed."""
    monkeypatch.setenv("GITTASKS_HOOK_LIMIT_S", "60")
    planned(repo)
    install_hooks(at(repo))
    return repo


@pytest.fixture
def run(hooked: Path) -> Git:
    """`run("commit", "-m", "x")` calls git in `hooked` (or `cwd=`); `code=` is expected (default 0; None: any)."""

    def call(
        *args: str, cwd: Path | None = None, code: int | None = 0, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            ("git", *args),
            cwd=cwd or hooked,
            env={**os.environ, **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert code is None or done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
        return done

    return call


def said(done: subprocess.CompletedProcess[str]) -> list[str]:
    """What our hooks said in a git command."""
    lines = done.stderr.splitlines()
    return [
        line
        for line in lines
        if line.startswith(("gittasks: ", "  .tasks", "  .task_outputs", "  #", "hint: mend"))
    ]


def edit(folder: Path, task_id: int, old: str, new: str) -> None:
    """Change a task's file by hand, and stage it."""
    path = folder / ".tasks" / f"{task_id}.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    subprocess.run(("git", "add", "--", str(path)), cwd=folder, check=True)
