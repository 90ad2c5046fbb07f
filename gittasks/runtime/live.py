"""The private folder of a run that lives: its lock, its record, and what a new supervisor would need.

    alive           locked by the supervisor for as long as it lives; the command never holds it
    record.json     the record as the index last heard it
    settings.json   limits, deadline, probes: what the record does not say
    spec.json       what a worker of ours has to do, where the run has one
    report.json     how far it says it is (see `report`)
    out             the pipe that the command writes to; a new supervisor can read on where the old one died
    in              the pipe that it reads, or its terminal is fed from, where it was started so (see `streams`)
    bell            held open by the supervisor: who waits for its end sleeps by it (see `bell`)
    end             room on the disk for the last record, so that a full disk cannot swallow it
    tail-<offset>   the newest output, once it is over its limit
    stop-<ms>       somebody asked to stop the run, and how long it may take before SIGKILL; empty, so that a full
                    disk cannot refuse it

The lock is taken before the folder holds anything, and handed from the starting process to its supervisor
without a gap: a free lock always means that the supervisor is dead.
"""

from __future__ import annotations

import errno
import os

from gittasks.base import flock, ids
from gittasks.base.errors import GittasksError, NotFoundError
from gittasks.base.files import replace_file, sync_folder
from gittasks.base.jsontext import dumps
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import journal
from gittasks.runtime.record import RunId, format_run, is_run_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import Run

_ALIVE = "alive"
RECORD = "record.json"
SETTINGS = "settings.json"
_SPEC = "spec.json"
PIPE = "out"
INPUT = "in"
_STOP = "stop-"
TAIL = "tail-"
_END = "end"
# What the last record may have more than the first one: numbers, a message.
_ROOM_BYTES = 4096
_LOCK_TIMEOUT_S = 10.0


class NoSpecError(NotFoundError):
    """A worker was started for a run that has ended, or has nothing for a worker to do."""


def claim(folders: Folders, letter: str) -> tuple[RunId, int]:
    """A new run: its id, never used before in this clone, and the open, locked `alive` of its new folder."""
    while True:
        run_id = RunId(letter + ids.new_base36(7))
        if os.path.lexists(folders.ended_file(run_id)) or os.path.lexists(folders.output(run_id)):
            continue
        try:
            os.mkdir(folders.live_folder(run_id), 0o700)
        except FileExistsError:
            continue
        fd = take(folders, run_id)
        if fd is not None:
            return run_id, fd


def list_live(folders: Folders) -> list[RunId]:
    """The ids of all runs that have a folder here, in no order."""
    try:
        names = os.listdir(folders.live_folders)
    except FileNotFoundError:
        return []
    return [RunId(name) for name in names if is_run_id(name)]


def take(folders: Folders, run_id: RunId) -> int | None:
    """Lock a run that no supervisor guards, and answer the open lock; `None` where one does, or the run is over."""
    path = os.path.join(folders.live_folder(run_id), _ALIVE)
    try:
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except (FileNotFoundError, NotADirectoryError):
        return None
    # The folder may have been cleared away between open and lock.
    if flock.try_lock(fd) and os.fstat(fd).st_nlink:
        return fd
    os.close(fd)
    return None


def has_ended(folders: Folders, run_id: RunId) -> bool:
    """Whether the end of a run is on record, though its folder may still be there."""
    return os.path.lexists(folders.ended_file(run_id))


def is_live(folders: Folders, run_id: RunId) -> bool:
    """Whether a run has not ended, or its supervisor has not yet told everybody."""
    if not os.path.isdir(folders.live_folder(run_id)):
        return False
    return not has_ended(folders, run_id) or is_guarded(folders, run_id)


def is_guarded(folders: Folders, run_id: RunId) -> bool:
    """Whether a supervisor, or somebody who clears up after a dead one, holds the run right now."""
    path = os.path.join(folders.live_folder(run_id), _ALIVE)
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return False
    try:
        return flock.is_locked(fd)
    finally:
        os.close(fd)


def open_up(folders: Folders, run: Run, settings: dict[str, Any], spec: bytes | None = None) -> None:
    """Fill the folder of a run whose command is about to be started; `spec` is JSON. Raises `OSError`."""
    folder = folders.live_folder(run.id)
    _create(os.path.join(folder, _END), b" " * (len(format_run(run)) + _ROOM_BYTES))
    _create(os.path.join(folder, SETTINGS), dumps(settings).encode())
    if spec is not None:
        _create(os.path.join(folder, _SPEC), spec)


def read_spec(folders: Folders, run_id: RunId) -> dict[str, Any]:
    """What a worker has to do, as whoever started its run gave it. Raises `NoSpecError`."""
    data = read_part(folders, run_id, _SPEC)
    if data is None:
        raise NoSpecError(f"run {run_id} has nothing for a worker to do, or has ended")
    import json

    spec: dict[str, Any] = json.loads(data)
    return spec


