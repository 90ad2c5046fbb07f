"""Telling of ended runs and of what monitors saw: each once, under any number of readers.

The untold runs in the index are the inbox of ends, the files of `events` that of what runs saw while they live.
"""

from __future__ import annotations

import os

from gittasks.base import clock, flock
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import events, journal, store
from gittasks.runtime.record import LOW, PRIORITIES, format_run, priority_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from gittasks.runtime.events import Event
    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import Run, RunId

_POLL_S = 0.05
_LOOK_ANYWAY_S = 2.0


class Notice(NamedTuple):
    """That a run ended; or, with `events`, what a monitor saw. `priority` is one of `record.PRIORITIES`."""

    run: Run
    priority: str
    events: tuple[Event, ...] = ()

    @property
    def time(self) -> float:
        """When it was to be told of."""
        return max((event.last for event in self.events), default=self.run.end_time or 0.0)

    def as_json(self) -> dict[str, Any]:
        """The record of the run, with `notice` beside it."""
        notice: dict[str, Any] = {"kind": "events" if self.events else "end", "priority": self.priority}
        if self.events:
            notice["events"] = [event.as_json() for event in self.events]
        return self.run.as_json() | {"notice": notice}


class Group(NamedTuple):
    """Notices that say the same of runs with the same name, oldest first: one line for people."""

    notices: tuple[Notice, ...]

    @property
    def last(self) -> Notice:
        """The youngest of them, which stands for all."""
        return self.notices[-1]


def fold(notices: Iterable[Notice]) -> list[Group]:
    """`notices`, those together that say the same of runs with one name, in the order of their first ones."""
    groups: dict[Any, list[Notice]] = {}
    for notice in notices:
        run = notice.run
        what = (run.id,) if notice.events else (run.type, run.name or run.description, run.status, run.reason)
        key = (bool(notice.events), notice.priority, run.work_graph_task_id, *what)
        groups.setdefault(key, []).append(notice)
    return [Group(tuple(group)) for group in groups.values()]


def peek(folders: Folders, env: Mapping[str, str], *, at_least: str = LOW) -> list[Notice]:
    """What nobody was told yet and is `at_least` so important, the most important first, then by time.

    Changes nothing.
    """
    return _untold(folders, store.load(folders, env), at_least)


def drain(
    folders: Folders, env: Mapping[str, str], *, at_least: str = LOW, with_events: bool = True
) -> list[Notice]:
    """Like `peek`, and from now on it counts as told: no other reader gets it. The rest stays for others.

    Raises `LockHeldError`, `IndexWriteError`; nobody was told anything then.
    """
    if not peek(folders, env, at_least=at_least):
        return []
    with flock.Hold(folders.lock_file, purpose="notices"):
        # Looked at again inside the lock: another reader may have been quicker.
        index = journal.read_index(folders) or journal.Index(journal.rebuild(folders), 0)
        found = _untold(folders, index.lines, at_least)
        told = [
            notice._replace(run=notice.run._replace(notified=True)) if not notice.events else notice
            for notice in found
            if with_events or not notice.events
        ]
        ended = [notice.run for notice in told if not notice.events]
        if ended:
            journal.append(folders, b"".join(map(format_run, ended)))
            journal.note_told(folders, [run.id for run in ended])
        for notice in told:
            if notice.events:
                events.forget(folders, notice.run.id)
        if index.is_bloated:
            journal.compact(folders)
    return told


def put_back(folders: Folders, told: Iterable[Notice]) -> None:
    """Let what `drain` answered be told after all: it did not reach its reader.

    What was forgotten since stays so. Raises `LockHeldError`, `IndexWriteError`, `DiskError`.
    """
    with flock.Hold(folders.lock_file, purpose="notices"):
        known = journal.load(folders) or journal.rebuild(folders)
        notices = [notice for notice in told if notice.run.id.encode() in known]
        ended = [notice.run._replace(notified=False) for notice in notices if not notice.events]
        if ended:
            journal.forget_told(folders, [run.id for run in ended])
            journal.append(folders, b"".join(map(format_run, ended)))
        for notice in notices:
            if notice.events:
                events.put_back(folders, notice.run.id, notice.events)


def follow(folders: Folders, env: Mapping[str, str], *, at_least: str = LOW) -> Iterator[list[Notice]]:
    """Like `drain`, again and again for ever; only what is new is answered. Costs next to nothing between ends."""
    seen: object = None
    look_at = 0.0
    while True:
        state, now = _state(folders), clock.monotonic_s()
        # Now and then also without a change: a run whose supervisor was killed changes nothing by itself.
        if state != seen or now >= look_at:
            seen, look_at = state, now + _LOOK_ANYWAY_S
            told = drain(folders, env, at_least=at_least)
            if told:
                yield told
        clock.sleep_s(_POLL_S)


def _state(folders: Folders) -> object:
    return _moved(folders.index_file), _moved(folders.events_folder)


def _moved(path: str) -> object:
    try:
        info = os.stat(path)
    except OSError:
        return None
    return info.st_ino, info.st_size, info.st_mtime_ns


def _untold(folders: Folders, lines: journal.Lines, at_least: str) -> list[Notice]:
    ended = store.parse(line for line in lines.values() if journal.is_untold(line))
    found = [Notice(run, priority_of(run)) for run in ended if not run.notified]
    for run_id, seen in events.pending(folders).items():
        found += [Notice(run, priority_of(run), tuple(seen)) for run in _runs(lines, run_id)]
    wanted = PRIORITIES[: PRIORITIES.index(at_least) + 1]
    return sorted(
        (notice for notice in found if notice.priority in wanted),
        key=lambda notice: (PRIORITIES.index(notice.priority), notice.time),
    )


def _runs(lines: journal.Lines, run_id: RunId) -> list[Run]:
    """The run of that id, as a list: empty where it is unknown."""
    return store.parse([lines.get(run_id.encode(), b"")])
