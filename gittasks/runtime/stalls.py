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
    """A live `run` with what it has written so far, and when last; with `stalled` (`since`, `lines`) beside its
    fields where it has been silent for too long.
    """
    written, last = _written(folders, run)
    run = run._replace(output_bytes=written, last_output_time=last or run.last_output_time)
    extra = {name: value for name, value in run.extra if name != STALLED}
    if run.stall_after_s is not None and run.phase != QUEUED:
        since = max(run.start_time, last or 0.0)
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


def _newest_file(folders: Folders, run: Run) -> tuple[int, str]:
    """Where the output of a live run is written to now, and how much was before that."""
    tails = tail_files(folders.live_folder(run.id))
    return tails[-1] if tails else (0, folders.output(run.id))


def _written(folders: Folders, run: Run) -> tuple[int, float | None]:
    """How many bytes were written so far, and when the last of them; `None` where none was, or the output is gone."""
    before, path = _newest_file(folders, run)
    try:
        info = os.lstat(path)
    except OSError:
        return before, None
    return before + info.st_size, info.st_mtime if info.st_size else None


def _last_lines(folders: Folders, run: Run) -> list[str]:
    try:
        fd = os.open(
            _newest_file(folders, run)[1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        )
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
