from __future__ import annotations

import pytest

from gittasks.base.sizes import format_size, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("500", 500),
        ("500b", 500),
        ("64k", 65_536),
        ("1.5M", 1_572_864),
        (" 2GiB ", 2 << 30),
        ("1tb", 1 << 40),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "k", "-1", "1e9", "1.2.3", "1x", "²", "1 k", "9" * 20, "inf", "nan"])
def test_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        parse_size(text)


def test_in_words() -> None:
    assert [format_size(n) for n in (0, 1023, 1024, 1_572_864)] == ["0 B", "1023 B", "1.0 KiB", "1.5 MiB"]
    assert format_size(5 << 50) == "5120.0 TiB"
