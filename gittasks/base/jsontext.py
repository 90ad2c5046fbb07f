"""JSON in, with finite numbers only, and JSON out: one line, ASCII only, in the spelling of `json.dumps`.

Written without `import json`, which costs 6 ms and a megabyte: supervisors live as long as a run.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\f": "\\f", "\b": "\\b"}


def dumps(value: Any) -> str:
    """`value` (None, bool, int, float, str, lists and maps with str keys) as one line of JSON.

    Raises `TypeError` for anything else, `ValueError` for a float that JSON has no word for.
    """
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_key(key)}: {dumps(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(dumps, value)) + "]"
    raise TypeError(f"{type(value).__name__} has no JSON")


def loads(data: bytes | str) -> Any:
    """The JSON value in `data`, numbers finite: what `dumps` can write again.

    Raises `ValueError`, and `RecursionError` where it is nested too deep.
    """
    import json

    return json.loads(data, parse_float=_finite, parse_constant=_finite)


def _finite(word: str) -> float:
    value = float(word)
    if value - value != 0:
        raise ValueError(f"{word[:40]} is no finite number")
    return value


def _key(key: Any) -> str:
    if not isinstance(key, str):
        raise TypeError(f"a map's key must be str, not {type(key).__name__}")
    return _quote(key)


def _number(value: float) -> str:
    if value - value != 0:  # infinite, or not a number
        raise ValueError(f"{value!r} has no JSON")
    return float.__repr__(value)


def _quote(text: str) -> str:
    if text.isascii() and text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(_ESCAPES.get(char) or _escape(char) for char in text) + '"'


def _escape(char: str) -> str:
    code = ord(char)
    if 0x20 <= code < 0x7F:
        return char
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
