"""The fast reader: a subset of YAML that covers what we write and what people ordinarily write by hand. Pure.

It answers with the task or with nothing: whatever it does not know for certain, right or wrong, is left to the
full reader (`yamldoc`), which alone reports problems. Whenever this one answers, both give the same task;
tests hold that. A first read after a checkout goes through here 10,000 times, so no YAML library and no
regular expressions.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.fields import BY_NAME, FieldError, check_value, relation_errors
from gittasks.workgraph.record import MAX_FILE_BYTES, Task
from gittasks.workgraph.scalars import WORDS, is_whole, resolve_plain

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

    from gittasks.workgraph.fields import Field

# Twice this many nodes is less than the full reader allows.
_MAX_PARTS = 9_000
_MAX_NAME = 100
# What ends a line for some readers, or is not allowed in YAML at all. Tabs are: inside of literal blocks.
_BARRED = frozenset(
    map(
        chr,
        (
            *(code for code in range(0x20) if code not in (0x09, 0x0A)),
            *range(0x7F, 0xA0),
            0x2028,
            0x2029,
            0xFEFF,
            0xFFFE,
            0xFFFF,
        ),
    )
)
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`")
_FLOW_MARKS = frozenset("[]{}:?#'\"&*!|>%@`\t")
_LITERAL_HEADERS = {
    f"|{indent}{chomp}": (len(indent) * 2, chomp) for indent in ("", "2") for chomp in ("", "-", "+")
}


class _NotCanonicalError(Exception):
    """The file is outside the subset; not an error of anybody's."""


def parse_canonical(data: bytes, task_id: int) -> Task | None:
    """The task that `data` says, or None where the full reader has to decide."""
    try:
        return _parse(split_canonical(data), task_id)
    except (_NotCanonicalError, FieldError, UnicodeDecodeError):
        return None


def split_canonical(data: bytes) -> list[str]:
    """The lines of `data`, without line feeds; the last one is empty where `data` ends in one."""
    if len(data) > MAX_FILE_BYTES:
        _leave()
    text = data.decode()
    lines = text.split("\n")
    if not "".join(lines).isprintable() and not _BARRED.isdisjoint(text):
        _leave()
    if len(lines) + text.count(",") > _MAX_PARTS:
        _leave()
    return lines


def read_scalar(text: str) -> tuple[str, bool]:
    """(the words of a scalar, whether it is plain) for a one-line scalar that fills `text`."""
    first = text[0]
    if first == '"':
        return _double_quoted(text), False
    if first == "'":
        return _single_quoted(text), False
    if first in _INDICATORS or ": " in text or text[-1] == ":" or "\t" in text:
        _leave()
    return text, True


def _leave() -> NoReturn:
    raise _NotCanonicalError


def _parse(lines: list[str], task_id: int) -> Task:
    values: dict[str, Any] = {}
    extra: dict[str, Any] = {}
    at, end = 0, len(lines)
    while at < end:
        line = lines[at]
        at += 1
        if not line:
            continue
        name, colon, rest = line.partition(":")
        field = BY_NAME.get(name)
        if field is None and line.lstrip(" ")[:1] in ("", "#"):
            continue
        if not colon or (rest and rest[0] != " "):
            _leave()
        text = rest.strip(" ")
        if "#" in text:
            text = _without_comment(text)
        if field is None:
            if name in extra or not _is_name(name):
                _leave()
            extra[name], at = _read_extra(text, lines, at)
        else:
            if field.attribute in values:
                _leave()
            values[field.attribute], at = _READERS[field.kind](field, text, lines, at)
    return _finish(values, extra, task_id)


def _finish(values: dict[str, Any], extra: dict[str, Any], task_id: int) -> Task:
    if values.setdefault("id", task_id) != task_id or "subject" not in values:
        _leave()
    task = Task(**values, extra=tuple(extra.items()))
    for _ in relation_errors(task):
        _leave()
    return task


def _is_name(name: str) -> bool:
    return len(name) <= _MAX_NAME and name not in WORDS and name.replace("-", "_").isidentifier()


def _without_comment(text: str) -> str:
    """Less a comment at its end; one that follows a quoted scalar is left to the full reader."""
    if text[0] in "\"'":
        return text
    return (" " + text).partition(" #")[0].strip(" ")


def _read_number(field: Field, text: str, lines: list[str], at: int) -> tuple[Any, int]:
    if text in WORDS:
        return _default(field, text), at
    return check_value(field.attribute, _whole(text, True)), at


def _read_words(field: Field, text: str, lines: list[str], at: int) -> tuple[Any, int]:
    if text in WORDS:
        return _default(field, text), at
    if text[0] == "|":
        body, at, _ = _read_literal(text, lines, at)
        return check_value(field.attribute, "\n".join(body)), at
    return check_value(field.attribute, read_scalar(text)[0]), at


