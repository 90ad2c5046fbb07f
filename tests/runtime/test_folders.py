"""The folder of outputs is hidden from git from its first moment, or is not there."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from gittasks.runtime.folders import prepare_outputs
from tests.faults import die_at, fail_at

TEMPORARY = ".gittasks-tmp"


def outputs(folder: Path) -> set[str]:
    """What lies in the folder, but what a line of `info/exclude` hides."""
    there = os.listdir(folder) if folder.is_dir() else []
    return {name for name in there if not (name.startswith(".") and name.endswith(TEMPORARY))}


def test_a_full_disk_leaves_nothing_that_git_would_see(tmp_path: Path) -> None:
    folder = tmp_path / ".task_outputs"
    number, failed = 0, True
    while failed:
        number += 1
        failed = fail_at(number, errno.ENOSPC, lambda: prepare_outputs(str(folder)))
        assert outputs(folder) <= {".gitignore"}
        assert failed or (folder / ".gitignore").read_bytes().endswith(b"\n*\n")
        shutil.rmtree(folder, ignore_errors=True)
    assert number > 3


def test_killed_at_any_call_it_leaves_nothing_that_git_would_see(tmp_path: Path) -> None:
    folder = tmp_path / ".task_outputs"
    number, killed = 0, True
    while killed:
        number += 1
        killed = die_at(number, lambda: prepare_outputs(str(folder)))
        assert outputs(folder) <= {".gitignore"}
        prepare_outputs(str(folder))
        assert outputs(folder) == {".gitignore"}
        shutil.rmtree(folder)
    assert number > 3
