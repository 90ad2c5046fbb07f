"""What becomes of each task in a merge that stopped: decided from versions alone. Pure.

`renumber` says who is who, `file_merge` what a file becomes; here it is decided which files are concerned, what is
still open, and what a person typed that must not be overwritten.
"""

from __future__ import annotations

from itertools import count

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.file_merge import (
    MergedFile,
    expected_task,
    mark_conflicts,
    merge_versions,
    read_version,
    renumbered,
    write_as,
)
from gittasks.workgraph.merge import OURS, THEIRS, Conflict, merge3, settle
from gittasks.workgraph.record import BadTaskError, Task, TaskId
from gittasks.workgraph.renumber import Numbering, number, translate
from gittasks.workgraph.text_merge import merge_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from typing import Any

    from gittasks.workgraph.file_merge import Version
    from gittasks.workgraph.merge import Given
    from gittasks.workgraph.record import Row
    from gittasks.workgraph.renumber import Moves, Place

# What an outcome says was done, or what is to be done by a person (the last two).
MERGED = "merged"
KEPT = "kept"
RENUMBERED = "renumbered"
REFERENCES = "references"
BY_HAND = "by_hand"
REMOVED = "removed"
CONFLICT = "conflict"
STUCK = "stuck"
OPEN = frozenset((CONFLICT, STUCK))

# The name of the conflict between a side that edited a task's file and one that took the file away.
FILE = "file"


