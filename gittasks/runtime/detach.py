"""Becoming a guard: a process that belongs to no terminal, no session, and nobody's folder, and adopts orphans."""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_CHILD_SUBREAPER = 36
_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTSTP, signal.SIGXFSZ)


def leave_parent(kept_fds: tuple[int, ...]) -> None:
    """Go on in a session of our own, as nobody's child, with `kept_fds` and the standard three open, and no others.

    The process that was started ends here: whoever started it waits for that one only, so we are nobody's zombie.
    """
    if os.fork():
        os._exit(0)
    os.setsid()
    for fd in kept_fds:
        os.set_inheritable(fd, False)
    # Whatever else a shell left open for its commands (a lock, a pipe) must not be held for the length of a run.
    os.closerange(max(kept_fds) + 1, os.sysconf("SC_OPEN_MAX"))


def read_job() -> bytes:
    """All that stands in stdin."""
    data = b""
    while more := os.read(0, 1 << 16):
        data += more
    return data


def let_go_of_terminal() -> None:
    """Ignore what a terminal sends, and hold neither it nor a folder."""
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    # A guard must not keep a folder from being removed, or a disk from being unmounted.
    os.chdir("/")


def become_subreaper() -> bool:
    """Let the orphans of the command become our children (prctl(2)); whether they will: elsewhere they cannot."""
    if sys.platform != "linux":
        return False
    import ctypes

    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
