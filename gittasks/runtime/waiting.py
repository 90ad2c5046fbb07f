"""Waiting for runs to end: their folder goes away with their supervisor, so looking costs next to nothing."""

from __future__ import annotations

import os

from gittasks.base import clock
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import live, store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import RunId

_FIRST_POLL_S = 0.002
_LAST_POLL_S = 0.025
# A supervisor that was killed leaves its folder: so often we look whether that happened.
_MEND_S = 0.5


def wait(
    folders: Folders,
    run_ids: Iterable[RunId],
    env: Mapping[str, str],
    *,
    timeout_s: float | None = None,
    tick: Callable[[], None] = lambda: None,
) -> bool:
    """Wait until all runs have ended; `False` where `timeout_s` seconds went by first. `tick` is called meanwhile."""
    pending = set(run_ids)
    deadline = None if timeout_s is None else clock.monotonic_s() + timeout_s
    pause_s, mend_at = _FIRST_POLL_S, clock.monotonic_s() + _MEND_S
    while True:
        pending = {run_id for run_id in pending if os.path.isdir(folders.live_folder(run_id))}
        tick()
        now = clock.monotonic_s()
        if not pending:
            return True
        if deadline is not None and now >= deadline:
            return False
        if now >= mend_at:
            mend_at = now + _MEND_S
            if not all(live.is_guarded(folders, run_id) for run_id in pending):
                store.load(folders, env)
        clock.sleep_s(pause_s if deadline is None else max(min(pause_s, deadline - now), 0))
        pause_s = min(pause_s * 1.5, _LAST_POLL_S)