class World(NamedTuple):
    """A merge that stopped. `base`, `ours`, `theirs` hold the tasks that are not the same on all, by their ids there.

    `unmerged` are the ids whose files are to be settled. Of the worktree, `here` is the bytes under these and under
    `renumber.doubtful_ids`, and `rows` all that can be read. With `is_over` git has ended the merge by itself: what
    is not there was taken away since, and numbers are what they are there. `is_exact` says that it was a rebase, and
    that nobody did anything since: what the sides say is what must be there.
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


class Choices(NamedTuple):
    """What a person decided: by (task, field), or for every other conflict `prefer` (`OURS` or `THEIRS`).

    `tasks` are the ones to settle, `None` for all.
    """

    prefer: str | None = None
    fields: Mapping[tuple[TaskId, str], str | Given] = {}
    tasks: AbstractSet[TaskId] | None = None

    def of(self, task_id: TaskId, field: str) -> str | Given | None:
        """The choice for one conflict, if there is one."""
        return self.fields.get((task_id, field), self.prefer)


class Outcome(NamedTuple):
    """What becomes of the task `task_id` (its final number), and `settles`: the ids whose files that ends.

    `data` is its new file (with conflict markers for a conflict), `None` where the file is left alone; `changes` are
    edits to make in the file as it is. `old` is another number that a side knew it by, `old_side` that side.
    """

    task_id: TaskId
    subject: str
    action: str
    settles: tuple[TaskId, ...] = ()
    data: bytes | None = None
    changes: Mapping[str, Any] = {}
    conflicts: tuple[Conflict, ...] = ()
    problem: str = ""
    old: TaskId | None = None
    old_side: str = ""


class Plan(NamedTuple):
    """What to do: `outcomes` by id, the ids whose files go, and how many new ids it takes, from `first_new` on.

    With `is_blocked` nothing may be written of the tasks that are numbered anew: some of them are still open. `moves`
    are the new numbers of what ours and theirs know by others, as far as they are given now.
    """

    outcomes: tuple[Outcome, ...]
    removed: tuple[TaskId, ...]
    new_ids: int
    is_blocked: bool
    moves: tuple[Moves, Moves]


def plan(world: World, choices: Choices, *, first_new: TaskId, names: tuple[str, str]) -> Plan:
    """Decide about every task of `world`. `names` are those of the sides, for conflict markers."""
    issued = count(first_new)
    known = {row.uid: row.id for row in world.rows.values() if row.uid}
    numbering = number(
        *({task_id: version.task for task_id, version in side.items()} for side in world[:3]),
        known=known,
        settled=known if world.is_over else None,
        take=lambda: TaskId(next(issued)),
        is_only_base=world.is_only_base,
    )
    planner = _Planner(world, choices, numbering, names)
    together, apart = planner.decide()
    goes = planner.left_behind()
    is_blocked = any(outcome.action in OPEN for outcome in together)
    if is_blocked:
        # Half of a renumbering would mix two tasks up: all of it, or nothing.
        together = [outcome._replace(data=None) for outcome in together if outcome.action in OPEN]
    outcomes = sorted([*together, *apart], key=lambda outcome: outcome.task_id)
    removed = {outcome.task_id for outcome in outcomes if outcome.action == REMOVED}
    removed |= set() if is_blocked else goes
    new_ids = next(issued) - first_new if planner.is_renumbering else 0
    moves: tuple[Moves, Moves] = ({}, {})
    if planner.is_renumbering and not is_blocked:
        moves = (numbering.ours, numbering.theirs)
    return Plan(tuple(outcomes), tuple(sorted(removed)), new_ids, is_blocked, moves)


class _Planner:
    """One plan under way."""

    def __init__(self, world: World, choices: Choices, numbering: Numbering, names: tuple[str, str]) -> None:
        self._world = world
        self._choices = choices
        self._numbering = numbering
        self._names = names
        self._shared = _shared_ids(numbering)
        self._together = [place for place in numbering.places if self._is_together(place)]
        self.is_renumbering = any(self._is_wanted(place) for place in self._together)

    def decide(self) -> tuple[list[Outcome], list[Outcome]]:
        """Outcomes of tasks whose numbers are in question, which belong together; and of all others."""
        together: list[Outcome] = []
        apart: list[Outcome] = []
        for place in self._numbering.places:
            if self._world.is_exact and not self._ids(place) & self._world.unmerged:
                apart += self._mended(place)
            elif place in self._together:
                together += self._outcomes(place) if self.is_renumbering else ()
            elif self._ids(place) & self._world.unmerged:
                apart += self._outcomes(place) if self._is_wanted(place) else ()
            elif self.is_renumbering:
                together += self._references(place)
        known = [outcome.data for outcome in (*together, *apart) if outcome.data is not None]
        known += (text for task_id in self._shared if (text := self._mixture(task_id)) is not None)
        return (
            [self._mind_the_person(outcome, known, may_answer=False) for outcome in together],
            [self._mind_the_person(outcome, known, may_answer=True) for outcome in apart],
        )

    def left_behind(self) -> set[TaskId]:
        """Ids whose files hold a task that now has another number."""
        finals = {place.final for place in self._numbering.places}
        gone = set()
        for place in self._together if self.is_renumbering else ():
            for known in (place.ours, place.theirs):
                if known is None or known in finals:
                    continue
                row = self._world.rows.get(known)
                if known in self._world.unmerged or (row is not None and row.uid == place.key):
                    gone.add(known)
        return gone

    def _is_together(self, place: Place) -> bool:
        return place.is_moved or bool(self._ids(place) & self._shared)

    def _is_wanted(self, place: Place) -> bool:
        return self._choices.tasks is None or bool(self._ids(place) & self._choices.tasks)

    def _ids(self, place: Place) -> set[TaskId]:
        return {known for known in (place.ours, place.theirs, place.final) if known is not None}

    def _outcomes(self, place: Place) -> Iterator[Outcome]:
        """The outcome for one task, if anything has to be done about it."""
        unmerged = self._ids(place) & self._world.unmerged
        if not unmerged and not self._is_amiss(place):
            yield from self._references(place)
            return
        outcome = self._settle(place)
        here = self._world.here.get(place.final)
        if not unmerged and here is not None and _plain(here) == outcome.data:
            return
        if outcome.action == MERGED and place.final in self._shared:
            outcome = outcome._replace(action=KEPT)
        if outcome.action in (MERGED, KEPT) and place.is_moved:
            outcome = outcome._replace(action=RENUMBERED)
        old_side, old = _old_number(place)
        yield outcome._replace(settles=tuple(sorted(unmerged)), old=old, old_side=old_side)

    def _is_amiss(self, place: Place) -> bool:
        """Whether git's own result, which knows names alone, is wrong about a task without a conflict."""
        row = self._world.rows.get(place.final)
        if row is None or (row.uid != place.key and not place.key.startswith("#")):
            return not self._world.is_over and not self._is_gone(place)
        here = self._world.here.get(place.final)
        if here is None:
            return False
        # Two tasks of one number, mixed up; or the edits of a side that knew it by another number, left out.
        left_out = place.is_moved and any(
            _plain(here) == side[place.final].data for side in self._world[1:3] if place.final in side
        )
        return left_out or _plain(here) == self._mixture(place.final)

    def _mended(self, place: Place) -> Iterator[Outcome]:
        """Make a file what its sides come to, where commits replayed on another numbering hit the wrong one."""
        here = self._world.here.get(place.final)
        task = None if here is None else _try_read(here, place.final)
        if here is None or task is None or (task.uid or place.key) != place.key:
            return
        base, ours, theirs = (self._version(place, side) for side in ("base", OURS, THEIRS))
        wanted = expected_task(base, ours, theirs, task)
        if wanted is not None and wanted != task:
            data = write_as(here, _path(place.final), task, wanted)
            yield Outcome(place.final, wanted.subject, REFERENCES, data=data)

    def _is_gone(self, place: Place) -> bool:
        """Whether one side took the task away and the other left it as it was."""
        if place.base is None or None not in (place.ours, place.theirs):
            return False
        survivor, base = (
            self._version(place, OURS) or self._version(place, THEIRS),
            self._version(place, "base"),
        )
        return survivor is not None and base is not None and survivor.task == base.task

    def _mixture(self, task_id: TaskId) -> bytes | None:
        """What git makes of a number that stands for two tasks, by merging their texts."""
        versions = [side.get(task_id) for side in self._world[:3]]
        texts = [version.data.decode() for version in versions if version is not None and not version.unknown]
        if task_id not in self._shared or len(texts) != 3:
            return None
        return merge_text(*texts).ours.encode()

    def _version(self, place: Place, side: str) -> Version | None:
        """The task as one side has it, in the final numbering."""
        known = getattr(place, side)
        version = None if known is None else getattr(self._world, side).get(known)
        if version is None:
            return None
        return renumbered(version, _path(known), getattr(self._numbering, side))

    def _settle(self, place: Place) -> Outcome:
        base, ours, theirs = (self._version(place, side) for side in ("base", OURS, THEIRS))
        if ours is not None and theirs is not None:
            return self._merge(place, base, ours, theirs)
        survivor = ours or theirs
        assert survivor is not None  # every place has a side
        outcome = Outcome(place.final, survivor.task.subject, MERGED, data=survivor.data)
        if base is None or survivor.task == base.task:
            return outcome
        conflict = Conflict(FILE, "there", *(("edited", "removed") if ours else ("removed", "edited")))
        choice = self._choices.of(place.final, FILE)
        if choice not in (OURS, THEIRS):
            return outcome._replace(action=CONFLICT, conflicts=(conflict,), data=None)
        if (ours if choice == OURS else theirs) is None:
            return outcome._replace(action=REMOVED, data=None)
        return outcome

    def _merge(self, place: Place, base: Version | None, ours: Version, theirs: Version) -> Outcome:
        path = _path(place.final)
        file = merge_versions(base, ours, theirs, path)
        choices = {
            conflict.field: choice
            for conflict in file.merged.conflicts
            if (choice := self._choices.of(place.final, conflict.field)) is not None
        }
        settled = settle(file.merged, choices)
        data = write_as(file.data, path, file.merged.task, settled.task)
        action = MERGED
        if settled.conflicts:
            action = CONFLICT
            data = mark_conflicts(MergedFile(data, settled), path, ours=self._names[0], theirs=self._names[1])
        return Outcome(place.final, settled.task.subject, action, data=data, conflicts=settled.conflicts)

    def _mind_the_person(self, outcome: Outcome, known: list[bytes], *, may_answer: bool) -> Outcome:
        """What somebody typed into the file since is kept: as the answer if it may be one, else nothing is done."""
        if outcome.data is None:
            return outcome
        # Of a merge that is over, all that was not edited since is in a commit.
        replaced = {*outcome.settles} if self._world.is_over else {*outcome.settles, outcome.task_id}
        for task_id in replaced:
            here = self._world.here.get(task_id)
            if here is None:
                continue
            versions = [side[task_id].data for side in self._world[:3] if task_id in side]
            task = _try_read(here, task_id)
            if task is None:
                if _lines(here) <= set().union(*map(_lines, (*versions, *known))):
                    continue
            elif _plain(here) in (*versions, *known):
                continue
            elif may_answer:
                subject = task.subject
                return outcome._replace(action=BY_HAND, subject=subject, data=None, conflicts=())
            return outcome._replace(action=STUCK, data=None, problem=_why_stuck(task_id, task))
        return outcome

    def _references(self, place: Place) -> Iterator[Outcome]:
        """References in a file that git merged by itself, to tasks that now have other numbers."""
        row = self._world.rows.get(place.final)
        if row is None or (row.uid or place.key) != place.key:
            return
        plain = self._merged_task(place, is_translated=False)
        moved = self._merged_task(place, is_translated=True)
        changes: dict[str, Any] = {}
        if plain.parent != moved.parent and row.parent == plain.parent:
            changes["parent"] = moved.parent
        for name in ("blocked_by", "written_blocks"):
            old, new = set(getattr(plain, name)), set(getattr(moved, name))
            now = set(getattr(row, name))
            if now != (wanted := (now - (old - new)) | (new - old)):
                changes[name] = tuple(sorted(wanted))
        if changes:
            yield Outcome(place.final, row.subject, REFERENCES, changes=changes)

    def _merged_task(self, place: Place, *, is_translated: bool) -> Task:
        found: dict[str, Task] = {}
        for side in ("base", OURS, THEIRS):
            known = getattr(place, side)
            version = None if known is None else getattr(self._world, side).get(known)
            if version is not None:
                moves = getattr(self._numbering, side) if is_translated else {}
                found[side] = translate(version.task, moves)
        if OURS in found and THEIRS in found:
            return merge3(found.get("base"), found[OURS], found[THEIRS]).task
        return found[OURS] if OURS in found else found[THEIRS]


