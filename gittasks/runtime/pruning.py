"""Forgetting runs that ended long ago: their records and their outputs. A live run is never touched."""

from __future__ import annotations

import os

from gittasks.base import clock, flock
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import journal, store

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import Run, RunId


class Pruned(NamedTuple):
    """What is forgotten: the runs, and the size of their outputs; `notes` says what stays of them elsewhere."""

    runs: tuple[Run, ...]
    output_bytes: int
    notes: tuple[str, ...] = ()


def prune(
    folders: Folders,
    env: Mapping[str, str],
    *,
    older_than_s: float | None,
    keep: int | None,
    dry_run: bool = False,
    among: Container[RunId] | None = None,
) -> Pruned:
    """Forget ended runs that ended more than `older_than_s` seconds ago and are not among the last `keep` to end.

    `None` sets no such bound; of these only such as are `among` the ids, where ids are given. `dry_run` only answers
    what would be forgotten. Raises `FileHeldError`, `DiskError`.
    """
    store.load(folders, env)
    if not journal.has_private_records(folders) and journal.load(folders) is None:
        return Pruned((), 0)
    with flock.Hold(folders.lock_file, purpose="prune"):
        lines = journal.load(folders) or journal.rebuild(folders)
        chosen = _choose(lines, older_than_s, keep)
        doomed = [run for run in chosen if among is None or run.id in among]
        pruned = Pruned(tuple(doomed), sum(_size(folders.output(run.id)) for run in doomed))
        if not dry_run:
            _forget(folders, [run.id for run in doomed])
    return pruned


def forget(folders: Folders, run_ids: Sequence[RunId]) -> None:
    """Forget these runs, which have ended. Raises `FileHeldError`, `DiskError`."""
    with flock.Hold(folders.lock_file, purpose="prune"):
        _forget(folders, run_ids)


def _forget(folders: Folders, run_ids: Sequence[RunId]) -> None:
    for run_id in run_ids:
        # The index forgets last: whatever stops us before, the run is still listed and pruned again.
        _unlink(folders.output(run_id))
        _unlink(folders.ended_file(run_id))
        _unlink(folders.crash_file(run_id))
        _unlink(folders.events_file(run_id))
    journal.compact(folders, drop=run_ids)


def _choose(lines: journal.Lines, older_than_s: float | None, keep: int | None) -> list[Run]:
    ended = store.parse(line for line in lines.values() if journal.has_ended(line))
    ended.sort(key=lambda run: run.end_time or 0.0)
    if keep is not None:
        ended = ended[: max(len(ended) - keep, 0)]
    if older_than_s is not None:
        limit = clock.now_s() - older_than_s
        ended = [run for run in ended if (run.end_time or 0.0) < limit]
    return ended


def _size(path: str) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:
        return 0


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
