"""One lock a file, held by one process at a time, with its holder's name inside.

`filelock` on Linux and macOS is `flock` on that very file, so a supervisor without libraries can take the
same lock. The file is never deleted: a deleted lock that is held would have two owners. But its whole folder may
be, by somebody who holds it (`deinit`): who waited for it meanwhile makes folder and lock anew.
"""

from __future__ import annotations

import contextlib
import errno
import os
from typing import TYPE_CHECKING

from gittasks.base import clock
from gittasks.base.errors import BusyError
from gittasks.base.flock import Patience, StrangeFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from filelock import BaseFileLock

DEFAULT_TIMEOUT_S = 10.0


class LockHeldError(BusyError):
    """One other process held the lock for the whole time we were ready to wait."""


@contextlib.contextmanager
def hold(path: str, *, purpose: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> Iterator[None]:
    """Hold the lock at `path` inside a `with`; `purpose` is what others are told while they wait.

    Its folder is made where it is missing. Raises `LockHeldError` (says by whom) after `timeout_s` seconds with one
    holder.
    """
    from filelock import FileLock

    lock = FileLock(path, timeout=0, fallback_to_soft=False)
    try:
        patience = Patience(path, timeout_s)
        while not _try(lock, path):
            if not patience.wait():
                raise LockHeldError(
                    f"{path} is held by {_holder(path)}; waited {timeout_s:g} s",
                    hint="wait for it to finish and try again; the lock goes with its process, never delete the file",
                )
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise StrangeFileError(
            f"{path} is a symbolic link: expected a lock of ours", hint="move it away"
        ) from None
    try:
        _sign(path, purpose)
        yield
    finally:
        lock.release()


def _try(lock: BaseFileLock, path: str) -> bool:
    """Whether we hold the lock at `path` now; false also where it is gone, or its folder was, since we looked."""
    from filelock import Timeout

    try:
        lock.acquire()
    except Timeout:
        return False
    except FileNotFoundError:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return False
    if os.path.lexists(path):
        return True
    lock.release()
    return False


def _sign(path: str, purpose: str) -> None:
    """Write who holds the lock into the lock file: for people only, nothing is decided by it."""
    # A full disk must not stop work that only removes things: the signature is talk, the flock is the lock.
    with contextlib.suppress(OSError):
        fd = os.open(path, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.write(fd, f"pid {os.getpid()} ({purpose}), since {clock.now_utc()}\n".encode())
        finally:
            os.close(fd)


def _holder(path: str) -> str:
    """Who signed the lock, if that process is still there; the signature outlives its owner."""
    try:
        with open(path, "rb") as file:
            line = file.read(200).decode("utf-8", "replace").strip()
        os.kill(int(line.split()[1]), 0)
    except PermissionError:  # another user's process: there it is
        return line
    except (OSError, ValueError, IndexError, OverflowError):
        return f"an unknown process (`lsof {path}` may name it)"
    return line
