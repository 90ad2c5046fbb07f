"""Runs that live and have written nothing for longer than they may: a view, never a status.

Nothing is recorded and nothing is stopped: whoever looks sees since when, and the last lines.
"""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime.output import tail_files
from gittasks.runtime.record import QUEUED

if TYPE_CHECKING:
    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import Run

STALLED = "stalled"
_LAST_LINES = 5
_MAX_LINE_BYTES = 500
_LAST_BYTES = _LAST_LINES * _MAX_LINE_BYTES


class Stall(NamedTuple):
    """Since when (Unix seconds) a run has written nothing, and its last lines."""

    since: float
    lines: tuple[str, ...]


def mark(folders: Folders, run: Run, now_s: float) -> Run:
    """A live `run`, with `stalled` (`since`, `lines`) beside its fields where it has been silent for too long."""
    extra = {name: value for name, value in run.extra if name != STALLED}
    if run.stall_after_s is not None and run.phase != QUEUED:
        since = max(run.start_time, _last_output(folders, run))
        if since > run.start_time:
            run = run._replace(last_output_time=since)
        if now_s - since > (run.stall_after_s or 0):
            extra[STALLED] = {"since": since, "lines": _last_lines(folders, run)}
    return run._replace(extra=tuple(extra.items()))


def stall_of(run: Run) -> Stall | None:
    """What `mark` found out about a live run."""
    found = dict(run.extra).get(STALLED) if run.is_live else None
    if not isinstance(found, dict) or not isinstance(found.get("since"), float):
        return None
    lines = found.get("lines")
    return Stall(found["since"], tuple(map(str, lines)) if isinstance(lines, list) else ())


def _newest_file(folders: Folders, run: Run) -> str:
    """Where the output of a live run is written to now."""
    tails = tail_files(folders.live_folder(run.id))
    return tails[-1][1] if tails else folders.output(run.id)


def _last_output(folders: Folders, run: Run) -> float:
    """When something was written last; 0 where nothing was, or the output is gone."""
    try:
        info = os.lstat(_newest_file(folders, run))
    except OSError:
        return 0.0
    return info.st_mtime if info.st_size else 0.0


def _last_lines(folders: Folders, run: Run) -> list[str]:
    try:
        fd = os.open(_newest_file(folders, run), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    try:
        start = max(os.fstat(fd).st_size - _LAST_BYTES, 0)
        lines = os.pread(fd, _LAST_BYTES, start).rstrip(b"\n").split(b"\n")
    finally:
        os.close(fd)
    # Where we came in, the first line is half a line, unless it is all there is.
    lines = lines[1:] if start and len(lines) > 1 else lines
    return [line[-_MAX_LINE_BYTES:].decode("utf-8", "replace") for line in lines[-_LAST_LINES:] if line]
