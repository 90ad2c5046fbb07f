"""What people run from a checkout: the demo, and the benchmark's short look. They must not rot."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def run(*argv: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, *argv),
        cwd=ROOT,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.long
@pytest.mark.slow
def test_the_demo_plays_and_leaves_nothing_behind(tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("the demo clones this repository")
    done = run("scripts/demo.py", env={"TMPDIR": str(tmp_path)})
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\d+ passed", done.stdout)
    assert "(nothing)" in done.stdout, "git status was not shown to be clean"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.long
@pytest.mark.slow
def test_the_benchmark_measures_and_leaves_nothing_behind(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    page = tmp_path / "page.md"
    only = ("--only", "reads", "--only", "writes", "--only", "stress")
    done = run(
        *("-m", "benchmarks", "--quick", "--sizes", "60", "--seconds", "1", "--output", str(page), *only),
        env={"TMPDIR": str(scratch)},
    )
    # Its verdict on speed is for a quiet machine; what it counts must be right everywhere.
    assert "OVER" not in done.stdout, done.stdout + done.stderr
    assert "Warm reads, 60 tasks" in done.stdout
    assert "| confirmed edits lost | 0 |" in page.read_text()
    assert list(scratch.iterdir()) == []
