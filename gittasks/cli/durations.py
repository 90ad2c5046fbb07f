"""Lengths of time and counts as people write and read them: `90`, `10m`, `1h30m`, `7d`."""

from __future__ import annotations

import argparse

from gittasks.base.text import printable

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_LONGEST_S = 10 * 365 * 86400.0


def duration(text: str) -> float:
    """Seconds of `90`, `1.5s`, `10m`, `1h30m`, `7d`. Raises `ArgumentTypeError` for anything else."""
    total, rest = 0.0, text.strip().lower()
    try:
        if rest.replace(".", "", 1).isdecimal():
            return _bounded(float(rest), text)
        while rest:
            digits = len(rest) - len(rest.lstrip("0123456789."))
            letters = len(rest[digits:]) - len(rest[digits:].lstrip("dhmsw"))
            total += float(rest[:digits]) * _UNITS[rest[digits : digits + letters]]
            rest = rest[digits + letters :]
        return _bounded(total if text.strip() else -1.0, text)
    except (ValueError, KeyError):
        raise _bad(text) from None


def count(text: str) -> int:
    """A number from 0 on, of at most nine digits. Raises `ArgumentTypeError` for anything else."""
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    raise argparse.ArgumentTypeError(f"{printable(text)[:60]!r} is no number")


def format_duration(seconds: float) -> str:
    """`seconds` in at most two units: `0.3s`, `42s`, `3m20s`, `2h05m`, `4d3h`."""
    if seconds < 9.95:
        return f"{max(seconds, 0):.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600}h"


def _bounded(seconds: float, text: str) -> float:
    if not 0 <= seconds <= _LONGEST_S:
        raise _bad(text)
    return seconds


def _bad(text: str) -> argparse.ArgumentTypeError:
    return argparse.ArgumentTypeError(
        f"{printable(text)[:60]!r} is no length of time: expected 90, 1.5s, 10m, 1h30m or 7d"
    )
