"""A few lines of a terminal that are drawn anew in place.

Only the cursor is moved, no mode of the terminal is changed: whatever ends us, there is nothing to put back, and the
last picture stays.
"""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import clip

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

_DUMB = ("", "dumb")
_UP, _CLEAR_LINE, _CLEAR_REST = "\x1b[{}A\r", "\x1b[K", "\x1b[J"


class Screen:
    """Draws on `stream`, a terminal that can move its cursor."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._drawn = 0

    @classmethod
    def find(cls, stream: TextIO, env: Mapping[str, str]) -> Screen | None:
        """The screen behind `stream`; `None` where there is none, or it can only write one line after the other."""
        return cls(stream) if stream.isatty() and env.get("TERM", "") not in _DUMB else None

    def draw(self, lines: Sequence[str]) -> None:
        """Draw printable `lines` over the ones before, cut to the terminal as it is now; of too many the last."""
        columns, rows = _size(self._stream)
        room = max(rows - 1, 1)
        if len(lines) > room:
            hidden = len(lines) - room + 1
            lines = [f"… and {hidden} before", *lines[hidden:]]
        # A terminal that was made smaller shows fewer lines than were drawn.
        up = min(self._drawn, room)
        text = (_UP.format(up) if up else "") + "".join(
            f"{clip(line, columns)}{_CLEAR_LINE}\n" for line in lines[:room]
        )
        self._stream.write(text + _CLEAR_REST)
        self._stream.flush()
        self._drawn = len(lines[:room])


def _size(stream: TextIO) -> tuple[int, int]:
    """Columns and rows; a terminal that does not know its size is taken for a small one."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return 80, 24
    return size.columns or 80, size.lines or 24
