"""Runs as lines on a terminal. Strangers' text is made printable here."""

from __future__ import annotations

from gittasks.base import clock
from gittasks.base.durations import format_duration
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, shorten
from gittasks.runtime.outcomes import outcome
from gittasks.runtime.stalls import stall_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.runtime.record import Run

_MAX_DESCRIPTION = 80
_MAX_PROGRESS = 40


def run_lines(runs: Sequence[Run], *, now_s: float | None = None) -> list[str]:
    """One line a run: id, how it stands, how long it took, when it started, its task, what it is."""
    now_s = clock.now_s() if now_s is None else now_s
    rows = [(run.id, outcome(run), *_times(run, now_s), _task(run)) for run in runs]
    widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) + f"  {_what(run)}"
        for row, run in zip(rows, runs, strict=True)
    ]


def _times(run: Run, now_s: float) -> tuple[str, str]:
    if not run.start_time:
        return "", ""
    took = (run.end_time if run.end_time is not None else now_s) - run.start_time
    return format_duration(took), f"{format_duration(now_s - run.start_time)} ago"


def _task(run: Run) -> str:
    return "" if run.work_graph_task_id is None else f"#{run.work_graph_task_id}"


def progress_words(progress: object) -> str:
    """How far a run says it is: `40%` of a share, `3/10` of a count, else its own words."""
    if isinstance(progress, bool) or progress is None:
        return ""
    if isinstance(progress, float) and 0 <= progress <= 1:
        return f"{progress:.0%}"
    if isinstance(progress, dict) and "done" in progress and "total" in progress:
        progress = f"{progress['done']}/{progress['total']}"
    return shorten(printable(str(progress)), _MAX_PROGRESS)


def _what(run: Run) -> str:
    text = shorten(printable(run.description), _MAX_DESCRIPTION)
    if run.is_live and (progress := progress_words(run.progress)):
        text = f"{progress}  {text}"
    more = f"  [{printable(run.message)}]" if run.message else ""
    if run.truncated:
        more += "  [output cut]"
    stall = stall_of(run)
    if stall is not None:
        last = f": {shorten(printable(stall.lines[-1]), _MAX_DESCRIPTION)}" if stall.lines else ""
        more += f"  [no output for {format_duration(clock.now_s() - stall.since)}{last}]"
    return text + (f"  in {printable(run.worktree)}" if run.worktree else "") + more
