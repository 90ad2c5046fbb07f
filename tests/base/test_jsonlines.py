"""Lines that are appended are read again, whatever became of the file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gittasks.base import jsonlines

MAX = 200


def append(path: Path, number: int) -> None:
    jsonlines.append(str(path), json.dumps({"n": number}).encode() + b"\n", max_bytes=MAX)


def numbers(path: Path) -> list[int]:
    return [line["n"] for line in jsonlines.load(str(path), max_bytes=MAX)]


def test_a_missing_file_holds_nothing(tmp_path: Path) -> None:
    assert numbers(tmp_path / "x.jsonl") == []


def test_the_oldest_lines_go_and_the_files_stay_small(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    for number in range(100):
        append(path, number)
    found = numbers(path)
    assert found == list(range(100 - len(found), 100))
    assert len(found) > 10
    assert (
        sorted(tmp_path.iterdir()) == [path, tmp_path / "x.old.jsonl"] or len(list(tmp_path.iterdir())) == 2
    )
    assert all(file.stat().st_size <= MAX for file in tmp_path.iterdir())


@pytest.mark.parametrize("torn", [b'{"n": 7', b"\xff\x00garbage", b"[1]\n", b"[" * 100_000])
def test_a_torn_line_hides_no_other(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "x.jsonl"
    append(path, 1)
    with path.open("ab") as file:
        file.write(torn)
    jsonlines.append(str(path), b'{"n": 2}\n', max_bytes=1 << 20)
    assert [line["n"] for line in jsonlines.load(str(path), max_bytes=1 << 20)] == [1, 2]


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text('{"n": 1}\n')
    (tmp_path / "x.jsonl").symlink_to(tmp_path / "elsewhere")
    assert numbers(tmp_path / "x.jsonl") == []
    with pytest.raises(OSError):
        append(tmp_path / "x.jsonl", 2)
