"""The lock of `base.locks` without its library: for supervisors, and for commands that must be quick.

`filelock` is `flock` on the very same file (on Linux and macOS), so both keep each other out; its import alone
costs more than all that is done under the lock. The file is only ever deleted with its folder, by who holds it.
"""

from __future__ import annotations

import errno
import fcntl
import os

from gittasks.base import clock
from gittasks.base.errors import BusyError, RefusedError
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType

DEFAULT_TIMEOUT_S = 10.0
_POLL_S = 0.002


class LockHeldError(BusyError):
    """One other process held the lock for the whole time we were ready to wait."""


class StrangeFileError(RefusedError):
    """What lies in the place of a lock leads elsewhere; nothing was written."""


class Patience:
    """How long to wait for the lock at `path`: `timeout_s` seconds for any one holder.

    A lock that goes from hand to hand comes to each who waits, however many these are: who gave up on it after a time
    would do so for nothing but a busy machine. Each holder signs the file, by which it is known.
    """

    def __init__(self, path: str, timeout_s: float) -> None:
        self._path = path
        self._timeout_s = timeout_s
        self._signed = self._last_signed()
        self._deadline = clock.monotonic_s() + timeout_s

    def wait(self) -> bool:
        """Wait a moment, then it may be tried again; `False` where one holder has it too long."""
        if clock.monotonic_s() >= self._deadline:
            signed = self._last_signed()
            if signed == self._signed:
                return False
            self._signed = signed
            self._deadline = clock.monotonic_s() + self._timeout_s
        clock.sleep_s(_POLL_S)
        return True

    def _last_signed(self) -> int:
        try:
            return os.stat(self._path).st_mtime_ns
        except OSError:
            return 0


class Hold:
    """`with Hold(path, purpose=...)`: the lock at `path`, held; `purpose` is what others are told while they wait.

    Its folder is made where it is missing. Entering raises `LockHeldError` (says by whom) after `timeout_s` seconds
    with one holder.
    """

    def __init__(self, path: str, *, purpose: str, timeout_s: float = DEFAULT_TIMEOUT_S) -> None:
        self._path = path
        self._purpose = purpose
        self._timeout_s = timeout_s
        self._fd = -1

    def __enter__(self) -> None:
        patience = Patience(self._path, self._timeout_s)
        while True:
            self._fd = self._open()
            self._wait(patience)
            if self._is_there():
                break
            os.close(self._fd)
        sign(self._fd, self._purpose)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    def _open(self) -> int:
        while True:
            try:
                return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
            except FileNotFoundError:
                os.makedirs(os.path.dirname(self._path), exist_ok=True)
            except OSError as error:
                if error.errno != errno.ELOOP:
                    raise
                raise StrangeFileError(
                    f"{self._path} is a symbolic link: expected a lock of ours", hint="move it away"
                ) from None

    def _wait(self, patience: Patience) -> None:
        while not try_lock(self._fd):
            if not patience.wait():
                os.close(self._fd)
                raise held_too_long(self._path, self._timeout_s)

    def _is_there(self) -> bool:
        """Whether the file that we locked is the one that others find: its folder may be gone (`deinit`)."""
        try:
            found = os.stat(self._path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return found.st_ino == os.fstat(self._fd).st_ino


def sign(fd: int, purpose: str) -> None:
    """Write who holds the lock into its open file: for people only, nothing is decided by it."""
    text = f"pid {os.getpid()} ({purpose}), since {clock.now_utc()}\n".encode()
    try:
        os.ftruncate(fd, 0)
        os.pwrite(fd, text, 0)
    except OSError:
        # A full disk must not stop work that only removes things: the signature is talk, the flock is the lock.
        pass


def held_too_long(path: str, waited_s: float) -> LockHeldError:
    """The error of who gave up on the lock at `path`."""
    return LockHeldError(
        f"{path} is held by {_holder(path)}; waited {waited_s:g} s",
        hint="wait for it to finish and try again; the lock goes with its process, never delete the file",
    )


def _holder(path: str) -> str:
    """Who signed the lock, if that process is still there; the signature outlives its owner."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            line = os.read(fd, 200).decode("utf-8", "replace").strip()
        finally:
            os.close(fd)
        os.kill(int(line.split()[1]), 0)
    except PermissionError:  # another user's process: there it is
        return line
    except (OSError, ValueError, IndexError, OverflowError):
        return f"an unknown process (`lsof {path}` may name it)"
    return line


def try_lock(fd: int) -> bool:
    """Lock the open file `fd` for this process, now or not at all. Closing all its copies unlocks it."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def is_locked(fd: int) -> bool:
    """Whether another process holds the lock on the open file `fd`. Two who only look do not see each other."""
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(fd, fcntl.LOCK_UN)
    return False
