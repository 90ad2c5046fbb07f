"""Writing a table that spreadsheets open and `import csv` reads back. Pure.

One row a task, one column a field; unknown fields go together into the column `extra`, as JSON. Cells that a
spreadsheet would take for a formula get an apostrophe in front, which the import takes away again. Notes are left
out.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from gittasks.workgraph.exchange.native import FORMULA
from gittasks.workgraph.record import FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gittasks.workgraph.exchange.records import Full

COLUMNS = (*FIELDS, "ref", "extra")
_NEEDS_QUOTES = re.compile('[",\r\n]')
_NEEDS_JSON = re.compile(r"[,;\n]|^\[|^\s|\s$")


def format_csv(tasks: Iterable[Full]) -> str:
    """The table, header first, with line feeds at the ends of rows."""
    rows = [COLUMNS, *(_cells(full) for full in tasks)]
    return "".join(",".join(_quote(guard(cell)) for cell in row) + "\n" for row in rows)


def guard(cell: str) -> str:
    """`cell` as no spreadsheet runs it."""
    return f"'{cell}" if FORMULA.match(cell) else cell


def _cells(full: Full) -> list[str]:
    record = full.task.as_json()
    extra = full.extra
    ref = extra.pop("ref") if isinstance(extra.get("ref"), str) else ""
    rest = json.dumps(extra, ensure_ascii=False) if extra else ""
    return [*(_cell(record[field]) for field in FIELDS), ref, rest]


def _quote(cell: str) -> str:
    # The library's writer leaves a bare CR unquoted, and then reads two rows where one was written.
    return f'"{cell.replace(chr(34), chr(34) * 2)}"' if _NEEDS_QUOTES.search(cell) else cell


def _cell(value: Any) -> str:
    if isinstance(value, list):
        items = [str(item) for item in value]
        return (
            json.dumps(items, ensure_ascii=False) if any(map(_NEEDS_JSON.search, items)) else ", ".join(items)
        )
    return "" if value is None else str(value)
