"""A few fields of all tasks say what a snapshot says, however old the cache is."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph import refresh
from gittasks.workgraph.codec import format_task
from gittasks.workgraph.columns import find_freed, find_in_worktree
from gittasks.workgraph.record import STATUSES, Task, TaskId
from gittasks.workgraph.snapshot import Snapshot, load_snapshot

_IDS = range(1, 7)
_SOME_IDS = st.frozensets(st.sampled_from(_IDS), max_size=3)
_TASKS = st.tuples(st.sampled_from(STATUSES), st.sampled_from((None, "main", "mainly")), _SOME_IDS, _SOME_IDS)
# A file of None is taken away, one of "" is broken.
_FILES = st.dictionaries(st.sampled_from(_IDS), st.one_of(_TASKS, st.sampled_from((None, ""))))


def write(folder: Path, files: dict[int, Any], *, old: bool) -> None:
    for task_id, said in files.items():
        path = folder / f"{task_id}.yaml"
        if said is None:
            path.unlink(missing_ok=True)
        elif said == "":
            path.write_bytes(b"worktree: main\nstatus: [\n")
        else:
            path.write_bytes(_format(task_id, *said))
        if old and said is not None:
            os.utime(path, ns=(10**18, 10**18))


def _format(
    task_id: int, status: str, worktree: str | None, blockers: frozenset[int], waiters: frozenset[int]
) -> bytes:
    task = Task(
        TaskId(task_id),
        uid=f"{task_id:016x}",
        subject=f"task {task_id}",
        status=status,
        worktree=worktree,
        blocked_by=tuple(map(TaskId, sorted(blockers - {task_id}))),
    )
    written = sorted(waiters - {task_id})
    return format_task(task) + (f"blocks: {written}\n".encode() if written else b"")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()} if folder.is_dir() else {}


def freed(snapshot: Snapshot, done: frozenset[int]) -> list[int]:
    """The long way: what is ready once `done` is completed, and waited for some of it before."""
    rows = [row for row in snapshot.rows if row.status == "pending" and row.id not in done]
    open_blockers, blocks = snapshot.derived.open_blockers, snapshot.derived.blocks
    return [
        row.id
        for row in rows
        if any(row.id in blocks.get(task_id, ()) for task_id in done)
        and done.issuperset(open_blockers.get(row.id, ()))
    ]


@given(before=_FILES, after=_FILES, old=st.booleans(), done=_SOME_IDS)
def test_a_column_says_what_the_rows_say(
    before: dict[int, Any], after: dict[int, Any], old: bool, done: frozenset[int]
) -> None:
    with tempfile.TemporaryDirectory() as made:
        home = Path(made)
        folder, cache = home / ".tasks", str(home / "cache")
        folder.mkdir()
        write(folder, before, old=old)
        load_snapshot(str(folder), cache, "main")
        write(folder, after, old=False)
        kept = contents(home / "cache")
        able = find_freed(str(folder), cache, "main", sorted(done))
        assert contents(home / "cache") == kept
        here = find_in_worktree(str(folder), cache, "main")
        truth = load_snapshot(str(folder), str(home / "other"), "x")
        assert here == [(row.id, row.status) for row in truth.rows if row.worktree == "main"]
        assert able == freed(truth, done)


def test_where_much_changed_the_cache_is_brought_up_to_date(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(refresh, "_FEW_CHANGED", 2)
    folder, cache = tmp_path / ".tasks", tmp_path / "cache"
    folder.mkdir()
    blockers: frozenset[int] = frozenset({1})
    tasks = {task_id: ("pending", "main", blockers, frozenset[int]()) for task_id in _IDS}
    write(folder, tasks, old=True)
    assert find_freed(str(folder), str(cache), "main", [1]) == [2, 3, 4, 5, 6]
    assert (cache / "tasks-main.bin").exists()
