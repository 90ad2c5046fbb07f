from __future__ import annotations

import argparse

import pytest

from gittasks.base.durations import format_duration, parse_duration
from gittasks.cli.durations import duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("10m", 600),
        ("1h30m", 5400),
        ("500ms", 0.5),
        ("7d", 604800),
        ("2w", 1209600),
    ],
)
def test_lengths_of_time(text: str, seconds: float) -> None:
    assert parse_duration(text) == duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", " ", "-1", "10x", "m", "1h30", "1..5s", "nan", "inf", "1e3", "99999999d"]
)
def test_what_is_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError):
        parse_duration(text)
    with pytest.raises(argparse.ArgumentTypeError, match="length of time"):
        duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0.0s"),
        (9.94, "9.9s"),
        (9.96, "10s"),
        (59.6, "1m00s"),
        (200, "3m20s"),
        (7500, "2h05m"),
        (360000, "4d4h"),
    ],
)
def test_lengths_of_time_for_people(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
