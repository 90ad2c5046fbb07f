"""Lengths of time as people write and read them: `90`, `1.5s`, `10m`, `1h30m`, `7d`. Pure."""

from __future__ import annotations

LONGEST_S = 10 * 365 * 86400.0
EXPECTED = "90, 1.5s, 10m, 1h30m or 7d"
_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}


def parse_duration(text: str) -> float:
    """Seconds of `90`, `1.5s`, `10m`, `1h30m`, `7d`. Raises `ValueError` for anything else, and over ten years."""
    rest = text.strip().lower()
    if rest.replace(".", "", 1).isdecimal():
        return _bounded(float(rest))
    if not rest:
        raise ValueError(text)
    total = 0.0
    while rest:
        digits = len(rest) - len(rest.lstrip("0123456789."))
        letters = len(rest[digits:]) - len(rest[digits:].lstrip("dhmsw"))
        unit = _UNITS.get(rest[digits : digits + letters])
        if unit is None:
            raise ValueError(text)
        total += float(rest[:digits]) * unit
        rest = rest[digits + letters :]
    return _bounded(total)


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


def _bounded(seconds: float) -> float:
    if not 0 <= seconds <= LONGEST_S:
        raise ValueError(seconds)
    return seconds
