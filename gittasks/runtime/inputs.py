"""Giving input to a run that lives, through the named pipe that it was started with."""

from __future__ import annotations

import errno
import os
import select
import stat

from gittasks.base import clock
from gittasks.base.errors import BusyError, RefusedError
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import live

if TYPE_CHECKING:
    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import RunId

PATIENCE_S = 5.0


class NoInputError(RefusedError):
    """The run has ended, or was started without an input."""


class InputFullError(BusyError):
    """The run does not read what it was given before."""


def send(folders: Folders, run_id: RunId, data: bytes, *, patience_s: float = PATIENCE_S) -> None:
    """Give `data` to a run; what comes before its command starts, or before it reads, waits for it.

    Up to 4 KiB go whole, between those of others. Raises `NoInputError`, and `InputFullError` where the run reads
    nothing for `patience_s` seconds; some of it may have been given then.
    """
    fd = _open(folders, run_id)
    try:
        left = memoryview(data)
        deadline = clock.monotonic_s() + patience_s
        while left:
            try:
                left = left[os.write(fd, left) :]
                deadline = clock.monotonic_s() + patience_s
            except BlockingIOError:
                _await_room(fd, run_id, deadline)
            except BrokenPipeError:
                raise _no_input(run_id, "has ended") from None
    finally:
        os.close(fd)


def _open(folders: Folders, run_id: RunId) -> int:
    path = os.path.join(folders.live_folder(run_id), live.INPUT)
    try:
        fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        if live.is_live(folders, run_id):
            raise _no_input(run_id, "was started without an input") from None
        raise _no_input(run_id, "has ended") from None
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise _no_input(run_id, "reads no input any more") from None
        raise
    if not stat.S_ISFIFO(os.fstat(fd).st_mode):
        os.close(fd)
        raise _no_input(run_id, "was started without an input")
    return fd


def _await_room(fd: int, run_id: RunId, deadline: float) -> None:
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    if not poll.poll(max(deadline - clock.monotonic_s(), 0) * 1000):
        raise InputFullError(
            f"run {run_id} does not read its input: what was given before still waits",
            hint="try again when it reads, or `gittasks logs` what it does",
        )


def _no_input(run_id: RunId, why: str) -> NoInputError:
    return NoInputError(
        f"run {run_id} {why}", hint="`gittasks run --input` gives a run an input, `--pty` a terminal"
    )
