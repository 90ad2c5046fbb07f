"""`gittasks merge-driver` as git calls it: three files, a marker size, a path."""

from __future__ import annotations

from pathlib import Path

import pytest

from gittasks.workgraph import codec
from gittasks.workgraph.record import COMPLETED, IN_PROGRESS, Task, TaskId
from tests.conftest import Cli

BASE = codec.format_task(Task(TaskId(12), "a" * 16, "Task", created="2026-11-23T10:00:00Z"))
NAMES = ("base", "ours", "theirs")


def edited(**changes: object) -> bytes:
    return codec.edit_task(BASE, "", task_id=12, changes=changes)


def drive(
    cli: Cli, folder: Path, *files: bytes, code: int, path: str = ".tasks/12.yaml", size: int = 7
) -> str:
    """What becomes of `ours`; base and theirs are never touched."""
    for name, data in zip(NAMES, files, strict=True):
        (folder / name).write_bytes(data)
    done = cli("merge-driver", *NAMES, str(size), path, cwd=folder, code=code)
    assert done.stdout == ""
    assert ((folder / "base").read_bytes(), (folder / "theirs").read_bytes()) == (files[0], files[2])
    return (folder / "ours").read_bytes().decode("utf-8", "surrogateescape")


def test_a_clean_merge_exits_0(cli: Cli, tmp_path: Path) -> None:
    text = drive(cli, tmp_path, BASE, edited(labels=("a",)), edited(labels=("b",)), code=0)
    assert "labels:\n- a\n- b\n" in text


def test_a_conflict_exits_1_with_markers_of_the_size_that_git_wants(cli: Cli, tmp_path: Path) -> None:
    files = BASE, edited(status=IN_PROGRESS, owner="ann"), edited(status=COMPLETED)
    text = drive(cli, tmp_path, *files, code=1, size=9)
    assert "<<<<<<<<< ours\nstatus: in_progress\n=========\nstatus: completed\n>>>>>>>>> theirs\n" in text
    assert "owner: ann\n" in text


def test_both_sides_added_the_task(cli: Cli, tmp_path: Path) -> None:
    text = drive(cli, tmp_path, b"", BASE, edited(owner="ann"), code=0)
    assert "owner: ann" in text


@pytest.mark.parametrize("base", [b"", BASE], ids=["added twice", "once the other"])
def test_two_tasks_of_one_number_are_a_conflict_that_keeps_both(
    cli: Cli, tmp_path: Path, base: bytes
) -> None:
    other = BASE.replace(b"a" * 16, b"b" * 16).replace(b"subject: Task", b"subject: Other")
    text = drive(cli, tmp_path, base, edited(owner="ann"), other, code=1)
    assert "subject: Task\n" in text and "subject: Other\n" in text and "owner: ann\n" in text


def test_a_file_that_git_takes_for_renamed(cli: Cli, tmp_path: Path) -> None:
    """Found by `%P`: the same task under a new number is merged, another one is a conflict."""
    renamed = edited(owner="ann").replace(b"id: 12", b"id: 13", 1)
    text = drive(cli, tmp_path, BASE, edited(labels=("a",)), renamed, code=0, path=".tasks/13.yaml")
    assert text.startswith("id: 13\n") and "owner: ann\n" in text and "- a\n" in text
    other = renamed.replace(b"a" * 16, b"b" * 16).replace(b"subject: Task", b"subject: Other")
    drive(cli, tmp_path, BASE, edited(status=COMPLETED), other, code=1, path=".tasks/13.yaml")


@pytest.mark.parametrize("broken", [b"id: 12\nsubject: [\n", b"\xff\xfe", b"", b"id: 13\nsubject: x\n"])
def test_what_is_no_task_is_merged_by_lines_and_no_side_is_lost(
    cli: Cli, tmp_path: Path, broken: bytes
) -> None:
    mine = edited(owner="ann")
    for files in ((BASE, mine, broken), (BASE, broken, mine)):
        text = drive(cli, tmp_path, *files, code=1).encode("utf-8", "surrogateescape")
        for side in files[1:]:
            assert set(side.splitlines()) <= set(text.splitlines())


def test_other_yaml_files_are_merged_by_lines(cli: Cli, tmp_path: Path) -> None:
    lines = b"a: 1\nb: 2\nc: 3\n"
    files = lines, lines.replace(b"1", b"9"), lines.replace(b"3", b"8")
    assert drive(cli, tmp_path, *files, code=0, path=".tasks/config.yaml") == "a: 9\nb: 2\nc: 8\n"


def test_it_is_hidden_but_explained(cli: Cli) -> None:
    assert "merge-driver" not in cli("--help").stdout
    assert "example:" in cli("merge-driver", "--help").stdout


def test_called_wrongly(cli: Cli, tmp_path: Path) -> None:
    assert "usage" in cli("merge-driver", "a", "b", code=2).stderr
    assert "merge-file" in cli("merge-driver", "a", "b", "c", "7", "12.yaml", cwd=tmp_path, code=1).stderr
