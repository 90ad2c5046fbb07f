"""What happened to the worktrees of this clone: an append-only file of JSON lines, bounded, for people and programs.

Nothing is decided by it. It lies in `<git common dir>/gittasks/events.jsonl`; when it is full it becomes
`events.old.jsonl` and a new one begins.
"""

from __future__ import annotations

import contextlib
import json
import os

from gittasks.base import clock, locks
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_NAME, _OLD_NAME = "events.jsonl", "events.old.jsonl"
MAX_BYTES = 1 << 19


def record(
    private: str,
    event: str,
    *,
    worktree: str | None,
    task: int | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Append one event (`created`, `bound`, `kept`, `finished`, `removed`, `refused`, `failed`), now.

    Never in the way: what cannot be written is not remembered.
    """
    facts = {"time": clock.now_utc(), "event": event, "worktree": worktree, "task": task}
    line = json.dumps({**facts, "before": dict(before or {}), "after": dict(after or {})}) + "\n"
    with contextlib.suppress(OSError, locks.LockHeldError):
        path = os.path.join(private, _NAME)
        with locks.hold(os.path.join(private, "events.lock"), purpose="events", timeout_s=2):
            if os.path.exists(path) and os.path.getsize(path) + len(line) > MAX_BYTES:
                os.replace(path, os.path.join(private, _OLD_NAME))
            _append(path, line.encode())


def load_events(private: str, worktree: str | None = None) -> list[dict[str, Any]]:
    """The events of one worktree, or of all, oldest first; lines that a crash tore are left out."""
    found = []
    for name in (_OLD_NAME, _NAME):
        for line in _lines(os.path.join(private, name)):
            try:
                event = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(event, dict) and worktree in (None, event.get("worktree")):
                found.append(event)
    return found


def _append(path: str, line: bytes) -> None:
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        size = os.fstat(fd).st_size
        torn = size > 0 and os.pread(fd, 1, size - 1) != b"\n"
        os.write(fd, b"\n" + line if torn else line)
    finally:
        os.close(fd)


def _lines(path: str) -> list[bytes]:
    try:
        with open(path, "rb") as file:
            return file.read(2 * MAX_BYTES).splitlines()
    except OSError:
        return []
