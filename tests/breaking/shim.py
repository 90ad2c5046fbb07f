"""Building the shim, and the numbers that it shares with us."""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
from pathlib import Path
from typing import NamedTuple

_FORMAT = "8i"
CALLS = ("", "open", "write", "fsync", "rename", "link", "unlink", "mkdir", "truncate", "chmod")


class Control(NamedTuple):
    """Whether calls count, how many there were, which one is hit, how (0: killed), whether it was, who, which.

    With `is_any_open` what counts is every open, also for reading, and nothing else.
    """

    armed: int = 0
    counted: int = 0
    at: int = 0
    error: int = 0
    fired: int = 0
    pid: int = 0
    call: int = 0
    is_any_open: int = 0


def make_control(path: Path) -> None:
    """The control file, before anybody maps it: it must never be shorter."""
    path.write_bytes(bytes(struct.calcsize(_FORMAT)))


class Shared:
    """The control file, mapped."""

    def __init__(self, path: Path) -> None:
        with open(path, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), struct.calcsize(_FORMAT))

    def get(self) -> Control:
        return Control(*struct.unpack(_FORMAT, self._memory[:]))

    def put(self, control: Control) -> None:
        self._memory[:] = struct.pack(_FORMAT, *control)


def build(folder: Path) -> Path | None:
    """The shared object, compiled; `None` where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        return None
    target = folder / "shim.so"
    source = Path(__file__).with_name("shim.c")
    argv = (compiler, "-O1", "-shared", "-fPIC", "-o", str(target), str(source), "-ldl")
    done = subprocess.run(argv, capture_output=True, check=False)
    return target if done.returncode == 0 else None
