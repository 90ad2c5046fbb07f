"""What was measured, as a table: each time as a multiple of P, each limit with its verdict."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from benchmarks.timing import BASE, Sample

_TITLES = ("what", "median ms", "fastest", "x P", "limit", "")
_VERDICTS = {True: "ok", False: "OVER", None: ""}


class Line(NamedTuple):
    """One row of a table. `ratio` is to P; a `limit` of None is no promise."""

    what: str
    median: str
    fastest: str = ""
    ratio: str = ""
    limit: str = ""
    passed: bool | None = None

    @property
    def cells(self) -> tuple[str, ...]:
        """The texts of the row, the verdict last."""
        return (self.what, self.median, self.fastest, self.ratio, self.limit, _VERDICTS[self.passed])

    def without_limit(self) -> Line:
        """The same row where nothing is promised."""
        return self._replace(limit="", passed=None)


class Table(NamedTuple):
    """A group of measurements that were taken in one run, and what has to be known to read them."""

    title: str
    lines: tuple[Line, ...]
    note: str = ""


def in_multiples(
    what: str, sample: Sample, base: Sample, *, limit: float | None = None, limit_ms: float | None = None
) -> Line:
    """A row for `sample`, with a limit in multiples of P, or in milliseconds."""
    ratio = sample.ratio_to(base)
    line = Line(what, _ms(sample.median_ms), _ms(sample.spread_ms[0]), f"{ratio:.1f}")
    if limit is not None:
        return line._replace(limit=f"{limit:g} P", passed=ratio <= limit)
    if limit_ms is not None:
        return line._replace(limit=f"{limit_ms:g} ms", passed=sample.median_ms <= limit_ms)
    return line


def base_line(base: Sample) -> Line:
    """The row of P itself."""
    return Line(f"{BASE}: `python -c pass`", _ms(base.median_ms), _ms(base.spread_ms[0]), "1.0")


def counted(what: str, count: int, *, limit: int = 0) -> Line:
    """A row for something that is counted, not timed."""
    return Line(what, str(count), limit=f"{limit}", passed=count <= limit)


def failures(tables: Iterable[Table]) -> list[str]:
    """The rows that broke their limit."""
    return [f"{table.title}: {line.what}" for table in tables for line in table.lines if line.passed is False]


def as_text(table: Table) -> str:
    """The table for a terminal."""
    rows = [_TITLES, *(line.cells for line in table.lines)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(_TITLES))]
    body = [
        "  ".join(
            cell.ljust(width) if i in (0, 5) else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
    return "\n".join([table.title, "", *body, *(["", table.note] if table.note else []), ""])


def as_markdown(tables: Sequence[Table]) -> str:
    """The whole of docs/performance.md."""
    text = [
        "# Performance",
        "",
        "Written by `make bench` (`python -m benchmarks`); run it on your own machine.",
        "",
        "Times are whole processes as a shell starts them: medians of interleaved rounds, in milliseconds, and as",
        "multiples of P, the time that `python -c pass` takes in the same environment, right before and after. Where",
        "a limit stands beside a row it is a promise that the benchmark checks (it fails when one is broken); rows",
        "without one are there to compare.",
        "",
        f"Measured on {machine()}.",
        "",
    ]
    for table in tables:
        text += [f"## {table.title}", ""]
        text += ["| what | median ms | fastest | x P | limit | |", "|---|--:|--:|--:|--:|---|"]
        text += [
            "| " + " | ".join(cell.replace("|", "\\|") for cell in line.cells) + " |" for line in table.lines
        ]
        text += ["", *([table.note, ""] if table.note else [])]
    return "\n".join(text)


def machine() -> str:
    """The machine in words: cores, system, versions; no names."""
    git = subprocess.run(("git", "version"), capture_output=True, text=True, check=False).stdout.strip()
    version = ".".join(map(str, sys.version_info[:3]))
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, "
        f"{platform.python_implementation()} {version}, {git or 'no git'}"
    )


def _ms(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"
