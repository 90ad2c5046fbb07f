"""One field as the lines of a file: what whole files and edits of single fields are made of. Pure."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.fields import BY_NAME
from gittasks.workgraph.scalars import format_block, format_scalar, format_text

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any


def format_value(name: str, value: Any, indent: int = 0) -> tuple[str, list[str]]:
    """What follows `name:`, as (text on that line, lines below it); `indent` is the column of the name."""
    kind = BY_NAME[name].kind if name in BY_NAME else ""
    if kind == "text":
        return format_text(value, indent)
    if kind == "time" or (kind == "uid" and not value):
        # Times stand plain, as design 4.1 has them; a reader that makes dates of them gets the right one.
        return value, []
    return format_block(value, indent)


def format_entry(name: str, head: str, below: Sequence[str], *, indent: int = 0, eol: str = "\n") -> str:
    """The lines of the field `name` with a value as `format_value` gives it, without a final line end."""
    key = " " * indent + format_scalar(name, flow=True)
    return eol.join((f"{key}: {head}" if head else f"{key}:", *below))
