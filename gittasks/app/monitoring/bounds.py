"""Hostile input kept small: lines that never end, patterns that blow up, looks that take for ever."""

from __future__ import annotations

import contextlib
import signal

from gittasks.base import clock
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

MAX_LINE_BYTES = 4096
MAX_TEXT_CHARS = 300
PATTERN_TIMEOUT_S = 0.5


class TooLateError(Exception):
    """Something took longer than it may."""


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise `TooLateError` in the middle of whatever takes longer than `seconds`; only in the main thread.

    It interrupts system calls, and the `re` module, which looks for signals while it searches. An alarm that was
    set before goes on.
    """

    def too_late(number: int, frame: FrameType | None) -> None:
        raise TooLateError

    started = clock.monotonic_s()
    before = signal.signal(signal.SIGALRM, too_late)
    outer_s, _ = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if outer_s:
            left_s = outer_s - (clock.monotonic_s() - started)
            signal.setitimer(signal.ITIMER_REAL, max(left_s, 0.001))


class Pattern:
    """Whether a line holds a text, or matches a regular expression; a search that takes too long finds nothing.

    The first such search is remembered in `is_slow`; no line is longer than `MAX_LINE_BYTES`.
    """

    def __init__(self, pattern: str, *, is_regex: bool) -> None:
        import re

        self._text = pattern
        self._regex = re.compile(pattern) if is_regex else None
        self.is_slow = False

    def finds(self, line: str) -> bool:
        """Whether `line` matches."""
        if self._regex is None:
            return self._text in line
        try:
            with deadline(PATTERN_TIMEOUT_S):
                return self._regex.search(line) is not None
        except TooLateError:
            self.is_slow = True
            return False

    def first(self, lines: list[str]) -> str | None:
        """The first of `lines` that matches; gives up at the first search that takes too long."""
        for line in lines:
            if self.finds(line):
                return line
            if self.is_slow:
                return None
        return None


class Lines:
    """Bytes as they come, cut into lines; of a line that is too long the rest is dropped."""

    def __init__(self) -> None:
        self._begun = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that `data` completes."""
        *whole, rest = data.split(b"\n")
        if whole:
            whole[0] = self._begun + whole[0]
            self._begun = b""
        self._begun = (self._begun + rest)[:MAX_LINE_BYTES]
        return [as_line(line) for line in whole]

    def close(self) -> list[str]:
        """The last line, where no line feed ended it."""
        last, self._begun = self._begun, b""
        return [as_line(last)] if last else []


def as_line(data: bytes) -> str:
    """A line as text, at most `MAX_LINE_BYTES` of it."""
    return data[:MAX_LINE_BYTES].decode("utf-8", "replace").rstrip("\r")


def as_event(text: str) -> str:
    """A line as the text of an event: printable, and short."""
    return shorten(printable(text.strip()), MAX_TEXT_CHARS)
