"""The `monitor` of a step: the options of `gittasks monitor` by their names, and what they come to."""

from __future__ import annotations

from gittasks.app.monitoring import spec as words
from gittasks.app.monitoring.spec import BadMonitorError, Watch
from gittasks.base.durations import EXPECTED, parse_duration
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_TARGETS = (words.URL, words.FILE, words.LOG, words.RUN, words.REF)
_COMMANDS = (words.COMMAND, words.STREAM)
_PATTERNS = ("match", "regex")
_LENGTHS = {"every": "every_s", "debounce": "debounce_s", "look_timeout": "look_timeout_s"}
_WORDS = {"until": words.CONDITIONS, "notify": words.NOTIFY}
KEYS = (*_COMMANDS, *_TARGETS, *_PATTERNS, *_LENGTHS, *_WORDS, "from_start")


def watch_of(values: Mapping[str, Any]) -> Watch:
    """The monitor that a step asks for. Raises `BadMonitorError` for anything that `gittasks monitor` has not."""
    for key in values:
        if key not in KEYS:
            raise BadMonitorError(f"{key!r} is unknown", hint=f"a monitor has {', '.join(KEYS)}")
    sources = [key for key in (*_COMMANDS, *_TARGETS) if key in values]
    if len(sources) != 1 or all(key in values for key in _PATTERNS):
        raise BadMonitorError("expected one thing to watch, and at most one pattern")
    (source,) = sources
    told: dict[str, Any] = (
        {"argv": _argv(values[source])} if source in _COMMANDS else {"target": _text(values, source)}
    )
    told |= {field: _length(values, key) for key, field in _LENGTHS.items() if key in values}
    told |= {key: _word(values, key) for key in _WORDS if key in values}
    for key in _PATTERNS:
        if key in values:
            told |= {"pattern": _text(values, key), "is_regex": key == "regex"}
    if "from_start" in values:
        if type(values["from_start"]) is not bool or source != words.LOG:
            raise BadMonitorError("from_start is true or false, and for a log only")
        told["from_start"] = values["from_start"]
    return words.complete(Watch(source, **told))


def _argv(value: Any) -> tuple[str, ...]:
    if isinstance(value, str) and value.strip():
        return ("/bin/sh", "-c", value)
    if (
        not isinstance(value, list)
        or not value
        or not all(isinstance(word, str) and "\0" not in word for word in value)
    ):
        raise BadMonitorError("a command is a list of words, or one text for the shell")
    return tuple(value)


def _text(values: Mapping[str, Any], key: str) -> str:
    value = values[key]
    if not isinstance(value, str) or not value or "\0" in value:
        raise BadMonitorError(f"{key} is {str(value)[:60]!r}: expected a text")
    return value


def _length(values: Mapping[str, Any], key: str) -> float:
    value = values[key]
    try:
        if isinstance(value, bool) or not isinstance(value, str | int | float):
            raise ValueError
        return parse_duration(str(value))
    except ValueError:
        raise BadMonitorError(
            f"{key} is {str(value)[:60]!r}: expected a length of time, {EXPECTED}"
        ) from None


def _word(values: Mapping[str, Any], key: str) -> str:
    if values[key] not in _WORDS[key]:
        raise BadMonitorError(f"{key} is {str(values[key])[:60]!r}: expected one of {', '.join(_WORDS[key])}")
    return str(values[key])
