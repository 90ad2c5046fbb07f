"""What happened to the worktrees of this clone: an append-only file of JSON lines, bounded, for people and programs.

Nothing is decided by it. It lies in `<git common dir>/gittasks/events.jsonl`; when it is full it becomes
`events.old.jsonl` and a new one begins.
"""

from __future__ import annotations

import contextlib
import json
import os

from gittasks.base import clock, jsonlines, locks
from gittasks.base.flock import LockHeldError
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_NAME = "events.jsonl"
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
    with contextlib.suppress(OSError, LockHeldError):
        path = os.path.join(private, _NAME)
        with locks.hold(os.path.join(private, "events.lock"), purpose="events", timeout_s=2):
            jsonlines.append(path, line.encode(), max_bytes=MAX_BYTES)


def load_events(private: str, worktree: str | None = None) -> list[dict[str, Any]]:
    """The events of one worktree, or of all, oldest first; lines that a crash tore are left out."""
    events = jsonlines.load(os.path.join(private, _NAME), max_bytes=MAX_BYTES)
    return [event for event in events if worktree in (None, event.get("worktree"))]
