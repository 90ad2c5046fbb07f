"""Edits of a task file's text that touch the lines of the changed fields and not one character else. Pure.

`layout` says where things stand; here it is decided what to cut and what to put in. Whether the result says
what it should is the caller's to check (`codec.edit_task` reads it again).
"""

from __future__ import annotations

from bisect import bisect_left

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.entries import format_entry, format_value
from gittasks.workgraph.fields import BY_NAME
from gittasks.workgraph.layout import (
    BLOCK_LIST,
    BLOCK_MAP,
    BLOCK_SCALAR,
    FLOW_LIST,
    Entry,
    Item,
    Layout,
    line_end,
    line_start,
)
from gittasks.workgraph.record import FIELDS
from gittasks.workgraph.scalars import format_flow, format_json, format_scalar

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

_ORDER = {name: place for place, name in enumerate((*FIELDS, "blocks"))}


class Change(NamedTuple):
    """A new value for the field `name`; with `is_removal` the field shall go, whatever `value` is."""

    name: str
    value: Any
    is_removal: bool = False


class _Cut(NamedTuple):
    """`new` in the place of the characters from `start` to `end`; at one place the lower `rank` comes first."""

    start: int
    end: int
    rank: int
    new: str


def splice(layout: Layout, changes: Sequence[Change], *, warily: bool = False) -> str:
    """The text of `layout` with `changes` made.

    `warily` is the way out where the lines that follow (an indented comment, a line of blanks) would become
    part of a block of text: it writes no blocks, and moves those below a removed field to the left.
    """
    editor = _Editor(layout, warily)
    for change in sorted(changes, key=lambda change: _ORDER.get(change.name, len(_ORDER))):
        editor.make(change)
    return editor.result()


