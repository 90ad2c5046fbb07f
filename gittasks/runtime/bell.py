"""A named pipe in the folder of a live run, which its supervisor holds open: to wake it, and to be woken by its end.

Whoever listens sleeps in poll(2) until all who held the pipe are gone (POLLHUP), however they went; a byte that
somebody writes wakes the supervisor (POLLIN). It tells that something may have changed, never what: whoever is woken
looks at locks and records, which alone decide.
"""

from __future__ import annotations

import contextlib
import errno
import os

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import RunId

BELL = "bell"
_READ_BYTES = 4096


def hang(folders: Folders, run_id: RunId) -> int:
    """Make the bell of a run of ours, or take a dead supervisor's; -1 where the file system has no named pipes."""
    path = _path(folders, run_id)
    try:
        os.mkfifo(path, 0o600)
    except FileExistsError:
        pass
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
        return -1
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)


def listen(folders: Folders, run_id: RunId) -> int:
    """A descriptor that poll(2) reports as hung up once the run's supervisor is gone; -1 where there is no bell."""
    return _open(folders, run_id, os.O_RDONLY)


def is_held(folders: Folders, run_id: RunId, fd: int) -> bool:
    """Whether any supervisor holds the bell that we listen to at `fd`: poll(2) may be silent about one without."""
    try:
        rung = os.read(fd, 1)
    except BlockingIOError:
        return True
    if rung:
        # That was not for us.
        ring(folders, run_id)
    return bool(rung)


def ring(folders: Folders, run_id: RunId) -> None:
    """Wake the supervisor of a run, if it listens."""
    fd = _open(folders, run_id, os.O_WRONLY)
    if fd >= 0:
        # Full: it has been rung often enough. Broken: nobody is there.
        with contextlib.suppress(OSError):
            os.write(fd, b"r")
        os.close(fd)


def silence(fd: int) -> None:
    """Take back what was rung on our own bell."""
    with contextlib.suppress(BlockingIOError):
        os.read(fd, _READ_BYTES)


def _path(folders: Folders, run_id: RunId) -> str:
    return os.path.join(folders.live_folder(run_id), BELL)


def _open(folders: Folders, run_id: RunId, access: int) -> int:
    try:
        return os.open(_path(folders, run_id), access | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return -1
