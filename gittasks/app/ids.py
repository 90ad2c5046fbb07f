"""Issuing task ids: one more than the highest that this clone knows, never the same one twice (design 4.2)."""

from __future__ import annotations

import json
import os

from gittasks.base import files, flock
from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import branch_ids
from gittasks.repo.discover import main_top
from gittasks.workgraph import store
from gittasks.workgraph.record import MAX_ID

if TYPE_CHECKING:
    from gittasks.app.project import Project

_MAX_STATE_BYTES = 1 << 22


def reserve(project: Project, count: int) -> int:
    """Reserve `count` ids and answer the first; the caller holds the writers' lock.

    The mark is on disk before the ids are used: a killed `add` loses numbers, it never issues one again. Trees
    already looked into are remembered, so the cost is two git processes however many tasks there are.
    """
    path = os.path.join(project.private_folder(), "ids.json")
    highest, seen = _load(path)
    trees = branch_ids.task_trees(project.git, store.FOLDER)
    highest = max(
        highest,
        branch_ids.highest_number(project.git, trees - seen, store.parse_file_name),
        *(_highest_in(folder) for folder in _task_folders(project)),
    )
    first = highest + 1
    if highest + count > MAX_ID:
        raise RefusedError(
            f"the next task would be #{highest + count}: ids end at {MAX_ID}",
            hint="some file or branch holds a very high id: `gittasks doctor` finds it",
        )
    state = {"highest": highest + count, "trees": sorted(trees)}
    files.replace_file(path, json.dumps(state).encode())
    return first


def raise_mark(project: Project, number: int) -> None:
    """Never issue `number` or a lower one, whatever becomes of the branch that it came with.

    Raises `LockHeldError` at once where a writer is at work.
    """
    path = os.path.join(project.private_folder(), "ids.json")
    if number <= _load(path)[0]:
        return
    with flock.Hold(os.path.join(project.private_folder(), "write.lock"), purpose="ids", timeout_s=0.0):
        highest, seen = _load(path)
        state = {"highest": max(highest, number), "trees": sorted(seen)}
        files.replace_file(path, json.dumps(state).encode())


def _load(path: str) -> tuple[int, set[str]]:
    """The mark and the trees already counted; nothing where the file is missing or damaged: then all is counted."""
    try:
        state = json.loads(files.read_regular(path, limit_bytes=_MAX_STATE_BYTES))
        return int(state["highest"]), set(state["trees"])
    except (OSError, ValueError, KeyError, TypeError, RecursionError, files.UnsafeFileError):
        return 0, set()


def _task_folders(project: Project) -> list[str]:
    """The `.tasks` of every worktree of this clone, read from git's own folders."""
    common = project.checkout.common_dir
    tops = {project.top}
    if (main := main_top(common)) is not None:
        tops.add(main)
    admin = os.path.join(common, "worktrees")
    for name in os.listdir(admin) if os.path.isdir(admin) else ():
        link = files.first_line(os.path.join(admin, name, "gitdir"))
        if link:
            tops.add(os.path.dirname(os.path.join(admin, name, link)))
    return [os.path.join(top, store.FOLDER) for top in tops]


def _highest_in(folder: str) -> int:
    try:
        names = os.listdir(folder)
    except OSError:
        return 0
    return max((store.parse_file_name(name) or 0 for name in names), default=0)
