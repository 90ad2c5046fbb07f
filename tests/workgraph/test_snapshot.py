"""The snapshot shows what is on disk now, whatever the cache says."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from gittasks.base import files
from gittasks.workgraph.record import Task, TaskId
from gittasks.workgraph.snapshot import Snapshot, load_snapshot


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / ".tasks"
    made.mkdir()
    return made


def put(
    folder: Path,
    task_id: int,
    *,
    subject: str = "",
    status: str = "pending",
    blockers: tuple[int, ...] = (),
    worktree: str | None = None,
) -> None:
    from gittasks.workgraph.codec import format_task

    ids = tuple(TaskId(blocker) for blocker in blockers)
    task = Task(
        TaskId(task_id),
        uid=f"{task_id:016x}",
        subject=subject or f"task {task_id}",
        status=status,
        worktree=worktree,
        blocked_by=ids,
        description=f"words of {task_id}",
    )
    (folder / f"{task_id}.yaml").write_bytes(format_task(task))


def load(folder: Path) -> Snapshot:
    return load_snapshot(str(folder), str(folder.parent / "cache"), "main")


def subjects(folder: Path) -> list[str]:
    return [row.subject for row in load(folder).rows]


def age(folder: Path) -> None:
    """Make all files old enough that the cache trusts their signatures."""
    for path in folder.iterdir():
        os.utime(path, ns=(1_000_000_000_000_000_000, 1_000_000_000_000_000_000))


def test_rows_are_sorted_by_id_not_by_name(folder: Path) -> None:
    for task_id in (10, 9, 100, 1):
        put(folder, task_id)
    assert [row.id for row in load(folder).rows] == [1, 9, 10, 100]


def test_an_empty_folder_has_no_rows(folder: Path) -> None:
    assert load(folder).rows == []
    assert load(folder).rows == []


def test_a_change_in_place_shows_at_once(folder: Path) -> None:
    put(folder, 1, subject="old words")
    assert subjects(folder) == ["old words"]
    put(folder, 1, subject="new words")  # same size, maybe the same clock tick
    assert subjects(folder) == ["new words"]


def test_a_change_that_keeps_size_and_mtime_shows(folder: Path) -> None:
    put(folder, 1, subject="old words")
    age(folder)
    assert subjects(folder) == ["old words"]
    put(folder, 1, subject="new words")
    age(folder)
    assert subjects(folder) == ["new words"]


def test_a_racy_change_with_an_equal_signature_shows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two writes in one clock tick look the same; young files are compared by content."""
    put(folder, 1, subject="old words")
    assert subjects(folder) == ["old words"]
    before = os.stat(folder / "1.yaml")
    real = os.stat

    def coarse(path: Any, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        return before if path == "1.yaml" else real(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(os, "stat", coarse)
    (folder / "1.yaml").write_bytes((folder / "1.yaml").read_bytes().replace(b"old", b"new"))
    assert subjects(folder) == ["new words"]


def test_new_and_removed_files_show(folder: Path) -> None:
    put(folder, 1)
    put(folder, 2)
    age(folder)
    assert subjects(folder) == ["task 1", "task 2"]
    (folder / "1.yaml").unlink()
    put(folder, 3)
    assert subjects(folder) == ["task 2", "task 3"]
    assert subjects(folder) == ["task 2", "task 3"]


def test_a_bad_file_is_named_and_hides_no_other(folder: Path) -> None:
    put(folder, 1)
    put(folder, 2)
    (folder / "2.yaml").write_text("id: 2\nstatus: running\n")
    for _ in range(2):  # fresh, then from the cache
        snapshot = load(folder)
        assert [row.id for row in snapshot.rows] == [1]
        assert {problem.path for problem in snapshot.problems} == {".tasks/2.yaml"}
    put(folder, 2)
    assert load(folder).problems == []
    assert [row.id for row in load(folder).rows] == [1, 2]


def test_a_good_file_that_turns_bad_and_is_removed_is_forgotten(folder: Path) -> None:
    put(folder, 1)
    put(folder, 2)
    load(folder)
    (folder / "2.yaml").write_text("<<<<<<< ours\n")
    assert load(folder).problems[0].kind == "conflict"
    (folder / "2.yaml").unlink()
    assert load(folder).problems == []


@pytest.mark.parametrize("make", ["symlink", "fifo", "folder", "huge"])
def test_what_is_no_regular_file_is_a_problem(folder: Path, make: str) -> None:
    put(folder, 1)
    odd = folder / "2.yaml"
    if make == "symlink":
        odd.symlink_to("/etc/passwd")
    elif make == "fifo":
        os.mkfifo(odd)
    elif make == "folder":
        odd.mkdir()
    else:
        odd.write_bytes(b"#" * ((1 << 20) + 1))
    for _ in range(2):
        snapshot = load(folder)
        assert [row.id for row in snapshot.rows] == [1]
        assert [problem.kind for problem in snapshot.problems] == ["file"]


def test_names_that_are_no_task_files_are_left_alone(folder: Path) -> None:
    put(folder, 1)
    for name in ("012.yaml", "x.yaml", "0.yaml", "1.yml", "config.yaml", "٣.yaml", "1234567890.yaml"):
        (folder / name).write_text("nonsense: [")
    assert [row.id for row in load(folder).rows] == [1]
    assert load(folder).problems == []


@pytest.mark.parametrize("damage", [b"", b"garbage", None])
def test_a_damaged_cache_is_built_anew(folder: Path, damage: bytes | None) -> None:
    put(folder, 1)
    load(folder).tasks()
    for path in (folder.parent / "cache").iterdir():
        whole = path.read_bytes()
        path.write_bytes(whole[:-3] if damage is None else damage)
    assert [task.description for task in load(folder).tasks()] == ["words of 1"]


def test_a_cache_that_cannot_be_written_is_no_error(folder: Path) -> None:
    put(folder, 1)
    (folder.parent / "cache").write_text("a file in its place")
    assert subjects(folder) == ["task 1"]


def test_full_records_follow_edits(folder: Path) -> None:
    for task_id in range(1, 300):
        put(folder, task_id)
    assert load(folder).tasks()[0].description == "words of 1"
    assert load(folder).tasks()[298].description == "words of 299"
    (folder / "7.yaml").write_bytes((folder / "7.yaml").read_bytes().replace(b"words of", b"changed"))
    assert load(folder).tasks()[6].description == "changed 7"


def test_the_graph_follows_a_status_that_changed(folder: Path) -> None:
    put(folder, 1)
    put(folder, 2, blockers=(1,))
    assert load(folder).derived.open_blockers == {2: (1,)}
    put(folder, 1, status="completed")
    assert load(folder).derived.open_blockers == {}
    (folder / "1.yaml").unlink()
    assert load(folder).derived.open_blockers == {2: (1,)}


def test_a_symbolic_link_in_the_place_of_the_folder_is_refused(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    with pytest.raises(OSError):
        load_snapshot(str(link), str(folder.parent / "cache"), "main")


def test_what_kept_a_file_from_being_read_once_is_not_believed_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folder, 1)
    put(folder, 2)
    age(folder)
    with monkeypatch.context() as patched:
        patched.setattr(files, "read_regular", too_many_files)
        assert [problem.kind for problem in load(folder).problems] == ["file", "file"]
        assert load(folder).rows == []
    assert [row.id for row in load(folder).rows] == [1, 2]
    assert load(folder).problems == []


def too_many_files(*_: Any, **__: Any) -> bytes:
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