class _Editor:
    """Collects the cuts for one text."""

    def __init__(self, layout: Layout, warily: bool) -> None:
        self._layout = layout
        self._text = layout.text
        self._warily = warily
        self._cuts: list[_Cut] = []
        self._added: dict[int, list[str]] = {}
        self._gone: set[str] = set()

    def make(self, change: Change) -> None:
        entry = self._layout.find(change.name)
        if entry is None:
            self._insert(change)
        elif change.is_removal:
            self._gone.add(change.name)
            (self._remove_from_flow if self._layout.is_flow else self._remove)(entry)
        elif change.name in BY_NAME and BY_NAME[change.name].is_list and entry.items:
            self._edit_list(entry, change.value)
        else:
            self._replace(entry, *self._format(change.name, change.value))

    def result(self) -> str:
        for at, fields in self._added.items():
            self._cut(at, at, self._spaced(at, fields), rank=2)
        pieces: list[str] = []
        done = 0
        for cut in sorted(self._cuts, key=lambda cut: cut[:3]):
            pieces += (self._text[done : cut.start], cut.new)
            done = max(done, cut.end)
        whole = "".join((*pieces, self._text[done:]))
        # A file without a final line end keeps that, also where its last lines went.
        return whole if self._text.endswith("\n") else whole.removesuffix("\n").removesuffix("\r")

    def _cut(self, start: int, end: int, new: str, rank: int = 1) -> None:
        self._cuts.append(_Cut(start, end, rank, new))

    def _cut_lines(self, start: int, end: int) -> None:
        """Take out whole lines, from the one that begins at `start` to the one that `end` is on."""
        after = self._text.find("\n", end)
        self._cut(start, len(self._text) if after < 0 else after + 1, "")

    def _format(self, name: str, value: Any) -> tuple[str, list[str]]:
        if self._layout.is_flow:
            return format_json(value), []
        head, below = format_value(name, value, self._layout.indent)
        return (format_flow(value), []) if below and self._warily else (head, below)

    def _replace(self, entry: Entry, head: str, below: Sequence[str]) -> None:
        """Another value in the place of the one of `entry`; what else stands on its line stays."""
        if head and entry.start == entry.end:
            self._cut(entry.colon, entry.colon, " " + head)
        elif head or self._text[entry.colon : entry.start].strip():
            self._cut(entry.start, entry.end, head or "null")
        else:
            self._cut(entry.colon, entry.end, "")
        start = line_end(self._text, entry.end)
        if below or start < entry.tail:
            eol = self._eol(start)
            self._cut(start, max(start, entry.tail), "".join(eol + line for line in below))

    def _edit_list(self, entry: Entry, value: tuple[Any, ...]) -> None:
        """Take items out and put items in; those that stay keep their lines, quotes and comments."""
        number = BY_NAME[entry.name].is_number
        keys = [int(item.words) if number else item.words.strip() for item in entry.items]
        wanted, known = set(value), set(keys)
        stay = [item for key, item in zip(keys, entry.items, strict=True) if key in wanted]
        gone = [item for key, item in zip(keys, entry.items, strict=True) if key not in wanted]
        if entry.style == FLOW_LIST and not stay:
            self._replace(entry, format_json(value) if self._layout.is_flow else format_flow(value), [])
            return
        if not value:
            self._cut(entry.colon, entry.colon, " []")
        # Each new item with the number of items that stay before it.
        kept = [key for key in keys if key in wanted]
        is_sorted = keys == sorted(keys)
        new = [(bisect_left(kept, key) if is_sorted else len(kept), key) for key in value if key not in known]
        edit = self._edit_block if entry.style == BLOCK_LIST else self._edit_flow
        edit(entry, stay, gone, new)

    def _edit_block(
        self, entry: Entry, stay: list[Item], gone: list[Item], new: list[tuple[int, Any]]
    ) -> None:
        for item in gone:
            self._cut_lines(line_start(self._text, item.dash), item.end)
        start = line_start(self._text, entry.items[0].dash)
        pad = self._text[start : self._text.index("-", start)]
        for place, value in new:
            at = line_end(self._text, stay[place - 1].end if place else entry.colon)
            self._cut(at, at, f"{self._eol(at)}{pad}- {format_scalar(value)}")

    def _edit_flow(
        self, entry: Entry, stay: list[Item], gone: list[Item], new: list[tuple[int, Any]]
    ) -> None:
        last = stay[-1]
        going = set(gone)
        for item, after in zip(entry.items, entry.items[1:], strict=False):
            if item in going and item.start < last.start:
                self._cut(item.start, after.start, "")
        if entry.items[-1] != last:
            self._cut(last.end, entry.items[-1].end, "")
        for place, value in new:
            words = format_json(value) if self._layout.is_flow else format_scalar(value, flow=True)
            if place < len(stay):
                self._cut(stay[place].start, stay[place].start, f"{words}, ")
            else:
                self._cut(last.end, last.end, f", {words}")

    def _remove(self, entry: Entry) -> None:
        """Take the lines of a field out, with one blank line above them."""
        start = line_start(self._text, entry.key)
        above = line_start(self._text, start - 1) if start else 0
        self._cut_lines(start if self._text[above:start].strip() else above, entry.tail)
        before = [
            other for other in self._layout.entries if other.key < entry.key and other.name not in self._gone
        ]
        if self._warily and before and before[-1].style in (BLOCK_SCALAR, BLOCK_LIST, BLOCK_MAP):
            self._move_left(entry.tail)

    def _move_left(self, at: int) -> None:
        """Take the indentation off the comments and blank lines below the line that `at` is on."""
        while start := self._text.find("\n", at) + 1:
            at = line_end(self._text, start)
            words = self._text[start:at].lstrip(" ")
            if words and not words.startswith("#"):
                break
            self._cut(start, at - len(words), "")

    def _remove_from_flow(self, entry: Entry) -> None:
        """Take a field out of `{}`, with the comma behind it or, of the last one, the comma before it."""
        entries = self._layout.entries
        place = entries.index(entry)
        if any(other.name not in self._gone for other in entries[place:]):
            self._cut(entry.key, entries[place + 1].key, "")
        else:
            stays = [other for other in entries[:place] if other.name not in self._gone][-1]
            self._cut(stays.end, entry.end, "")

    def _insert(self, change: Change) -> None:
        """Put in a field that is not there: behind the last of those that come before it, with a blank line."""
        anchor, is_behind = self._anchor(change.name)
        head, below = self._format(change.name, change.value)
        if self._layout.is_flow:
            name = format_json(change.name)
            at, new = (anchor.end, f", {name}: {head}") if is_behind else (anchor.key, f"{name}: {head}, ")
            self._cut(at, at, new, rank=2)
            return
        at = self._below_comments(anchor.tail) if is_behind else self._above_comments(anchor.key)
        eol = self._eol(at)
        field = format_entry(change.name, head, below, indent=self._layout.indent, eol=eol)
        if is_behind:
            self._added.setdefault(at, []).append(field)
        else:
            self._cut(at, at, f"{field}{eol}{eol}", rank=0)

    def _anchor(self, name: str) -> tuple[Entry, bool]:
        """The field next to which `name` is put, and whether it goes behind it."""
        there = [entry for entry in self._layout.entries if entry.name not in self._gone]
        if name not in FIELDS:
            return there[-1], True
        known = {_ORDER[entry.name]: entry for entry in there if entry.name in FIELDS}
        before = [place for place in known if place < _ORDER[name]]
        if before:
            return known[max(before)], True
        return known[min(known)], False

    def _spaced(self, at: int, fields: Sequence[str]) -> str:
        """`fields` for the end of a line, with a blank line before each and between the last and what follows."""
        eol = self._eol(at)
        start = self._text.find("\n", at) + 1
        follows = start and self._text[start : line_end(self._text, start)].strip()
        return "".join(eol + eol + field for field in fields) + (eol if follows else "")

    def _below_comments(self, at: int) -> int:
        """The end of the last comment line right below the line that ends at `at`, if none of them leads a field."""
        last = at
        while (start := self._text.find("\n", last) + 1) > 0:
            line = self._text[start : line_end(self._text, start)].strip()
            if not line:
                break
            if not line.startswith("#"):
                return at
            last = line_end(self._text, start)
        return last

    def _above_comments(self, at: int) -> int:
        """The start of the first of the comment lines right above the line that `at` is on."""
        start = line_start(self._text, at)
        while start:
            above = line_start(self._text, start - 1)
            if not self._text[above:start].lstrip().startswith("#"):
                break
            start = above
        return start

    def _eol(self, at: int) -> str:
        """How the line that `at` is on ends; at the end of the file, how the line before it does."""
        end = self._text.find("\n", at)
        if end < 0:
            end = self._text.rfind("\n")
        return "\r\n" if end > 0 and self._text[end - 1] == "\r" else "\n"
