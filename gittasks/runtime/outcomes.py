"""How a run stands, in a few words, the same for people and for agents."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.runtime.record import ACTIVE, COMPLETED, EXIT, KILLED
from gittasks.runtime.stalls import stall_of

if TYPE_CHECKING:
    from gittasks.runtime.record import Run


def outcome(run: Run) -> str:
    """`running`, `running (queued)`, `completed`, `failed (exit 3)`, `failed (timeout, signal 15)`; safe to print.

    Of one that is tried again also which attempt that is.
    """
    if run.attempt is None or (run.attempt == 1 and not run.is_live):
        return _status(run)
    return f"{_status(run)}, attempt {run.attempt} of {(run.retries or 0) + 1}"


def _status(run: Run) -> str:
    if run.is_live:
        phase = "stalled" if stall_of(run) else run.phase
        return run.status if phase in (None, ACTIVE) else f"{run.status} ({phase})"
    if run.status in (COMPLETED, KILLED):
        return run.status
    if run.reason == EXIT:
        return f"{run.status} (exit {run.exit_code})"
    if run.signal is not None:
        reason = "" if run.reason in (None, "signal") else f"{printable(str(run.reason))}, "
        return f"{run.status} ({reason}signal {run.signal})"
    return f"{run.status} ({printable(str(run.reason))})" if run.reason else run.status
