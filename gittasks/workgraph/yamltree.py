"""Any bytes to a tree of YAML nodes with their places, or one clean refusal. Pure; knows nothing of tasks.

It reads the library's events, never built objects: anchors, aliases, tags, directives, depth and size are refused
as they come by, so that nothing a stranger wrote can blow up. What a plain word means is decided in `scalars`.
The library is loaded here and nowhere else in the durable layer.
"""

from __future__ import annotations

import re
from functools import cache

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.layout import (
    BLOCK_LIST,
    BLOCK_MAP,
    BLOCK_SCALAR,
    FLOW_LIST,
    FLOW_MAP,
    NOTHING,
    SCALAR,
    line_end,
)
from gittasks.workgraph.record import CONFLICT, MAX_FILE_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from ruamel.yaml import YAML

MAX_DEPTH = 64
MAX_NODES = 20_000
BOM = "\ufeff"
_CONFLICT = re.compile(r"^(?:<{7} |>{7} |\|{7}(?: |\r?$)|={7}\r?$)", re.MULTILINE)
# All but YAML's own list of what may stand in a file; also a CR that is not part of a line end.
_BARRED = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]|\r(?!\n)")
# YAML 1.1 ends lines with these, and so does the library in places; in YAML 1.2 they are text like any other.
_UNICODE_BREAKS = "\x85\u2028\u2029\ufeff"
_SURROGATES = re.compile("[\ud800-\udfff]")


class TreeError(Exception):
    """Why the bytes are no document that we read; `line` counts from 1, `kind` as in `record.Problem`."""

    def __init__(self, line: int, what: str, expected: str = "", kind: str = "syntax") -> None:
        super().__init__(what)
        self.line = line
        self.what = what
        self.expected = expected
        self.kind = kind


class Node(NamedTuple):
    """A value or key: its place in the text, how it is written (a style of `layout`), and what it holds.

    `words` is a scalar's text, `is_plain` says that it has no quotes. `children` are a list's items, or a
    map's keys and values in turn. A block list or map ends with its last child.
    """

    start: int
    end: int
    style: str
    words: str = ""
    is_plain: bool = False
    children: tuple[Node, ...] = ()


def decode(data: bytes) -> str:
    """The text of a file, its byte order mark included. Raises `TreeError` for what YAML cannot hold."""
    if len(data) > MAX_FILE_BYTES:
        raise TreeError(0, f"has {len(data)} bytes", f"expected at most {MAX_FILE_BYTES}", "file")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TreeError(
            line, f"is not UTF-8 (byte 0x{data[error.start]:02x})", "expected text in UTF-8"
        ) from None
    barred = _BARRED.search(text)
    if barred:
        what = f"holds the control character {barred[0]!r}"
        raise TreeError(line_of(text, barred.start()), what, "expected it as an escape in double quotes")
    mark = _CONFLICT.search(text)
    if mark:
        expected = "expected a finished merge (`gittasks resolve` mends it)"
        raise TreeError(line_of(text, mark.start()), "holds merge conflict markers", expected, CONFLICT)
    return text


def parse_tree(text: str) -> Node:
    """The one document that `text` (without a byte order mark) holds. Raises `TreeError`."""
    open_nodes: list[tuple[Any, list[Node]]] = []
    count = 0
    root: Node | None = None
    for event in parse_events(text):
        count += 1
        kind = type(event).__name__.removesuffix("Event")
        _refuse_foreign(text, event, kind, is_second=root is not None)
        if count > MAX_NODES or len(open_nodes) > MAX_DEPTH:
            what = "has too many values" if count > MAX_NODES else "is nested too deep"
            raise TreeError(_line(event), what, f"expected at most {MAX_NODES} values, {MAX_DEPTH} deep")
        if kind in ("SequenceStart", "MappingStart"):
            open_nodes.append((event, []))
            continue
        if kind == "Scalar":
            node = _scalar(text, event)
        elif kind in ("SequenceEnd", "MappingEnd"):
            node = _collection(text, *open_nodes.pop(), event)
        else:
            continue
        if open_nodes:
            open_nodes[-1][1].append(node)
        else:
            root = node
    if root is None or root.style == NOTHING:
        raise TreeError(1, "holds nothing", "expected fields such as `subject: Buy milk`")
    return root


def line_of(text: str, at: int) -> int:
    """The line of the character `at`, counted from 1."""
    return text.count("\n", 0, at) + 1


@cache
def _yaml() -> type[YAML]:
    """The library's reader, without the search for plug-ins that each new one begins with."""
    from ruamel.yaml import YAML

    class Plain(YAML):
        def official_plug_ins(self) -> list[str]:
            return []

    return Plain


