"""Waiting for runs: for their end, or for more of their output.

A run's private folder goes away with its supervisor, so a look costs next to nothing. A supervisor that was killed
leaves the folder; every now and then we look whether that happened.
"""

from __future__ import annotations

from gittasks.base import clock
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import live, reading, store
from gittasks.runtime.record import parse_run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import RunId

_FIRST_PAUSE_S = 0.002
_LAST_PAUSE_S = 0.025
_MEND_S = 0.5


class Patience:
    """Ever longer pauses up to 25 ms; sees to runs whose supervisor died meanwhile."""

    def __init__(self, folders: Folders, env: Mapping[str, str]) -> None:
        self._folders = folders
        self._env = env
        self._pause_s = _FIRST_PAUSE_S
        self._mend_at = clock.monotonic_s() + _MEND_S

    def rest(self, run_ids: Iterable[RunId], *, at_most_s: float | None = None) -> None:
        """Pause, for `at_most_s` seconds; `run_ids` are the live ones that are waited for."""
        if clock.monotonic_s() >= self._mend_at:
            self._mend_at = clock.monotonic_s() + _MEND_S
            if not all(live.is_guarded(self._folders, run_id) for run_id in run_ids):
                store.load(self._folders, self._env)
        clock.sleep_s(self._pause_s if at_most_s is None else max(min(self._pause_s, at_most_s), 0))
        self._pause_s = min(self._pause_s * 1.5, _LAST_PAUSE_S)

    def hurry(self) -> None:
        """Something came: more may come soon."""
        self._pause_s = _FIRST_PAUSE_S


def wait(
    folders: Folders, run_ids: Iterable[RunId], env: Mapping[str, str], *, timeout_s: float | None = None
) -> bool:
    """Wait until all runs have ended; `False` where `timeout_s` seconds went by first."""
    pending = set(run_ids)
    deadline = None if timeout_s is None else clock.monotonic_s() + timeout_s
    patience = Patience(folders, env)
    while True:
        pending = {run_id for run_id in pending if live.is_live(folders, run_id)}
        if not pending:
            return True
        left_s = None if deadline is None else deadline - clock.monotonic_s()
        if left_s is not None and left_s <= 0:
            return False
        patience.rest(pending, at_most_s=left_s)


def follow(
    folders: Folders, run_id: RunId, env: Mapping[str, str], *, last_lines: int | None = None
) -> Iterator[bytes]:
    """The output of a run, in blocks as they come, until it has ended and all of it was read."""
    if not live.is_live(folders, run_id):
        yield from reading.read_ended(folders, run_id, last_lines=last_lines)
        return
    reader = reading.LiveReader(folders, run_id)
    if last_lines is not None:
        reader.skip_to_last_lines(last_lines)
    patience = Patience(folders, env)
    while True:
        is_live = live.is_live(folders, run_id)
        for block in reader.read_new():
            patience.hurry()
            yield block
        if not is_live:
            break
        patience.rest((run_id,))
    line = store.load(folders, env).get(run_id.encode())
    if line is not None:
        yield from reader.read_rest(parse_run(line).output_bytes)
