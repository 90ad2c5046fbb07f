"""Writes are all or nothing, also when the writer dies half-way."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gittasks.base.errors import InvalidError
from gittasks.base.files import DiskError
from gittasks.workgraph import store
from gittasks.workgraph.record import BadTaskError, TaskId
from gittasks.workgraph.store import FileWrite


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / ".tasks"
    made.mkdir()
    return made


def journal(folder: Path) -> str:
    return str(folder.parent / "journal")


@pytest.mark.parametrize(
    ("name", "task_id"),
    [
        ("1.yaml", 1),
        ("999999999.yaml", 999999999),
        ("0.yaml", None),
        ("01.yaml", None),
        ("1.yml", None),
        ("x.yaml", None),
        (".yaml", None),
        ("-1.yaml", None),
        ("1000000000.yaml", None),
        ("²1.yaml", None),
    ],
)
def test_file_names(name: str, task_id: int | None) -> None:
    assert store.parse_file_name(name) == task_id


def test_one_file_is_created_and_replaced(folder: Path) -> None:
    store.write(str(folder), [FileWrite("1.yaml", b"one\n", True)], journal=journal(folder))
    store.write(str(folder), [FileWrite("1.yaml", b"two\n", False)], journal=journal(folder))
    assert (folder / "1.yaml").read_bytes() == b"two\n"
    assert os.listdir(folder) == ["1.yaml"]


def test_creating_what_is_there_changes_nothing(folder: Path) -> None:
    (folder / "2.yaml").write_bytes(b"mine\n")
    both = [FileWrite("1.yaml", b"one\n", True), FileWrite("2.yaml", b"two\n", True)]
    for writes in (both, both[1:]):
        with pytest.raises(FileExistsError):
            store.write(str(folder), writes, journal=journal(folder))
        assert os.listdir(folder) == ["2.yaml"]
        assert (folder / "2.yaml").read_bytes() == b"mine\n"


def test_a_replaced_file_keeps_its_permissions(folder: Path) -> None:
    path = folder / "1.yaml"
    path.write_bytes(b"one\n")
    path.chmod(0o640)
    store.write(str(folder), [FileWrite("1.yaml", b"two\n", False)], journal=journal(folder))
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_link_in_the_place_of_a_task_is_replaced_not_followed(folder: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"precious\n")
    (folder / "1.yaml").symlink_to(outside)
    store.write(str(folder), [FileWrite("1.yaml", b"two\n", False)], journal=journal(folder))
    assert outside.read_bytes() == b"precious\n"
    assert not (folder / "1.yaml").is_symlink()


def interrupted(folder: Path, *, done: int) -> list[FileWrite]:
    """A write of three files that died after `done` of them."""
    (folder / "3.yaml").write_bytes(b"old\n")
    writes = [
        FileWrite("1.yaml", b"one\n", True),
        FileWrite("1/note.md", b"note\n", True),
        FileWrite("3.yaml", b"new\n", False),
    ]
    entries = [
        [item.name, item.data.decode(), "old\n" if not item.create else None, item.create] for item in writes
    ]
    Path(journal(folder)).write_text(json.dumps({"folder": str(folder), "writes": entries}))
    for item in writes[:done]:
        path = folder / item.name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(item.data)
    return writes


@pytest.mark.parametrize("done", [0, 1, 2, 3])
def test_a_killed_write_is_finished_by_the_next(folder: Path, done: int) -> None:
    writes = interrupted(folder, done=done)
    assert store.recover(journal(folder), is_ours=lambda _: True) == 3
    for item in writes:
        assert (folder / item.name).read_bytes() == item.data
    assert not Path(journal(folder)).exists()
    assert store.recover(journal(folder), is_ours=lambda _: True) == 0


def test_recovery_does_not_overwrite_what_somebody_edited_since(folder: Path) -> None:
    interrupted(folder, done=1)
    (folder / "3.yaml").write_bytes(b"by hand\n")
    with pytest.raises(store.EditedMeanwhileError, match=r"3\.yaml"):
        store.recover(journal(folder), is_ours=lambda _: True)
    assert (folder / "3.yaml").read_bytes() == b"by hand\n"
    assert Path(journal(folder)).exists()


def test_a_journal_that_cannot_be_read_is_kept(folder: Path) -> None:
    Path(journal(folder)).write_text('{"folder": ')
    with pytest.raises(InvalidError, match="journal"):
        store.recover(journal(folder), is_ours=lambda _: True)
    assert Path(journal(folder)).exists()


def test_a_journal_of_a_worktree_that_is_gone_is_dropped(folder: Path) -> None:
    interrupted(folder, done=0)
    (folder / "3.yaml").unlink()
    folder.rmdir()
    assert store.recover(journal(folder), is_ours=lambda _: True) == 0
    assert not Path(journal(folder)).exists()


def test_a_read_only_folder_is_said(folder: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write anywhere")
    folder.chmod(0o500)
    with pytest.raises(DiskError, match="Permission denied"):
        store.write(str(folder), [FileWrite("1.yaml", b"one\n", True)], journal=journal(folder))


def test_a_leftover_of_a_killed_writer_is_no_obstacle(folder: Path) -> None:
    (folder / ".1.yaml.gittasks-tmp").write_bytes(b"half")
    store.write(str(folder), [FileWrite("1.yaml", b"one\n", True)], journal=journal(folder))
    assert os.listdir(folder) == ["1.yaml"]


def test_reading_says_what_is_wrong(folder: Path) -> None:
    with pytest.raises(store.UnknownTaskError, match="#7"):
        store.read_task(str(folder), TaskId(7))
    (folder / "8.yaml").symlink_to("/etc/passwd")
    with pytest.raises(BadTaskError, match="symbolic link"):
        store.read_task(str(folder), TaskId(8))
    with pytest.raises(store.NoTasksError, match="does not exist"):
        store.read_task(str(folder / "nowhere"), TaskId(7))
    link = folder.parent / "link"
    link.symlink_to(folder)
    with pytest.raises(store.NoTasksError, match="symbolic link"):
        store.read_task(str(link), TaskId(7))
