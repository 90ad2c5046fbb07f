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

from gittasks.base.flock import DEFAULT_TIMEOUT_S, Patience, StrangeFileError, held_too_long, sign

if TYPE_CHECKING:
    from collections.abc import Iterator

    from filelock import BaseFileLock


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
                raise held_too_long(path, timeout_s)
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise StrangeFileError(
            f"{path} is a symbolic link: expected a lock of ours", hint="move it away"
        ) from None
    try:
        with contextlib.suppress(OSError):
            fd = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
            sign(fd, purpose)
            os.close(fd)
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
