"""Lengths of time, sizes and counts as options of the command line."""

from __future__ import annotations

import argparse

from gittasks.base import sizes
from gittasks.base.durations import EXPECTED, parse_duration
from gittasks.base.text import printable


def duration(text: str) -> float:
    """Seconds of `90`, `1.5s`, `10m`, `1h30m`, `7d`. Raises `ArgumentTypeError` for anything else."""
    try:
        return parse_duration(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{printable(text)[:60]!r} is no length of time: expected {EXPECTED}"
        ) from None


def time_limit(text: str) -> float:
    """Like `duration`, of a command that is stopped then: at least a moment."""
    seconds = duration(text)
    if seconds > 0:
        return seconds
    raise argparse.ArgumentTypeError(
        f"{printable(text)[:60]!r} leaves it no time: leave the option out for no limit"
    )


def size(text: str) -> int:
    """Bytes of `500`, `64k`, `1.5M`, `2G`. Raises `ArgumentTypeError` for anything else."""
    try:
        return sizes.parse_size(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{printable(text)[:60]!r} is no size: expected {sizes.EXPECTED}"
        ) from None


def count(text: str) -> int:
    """A number from 0 on, of at most nine digits. Raises `ArgumentTypeError` for anything else."""
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return int(text)
    raise argparse.ArgumentTypeError(f"{printable(text)[:60]!r} is no number")