def parse_events(text: str) -> Iterator[Any]:
    """The library's events for `text`, of whatever they tell. Raises `TreeError` where it is no YAML."""
    from ruamel.yaml.error import MarkedYAMLError

    shielded, back = _shield(text)
    # A block at the end of the file says the same whether or not its last line is ended.
    events = _yaml()(typ="safe", pure=True).parse(shielded if shielded.endswith("\n") else shielded + "\n")
    while True:
        try:
            event = next(events, None)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            problem = " ".join(str(error.problem or error.context).split())
            # What is missing at the end is missing on the last line that says something.
            line = min(mark.line + 1, line_of(text, len(text.rstrip()))) if mark else 1
            raise TreeError(line, f"is not valid YAML ({problem})") from None
        except Exception as error:
            # On some input the library trips over itself; whatever it raises, it could not read the file.
            raise TreeError(1, f"is not valid YAML ({type(error).__name__})") from None
        if event is None:
            return
        if type(event).__name__ == "ScalarEvent":
            event.value = event.value.translate(back) if back else event.value
            if _SURROGATES.search(event.value):
                event.value = _join_surrogates(event.value, event)
        yield event


def _shield(text: str) -> tuple[str, dict[int, str]]:
    """`text` with private characters in place of `_UNICODE_BREAKS`, and the table that turns them back."""
    found = [] if text.isascii() else [char for char in _UNICODE_BREAKS if char in text]
    if not found:
        return text, {}
    spare = (chr(code) for code in range(0x10FFFD, 0x100000, -1) if chr(code) not in text)
    pairs = list(zip(found, spare, strict=False))
    there = {ord(char): private for char, private in pairs}
    return text.translate(there), {ord(private): char for char, private in pairs}


def _refuse_foreign(text: str, event: Any, kind: str, *, is_second: bool) -> None:
    """Refuse the parts of YAML that a task file has no use for."""
    what = ""
    if kind == "Alias":
        what = "refers to an anchor"
    elif getattr(event, "anchor", None) is not None:
        what = "has an anchor"
    elif getattr(event, "tag", None) is not None:
        what = "has a tag"
    elif kind == "DocumentStart":
        if is_second:
            what = "holds a second document"
        elif "%" in (line[:1] for line in text[: event.end_mark.index].split("\n")):
            what = "has a directive"
    if what:
        raise TreeError(_line(event), what, "expected plain `name: value` fields")


def _scalar(text: str, event: Any) -> Node:
    start, end = event.start_mark.index, event.end_mark.index
    words = event.value
    if event.style in ("|", ">"):
        return Node(start, start + len(text[start:end].rstrip("\r\n")), BLOCK_SCALAR, words)
    if event.style in ("'", '"'):
        return Node(start, end, SCALAR, words)
    return Node(start, end, SCALAR if start < end else NOTHING, words, True)


def _join_surrogates(words: str, event: Any) -> str:
    """JSON writes one character beyond the first 65,536 as two escapes; YAML has no such rule."""
    try:
        return words.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        raise TreeError(
            _line(event), "holds half a character (a lone surrogate)", "expected valid Unicode"
        ) from None


def _collection(text: str, opened: Any, children: list[Node], closed: Any) -> Node:
    is_map = type(closed).__name__ == "MappingEndEvent"
    # The library has empty values stand at whatever comes next; an error, and an edit, needs their own line.
    for at, child in enumerate(children):
        if child.style == NOTHING and (at % 2 or not is_map):
            before = children[at - 1].end if at else opened.start_mark.index
            place = _behind_colon(text, before) if is_map else _behind_dash(text, before, is_first=at == 0)
            children[at] = child._replace(start=place, end=place)
    if opened.flow_style:
        style = FLOW_MAP if is_map else FLOW_LIST
        return Node(opened.start_mark.index, closed.end_mark.index, style, children=tuple(children))
    end = children[-1].end if children else opened.end_mark.index
    return Node(opened.start_mark.index, end, BLOCK_MAP if is_map else BLOCK_LIST, children=tuple(children))


def _behind_colon(text: str, at: int) -> int:
    colon = text.find(":", at)
    return colon + 1 if colon >= 0 and not text[at:colon].strip(" ") else at


def _behind_dash(text: str, at: int, *, is_first: bool) -> int:
    if is_first:
        return at + 1
    start = text.find("\n", at) + 1
    while start and not text[start : line_end(text, start)].lstrip(" ").startswith("-"):
        start = text.find("\n", start) + 1
    return text.index("-", start) + 1 if start else at


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1
