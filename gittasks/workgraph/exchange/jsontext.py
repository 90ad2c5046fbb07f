"""Strict reading of JSON that strangers wrote: every error names file and line. Pure.

Twice the same name in one object, `NaN`, and nesting that no reader can follow are refused rather than guessed at.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING, Any

from gittasks.base.errors import InvalidError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_DEPTH = 64
_BLANK = re.compile(r"[ \t\r\n]*")


class BadSourceError(InvalidError):
    """What is to be read breaks its format; the message starts with file and line."""


def decode(data: bytes, name: str) -> str:
    """`data` as text, without a byte order mark. Raises `BadSourceError` where it is not UTF-8."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise BadSourceError(f"{name}:{line}: is not UTF-8 text (byte {data[error.start]:#04x})") from None


def parse_document(data: bytes, name: str) -> Any:
    """The one JSON value in `data`. Raises `BadSourceError`."""
    text = decode(data, name)
    start = _skip(text, 0)
    value, end = _value(text, start, name)
    end = _skip(text, end)
    if end < len(text):
        raise BadSourceError(
            f"{name}:{_line(text, end)}: more text behind the JSON value: expected one value"
        )
    return value


def parse_objects(data: bytes, name: str) -> list[tuple[int, dict[str, Any]]]:
    """(line, object) of each JSON object in `data`: one after the other (JSON lines), or in one array.

    Raises `BadSourceError`.
    """
    text = decode(data, name)
    found: list[tuple[int, dict[str, Any]]] = []
    line, counted = 1, 0
    for start, value in _values(text, name):
        line += text.count("\n", counted, start)
        counted = start
        if not isinstance(value, dict):
            raise BadSourceError(f"{name}:{line}: is {describe(value)}: expected a JSON object")
        found.append((line, value))
    return found


def describe(value: object) -> str:
    """What kind of JSON value this is, in words: `a list`, `the number 3`."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return "a text"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return f"the number {value}"[:60]


def is_deep(value: object, limit: int = MAX_DEPTH) -> bool:
    """Whether lists and maps are nested deeper than `limit`."""
    if isinstance(value, (dict, list, tuple)):
        inner = value.values() if isinstance(value, dict) else value
        return limit <= 0 or any(is_deep(item, limit - 1) for item in inner)
    return False


def _values(text: str, name: str) -> Iterator[tuple[int, Any]]:
    """(position, value) of each value in an array, or of each value that stands one behind the other."""
    position = _skip(text, 0)
    in_array = text[position : position + 1] == "["
    if in_array:
        position = _skip(text, position + 1)
        if text[position : position + 1] == "]":
            _require_end(text, position + 1, name)
            return
    while position < len(text) or in_array:
        value, end = _value(text, position, name)
        yield position, value
        position = _skip(text, end)
        if in_array:
            mark = text[position : position + 1]
            if mark == "]":
                _require_end(text, position + 1, name)
                return
            if mark != ",":
                raise BadSourceError(f"{name}:{_line(text, position)}: expected `,` or `]` in the JSON array")
            position = _skip(text, position + 1)


def _value(text: str, position: int, name: str) -> tuple[Any, int]:
    try:
        value, end = _DECODER.raw_decode(text, position)
    except json.JSONDecodeError as error:
        line = _line(text, min(error.pos, len(text)))
        raise BadSourceError(
            f"{name}:{line}: is not JSON: {error.msg} (column {error.colno})",
            hint="nothing was taken from this file: mend the line, or leave it out",
        ) from None
    except (ValueError, RecursionError) as error:
        what = "is nested too deep" if isinstance(error, RecursionError) else str(error)
        raise BadSourceError(f"{name}:{_line(text, position)}: {what}") from None
    if is_deep(value):
        raise BadSourceError(f"{name}:{_line(text, position)}: is nested deeper than {MAX_DEPTH} levels")
    return value, end


def _require_end(text: str, position: int, name: str) -> None:
    position = _skip(text, position)
    if position < len(text):
        raise BadSourceError(f"{name}:{_line(text, position)}: more text behind the JSON array")


def _skip(text: str, position: int) -> int:
    found = _BLANK.match(text, position)
    return found.end() if found else position


def _line(text: str, position: int) -> int:
    return text.count("\n", 0, position) + 1


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{twice[:60]!r} stands twice in one object: expected each name once")
    return made


def _constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON: expected a number")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