def rewrite_settings(folders: Folders, run_id: RunId, settings: dict[str, Any]) -> None:
    """Replace what a new supervisor would need, once a command starts and its deadline is known. Raises `OSError`."""
    path = os.path.join(folders.live_folder(run_id), SETTINGS)
    temp = path + ".new"
    if os.path.lexists(temp):
        os.unlink(temp)  # a killed supervisor's
    _create(temp, dumps(settings).encode())
    os.replace(temp, path)


def write_record(folders: Folders, run: Run) -> None:
    """Keep the record of a live run, then tell the index. Raises `DiskError` when it cannot be kept.

    That the index cannot be told now is no error: whoever looks next finds the record here.
    """
    line = format_run(run)
    replace_file(os.path.join(folders.live_folder(run.id), RECORD), line, mode=0o600)
    _tell_index(folders, line)


def finish(folders: Folders, run: Run) -> None:
    """Keep the last record of a run, tell the index, and clear the folder away.

    The caller holds the run's lock; whatever kills it in between, the next one can go on from there: a folder that is
    still there says that the index may not know yet. Raises `OSError` when the record cannot be kept.
    """
    line = format_run(run)
    _keep_end(folders, run.id, line)
    told = _tell_index(folders, line)
    sync_folder(folders.ended_folder)
    if told:
        clear(folders, run.id)


def _keep_end(folders: Folders, run_id: RunId, line: bytes) -> None:
    path = os.path.join(folders.live_folder(run_id), _END)
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        # Over the room that was kept for it: that needs no new block of a full disk.
        os.pwrite(fd, line, 0)
        os.ftruncate(fd, len(line))
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(path, folders.ended_file(run_id))


def _tell_index(folders: Folders, line: bytes) -> bool:
    """Append a record, that is kept in private already, to the index; whether that could be done.

    Somebody may sit on the lock, or the disk be full: whoever looks next brings it to the index.
    """
    try:
        with flock.Hold(folders.lock_file, purpose="record a run", timeout_s=_LOCK_TIMEOUT_S):
            journal.append(folders, line)
    except (GittasksError, OSError):
        return False
    return True


def retell(folders: Folders, run_ids: Iterable[RunId]) -> tuple[journal.Lines, bool]:
    """The last lines of runs that have ended, and whether the index knows them all now; others are left out.

    What the index says is looked at under the lock: meanwhile somebody may have been told of the end.
    """
    wanted = [run_id for run_id in run_ids if has_ended(folders, run_id)]
    if not wanted:
        return {}, True
    try:
        with flock.Hold(folders.lock_file, purpose="record a run", timeout_s=_LOCK_TIMEOUT_S):
            return journal.append_ended(folders, wanted), True
    except (GittasksError, OSError):
        kept = {run_id.encode(): journal.restored(folders, run_id) for run_id in wanted}
        return {key: line for key, line in kept.items() if line}, False


def read_part(folders: Folders, run_id: RunId, name: str) -> bytes | None:
    """One file of a run's folder; `None` where it is not there."""
    try:
        with open(os.path.join(folders.live_folder(run_id), name), "rb", buffering=0) as file:
            return file.read()
    except (FileNotFoundError, NotADirectoryError):
        return None


def ask_to_stop(folders: Folders, run_id: RunId, grace_s: float) -> bool:
    """Leave the request to stop in a run's folder; `False` where the folder is gone, because the run has ended."""
    path = os.path.join(folders.live_folder(run_id), f"{_STOP}{round(grace_s * 1000)}")
    if has_ended(folders, run_id):
        return False
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except FileNotFoundError:
        return False
    return True


def read_stop(folders: Folders, run_id: RunId) -> float | None:
    """The shortest grace, in seconds, of all requests to stop; `None` where nobody asked."""
    names = os.listdir(folders.live_folder(run_id))
    asked = [name[len(_STOP) :] for name in names if name.startswith(_STOP)]
    return min((int(grace) / 1000 for grace in asked if grace.isdecimal()), default=None)


def _create(path: str, data: bytes) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        if os.write(fd, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
    finally:
        os.close(fd)


def clear(folders: Folders, run_id: RunId) -> None:
    """Remove a run's folder, its lock last; the caller holds that lock."""
    folder = folders.live_folder(run_id)
    for name in os.listdir(folder):
        if name != _ALIVE:
            os.unlink(os.path.join(folder, name))
    os.unlink(os.path.join(folder, _ALIVE))
    try:
        os.rmdir(folder)
    except OSError:
        # Somebody locked the run anew between the two calls: he finds that it has ended, and clears up.
        return
