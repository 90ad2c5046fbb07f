"""Every command that writes is killed, and fails, at the calls with which it changes something; git for it as well.

`make test` tries a few of these points, `make long` all of them (docs/reliability.md has the figures).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gittasks.cli.main import COMMANDS as TABLE
from tests.breaking.shim import build, make_control
from tests.breaking.table import COMMANDS

ROOT = Path(__file__).resolve().parent.parent
_READS = "list ready blocked show search graph log export logs wait runs shell-init completion"
READS = frozenset(_READS.split())


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.platform != "linux":
        pytest.skip("the shim is preloaded the way Linux does it")
    made = build(tmp_path_factory.mktemp("shim"))
    if made is None:
        pytest.skip("no C compiler here")
    return made


def breaking(shim: Path, folder: Path, name: str, mode: str, *, first: int, stride: int) -> dict[str, Any]:
    """What trying a command came to."""
    control = folder / "control"
    make_control(control)
    env = {
        **os.environ,
        "LD_PRELOAD": str(shim),
        "BREAKING_CONTROL": str(control),
        "BREAKING_ROOT": str(folder / "work"),
    }
    argv = (sys.executable, "-m", "tests.breaking", str(folder), name, mode, str(first), str(stride))
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1) and done.stdout, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(("name", "mode"), [("add-many", "kill"), ("edit", "fail"), ("note", "starve")])
def test_a_sample_of_the_calls(shim: Path, tmp_path: Path, name: str, mode: str) -> None:
    found = breaking(shim, tmp_path, name, mode, first=9, stride=30)
    assert found["wrong"] == []
    assert found["points"] >= 1


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("mode", "stride"), [("kill", 1), ("fail", 1), ("starve", 5)])
@pytest.mark.parametrize("name", COMMANDS)
def test_every_call_of_every_command(shim: Path, tmp_path: Path, name: str, mode: str, stride: int) -> None:
    found = breaking(shim, tmp_path, name, mode, first=1, stride=stride)
    assert found["wrong"] == []
    assert found["points"] > 0


def test_every_command_that_writes_is_tried() -> None:
    tried = {command.argv[0] for command in COMMANDS.values()}
    assert tried | READS >= TABLE.keys()
    assert not tried & READS
