"""What a host says to us: a mark, then frames, whatever a login shell printed before. Pure.

A frame is one letter, the length of its content in four bytes (most significant first), and the content. What comes
from a host is hostile until proven otherwise: everything here has a limit.
"""

from __future__ import annotations

from gittasks.base.errors import InvalidError
from gittasks.base.jsontext import dumps, loads
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

MARK = b"\ngittasks-remote 1\n"
# The letters. Output carries the position after it, in eight bytes, then the bytes themselves.
OUTPUT, BEAT, ANSWER, ERROR = b"O", b"B", b"A", b"E"
MAX_FRAME_BYTES = 1 << 18
MAX_NOISE_BYTES = 1 << 16
_LENGTH = 4
_POSITION = 8


class BadHostError(InvalidError):
    """A host says what no helper of ours would say."""


class Frame(NamedTuple):
    """One frame: its letter and its content."""

    letter: bytes
    content: bytes


def format_frame(letter: bytes, content: bytes = b"") -> bytes:
    """A frame as bytes."""
    return letter + len(content).to_bytes(_LENGTH, "big") + content


def format_output(data: bytes, position: int) -> bytes:
    """A frame of output; `position` is where the stream stands after `data`."""
    return format_frame(OUTPUT, position.to_bytes(_POSITION, "big") + data)


def parse_output(content: bytes) -> tuple[bytes, int]:
    """The data of a frame of output, and the position after it. Raises `BadHostError`."""
    if len(content) < _POSITION:
        raise BadHostError("the host sent output without its position")
    return content[_POSITION:], int.from_bytes(content[:_POSITION], "big")


def format_content(letter: bytes, content: dict[str, Any]) -> bytes:
    """A frame whose content is a JSON object."""
    return format_frame(letter, dumps(content).encode("ascii"))


def parse_content(content: bytes) -> dict[str, Any]:
    """The JSON object that is the content of a frame. Raises `BadHostError`."""
    try:
        found = loads(content)
    except (ValueError, RecursionError):
        raise BadHostError("the answer is no JSON") from None
    if not isinstance(found, dict):
        raise BadHostError("the answer is no JSON object")
    return found


class Decoder:
    """Frames out of bytes as they come."""

    def __init__(self) -> None:
        self._data = b""
        self._marked = False

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now. Raises `BadHostError` for what no helper of ours would say."""
        self._data += data
        if not self._marked and not self._find_mark():
            return
        while len(self._data) > _LENGTH:
            letter, end = self._data[:1], 1 + _LENGTH + int.from_bytes(self._data[1 : 1 + _LENGTH], "big")
            if letter not in (OUTPUT, BEAT, ANSWER, ERROR) or end > MAX_FRAME_BYTES:
                raise BadHostError("the host does not speak our language: its answer is garbage")
            if len(self._data) < end:
                return
            content, self._data = self._data[1 + _LENGTH : end], self._data[end:]
            yield Frame(letter, content)

    def _find_mark(self) -> bool:
        """A login shell may greet us: what stands before the mark is skipped."""
        noise, found, rest = self._data.partition(MARK)
        if len(noise) > MAX_NOISE_BYTES:
            raise BadHostError(
                f"the host sent {MAX_NOISE_BYTES >> 10} KiB of something else before any answer"
            )
        if found:
            self._data, self._marked = rest, True
        return self._marked
