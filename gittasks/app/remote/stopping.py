"""Requests to stop that reach a worker as SIGTERM, made readable, so that no wait of it misses one."""

from __future__ import annotations

import contextlib
import os
import select
import signal

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class StopAskedError(Exception):
    """Somebody asked to stop the run, while that could still be done at once."""


class StopRequests:
    """`asked` once there was one; `fd` is readable after each."""

    def __init__(self, *, asked: bool) -> None:
        self.asked = asked
        self._breaks = False
        self.fd, write_fd = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(write_fd, False)
        signal.signal(signal.SIGTERM, self._note)
        signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
        # Held until now, where our supervisor started us (see `runtime.child`).
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])

    def wait(self, seconds: float) -> None:
        """Wait so long, or until the next request."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        poll.poll(seconds * 1000)
        self.clear()

    def clear(self) -> None:
        """Make `fd` wait for the next request."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.fd, 4096)

    @contextlib.contextmanager
    def break_in(self) -> Iterator[None]:
        """Inside, a request ends whatever goes on. Raises `StopAskedError`."""
        self._breaks = True
        try:
            if self.asked:
                raise StopAskedError
            yield
        finally:
            self._breaks = False

    def _note(self, number: int, frame: object) -> None:
        self.asked = True
        if self._breaks:
            self._breaks = False
            raise StopAskedError
