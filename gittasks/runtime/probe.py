"""One short question to another program, asked by a supervisor: `git rev-parse HEAD` once the command has ended.

The supervisor does not know what is asked; the record's field and the command come with the run.
"""

from __future__ import annotations

import os
import select
import signal

from gittasks.base import clock
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TIMEOUT_S = 2.0
_MAX_BYTES = 4096


def ask(argv: Sequence[str], *, env: Mapping[str, str], timeout_s: float = TIMEOUT_S) -> str | None:
    """The first line that `argv` prints; `None` where it fails, says nothing, or takes longer than `timeout_s`."""
    read_fd, write_fd = os.pipe()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, write_fd, 1),
        (os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0),
    ]
    try:
        pid = os.posix_spawnp(argv[0], list(argv), env, file_actions=actions, setsigdef=[signal.SIGPIPE])
    except OSError:
        os.close(read_fd)
        return None
    finally:
        os.close(write_fd)
    answer = _read(read_fd, clock.monotonic_s() + timeout_s)
    os.close(read_fd)
    if answer is None:
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if status or not answer:
        return None
    return answer.split(b"\n", 1)[0].decode("utf-8", "replace") or None


def _read(fd: int, deadline: float) -> bytes | None:
    """All that comes until the end of file; `None` where the deadline comes first."""
    data = b""
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while poll.poll(max(deadline - clock.monotonic_s(), 0) * 1000):
        more = os.read(fd, _MAX_BYTES)
        if not more:
            return data
        data = (data + more)[:_MAX_BYTES]
    return None
