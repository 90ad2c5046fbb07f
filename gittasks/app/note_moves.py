"""Notes follow their tasks through a merge: a note's file name is its own, the folder is its task's number."""

from __future__ import annotations

import contextlib
import os

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph import store
from gittasks.workgraph.record import TaskId

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from gittasks.app.halted import Halted
    from gittasks.repo.stages import Unmerged
    from gittasks.workgraph.renumber import Moves

    Three = tuple[Moves, Moves, Moves]


class NotePlan(NamedTuple):
    """What to do about notes. `moves` are (path now, path wanted); `settles` are unmerged paths that end by it."""

    moves: tuple[tuple[str, str], ...] = ()
    settles: tuple[str, ...] = ()


def plan_notes(halted: Halted, moves: Three, top: str) -> NotePlan:
    """Where notes lie that belong elsewhere: of each, the sides that have it say whose it is."""
    unmerged = {path: entry for path, entry in halted.other_paths.items() if _split(path) is not None}
    if not unmerged and not any(moves) and not halted.world.is_exact:
        return NotePlan()
    wanted = _wanted_paths(halted, moves)
    here = _paths_here(top)
    moved, settles = [], []
    for name, path in sorted(wanted.items()):
        others = {known for known in unmerged if os.path.basename(known) == name}
        if others and not _is_agreed([unmerged[known] for known in others]):
            continue  # both edited the text: that is for a person
        settles += sorted(others)
        moved += [(known, path) for known in here.get(name, ()) if known != path]
    return NotePlan(tuple(moved), tuple(settles))


def note_paths(top: str, task_id: TaskId) -> frozenset[str]:
    """The paths of what lies in a task's folder of notes."""
    found = (path for paths in _paths_here(top).values() for path in paths)
    return frozenset(path for path in found if path.startswith(f"{store.FOLDER}/{task_id}/"))


def carry_out(plan: NotePlan, top: str) -> tuple[list[str], list[str]]:
    """Move the files; answer the paths to stage and those to take out of the index. Doing it again does no harm."""
    present, gone = [], []
    for old, new in plan.moves:
        if _move(os.path.join(top, old), os.path.join(top, new)):
            present.append(new)
            gone.append(old)
    for path in plan.settles:
        (present if os.path.lexists(os.path.join(top, path)) else gone).append(path)
    return present, gone


def _wanted_paths(halted: Halted, moves: Three) -> dict[str, str]:
    """Name of a note to the one path that it belongs at; a note about which the sides disagree is left out."""
    base, ours, theirs = (_owners(paths, new_ids) for paths, new_ids in zip(halted.notes, moves, strict=True))
    wanted = {}
    for name in ours.keys() | theirs.keys():
        before, one, other = base.get(name), ours.get(name), theirs.get(name)
        if before is None and None in (one, other):
            owner = one or other
        else:
            # As of any field: who changed it knows better, and a note that a side took away is not ours to place.
            owner = one if other in (one, before) else other if one == before else None
        if owner is not None:
            wanted[name] = f"{store.FOLDER}/{owner}/{name}"
    return wanted


def _owners(paths: Iterable[str], new_ids: Moves) -> dict[str, TaskId]:
    """Name of a note to the task that one side has it on, by its final number."""
    known = (found for path in paths if (found := _split(path)) is not None)
    return {name: new_ids.get(task_id, task_id) for task_id, name in known}


def _paths_here(top: str) -> Mapping[str, list[str]]:
    """Name of a note to the paths where the worktree has one."""
    found: dict[str, list[str]] = {}
    for folder in os.listdir(os.path.join(top, store.FOLDER)):
        path = f"{store.FOLDER}/{folder}"
        if not folder.isdecimal() or os.path.islink(os.path.join(top, path)):
            continue
        with contextlib.suppress(NotADirectoryError):
            for name in os.listdir(os.path.join(top, path)):
                found.setdefault(name, []).append(f"{path}/{name}")
    return found


def _split(path: str) -> tuple[TaskId, str] | None:
    """A note's task and file name, `None` for a path that is no note's."""
    parts = path.split("/")
    if len(parts) != 3 or parts[0] != store.FOLDER or not parts[2].endswith(".md"):
        return None
    return (TaskId(int(parts[1])), parts[2]) if parts[1].isascii() and parts[1].isdigit() else None


def _is_agreed(entries: list[Unmerged]) -> bool:
    """Whether git is only unsure about the folder: there is one text, or one that is newer."""
    ours = {entry.ours.oid for entry in entries if entry.ours}
    theirs = {entry.theirs.oid for entry in entries if entry.theirs}
    base = {entry.base.oid for entry in entries if entry.base}
    if not ours or not theirs:
        return not base
    return ours == theirs


def _move(source: str, target: str) -> bool:
    """Move a note to where there is none, or the same one; answer whether it is there and nowhere else."""
    if not os.path.isfile(source) or os.path.islink(source):
        return os.path.isfile(target)
    if os.path.lexists(target) and not _is_equal(source, target):
        return False
    os.makedirs(os.path.dirname(target), exist_ok=True)
    os.replace(source, target)
    with contextlib.suppress(OSError):
        os.rmdir(os.path.dirname(source))
    return True


def _is_equal(one: str, other: str) -> bool:
    with open(one, "rb") as left, open(other, "rb") as right:
        return left.read() == right.read()
