"""Text for a terminal: nothing a stranger wrote is ever printed raw."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Joins emoji and keeps words together; neither moves the cursor nor reorders text.
_HARMLESS = frozenset("\u200d\u00a0")


def printable(text: str) -> str:
    """`text` on one line; control, bidi and other invisible characters are escaped: `\\x1b`, `\\u202e`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _HARMLESS else _escape(c) for c in text)


def printable_block(text: str) -> str:
    """Like `printable`, but line feeds and tabs stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in "\n\t" or c in _HARMLESS else _escape(c) for c in text)


def json_printable(document: str) -> str:
    """The same JSON document, with what `printable` escapes spelled in JSON's own way."""
    if document.isprintable():
        return document
    return "".join(
        c if c.isprintable() or c in "\n\t" or c in _HARMLESS else _json_escape(c) for c in document
    )


def look_alike(text: str) -> str:
    """`text` with all but ASCII escaped: nothing in it looks like something else."""
    return printable(text.encode("ascii", "backslashreplace").decode("ascii"))


def shorten(text: str, width: int) -> str:
    """`text` cut to `width` characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= width else text[: max(width - 1, 0)] + "…"


def clip(text: str, columns: int) -> str:
    """As much of the printable line `text` as a terminal shows in `columns`, with an ellipsis where it is cut."""
    if text.isascii():
        return shorten(text, columns)
    if sum(map(_columns, text)) <= columns:
        return text
    left = columns - 1
    for at, char in enumerate(text):
        left -= _columns(char)
        if left < 0:
            return text[:at] + "…"
    return text


def count(number: int, noun: str) -> str:
    """`1 file`, `2 files`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(lines: Sequence[str], *, shown: int = 10) -> list[str]:
    """`lines` indented, the first `shown` of them, with a count of the rest."""
    some = [f"  {line}" for line in lines[:shown]]
    return some + ([f"  and {len(lines) - shown} more"] if len(lines) > shown else [])


def _columns(char: str) -> int:
    from unicodedata import combining, east_asian_width

    if east_asian_width(char) in "WF":
        return 2
    return 0 if combining(char) else 1


def _json_escape(char: str) -> str:
    units = char.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at]:02x}{units[at + 1]:02x}" for at in range(0, len(units), 2))


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii") if char != "\\" else char
