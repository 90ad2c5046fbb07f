"""Named slots: at most so many runs of a name at once, in all worktrees of a clone; first come, first served.

One small file in the private folder holds the queue, a line a run: its id, whether it waits or holds, its slots and
their limits. It is rewritten whole under `slots.lock`. Nobody gives a slot back: a run holds its slots while it
lives, and whoever looks leaves out what does not live any more (`live`: a lock that is free, and proof of death).
"""

from __future__ import annotations

import os

from gittasks.base import flock
from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable
from gittasks.runtime import bell, live
from gittasks.runtime.record import RunId, is_run_id

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gittasks.runtime.folders import Folders

MAX_NAME_CHARS = 40
_WAITS, _HOLDS = "waits", "holds"
_NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")


class BadSlotError(UsageError):
    """A slot whose name or number is none."""


class Place(NamedTuple):
    """One run in the queue. `slots` says how many runs at once it allows of each slot."""

    run_id: RunId
    holds: bool
    slots: dict[str, int]


def check_slot(name: str, limit: int) -> None:
    """Raises `BadSlotError` unless `name` is 1 to 40 of A-Z a-z 0-9 . _ - and `limit` is at least 1."""
    if not 0 < len(name) <= MAX_NAME_CHARS or not _NAME_CHARS.issuperset(name):
        raise BadSlotError(
            f"{printable(name)[:60]!r} is no name of a slot: expected up to {MAX_NAME_CHARS} of A-Z a-z 0-9 . _ -"
        )
    if limit < 1:
        raise BadSlotError(f"slot {name}: at most {limit} runs at once would be none: expected 1 or more")


def take_turn(folders: Folders, run_id: RunId, slots: Mapping[str, int]) -> tuple[RunId, ...]:
    """Take the slots of a run, or its place in the queue: nothing where they are its own now, else the runs that
    stand in its way. The end of any of these, or its start, is when to ask again.

    Raises `LockHeldError`, `OSError`.
    """
    with flock.Hold(folders.slots_lock, purpose="take a slot"):
        before = _load(folders)
        places = [place for place in before if place.run_id == run_id or live.is_live(folders, place.run_id)]
        mine = next((place for place in places if place.run_id == run_id), None)
        if mine is None:
            mine = Place(run_id, False, dict(slots))
            places.append(mine)
        in_the_way = () if mine.holds else _in_the_way(places, mine)
        if not in_the_way:
            places[places.index(mine)] = mine._replace(holds=True)
        if places != before:
            _write(folders, places)
    if not in_the_way and not mine.holds:
        for next_id in _next_in_line(places, slots):
            bell.ring(folders, next_id)
    return in_the_way


def _in_the_way(places: list[Place], mine: Place) -> tuple[RunId, ...]:
    """Whoever waits longer for the same slot, the nearest only; where there is none, those who hold what is full."""
    found: list[RunId] = []
    ahead = places[: places.index(mine)]
    for name, limit in mine.slots.items():
        waiting = [place.run_id for place in ahead if name in place.slots and not place.holds]
        holding = [place.run_id for place in places if name in place.slots and place.holds]
        if waiting:
            found.append(waiting[-1])
        elif len(holding) >= limit:
            found += holding
    return tuple(dict.fromkeys(found))


def _next_in_line(places: list[Place], slots: Iterable[str]) -> set[RunId]:
    """Who waits first for each of `slots`: there may be room for one more."""
    found = set()
    for name in slots:
        waiting = [place.run_id for place in places if name in place.slots and not place.holds]
        found.update(waiting[:1])
    return found


def _load(folders: Folders) -> list[Place]:
    try:
        with open(folders.slots_file, encoding="ascii", errors="replace") as file:
            lines = file.read().split("\n")
    except FileNotFoundError:
        return []
    return [place for line in lines if (place := _parse(line)) is not None]


def _parse(line: str) -> Place | None:
    words = line.split(" ")
    if len(words) < 3 or not is_run_id(words[0]):
        return None
    pairs = [word.rpartition("=") for word in words[2:]]
    slots = {name: int(limit) for name, _, limit in pairs if limit.isdecimal()}
    return Place(RunId(words[0]), words[1] == _HOLDS, slots)


def _write(folders: Folders, places: list[Place]) -> None:
    """No fsync: after a crash of the machine nothing of it lives."""
    lines = [
        " ".join(
            (
                place.run_id,
                _HOLDS if place.holds else _WAITS,
                *(f"{name}={limit}" for name, limit in place.slots.items()),
            )
        )
        for place in places
    ]
    temp = f"{folders.slots_file}.new"
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        data = memoryview("".join(f"{line}\n" for line in lines).encode("ascii"))
        while data:
            data = data[os.write(fd, data) :]
    finally:
        os.close(fd)
    os.replace(temp, folders.slots_file)
