"""Values to YAML text and plain YAML words to values: the quoting rules, in one place. Pure.

What is written here reads the same under YAML 1.2 and 1.1, so that other people's tools agree with us; what
is read follows JSON's idea of a number, so that nothing that merely looks like one loses its spelling.
Knows nothing of tasks, files or lines.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.extras import MAX_INT_DIGITS

if TYPE_CHECKING:
    from typing import Any

# YAML 1.2 core; every other plain word is text, `no` and `12:30` included.
WORDS = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
# What YAML 1.1 readers take for something else than text, whatever its case.
_FOREIGN_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
_DIGITS = frozenset("0123456789")
# Of these the numbers, times and dates of either version are made, those with a base apart.
_NUMBER_CHARS = frozenset("0123456789_.:+-eEtTzZ ")
_BASES = ("0x", "0X", "0o", "0O", "0b", "0B")
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`=<~+. ")
_FLOW_MARKS = frozenset(",[]{}?:#")
# Controls, separators and the byte order mark are not allowed bare or end a line; direction overrides make
# a text read differently from what it says.
_ESCAPED = frozenset(
    map(
        chr,
        (
            *range(0x20),
            *range(0x7F, 0xA0),
            *range(0x2028, 0x202F),
            *range(0x2066, 0x206A),
            0xFEFF,
            0xFFFE,
            0xFFFF,
        ),
    )
)
_ESCAPED_IN_BLOCK = _ESCAPED - {"\n", "\t"}
_SHORT_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def resolve_plain(text: str) -> Any:
    """What a plain scalar means: None, bool, int, float, or `text` itself.

    Only what JSON would call a number is one: `0123`, `0x1f`, `+1` and `.5` stay the text they are.
    """
    if text in WORDS:
        return WORDS[text]
    if text[0] in "-0123456789":
        return _number(text)
    return text


def is_whole(text: str) -> bool:
    """Whether `text` is a whole number without sign, leading zeros or other notation."""
    return _DIGITS.issuperset(text) and 0 < len(text) <= MAX_INT_DIGITS and (text[0] != "0" or text == "0")


def format_scalar(value: Any, *, flow: bool = False) -> str:
    """`value` (None, bool, int, float or str) on one line; with `flow`, as it may stand inside `[]` or `{}`."""
    if isinstance(value, str):
        return value if _is_plain(value, flow=flow) else _quoted(value)
    if value is None:
        return "null" if flow else ""
    if isinstance(value, float):
        text = repr(value)
        # YAML 1.1 sees a number only with the dot.
        return text if "." in text else text.replace("e", ".0e")
    return str(value).lower() if isinstance(value, bool) else str(value)


def format_flow(value: Any) -> str:
    """Any JSON value on one line."""
    if isinstance(value, dict):
        pairs = (f"{format_scalar(key, flow=True)}: {format_flow(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(format_flow(item) for item in value) + "]"
    return format_scalar(value, flow=True)


def format_json(value: Any) -> str:
    """Any JSON value on one line as JSON, which is YAML too: for files that are written that way."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_quoted(key)}: {format_json(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(format_json, value)) + "]"
    return _quoted(value) if isinstance(value, str) else format_scalar(value, flow=True)


def format_block(value: Any, indent: int) -> tuple[str, list[str]]:
    """Any JSON value after `name:`, as (text on that line, lines below it).

    `indent` is the column of `name`. Lists and maps open one level; what lies deeper stands on one line.
    """
    pad = " " * indent
    if isinstance(value, dict) and value:
        pairs = [(format_scalar(key, flow=True), _below(item)) for key, item in value.items()]
        return "", [f"{pad}  {key}:{' ' if text else ''}{text}" for key, text in pairs]
    if isinstance(value, (list, tuple)) and value:
        return "", [f"{pad}- {_below(item) or 'null'}" for item in value]
    if isinstance(value, str) and "\n" in value and _is_literal(value.removesuffix("\n")):
        return _literal(value.removesuffix("\n"), indent, "" if value.endswith("\n") else "-")
    return _below(value), []


def format_text(text: str, indent: int) -> tuple[str, list[str]]:
    """A description after `name:`, as (text on that line, lines below it): a literal block where it is faithful.

    Final line feeds do not count: `text` has none, and readers drop them.
    """
    if not text:
        return "", []
    return _literal(text, indent, "") if _is_literal(text) else (_quoted(text), [])


def strip_unsafe(text: str) -> str:
    """`text` without control characters, direction overrides and lone surrogates."""
    kept = "".join(char for char in text if char not in _ESCAPED)
    return kept.encode("utf-8", "ignore").decode()


def _below(value: Any) -> str:
    return format_flow(value) if isinstance(value, (dict, list, tuple)) else format_scalar(value)


def _number(text: str) -> Any:
    mantissa, mark, exponent = text.replace("E", "e").partition("e")
    whole, dot, fraction = mantissa.removeprefix("-").partition(".")
    power = exponent[1:] if exponent[:1] in ("+", "-") else exponent
    if not is_whole(whole) or (dot and not _is_digits(fraction)) or (mark and not _is_digits(power)):
        return text
    if not dot and not mark:
        return int(text)
    value = float(text)
    return value if value - value == 0 else text


def _is_digits(text: str) -> bool:
    return text != "" and _DIGITS.issuperset(text)


def _is_plain(text: str, *, flow: bool) -> bool:
    if not text or text[0] in _INDICATORS or text[-1] in ": " or ": " in text or " #" in text:
        return False
    if not _ESCAPED.isdisjoint(text) or text.lower() in _FOREIGN_WORDS:
        return False
    if text[0] in _DIGITS and (_NUMBER_CHARS.issuperset(text) or text.startswith(_BASES)):
        return False
    return not flow or _FLOW_MARKS.isdisjoint(text)


def _is_literal(text: str) -> bool:
    """Whether a literal block gives back `text`: nothing to escape, and a last line that is more than blanks."""
    return _ESCAPED_IN_BLOCK.isdisjoint(text) and text.rpartition("\n")[2].strip(" \t") != ""


def _literal(text: str, indent: int, chomp: str) -> tuple[str, list[str]]:
    # Blanks that begin the text would be taken for its indentation.
    header = "|2" if text.lstrip("\n")[0] in " \t" else "|"
    pad = " " * (indent + 2)
    return header + chomp, [pad + line if line else "" for line in text.split("\n")]


def _quoted(text: str) -> str:
    if _ESCAPED.isdisjoint(text) and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return '"' + "".join(map(_escape, text)) + '"'


def _escape(char: str) -> str:
    if char in _SHORT_ESCAPES:
        return _SHORT_ESCAPES[char]
    if char not in _ESCAPED:
        return char
    return f"\\u{ord(char):04x}"
