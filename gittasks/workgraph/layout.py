"""Where each field of a task file stands, in characters: what an edit needs to touch nothing else. Pure.

`yamldoc` finds it from a parser's marks; for the canonical subset `layout_of_lines` finds the same without one.
"""

from __future__ import annotations

from gittasks.base.records import NamedTuple
from gittasks.workgraph.canonical import read_scalar
from gittasks.workgraph.record import Task

# How a value is written.
NOTHING = "nothing"
SCALAR = "scalar"
BLOCK_SCALAR = "block scalar"
BLOCK_LIST = "block list"
BLOCK_MAP = "block map"
FLOW_LIST = "flow list"
FLOW_MAP = "flow map"


class Item(NamedTuple):
    """One item of a list: its words without quotes, and where they stand, quotes included.

    In a block list, `dash` is somewhere on the line of its dash; in a flow list it is `start`.
    """

    words: str
    dash: int
    start: int
    end: int


class Entry(NamedTuple):
    """One field: `name`, then where its key starts, where its colon ends, and where its value stands.

    `start` and `end` enclose a value on one line, a flow value, a quoted text on several lines, or the
    indicator of a block scalar; they are equal for nothing and for block lists and maps. `tail` is the end
    of the last line that belongs to the value, without its line end. `items` is only filled for lists.
    """

    name: str
    key: int
    colon: int
    start: int
    end: int
    tail: int
    style: str
    items: tuple[Item, ...] = ()


class Layout(NamedTuple):
    """The fields of a file in its order, the column of their names, and whether they stand in `{}`."""

    text: str
    entries: tuple[Entry, ...]
    indent: int = 0
    is_flow: bool = False

    def find(self, name: str) -> Entry | None:
        """The entry of that name."""
        for entry in self.entries:
            if entry.name == name:
                return entry
        return None


class Document(NamedTuple):
    """What a file says, and where; the layout's text is the file without a byte order mark."""

    task: Task
    layout: Layout


def line_end(text: str, at: int) -> int:
    """The end of the line that `at` is on, before its line end (LF or CR LF)."""
    end = text.find("\n", at)
    if end < 0:
        return len(text)
    return end - 1 if end > at and text[end - 1] == "\r" else end


def line_start(text: str, at: int) -> int:
    """The start of the line that `at` is on."""
    return text.rfind("\n", 0, at) + 1


def layout_of_lines(text: str) -> Layout:
    """The layout of `text`, which must be in the subset that `canonical` reads."""
    entries: list[Entry] = []
    below: list[tuple[int, str]] = []
    at = 0
    for line in text.split("\n"):
        if line and line[0] not in " -#":
            _close(entries, below)
            entries.append(_open(text, line, at))
            below = []
        elif line:
            below.append((at, line))
        at += len(line) + 1
    _close(entries, below)
    return Layout(text, tuple(entries))


def _open(text: str, line: str, at: int) -> Entry:
    name = line.partition(":")[0]
    colon = at + len(name) + 1
    rest = line[len(name) + 1 :]
    head = rest.strip(" ")
    start = colon + len(rest) - len(rest.lstrip(" "))
    if head and head[0] not in "\"'":
        head = (" " + head).partition(" #")[0].strip(" ")
    if not head:
        return Entry(name, at, colon, colon, colon, at + len(line), NOTHING)
    style = BLOCK_SCALAR if head[0] == "|" else FLOW_LIST if head[0] == "[" else SCALAR
    end = start + len(head)
    items = _flow_items(text, start, end) if style == FLOW_LIST else ()
    return Entry(name, at, colon, start, end, at + len(line), style, items)


def _close(entries: list[Entry], below: list[tuple[int, str]]) -> None:
    """Give the last entry the lines below it that are its own."""
    if not entries:
        return
    entry = entries[-1]
    if entry.style == BLOCK_SCALAR:
        own = _until_comment(below)
        if own:
            at, line = own[-1]
            entries[-1] = entry._replace(tail=at + len(line))
    elif entry.style == NOTHING:
        items = tuple(_block_item(at, line) for at, line in below if line.lstrip(" ").startswith("- "))
        if items:
            last = [at + len(line) for at, line in below if line.lstrip(" ").startswith("- ")][-1]
            entries[-1] = entry._replace(tail=last, style=BLOCK_LIST, items=items)


def _until_comment(below: list[tuple[int, str]]) -> list[tuple[int, str]]:
    own = []
    for at, line in below:
        if line[0] != " ":
            break
        own.append((at, line))
    return own


def _block_item(at: int, line: str) -> Item:
    start = line.index("-") + 1
    rest = line[start:]
    head = rest.strip(" ")
    start += len(rest) - len(rest.lstrip(" "))
    if head[0] not in "\"'":
        head = (" " + head).partition(" #")[0].strip(" ")
    return Item(read_scalar(head)[0], at, at + start, at + start + len(head))


def _flow_items(text: str, start: int, end: int) -> tuple[Item, ...]:
    items = []
    at = start + 1
    for piece in text[start + 1 : end - 1].split(","):
        words = piece.strip(" ")
        if words:
            first = at + len(piece) - len(piece.lstrip(" "))
            items.append(Item(words, first, first, first + len(words)))
        at += len(piece) + 1
    return tuple(items)