def _shared_ids(numbering: Numbering) -> set[TaskId]:
    """Ids that stand for more than one task, on whatever side."""
    keys: dict[TaskId, set[str]] = {}
    for place in numbering.places:
        for known in (place.base, place.ours, place.theirs):
            if known is not None:
                keys.setdefault(known, set()).add(place.key)
    return {known for known, found in keys.items() if len(found) > 1}


def _old_number(place: Place) -> tuple[str, TaskId | None]:
    """The side that knew the task by another number, and that number; the incoming side first."""
    for side, known in ((THEIRS, place.theirs), (OURS, place.ours)):
        if known is not None and known != place.final:
            return side, known
    return "", None


def _path(task_id: TaskId) -> str:
    return f".tasks/{task_id}.yaml"


def _try_read(data: bytes, task_id: TaskId) -> Task | None:
    try:
        return read_version(data, _path(task_id), task_id=task_id).task
    except BadTaskError:
        return None


def _plain(data: bytes) -> bytes:
    """Without the carriage returns that git may put into a worktree's files."""
    return data.replace(b"\r\n", b"\n")


def _lines(data: bytes) -> set[bytes]:
    """The lines that say something: no blank ones, no conflict markers, line ends aside."""
    marks = tuple(bytes([mark]) * 7 for mark in b"<|=>")
    lines = (line.rstrip() for line in data.split(b"\n"))
    return {line for line in lines if line and not line.startswith(marks)}


def _why_stuck(task_id: TaskId, task: Task | None) -> str:
    if task is None:
        return f"{_path(task_id)} was edited by hand and is not finished"
    return f"{_path(task_id)} was edited by hand, and it is one of the tasks that get other numbers"
