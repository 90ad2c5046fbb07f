"""What a supervisor must know of a run besides its record: limits, deadline, questions to ask at its end."""

from __future__ import annotations

from gittasks.base import clock
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

TIMEOUT_GRACE_S = 5.0
# Of a run that has had its turn, and only pauses.
NOTHING_TO_WAIT_FOR: dict[str, dict[str, Any]] = {"after": {}, "slots": {}}


def settings_of(
    *,
    limit_bytes: int,
    timeout_s: float | None,
    timeout_grace_s: float = TIMEOUT_GRACE_S,
    leave_children: bool,
    at_end: dict[str, list[str]],
    after_wait: dict[str, list[str]] | None = None,
    on_end: dict[str, Any] | None = None,
    tends: str | None = None,
    after: Mapping[str, str] | None = None,
    slots: Mapping[str, int] | None = None,
    retries: int = 0,
    backoff_s: float = 0.0,
    terminal: bool = False,
    takes_input: bool = False,
) -> dict[str, Any]:
    """The settings of a new run, as its private folder keeps them. The deadline follows when its command starts.

    `at_end` asks one question for each field of the record that only the end can tell: the field, and the command
    whose first line is the answer; so does `after_wait` of a run that had to wait, when its turn has come. `on_end`
    is what is started once the end is on record (see `announcing`), `tends` the worker of ours that goes on with a
    run that its command only tends (see `tending`). `after` (conditions of `turn` by run) and `slots` (limits by
    name) are what it waits for before it starts.
    """
    return {
        "limit_bytes": limit_bytes,
        "timeout_s": timeout_s,
        "deadline": None,
        "timeout_grace_s": timeout_grace_s,
        "leave_children": leave_children,
        "at_end": at_end,
        "after_wait": after_wait or {},
        "on_end": on_end,
        "oom_kills": count_oom_kills(),
        "tends": tends,
        "after": dict(after or {}),
        "slots": dict(slots or {}),
        "retries": retries,
        "backoff_s": backoff_s,
        "terminal": terminal,
        "takes_input": takes_input,
    }


def set_deadline(settings: dict[str, Any]) -> bool:
    """Let the time of a command that starts now run out; whether there is such a time."""
    if settings["timeout_s"] is None:
        return False
    settings["deadline"] = clock.monotonic_s() + settings["timeout_s"]
    return True


def count_oom_kills() -> int | None:
    """How often this kernel has killed for want of memory since its boot; `None` where it does not say."""
    try:
        with open("/proc/vmstat", "rb", buffering=0) as file:
            _, found, rest = file.read().partition(b"\noom_kill ")
    except OSError:
        return None
    return int(rest.split(b"\n", 1)[0]) if found else None
