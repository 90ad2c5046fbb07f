"""Sizes as people write and read them: `500`, `64k`, `1.5M`, `2GiB`. Pure."""

from __future__ import annotations

_UNITS = ("", "k", "m", "g", "t")
_NAMES = ("B", "KiB", "MiB", "GiB", "TiB")
EXPECTED = "500, 64k, 1.5M or 2G"


def parse_size(text: str) -> int:
    """Bytes of `500`, `64k`, `1.5M`, `2GiB`, in units of 1024. Raises `ValueError` for anything else."""
    number = text.strip().lower().removesuffix("ib").removesuffix("b")
    unit = number[-1:] if number[-1:] in _UNITS[1:] else ""
    number = number.removesuffix(unit)
    if not number.isascii() or not number.replace(".", "", 1).isdecimal() or len(number) > 15:
        raise ValueError(text)
    return int(float(number) * 1024.0 ** _UNITS.index(unit))


def format_size(size_bytes: int) -> str:
    """`size_bytes` in the largest unit that leaves a whole one: `7 B`, `1.5 MiB`."""
    number, unit = float(size_bytes), 0
    while number >= 1024 and unit < len(_NAMES) - 1:
        number, unit = number / 1024, unit + 1
    return f"{size_bytes} B" if unit == 0 else f"{number:.1f} {_NAMES[unit]}"
