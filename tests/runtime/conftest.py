"""The stage that runtime tests play on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.runtime.stage import Stage, until


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Folders for runs. When the test is over nothing that it started is alive, neither command nor supervisor."""
    made = Stage(tmp_path / "clone")
    try:
        yield made
        until(lambda: not made.supervisors(), "for supervisors to end")
    finally:
        left = made.clear()
    assert not left, f"processes left behind: {left}"
