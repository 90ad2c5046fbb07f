"""Strict reading of YAML that strangers wrote, with the line of every field. Pure.

Plain data only: anchors, aliases, tags and directives are refused, so nothing can blow up or run. What a plain word
means is decided in `scalars`: `0123`, `no` and dates stay text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gittasks.workgraph.exchange.jsontext import MAX_DEPTH, BadSourceError
from gittasks.workgraph.scalars import resolve_plain
from gittasks.workgraph.yamltree import TreeError, parse_events

if TYPE_CHECKING:
    from collections.abc import Iterator


class Map(dict[str, Any]):
    """A mapping that knows its own line and the line of each of its fields (from 1)."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}


class List(list[Any]):
    """A sequence that knows the line of each of its items (from 1)."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[int] = []


def parse_yaml(text: str, name: str, *, first_line: int = 1) -> list[tuple[int, Any]]:
    """(line, value) of each document in `text`, maps as `Map`, sequences as `List`.

    `first_line` is where `text` starts in `name`. An empty document is left out. Raises `BadSourceError` with file
    and line.
    """
    return list(_Builder(name, first_line).documents(text))


class _Builder:
    """Turns the parser's events into values, and refuses what plain data does not need."""

    def __init__(self, name: str, first_line: int) -> None:
        self._name = name
        self._first_line = first_line

    def documents(self, text: str) -> Iterator[tuple[int, Any]]:
        done = 0
        try:
            events = parse_events(text)
            for event in events:
                kind = type(event).__name__
                if kind == "DocumentStartEvent" and "\n%" in "\n" + text[done : event.end_mark.index]:
                    self._refuse(event, "a directive (%)")
                if kind in _STARTS:
                    value = self._value(event, events, 0)
                    if value is not None:
                        yield self._line(event), value
                done = event.end_mark.index
        except TreeError as error:
            line = error.line + self._first_line - 1
            expected = f": {error.expected}" if error.expected else ""
            raise BadSourceError(f"{self._name}:{line}: {error.what}{expected}") from None

    def _value(self, event: Any, events: Iterator[Any], depth: int) -> Any:
        kind = type(event).__name__
        if kind == "AliasEvent" or event.anchor:
            self._refuse(event, "an anchor or alias (& or *)")
        if event.tag is not None:
            self._refuse(event, "a tag (!)")
        if kind == "ScalarEvent":
            return resolve_plain(event.value) if event.implicit[0] else event.value
        if depth >= MAX_DEPTH:
            raise BadSourceError(
                f"{self._name}:{self._line(event)}: is nested deeper than {MAX_DEPTH} levels"
            )
        if kind == "SequenceStartEvent":
            return self._list(events, depth + 1)
        return self._map(event, events, depth + 1)

    def _list(self, events: Iterator[Any], depth: int) -> List:
        found = List()
        for event in events:
            if type(event).__name__ == "SequenceEndEvent":
                break
            found.lines.append(self._line(event))
            found.append(self._value(event, events, depth))
        return found

    def _map(self, start: Any, events: Iterator[Any], depth: int) -> Map:
        found = Map(self._line(start))
        for event in events:
            kind = type(event).__name__
            if kind == "MappingEndEvent":
                break
            if kind != "ScalarEvent" or event.tag is not None or event.anchor:
                self._refuse(event, "a field name that is no plain text")
            if event.value in found:
                raise BadSourceError(
                    f"{self._name}:{self._line(event)}: {event.value[:60]}: stands twice: expected each field once"
                )
            found.lines[event.value] = self._line(event)
            found[event.value] = self._value(next(events), events, depth)
        return found

    def _refuse(self, event: Any, what: str) -> None:
        raise BadSourceError(f"{self._name}:{self._line(event)}: {what}: expected plain data")

    def _line(self, event: Any) -> int:
        return int(event.start_mark.line) + self._first_line


_STARTS = frozenset(("ScalarEvent", "SequenceStartEvent", "MappingStartEvent", "AliasEvent"))
