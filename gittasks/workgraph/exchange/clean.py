"""Making foreign values fit a task: one-line texts, labels, times, names of fields. Pure.

Each function answers the value that fits. Whether that differs from what the source said, and must be told,
is for the caller to see.
"""

from __future__ import annotations

import datetime
import json
import math
import re
from typing import Any

from gittasks.workgraph.exchange.jsontext import is_deep
from gittasks.workgraph.extras import MAX_INT_DIGITS, MAX_KEY
from gittasks.workgraph.record import DEFAULT_PRIORITY, FIELDS, LOWEST_PRIORITY, MAX_NAME, MAX_SUBJECT

MAX_EXTRA_DEPTH = 50
_MAX_FIELD_NAME = 60
# Fields that the program itself gives a meaning to; a foreign field of that name goes by another one.
RESERVED = frozenset((*FIELDS, "blocks", "notes", "ref", "imported", "relations", "runs", "ready", "from"))
_SURROGATES = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_ODD_IN_NAME = re.compile(r"[^A-Za-z0-9_.-]+")
_DAY_FIRST = re.compile(r"(\d\d)[-/.](\d\d)[-/.](\d\d)")
_MAX_NUMBER = 10**MAX_INT_DIGITS
_MS_FROM = 10**11  # as seconds this is the year 5138, as milliseconds 1973


def valid(text: str) -> str:
    """`text` without what UTF-8 cannot write: lone surrogates."""
    return _SURROGATES.sub("\ufffd", text)


def whole(text: str) -> str:
    """`text` without what UTF-8 cannot write, with plain line ends."""
    text = valid(text)
    return text.replace("\r\n", "\n").replace("\r", "\n") if "\r" in text else text


def one_line(text: str) -> str:
    """`text` on one line: every run of control characters and line ends becomes one blank."""
    return text if text.isprintable() else _CONTROL.sub(" ", whole(text))


def cut(text: str, length: int) -> str:
    """`text` in at most `length` characters, the last one an ellipsis where it was longer."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def subject(text: str) -> str:
    """`text` as a subject; empty where nothing is left of it."""
    return cut(one_line(text).strip(), MAX_SUBJECT)


def name(text: str) -> str:
    """`text` as the name of an owner, or as a label; empty where nothing is left of it."""
    return cut(one_line(text).strip(), MAX_NAME)


def priority(value: object) -> int:
    """A priority from 0 to 4: a number beyond that is brought to the nearest, anything else is the default."""
    if isinstance(value, str) and re.fullmatch(r"[pP]?\d{1,3}", value.strip()):
        value = int(value.strip().lstrip("pP"))
    # A NaN is no number; comparing, and not `math.isnan`, takes whole numbers of any length.
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        return DEFAULT_PRIORITY
    return int(min(max(value, 0), LOWEST_PRIORITY))


def time(value: object) -> str:
    """A point in time as task files write it, `2026-11-23T10:00:00Z`; empty where `value` is none.

    Understands ISO 8601 in its forms (without a zone: UTC), Unix seconds and milliseconds, and 31-12-25.
    """
    try:
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = value / 1000 if abs(value) >= _MS_FROM else value
            found = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
        elif isinstance(value, str):
            found = _parse_time(value.strip())
        else:
            return ""
    except (ValueError, OverflowError, OSError):
        return ""
    return found.replace(microsecond=0, tzinfo=None).isoformat() + "Z"


def field_name(foreign: str, kind: str) -> str:
    """The name under which a foreign field is kept: its own, where that is free and plain."""
    plain = _ODD_IN_NAME.sub("_", foreign).strip("_.-")[:_MAX_FIELD_NAME]
    if not plain or not plain[0].isalpha():
        plain = f"{kind}_{plain}" if plain else f"{kind}_field"
    return f"{kind}_{plain}" if plain in RESERVED else plain


def extra(value: Any) -> Any:
    """`value` as an unknown field can hold it; what is nested very deep, or has odd names, becomes its JSON text."""
    if is_deep(value, MAX_EXTRA_DEPTH) or not _has_plain_names(value):
        return valid(json.dumps(value, ensure_ascii=False))
    return _extra(value)


def says_nothing(value: object) -> bool:
    """Whether a source field is there without saying anything: null, an empty text, list or object."""
    return value is None or value == "" or value == [] or value == {}


def _extra(value: Any) -> Any:
    if isinstance(value, str):
        return valid(value)
    if isinstance(value, dict):
        return {str(key): _extra(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_extra(item) for item in value]
    if value is None or isinstance(value, bool) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, int) and abs(value) < _MAX_NUMBER:
        return value
    return valid(str(value))


def _has_plain_names(value: Any) -> bool:
    """Whether every name in the maps of `value` is one short line."""
    if isinstance(value, dict):
        plain = all(0 < len(str(key)) <= MAX_KEY and one_line(str(key)) == str(key) for key in value)
        return plain and all(_has_plain_names(item) for item in value.values())
    return not isinstance(value, (list, tuple)) or all(_has_plain_names(item) for item in value)


def _parse_time(text: str) -> datetime.datetime:
    old = _DAY_FIRST.fullmatch(text)
    if old:
        day, month, year = (int(part) for part in old.groups())
        return datetime.datetime(2000 + year, month, day, tzinfo=datetime.UTC)
    if re.fullmatch(r"\d{9,16}(\.\d+)?", text):
        seconds = float(text)
        return datetime.datetime.fromtimestamp(
            seconds / 1000 if seconds >= _MS_FROM else seconds, datetime.UTC
        )
    # Go writes nanoseconds, Python reads six digits.
    found = datetime.datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text))
    return found.replace(tzinfo=datetime.UTC) if found.tzinfo is None else found.astimezone(datetime.UTC)
