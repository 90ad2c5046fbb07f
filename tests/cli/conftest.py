"""What tests of commands about runs share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import git
from tests.runtime.stage import nothing_remains


@pytest.fixture
def apart(repo: Path) -> Iterator[None]:
    """Nothing that the test starts outlives it, and git sees nothing of it."""
    before = git(repo, "status", "--porcelain", "--ignored=no")
    with nothing_remains():
        yield
    assert git(repo, "status", "--porcelain", "--ignored=no") == before
