"""Telling of ended runs: each once, under any number of readers. The untold runs in the index are the inbox."""

from __future__ import annotations

import os

from gittasks.base import clock, flock
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import journal, store
from gittasks.runtime.record import format_run

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import Run

_POLL_S = 0.05
_LOOK_ANYWAY_S = 2.0


def peek(folders: Folders, env: Mapping[str, str]) -> list[Run]:
    """Ended runs whose end nobody was told, in the order of their ends. Changes nothing."""
    return _untold(store.load(folders, env))


def drain(folders: Folders, env: Mapping[str, str]) -> list[Run]:
    """Like `peek`, and from now on they count as told: no other reader gets them.

    Raises `FileHeldError`, `IndexWriteError`; nobody was told anything then.
    """
    if not peek(folders, env):
        return []
    with flock.Hold(folders.lock_file, purpose="notices"):
        # Looked at again inside the lock: another reader may have been quicker.
        index = journal.read_index(folders) or journal.Index(journal.rebuild(folders), 0)
        told = [run._replace(notified=True) for run in _untold(index.lines)]
        if told:
            journal.append(folders, b"".join(map(format_run, told)))
            journal.note_told(folders, [run.id for run in told])
        if index.is_bloated:
            journal.compact(folders)
    return told


def follow(folders: Folders, env: Mapping[str, str]) -> Iterator[list[Run]]:
    """Like `drain`, again and again for ever; only what is new is answered. Costs next to nothing between ends."""
    seen: object = None
    look_at = 0.0
    while True:
        state, now = _state(folders), clock.monotonic_s()
        # Now and then also without a change: a run whose supervisor was killed changes nothing by itself.
        if state != seen or now >= look_at:
            seen, look_at = state, now + _LOOK_ANYWAY_S
            told = drain(folders, env)
            if told:
                yield told
        clock.sleep_s(_POLL_S)


def _state(folders: Folders) -> object:
    try:
        info = os.stat(folders.index_file)
    except OSError:
        return None
    return info.st_ino, info.st_size, info.st_mtime_ns


def _untold(lines: journal.Lines) -> list[Run]:
    runs = store.parse(line for line in lines.values() if journal.is_untold(line))
    return sorted((run for run in runs if not run.notified), key=lambda run: run.end_time or 0.0)
