"""Values of settings that several of them share, checked. Pure."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    Command = tuple[str, ...]

_MAX_WORDS = 1000
_MAX_SHOWN = 60


class BadValueError(Exception):
    """A value that breaks its format: what is wrong, what was expected."""

    def __init__(self, message: str, expected: str) -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected


def argv(value: Any, expected: str) -> Command:
    """A list of words, the first of which names a program. Raises `BadValueError`."""
    words = value if isinstance(value, list) else []
    if not 0 < len(words) <= _MAX_WORDS or not all(
        isinstance(word, str) and "\0" not in word for word in words
    ):
        raise BadValueError(f"is {show(value)}", expected)
    if not words[0].strip():
        raise BadValueError("names no program", expected)
    return tuple(words)


def show(value: Any) -> str:
    """`value` as a message can quote it."""
    text = repr(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