def _read_numbers(field: Field, text: str, lines: list[str], at: int) -> tuple[Any, int]:
    items, at = _read_list(text, lines, at)
    return check_value(field.attribute, [_whole(item, plain) for item, plain in items]), at


def _read_labels(field: Field, text: str, lines: list[str], at: int) -> tuple[Any, int]:
    items, at = _read_list(text, lines, at)
    return check_value(field.attribute, [_words(item, plain) for item, plain in items]), at


def _default(field: Field, text: str) -> Any:
    if field.required or WORDS[text] is not None:
        _leave()
    return field.default


def _whole(text: str, plain: bool) -> int:
    if not plain or not is_whole(text):
        _leave()
    return int(text)


def _words(text: str, plain: bool) -> str:
    if plain and WORDS.get(text, text) is None:
        _leave()
    return text


def _read_extra(text: str, lines: list[str], at: int) -> tuple[Any, int]:
    if text in WORDS and text:
        return WORDS[text], at
    if not text or text[0] == "[":
        items, at = _read_list(text, lines, at)
        if not text and not items:
            return None, at
        return [resolve_plain(item) if plain else item for item, plain in items], at
    if text[0] == "|":
        body, at, chomp = _read_literal(text, lines, at)
        if chomp == "+":
            _leave()
        whole = "\n".join(body).rstrip("\n")
        return whole + ("\n" if whole and not chomp else ""), at
    words, plain = read_scalar(text)
    return resolve_plain(words) if plain else words, at


def _read_list(text: str, lines: list[str], at: int) -> tuple[list[tuple[str, bool]], int]:
    """The items that follow `name:` on its line or, where `text` is empty, below it."""
    if text == "[]":
        return [], at
    if not text:
        return _read_items(lines, at)
    if text[0] != "[" or text[-1] != "]":
        _leave()
    inner = text[1:-1]
    if not _FLOW_MARKS.isdisjoint(inner):
        _leave()
    items = [item.strip(" ") for item in inner.split(",")]
    if "" in items:
        _leave()
    return [read_scalar(item) for item in items], at


def _read_items(lines: list[str], at: int) -> tuple[list[tuple[str, bool]], int]:
    items: list[tuple[str, bool]] = []
    indent = -1
    end = len(lines)
    while at < end:
        line = lines[at]
        dash = 0 if line[:2] == "- " else 2 if line[:4] == "  - " else -1
        if dash < 0:
            if line.lstrip(" ")[:1] not in ("", "#"):
                break
        else:
            if dash != indent and items:
                _leave()
            indent = dash
            text = line[dash + 2 :].strip(" ")
            if "#" in text:
                text = _without_comment(text)
            if not text:
                _leave()
            items.append(read_scalar(text))
        at += 1
    return items, at


def _read_literal(header: str, lines: list[str], at: int) -> tuple[list[str], int, str]:
    """(the lines of the block without their indentation, the line after it, how it is chomped)."""
    if header not in _LITERAL_HEADERS:
        _leave()
    indent, chomp = _LITERAL_HEADERS[header]
    body: list[str] = []
    end = len(lines)
    while at < end:
        line = lines[at]
        if line:
            if line[0] != " ":
                break
            rest = line.lstrip(" ")
            if not indent:
                # Lines of blanks before the first words may or may not be indentation.
                if not rest:
                    _leave()
                indent = len(line) - len(rest)
            if rest and len(line) - len(rest) < indent:
                _leave()
        body.append(line[indent:])
        at += 1
    return body, at, chomp


def _double_quoted(text: str) -> str:
    inner = text[1:-1]
    if len(text) < 2 or text[-1] != '"' or "\t" in inner:
        _leave()
    if "\\" in inner:
        # Only `\"` and `\\` are known here; NUL cannot occur in the text, so it can stand for a quote.
        parts = [part.replace('\\"', "\0") for part in inner.split("\\\\")]
        if any("\\" in part or '"' in part for part in parts):
            _leave()
        return "\\".join(parts).replace("\0", '"')
    if '"' in inner:
        _leave()
    return inner


def _single_quoted(text: str) -> str:
    inner = text[1:-1].replace("''", "\0")
    if len(text) < 2 or text[-1] != "'" or "'" in inner or "\t" in inner:
        _leave()
    return inner.replace("\0", "'")


_READERS: dict[str, Callable[[Field, str, list[str], int], tuple[Any, int]]] = {
    "id": _read_number,
    "ref": _read_number,
    "priority": _read_number,
    "labels": _read_labels,
    "ids": _read_numbers,
    "uid": _read_words,
    "subject": _read_words,
    "status": _read_words,
    "owner": _read_words,
    "worktree": _read_words,
    "text": _read_words,
    "time": _read_words,
}
