"""Append-only files of lines of JSON, kept small: `x.jsonl` becomes `x.old.jsonl` when it is full.

Lines that a crash tore are left out when read. The caller holds the lock that makes it the only writer.
"""

from __future__ import annotations

import errno
import os
import stat

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any


def append(path: str, line: bytes, *, max_bytes: int) -> None:
    """Append `line`, which ends with a line feed, to the file at `path`; a full one makes room first.

    Raises `OSError`.
    """
    if os.path.exists(path) and os.path.getsize(path) + len(line) > max_bytes:
        os.replace(path, _old(path))
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    fd = os.open(path, flags, 0o600)
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            raise OSError(errno.EINVAL, "is no regular file", path)
        size = os.fstat(fd).st_size
        torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
        os.write(fd, b"\n" + line if torn else line)
    finally:
        os.close(fd)


def load(path: str, *, max_bytes: int) -> list[dict[str, Any]]:
    """The objects of the file at `path` and of the one before it, oldest first; empty where there is none."""
    import json

    found = []
    for name in (_old(path), path):
        for line in _lines(name, 2 * max_bytes):
            try:
                value = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(value, dict):
                found.append(value)
    return found


def _old(path: str) -> str:
    return path.removesuffix(".jsonl") + ".old.jsonl"


def _lines(path: str, limit_bytes: int) -> list[bytes]:
    try:
        return files.read_regular(path, limit_bytes=limit_bytes).split(b"\n")
    except (OSError, files.UnsafeFileError):
        return []
