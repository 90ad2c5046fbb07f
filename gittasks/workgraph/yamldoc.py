"""The full reader: any bytes to a task and its layout, or every problem with its line. Pure.

What the file looks like is found in `yamltree`, what a field may hold is decided in `fields`.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.extras import check_extra, check_key
from gittasks.workgraph.fields import (
    BY_NAME,
    TABLE,
    FieldError,
    check_item,
    check_value,
    relation_errors,
    shown,
)
from gittasks.workgraph.layout import (
    BLOCK_LIST,
    BLOCK_MAP,
    BLOCK_SCALAR,
    FLOW_LIST,
    FLOW_MAP,
    NOTHING,
    Document,
    Entry,
    Item,
    Layout,
    line_end,
    line_start,
)
from gittasks.workgraph.record import BadTaskError, Problem, Task
from gittasks.workgraph.scalars import WORDS, is_whole, resolve_plain
from gittasks.workgraph.yamltree import BOM, Node, TreeError, decode, line_of, parse_tree

if TYPE_CHECKING:
    from typing import Any

    from gittasks.workgraph.fields import Field

_MAX_PROBLEMS = 100


def read_document(data: bytes, path: str, task_id: int) -> Document:
    """The task and the layout of the file `path`. Raises `BadTaskError` with every problem found."""
    try:
        text = decode(data).removeprefix(BOM)
        root = parse_tree(text)
        reader = _Reader(path, text)
        task = reader.read_task(root, task_id)
    except TreeError as error:
        raise BadTaskError([Problem(path, error.line, "", error.what, error.expected, error.kind)]) from None
    layout = _layout(text, root)
    return Document(task, layout)


class _Reader:
    """One file on its way from nodes to a task; collects the problems."""

    def __init__(self, path: str, text: str) -> None:
        self._path = path
        self._text = text
        self._problems: list[Problem] = []

    def read_task(self, root: Node, task_id: int) -> Task:
        if root.style not in (BLOCK_MAP, FLOW_MAP):
            what = "holds a list" if root.style in (BLOCK_LIST, FLOW_LIST) else "holds only text"
            raise TreeError(
                line_of(self._text, root.start), what, "expected fields such as `subject: Buy milk`"
            )
        nodes = self._pairs(root, "")
        values: dict[str, Any] = {}
        extra: dict[str, Any] = {}
        for name, node in nodes.items():
            if name in BY_NAME:
                self._read_field(BY_NAME[name], node, values)
            else:
                extra[name] = self._extra(name, node)
        self._check_whole(nodes, values, task_id)
        if not self._problems:
            task = Task(**values, extra=tuple(extra.items()))
            for error in relation_errors(task):
                self._add(nodes[error.name], error.name, error.what, error.expected)
        if self._problems:
            raise BadTaskError(self._sorted_problems())
        return task

    def _read_field(self, field: Field, node: Node, values: dict[str, Any]) -> None:
        try:
            if _is_null(node):
                if field.required:
                    raise FieldError(field.name, "is empty", field.expected)
                values[field.attribute] = field.default
            elif field.is_list:
                values[field.attribute] = check_value(field.attribute, self._items(field, node))
            else:
                values[field.attribute] = check_value(field.attribute, _raw(node, number=field.is_number))
        except FieldError as error:
            self._add(node, field.name, error.what, error.expected)

    def _items(self, field: Field, node: Node) -> list[Any]:
        if node.style not in (BLOCK_LIST, FLOW_LIST):
            raise FieldError(field.name, f"is {shown(_raw(node, number=False))}", field.expected)
        items = []
        for child in node.children:
            try:
                items.append(check_item(field.attribute, _raw(child, number=field.is_number)))
            except FieldError as error:
                self._add(child, field.name, error.what, error.expected)
        return items

    def _extra(self, name: str, node: Node) -> Any:
        try:
            return check_extra(name, self._json(name, node))
        except FieldError as error:
            self._add(node, error.name, error.what, error.expected)
            return None

    def _json(self, name: str, node: Node) -> Any:
        if node.style in (BLOCK_MAP, FLOW_MAP):
            return {key: self._json(name, value) for key, value in self._pairs(node, name).items()}
        if node.style in (BLOCK_LIST, FLOW_LIST):
            return [self._json(name, child) for child in node.children]
        return resolve_plain(node.words) if node.is_plain else node.words

    def _pairs(self, node: Node, field_name: str) -> dict[str, Node]:
        """The values of a map by name; `field_name` is the field that holds the map, empty for the file itself."""
        found: dict[str, Node] = {}
        lines: dict[str, int] = {}
        for key, value in zip(node.children[::2], node.children[1::2], strict=True):
            name = _key_of(key)
            if name is None:
                what = f"has the name {_key_text(key)}, which is not text"
                self._add(key, field_name, what, "expected a word, in quotes if need be")
            elif name in found:
                what = f"is given twice, first on line {lines[name]}"
                self._add(key, field_name or name, what if not field_name else f"{shown(name)} {what}")
            elif not field_name and not _is_simple(self._text, key):
                self._add(key, name, "is written in an unusual form", "expected `name: value`")
            elif self._is_key(key, field_name, name):
                found[name] = value
                lines[name] = line_of(self._text, key.start)
        return found

    def _is_key(self, key: Node, field_name: str, name: str) -> bool:
        try:
            check_key(field_name, name)
        except FieldError as error:
            self._add(key, error.name, error.what, error.expected)
            return False
        return True

    def _check_whole(self, nodes: dict[str, Node], values: dict[str, Any], task_id: int) -> None:
        for field in TABLE:
            if field.required and field.name not in nodes:
                self._problems.append(Problem(self._path, 1, field.name, "is missing", field.expected))
        if values.get("id") is None:
            values["id"] = task_id
        elif values["id"] != task_id:
            what = f"is {values['id']}, but the file has the name of {task_id}"
            self._add(nodes["id"], "id", what, f"expected {task_id}")

    def _add(self, node: Node, field_name: str, what: str, expected: str = "") -> None:
        line = line_of(self._text, node.start)
        self._problems.append(Problem(self._path, line, field_name, what, expected))

    def _sorted_problems(self) -> list[Problem]:
        problems = sorted(self._problems, key=lambda problem: problem.line)
        left = len(problems) - _MAX_PROBLEMS
        if left <= 0:
            return problems
        return [*problems[:_MAX_PROBLEMS], Problem(self._path, 0, "", f"has {left} more problems")]


def _is_null(node: Node) -> bool:
    return node.is_plain and WORDS.get(node.words, node.words) is None


def _raw(node: Node, *, number: bool) -> Any:
    """A node as `fields` checks it: text is its source, whatever YAML makes of it; numbers are plain digits."""
    if node.style in (BLOCK_MAP, FLOW_MAP):
        return {}
    if node.style in (BLOCK_LIST, FLOW_LIST):
        return []
    if _is_null(node):
        return None
    return int(node.words) if number and node.is_plain and is_whole(node.words) else node.words


def _key_of(key: Node) -> str | None:
    if key.children or key.style in (FLOW_MAP, FLOW_LIST):
        return None
    name = resolve_plain(key.words) if key.is_plain else key.words
    return name if isinstance(name, str) else None


def _key_text(key: Node) -> str:
    raw = _raw(key, number=False)
    return raw if isinstance(raw, str) else shown(raw)


def _is_simple(text: str, key: Node) -> bool:
    """Whether the colon follows the key on its line, as an edit needs it."""
    return text[key.end : line_end(text, key.end)].lstrip(" \t").startswith(":")


def _layout(text: str, root: Node) -> Layout:
    pairs = zip(root.children[::2], root.children[1::2], strict=True)
    entries = tuple(_entry(text, key, value) for key, value in pairs)
    first = entries[0].key
    is_flow = root.style == FLOW_MAP
    return Layout(text, entries, 0 if is_flow else first - line_start(text, first), is_flow)


def _entry(text: str, key: Node, value: Node) -> Entry:
    colon = text.index(":", key.end) + 1
    tail = line_end(text, max(colon, value.end))
    start, end = value.start, value.end
    items: tuple[Item, ...] = ()
    if value.style == BLOCK_SCALAR:
        header = text[start : line_end(text, start)]
        end = start + len(header.split(None, 1)[0])
        tail = value.end
    elif value.style in (NOTHING, BLOCK_LIST, BLOCK_MAP):
        start = end = colon
    if value.style == BLOCK_LIST:
        starts = [colon, *(child.end for child in value.children)]
        items = tuple(
            Item(child.words, _dash(text, child.start, after), child.start, child.end)
            for child, after in zip(value.children, starts, strict=False)
        )
    elif value.style == FLOW_LIST:
        items = tuple(Item(child.words, child.start, child.start, child.end) for child in value.children)
    return Entry(key.words, key.start, colon, start, end, tail, value.style, items)


def _dash(text: str, at: int, after: int) -> int:
    """The start of the line with the dash of the item at `at`, which may stand on a line of its own above it."""
    start = line_start(text, at)
    while start > after and not text[start : line_end(text, start)].lstrip(" ").startswith(("- ", "-\t")):
        if text[start : line_end(text, start)].strip() == "-":
            break
        start = line_start(text, start - 1)
    return start
