"""The tasks of a merge by who they are, and what git made of them, which knows files by name alone. Pure.

Where two tasks had one number, or one task two, git merges texts that have nothing to do with each other, often
without a conflict: here that is found out.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.file_merge import expected_task, renumbered, try_read, write_as
from gittasks.workgraph.merge import merge3
from gittasks.workgraph.record import Task
from gittasks.workgraph.text_merge import merge_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from typing import Any

    from gittasks.workgraph.file_merge import Version
    from gittasks.workgraph.record import Row, TaskId
    from gittasks.workgraph.renumber import Numbering, Place

    Three = tuple[Version | None, Version | None, Version | None]


class World(NamedTuple):
    """A merge that stopped. `base`, `ours`, `theirs` hold the tasks that are not the same on all, by their ids there.

    `unmerged` are the ids whose files are to be settled. Of the worktree, `here` is the bytes under these and under
    all ids in question, `rows` all that can be read. With `is_over` git has ended the merge by itself: what is not
    there was taken away since, and numbers are what they are there. `is_exact` says that it was a rebase, and that
    nobody did anything since: what the sides say is what must be there. `is_fold` says that there was no merge: the
    sides are two files of one task, and all that names it. `elsewhere` maps uids to numbers that tasks have in other
    worktrees and on branches of the clone, and nothing else has here.
    """

    base: Mapping[TaskId, Version]
    ours: Mapping[TaskId, Version]
    theirs: Mapping[TaskId, Version]
    unmerged: AbstractSet[TaskId]
    here: Mapping[TaskId, bytes]
    rows: Mapping[TaskId, Row]
    is_only_base: bool = True
    is_over: bool = False
    is_exact: bool = False
    is_fold: bool = False
    elsewhere: Mapping[str, Sequence[TaskId]] = {}


class Matched:
    """A world with one number for each task."""

    def __init__(self, world: World, numbering: Numbering) -> None:
        self._world = world
        self._numbering = numbering
        self._shared = _shared_ids(numbering)

    def is_in_question(self, place: Place) -> bool:
        """Whether the task has two numbers, or shares one."""
        return place.is_moved or not place.ids.isdisjoint(self._shared)

    def is_double(self, place: Place) -> bool:
        """Whether the worktree has the task under more than one number."""
        rows = (self._world.rows.get(known) for known in place.ids)
        return sum(row is not None and row.uid == place.key for row in rows) > 1

    def versions(self, place: Place) -> Three:
        """The task in base, ours and theirs, in the final numbering."""
        world, numbering = self._world, self._numbering
        base = _version(world.base, place.base, numbering.base)
        if place.base is None and place.ours is not None and place.ours == place.theirs:
            # A base that cannot be read is nobody's, and still says that this was not added on both sides.
            there = world.base.get(place.ours)
            base = there._replace(task=Task(place.final)) if there and "uid" in there.unknown else None
        ours = _version(world.ours, place.ours, numbering.ours)
        return base, ours, _version(world.theirs, place.theirs, numbering.theirs)

    def is_amiss(self, place: Place) -> bool:
        """Whether git's own result is wrong about a task without a conflict."""
        row = self._world.rows.get(place.final)
        if row is None or (row.uid != place.key and not place.is_nameless):
            return not self._world.is_over and not self._is_gone(place)
        here = self._world.here.get(place.final)
        if here is None:
            return False
        # Edits of a side that knew the task by another number are left out, or went to the wrong one.
        left_out = place.is_moved and any(
            plain(here) == side[place.final].data
            for side in (self._world.ours, self._world.theirs)
            if place.final in side
        )
        return left_out or plain(here) in self.mixtures(place.final)

    def mixtures(self, task_id: TaskId) -> list[bytes]:
        """What git may have made of a file by merging the texts of two tasks."""
        base, ours, theirs = self._world.base, self._world.ours, self._world.theirs
        triples = []
        if task_id in self._shared and task_id in base and task_id in ours and task_id in theirs:
            triples.append((base[task_id], ours[task_id], theirs[task_id]))
        for side, other in ((ours, theirs), (theirs, ours)):
            if task_id in side and task_id not in base:
                # A file that went and one that came look like one that was renamed.
                gone = (known for known in base if known not in side and known in other)
                triples += [(base[known], side[task_id], other[known]) for known in gone]
        return [
            merge_text(*(version.data.decode() for version in triple)).ours.encode()
            for triple in triples
            if not triple[0].unknown
        ]

    def reference_changes(self, place: Place) -> dict[str, Any]:
        """What to change in a file that git merged by itself, for tasks that have other numbers now."""
        row = self._world.rows.get(place.final)
        if row is None or (row.uid or place.key) != place.key:
            return {}
        sides = [
            side[known].task
            for side, known in ((self._world.ours, place.ours), (self._world.theirs, place.theirs))
            if known is not None
        ]
        by_name, wanted = self._merged_by_name(place, sides), self._merged(place)
        changes: dict[str, Any] = {}
        if by_name.parent != wanted.parent and row.parent in [task.parent for task in sides]:
            changes["parent"] = wanted.parent
        for name in ("blocked_by", "written_blocks"):
            now, new = set(getattr(row, name)), set(getattr(wanted, name))
            old = {known for task in sides for known in getattr(task, name)}
            made = (now - (old - new)) | (new - set(getattr(by_name, name)))
            if made != now:
                changes[name] = tuple(sorted(made))
        return changes

    def mended(self, place: Place) -> tuple[Task, bytes] | None:
        """The task and its file as the sides have it, where commits replayed on another numbering hit the wrong one.

        `None` where all is well, or the file is not there.
        """
        here = self._world.here.get(place.final)
        task = None if here is None else try_read(here, place.final)
        if here is None or task is None or (task.uid or place.key) != place.key:
            return None
        wanted = expected_task(*self.versions(place), task)
        if wanted is None or wanted == task:
            return None
        return wanted, write_as(here, "", task, wanted)

    def known_texts(self, places: list[Place]) -> Iterator[bytes]:
        """All that is known to stand in files of `places` without anybody having typed it there now."""
        for place in places:
            sides = zip(self._world[:3], (place.base, place.ours, place.theirs), strict=True)
            yield from (side[known].data for side, known in sides if known is not None and known in side)
            yield from self.mixtures(place.final)

    def _is_gone(self, place: Place) -> bool:
        """Whether one side took the task away and the other left it as it was."""
        base, ours, theirs = self.versions(place)
        survivor = theirs if ours is None else ours if theirs is None else None
        return base is not None and survivor is not None and survivor.task == base.task

    def _merged(self, place: Place) -> Task:
        base, ours, theirs = self.versions(place)
        if ours is not None and theirs is not None:
            return merge3(base.task if base else None, ours.task, theirs.task).task
        return (ours or theirs or self._world.ours[place.final]).task

    def _merged_by_name(self, place: Place, sides: list[Task]) -> Task:
        """What git had in mind: the sides' own numbers, and for a base the file of that name."""
        if len(sides) == 1:
            return sides[0]
        base = self._world.base.get(place.final)
        is_same = base is not None and place.base == place.final
        return merge3(base.task if base and is_same else None, sides[0], sides[1]).task


def plain(data: bytes) -> bytes:
    """Without the carriage returns that git may put into a worktree's files."""
    return data.replace(b"\r\n", b"\n")


def _version(
    side: Mapping[TaskId, Version], known: TaskId | None, moves: Mapping[TaskId, TaskId]
) -> Version | None:
    return None if known is None or known not in side else renumbered(side[known], "", moves)


def _shared_ids(numbering: Numbering) -> set[TaskId]:
    """Ids that stand for more than one task, on whatever side."""
    keys: dict[TaskId, set[str]] = {}
    for place in numbering.places:
        for known in (place.base, place.ours, place.theirs):
            if known is not None:
                keys.setdefault(known, set()).add(place.key)
    return {known for known, found in keys.items() if len(found) > 1}
