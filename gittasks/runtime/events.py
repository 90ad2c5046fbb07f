"""What monitors have seen and nobody was told yet: one small file for each monitor, outside its live folder.

    <private>/runs/events/<id>.json    the events of one monitor, each text once, with its count and times

Same events fold. Writers and whoever takes them hold `Folders.lock_file`; what was taken is deleted, so each event
is told at most once. A monitor that floods is held to `MAX_KINDS` texts: what is more, only counts.
"""

from __future__ import annotations

import os

from gittasks.base import flock
from gittasks.base.jsontext import dumps
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import shorten
from gittasks.runtime.record import RunId, is_run_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from gittasks.runtime.folders import Folders

MAX_KINDS = 50
MAX_TEXT_CHARS = 500
MORE = "and other events"
_MAX_BYTES = 1 << 20


class Event(NamedTuple):
    """Something that was seen so many `times`, the first and the last time at Unix seconds."""

    text: str
    times: int
    first: float
    last: float

    def as_json(self) -> dict[str, Any]:
        """The event as documents and files carry it."""
        return {"text": self.text, "count": self.times, "first": self.first, "last": self.last}


def fold(known: Iterable[Event], new: Iterable[Event], *, limit: int = MAX_KINDS) -> list[Event]:
    """All these events, each text once, in the order of their first appearance.

    At most `limit` of them, and one more that counts all the rest.
    """
    found: dict[str, Event] = {}
    for event in (*known, *new):
        text = shorten(event.text, MAX_TEXT_CHARS)
        if text not in found and len(found) >= limit:
            text = MORE
        old = found.get(text)
        found[text] = (
            event._replace(text=text)
            if old is None
            else Event(text, old.times + event.times, min(old.first, event.first), max(old.last, event.last))
        )
    return list(found.values())


def publish(folders: Folders, run_id: RunId, events: Iterable[Event]) -> None:
    """Let readers of notices know of these events of a run. Raises `LockHeldError`, `OSError`."""
    with flock.Hold(folders.lock_file, purpose="tell of an event"):
        _store(folders, run_id, fold(_load(folders, run_id), events))


def pending(folders: Folders) -> dict[RunId, list[Event]]:
    """The untold events of each run that has some."""
    try:
        names = os.listdir(folders.events_folder)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    ids = sorted(name.removesuffix(".json") for name in names if name.endswith(".json"))
    found = {RunId(name): _load(folders, RunId(name)) for name in ids if is_run_id(name)}
    return {run_id: events for run_id, events in found.items() if events}


def put_back(folders: Folders, run_id: RunId, events: Iterable[Event]) -> None:
    """Let events that were taken be told after all, before what came since. The caller holds the lock."""
    _store(folders, run_id, fold(events, _load(folders, run_id)))


def forget(folders: Folders, run_id: RunId) -> None:
    """Drop the events of a run: they were told, or the run is forgotten. The caller holds the lock."""
    try:
        os.unlink(folders.events_file(run_id))
    except FileNotFoundError:
        return


def _store(folders: Folders, run_id: RunId, events: Iterable[Event]) -> None:
    os.makedirs(folders.events_folder, 0o700, exist_ok=True)
    path = folders.events_file(run_id)
    temp = path + ".new"
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        file.write(dumps([event.as_json() for event in events]).encode("ascii"))
    os.replace(temp, path)


def _load(folders: Folders, run_id: RunId) -> list[Event]:
    """The events of a run; what is damaged is left out."""
    try:
        fd = os.open(folders.events_file(run_id), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return []
    with open(fd, "rb") as file:
        data = file.read(_MAX_BYTES)
    import json

    try:
        values = json.loads(data)
        return [
            Event(str(value["text"]), int(value["count"]), float(value["first"]), float(value["last"]))
            for value in values
        ]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
