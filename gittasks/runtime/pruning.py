"""Forgetting runs that ended long ago: their records and their outputs. A live run is never touched."""

from __future__ import annotations

import os

from gittasks.base import clock, flock
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import journal, live, store

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
    max_bytes: int | None = None,
    dry_run: bool = False,
    among: Container[RunId] | None = None,
) -> Pruned:
    """Forget ended runs that ended more than `older_than_s` seconds ago, are not among the last `keep` to end, and
    whose outputs, with all newer ones, have more than `max_bytes`.

    `None` sets no such bound; of these only such as are `among` the ids, where ids are given. `dry_run` only answers
    what would be forgotten. Raises `LockHeldError`, `DiskError`.
    """
    store.load(folders, env)
    if not journal.has_private_records(folders) and journal.load(folders) is None:
        return Pruned((), 0)
    with flock.Hold(folders.lock_file, purpose="prune"):
        lines = journal.load(folders) or journal.rebuild(folders)
        # Whatever the index claims: what has a folder there is not over.
        ended = [run for run in _ended(lines) if not live.is_live(folders, run.id)]
        chosen = _over(folders, _choose(ended, older_than_s, keep), ended, max_bytes)
        doomed = [run for run in chosen if among is None or run.id in among]
        pruned = Pruned(tuple(doomed), sum(_size(folders.output(run.id)) for run in doomed))
        if not dry_run:
            _forget(folders, [run.id for run in doomed])
    return pruned


def forget(folders: Folders, run_ids: Sequence[RunId]) -> None:
    """Forget these runs, which have ended. Raises `LockHeldError`, `DiskError`."""
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


def _ended(lines: journal.Lines) -> list[Run]:
    ended = store.parse(line for line in lines.values() if journal.has_ended(line))
    return sorted(ended, key=lambda run: run.end_time or 0.0)


def _choose(ended: list[Run], older_than_s: float | None, keep: int | None) -> list[Run]:
    if keep is not None:
        ended = ended[: max(len(ended) - keep, 0)]
    if older_than_s is not None:
        limit = clock.now_s() - older_than_s
        ended = [run for run in ended if (run.end_time or 0.0) < limit]
    return ended


def _over(folders: Folders, chosen: list[Run], ended: list[Run], max_bytes: int | None) -> list[Run]:
    """Those of `chosen` whose outputs do not fit into `max_bytes` any more, the newest of `ended` first."""
    if max_bytes is None:
        return chosen
    doomed, total = set(), 0
    for run in reversed(ended):
        total += _size(folders.output(run.id))
        if total > max_bytes:
            doomed.add(run.id)
    return [run for run in chosen if run.id in doomed]


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
