"""What tests of runs on other machines share."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.remote.box import Box
from tests.runtime.stage import nothing_remains, until


@pytest.fixture(scope="session")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where all boxes keep what is sent to them: compiled once, not by each test."""
    return tmp_path_factory.mktemp("code")


@pytest.fixture
def box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compiled: Path) -> Iterator[Box]:
    """Another machine, reached by an `ssh` that is first on PATH. Nothing may live on, neither here nor there."""
    made = Box(tmp_path / "box")
    made.state.mkdir(parents=True)
    (made.state / "code").symlink_to(compiled)
    monkeypatch.setenv("PATH", f"{made.client}:{os.environ['PATH']}")
    try:
        with nothing_remains():
            yield made
        until(lambda: not made.processes(), "for all processes on the box to end")
    finally:
        for pid in made.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
