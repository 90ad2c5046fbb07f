"""What git does not see in this clone: lines of `info/exclude`, which no commit carries to others."""

from __future__ import annotations

import os


def add_pattern(common_dir: str, pattern: str) -> bool:
    """Have git ignore `pattern` in all worktrees of the clone; whether the line had to be added. Raises `OSError`."""
    path = os.path.join(common_dir, "info", "exclude")
    line = os.fsencode(pattern)
    try:
        with open(path, "rb") as file:
            if line in file.read().splitlines():
                return False
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "a+b") as file:
        file.seek(0)
        data = file.read()
        start = b"" if not data or data.endswith(b"\n") else b"\n"
        file.write(start + line + b"\n")
    return True
