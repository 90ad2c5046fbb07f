"""One conversation with a host: a program (ssh) is started, a request sent, frames come back.

The host is a stranger: whatever it sends or fails to send ends in an error that says so, within bounds of time and
memory.
"""

from __future__ import annotations

import os
import select

from gittasks.app.remote import frames
from gittasks.app.remote.engine import HostError, TakenError, UnreachableError
from gittasks.app.remote.frames import BadHostError, Decoder, Frame
from gittasks.base import clock, proc
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

# The helper says something every ten seconds; a link that is silent for longer is dead.
SILENCE_S = 60.0
_READ_BYTES = 1 << 16
_KEPT_WORDS = 4096
_SSH_FAILED = 255
_NOT_FOUND = 127
_WAKE = Frame(frames.BEAT, b"")


class Session:
    """One conversation; `with` ends the program. `host` is how people call the other side."""

    def __init__(
        self,
        host: str,
        argv: Sequence[str],
        request: bytes,
        *,
        cwd: str,
        env: Mapping[str, str],
        wake_fd: int = -1,
    ) -> None:
        self._host = host
        self._process = proc.Piped(argv, cwd=cwd, env=env)
        self._request = memoryview(request)
        self._wake_fd = wake_fd
        self._words = b""
        self._poll = select.poll()
        self._poll.register(self._process.stdin_fd, select.POLLOUT)
        self._poll.register(self._process.stdout_fd, select.POLLIN)
        self._poll.register(self._process.stderr_fd, select.POLLIN)
        if wake_fd >= 0:
            self._poll.register(wake_fd, select.POLLIN)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self._process.end()

    def answer(self) -> dict[str, Any]:
        """The one answer to the request. Raises `UnreachableError`, `HostError`, `TakenError`."""
        for frame in self.frames():
            if frame.letter == frames.ANSWER:
                return self.content(frame)
        raise self._broken_off()

    def frames(self) -> Iterator[Frame]:
        """All that comes, the answer last; a beat also when `wake_fd` is readable. Raises as `answer` does."""
        decoder = Decoder()
        silent_at = clock.monotonic_s() + SILENCE_S
        while True:
            events = dict(self._poll.poll(max(silent_at - clock.monotonic_s(), 0) * 1000))
            if not events:
                raise UnreachableError(f"{self._host} has said nothing for {SILENCE_S:g} s")
            self._talk(events)
            if self._process.stdout_fd in events:
                data = self._read(self._process.stdout_fd)
                if data == b"":
                    raise self._broken_off()
                silent_at = clock.monotonic_s() + SILENCE_S
                for frame in self._decode(decoder, data or b""):
                    yield frame
                    if frame.letter == frames.ANSWER:
                        return
            if self._wake_fd in events:
                yield _WAKE

    def content(self, frame: Frame) -> dict[str, Any]:
        """The JSON object in a frame. Raises `UnreachableError`: from garbage nothing follows."""
        try:
            return frames.parse_content(frame.content)
        except BadHostError as error:
            raise UnreachableError(f"{self._host}: {error.message}") from None

    def _decode(self, decoder: Decoder, data: bytes) -> Iterator[Frame]:
        try:
            for frame in decoder.feed(data):
                if frame.letter == frames.ERROR:
                    raise self._refusal(self.content(frame))
                yield frame
        except BadHostError as error:
            raise UnreachableError(f"{self._host}: {error.message}", hint=self._hint()) from None

    def _talk(self, events: Mapping[int, int]) -> None:
        """Send more of the request, and hear what the program itself has to say."""
        if self._process.stdin_fd in events:
            try:
                done = os.write(self._process.stdin_fd, self._request[:_READ_BYTES])
                self._request = self._request[done:]
            except BlockingIOError:
                pass
            except BrokenPipeError:
                # It has ended: what it said before is still to come.
                self._request = self._request[:0]
            if not self._request:
                # Left open: that it closes is how the host learns that we are gone.
                self._poll.unregister(self._process.stdin_fd)
        if self._process.stderr_fd in events:
            self._hear()

    def _hear(self) -> None:
        data = self._read(self._process.stderr_fd)
        if data == b"":
            self._poll.unregister(self._process.stderr_fd)
        self._words = (self._words + (data or b""))[-_KEPT_WORDS:]

    def _read(self, fd: int) -> bytes | None:
        """What is there; empty at the end, `None` where there is nothing yet."""
        try:
            return os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return None

    def _broken_off(self) -> Exception:
        """The program ended without an answer: no connection, a lost one, or no python there."""
        # What it said last may still be in the pipe.
        while data := self._read(self._process.stderr_fd):
            self._words = (self._words + data)[-_KEPT_WORDS:]
        code = self._process.end()
        said = self._last_words()
        if code == _NOT_FOUND:
            return HostError(
                f"{self._host}: {said or 'no python there'}",
                hint="it needs python 3.11 or newer; `python` under `hosts:` in the configuration names it",
            )
        what = f"cannot reach {self._host}" if code == _SSH_FAILED else f"lost {self._host}"
        return UnreachableError(f"{what}: {said or f'it ended with {code} and no answer'}", hint=self._hint())

    def _refusal(self, content: Mapping[str, Any]) -> HostError:
        message = str(content.get("message", "it refuses"))[:1000]
        hint = content.get("hint")
        kind = TakenError if content.get("kind") == "taken" else HostError
        return kind(f"{self._host}: {message}", hint=str(hint)[:1000] if hint else None)

    def _hint(self) -> str:
        return f"does `ssh -o BatchMode=yes {self._host} true` work, and print nothing?"

    def _last_words(self) -> str:
        lines = [line for line in self._words.decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1].strip()[:300] if lines else ""
