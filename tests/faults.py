"""Dies, or fails, at the n-th system call that changes something: writers are tried at every one of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

# Every call with which our writers touch the disk. `read`, `stat` and the like cannot leave anything half-done.
CALLS = (
    "open",
    "write",
    "fsync",
    "replace",
    "rename",
    "link",
    "unlink",
    "mkdir",
    "fchmod",
    "close",
    "posix_spawn",
)


def die_at(number: int, action: Callable[[], object]) -> bool:
    """Run `action` in a forked process that is killed just before its `number`-th call.

    Answers whether it was killed; False means that `action` ended before. Raises `AssertionError` where it failed.
    """
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            _arm(number, lambda: os.kill(os.getpid(), signal.SIGKILL))
            action()
            status = 0
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.waitstatus_to_exitcode(status) == 0
    return False


def fail_at(number: int, error: int, action: Callable[[], object]) -> bool:
    """Run `action` in a forked process whose `number`-th call fails with `error` (an errno), and only that one.

    Answers whether a call failed. What `action` raises then is its own business; a bug exits with 70.
    """
    from gittasks.base.errors import GittasksError

    fired: list[int] = []
    pid = os.fork()
    if pid == 0:
        status = 70

        def fail() -> None:
            fired.append(number)
            raise OSError(error, os.strerror(error))

        try:
            _arm(number, fail)
            action()
            status = 10 if fired else 0
        except (GittasksError, OSError):
            status = 10 if fired else 70
        finally:
            os._exit(status)
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in (0, 10), f"call {number}: exit code {code}"
    return code == 10


def _arm(number: int, strike: Callable[[], object]) -> None:
    count = 0

    def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal count
            count += 1
            if count == number:
                strike()
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        setattr(os, name, wrap(getattr(os, name)))
