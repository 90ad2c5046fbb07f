"""Trying a command that failed again: whether, when, and what the record says of the attempts before. Pure."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime.record import FAILED, LOST, NOT_STARTED, UNVERIFIED

if TYPE_CHECKING:
    from typing import Any

    from gittasks.runtime.record import Ending, Run

DEFAULT_BACKOFF_S = 1.0
_LONGEST_PAUSE_S = 3600.0
# Of so many attempts the record says how they ended; of all how many there were.
KEPT = 20
# Whether these would do better another time cannot be known, or they would not.
_HOPELESS = frozenset((NOT_STARTED, LOST, UNVERIFIED))


def may_try_again(run: Run, ending: Ending) -> bool:
    """Whether an attempt that ended so is followed by another one."""
    return (
        ending.status == FAILED
        and ending.reason not in _HOPELESS
        and run.attempt is not None
        and run.attempt <= (run.retries or 0)
    )


def pause_s(backoff_s: float, attempt: int) -> float:
    """How long to wait after failed attempt number `attempt`: each pause is twice the one before, up to an hour."""
    return float(min(backoff_s * 2.0 ** min(attempt - 1, 64), max(_LONGEST_PAUSE_S, backoff_s)))


def noted(run: Run, ending: Ending, *, start_time: float, end_time: float) -> tuple[dict[str, Any], ...]:
    """The attempts of `run`, together with the one that has ended just now."""
    this = {
        "attempt": run.attempt,
        "start_time": start_time,
        "end_time": max(end_time, start_time),
        "reason": ending.reason,
        "exit_code": ending.exit_code,
        "signal": ending.signal,
    }
    return (*run.attempts, this)[-KEPT:]


def describe(run: Run, ending: Ending) -> str:
    """In words how the attempt ended that another one follows."""
    how = f"exit {ending.exit_code}" if ending.exit_code is not None else f"signal {ending.signal}"
    if ending.reason not in ("exit", "signal"):
        how = ending.reason
    return f"attempt {run.attempt} of {(run.retries or 0) + 1} failed ({how}), the next one follows"


def mark(run: Run) -> bytes:
    """The line that begins the output of an attempt."""
    return b"[gittasks: attempt %d of %d]\n" % (run.attempt or 1, (run.retries or 0) + 1)
