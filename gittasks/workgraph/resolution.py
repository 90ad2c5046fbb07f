"""What becomes of each task in a merge that stopped: decided from versions alone. Pure.

`renumber` says who is who, `file_merge` what a file becomes; here it is decided which files are concerned, what is
still open, and what a person typed that must not be overwritten.
"""

from __future__ import annotations

from itertools import count

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.file_merge import MergedFile, mark_conflicts, merge_versions, try_read, write_as
from gittasks.workgraph.matched import Matched, World, plain
from gittasks.workgraph.merge import OURS, THEIRS, Conflict, settle
from gittasks.workgraph.record import Task, TaskId
from gittasks.workgraph.renumber import Numbering, number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from typing import Any

    from gittasks.workgraph.file_merge import Version
    from gittasks.workgraph.merge import Given
    from gittasks.workgraph.renumber import Moves, Place

# What an outcome says was done, or what is to be done by a person (the last two).
MERGED = "merged"
KEPT = "kept"
RENUMBERED = "renumbered"
FOLDED = "folded"
REFERENCES = "references"
BY_HAND = "by_hand"
REMOVED = "removed"
CONFLICT = "conflict"
STUCK = "stuck"
OPEN = frozenset((CONFLICT, STUCK))

# The name of the conflict between a side that edited a task's file and one that took the file away.
FILE = "file"


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
    edits to make in the file as it is. `old` is another number that a side knew it by, `old_side` the name of that
    side.
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
    """What to do: `outcomes` by id, the ids whose files go, and how many new ids it takes, from `first_new` on, for
    the tasks with the uids `homeless`.

    With `is_blocked` nothing may be written of the tasks that are numbered anew: some of them are still open. `moves`
    are the new numbers of what base, ours and theirs know by others, as far as they are given now.
    """

    outcomes: tuple[Outcome, ...]
    removed: tuple[TaskId, ...]
    new_ids: int
    homeless: frozenset[str]
    is_blocked: bool
    moves: tuple[Moves, Moves, Moves]


def plan(world: World, choices: Choices, *, first_new: TaskId, names: tuple[str, str]) -> Plan:
    """Decide about every task of `world`. `names` are those of the sides, for conflict markers."""
    issued = count(first_new)
    planner = _Planner(world, choices, _number(world, lambda: TaskId(next(issued))), names)
    together, apart = planner.decide()
    gone = planner.left_behind()
    is_blocked = any(outcome.action in OPEN for outcome in together)
    if is_blocked:
        # Half of a renumbering would mix two tasks up: all of it, or nothing.
        together = [outcome._replace(data=None) for outcome in together if outcome.action in OPEN]
        gone = set()
    outcomes = sorted([*together, *apart], key=lambda outcome: outcome.task_id)
    gone |= {outcome.task_id for outcome in outcomes if outcome.action == REMOVED}
    new_ids = next(issued) - first_new
    moves: tuple[Moves, Moves, Moves] = ({}, {}, {})
    if planner.is_renumbering and not is_blocked:
        moves = (planner.numbering.base, planner.numbering.ours, planner.numbering.theirs)
    homeless = frozenset(place.key for place in planner.numbering.places if place.final >= first_new)
    return Plan(
        tuple(outcomes), tuple(sorted(gone)), new_ids if any(moves) else 0, homeless, is_blocked, moves
    )


def base_moves(world: World) -> Moves:
    """The numbers of a merge that is over for those that its base has."""
    issued = count(max((0, *world.rows, *world.base, *world.ours, *world.theirs)) + 1)
    return _number(world, lambda: TaskId(next(issued))).base


def _number(world: World, take: Callable[[], TaskId]) -> Numbering:
    # Of a task that has two numbers here, the lower one: that is what it is folded into.
    here = {row.uid: row.id for row in sorted(world.rows.values(), key=lambda row: -row.id) if row.uid}
    known = {uid: tuple(numbers) for uid, numbers in world.elsewhere.items()}
    known |= {uid: (own, *known.get(uid, ())) for uid, own in here.items()}
    base = {task_id: version.task for task_id, version in world.base.items() if "uid" not in version.unknown}
    ours, theirs = (
        {task_id: version.task for task_id, version in side.items()} for side in (world.ours, world.theirs)
    )
    settled = here if world.is_over else None
    return number(
        base, ours, theirs, known=known, settled=settled, take=take, is_only_base=world.is_only_base
    )


class _Planner:
    """One plan under way."""

    def __init__(self, world: World, choices: Choices, numbering: Numbering, names: tuple[str, str]) -> None:
        self.numbering = numbering
        self._world = world
        self._choices = choices
        self._names = names
        self._matched = Matched(world, numbering)
        self._together = [place for place in numbering.places if self._matched.is_in_question(place)]
        self.is_renumbering = any(self._is_wanted(place) for place in self._together)

    def decide(self) -> tuple[list[Outcome], list[Outcome]]:
        """Outcomes of tasks whose numbers are in question, which belong together; and of all others."""
        together: list[Outcome] = []
        apart: list[Outcome] = []
        in_question = {place.final for place in self._together}
        for place in self.numbering.places:
            is_unmerged = not place.ids.isdisjoint(self._world.unmerged)
            if self._is_to_be_folded(place):
                continue
            is_double = self._matched.is_double(place)
            if self._world.is_exact and not is_unmerged and not is_double:
                apart += self._mended(place)
            elif place.final in in_question:
                together += self._outcomes(place) if self.is_renumbering else ()
            elif is_unmerged:
                apart += self._outcomes(place) if self._is_wanted(place) else ()
            elif self.is_renumbering:
                together += self._references(place)
        known = [outcome.data for outcome in (*together, *apart) if outcome.data is not None]
        everything = [*known, *self._matched.known_texts(self._together)]
        return (
            [self._mind_the_person(outcome, everything, may_answer=False) for outcome in together],
            [self._mind_the_person(outcome, known, may_answer=True) for outcome in apart],
        )

    def left_behind(self) -> set[TaskId]:
        """Ids whose files hold a task that now has another number, or that git made up from two."""
        if not self.is_renumbering:
            return set()
        finals = {place.final for place in self.numbering.places}
        gone = set(self._world.unmerged - finals)
        for place in self._together:
            if self._is_to_be_folded(place):
                continue
            rows = (self._world.rows.get(known) for known in place.ids - finals)
            gone |= {row.id for row in rows if row is not None and row.uid == place.key}
        return gone

    def _is_wanted(self, place: Place) -> bool:
        return self._choices.tasks is None or not place.ids.isdisjoint(self._choices.tasks)

    def _is_to_be_folded(self, place: Place) -> bool:
        """Whether git has ended the merge with two files of the task: what becomes of them is decided apart.

        But where the sides say all: then by them.
        """
        return self._world.is_over and not self._world.is_exact and self._matched.is_double(place)

    def _outcomes(self, place: Place) -> Iterator[Outcome]:
        """The outcome for one task, if anything has to be done about it."""
        unmerged = place.ids & self._world.unmerged
        is_double = self._matched.is_double(place)
        if not unmerged and not is_double and not self._matched.is_amiss(place):
            yield from self._references(place)
            return
        if self._world.is_over and not unmerged and not is_double:
            # What was in conflict was decided then.
            yield from self._mended(place)
            return
        outcome = self._settle(place)
        here = self._world.here.get(place.final)
        if not unmerged and not is_double and here is not None and plain(here) == outcome.data:
            return
        if outcome.action == MERGED and place in self._together:
            moved = FOLDED if self._world.is_fold else RENUMBERED
            outcome = outcome._replace(action=moved if place.is_moved else KEPT)
        old_side, old = self._old_number(place)
        yield outcome._replace(settles=tuple(sorted(unmerged)), old=old, old_side=old_side)

    def _settle(self, place: Place) -> Outcome:
        base, ours, theirs = self._matched.versions(place)
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

    def _references(self, place: Place) -> Iterator[Outcome]:
        changes = self._matched.reference_changes(place)
        if changes:
            yield Outcome(place.final, self._world.rows[place.final].subject, REFERENCES, changes=changes)

    def _mended(self, place: Place) -> Iterator[Outcome]:
        mended = self._matched.mended(place)
        if mended is not None:
            yield Outcome(place.final, mended[0].subject, REFERENCES, data=mended[1])

    def _old_number(self, place: Place) -> tuple[str, TaskId | None]:
        """The side that knew the task by another number, and that number; the incoming side first."""
        for name, known in ((self._names[1], place.theirs), (self._names[0], place.ours)):
            if known is not None and known != place.final:
                return name, known
        return "", None

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
            texts = [side[task_id].data for side in self._world[:3] if task_id in side] + known
            task = try_read(here, task_id)
            if plain(here) in texts or (task is None and _lines(here) <= set().union(*map(_lines, texts))):
                continue
            if task is not None and may_answer:
                return outcome._replace(action=BY_HAND, subject=task.subject, data=None, conflicts=())
            return outcome._replace(action=STUCK, data=None, problem=_why_stuck(task_id, task))
        return outcome


def _path(task_id: TaskId) -> str:
    return f".tasks/{task_id}.yaml"


def _lines(data: bytes) -> set[bytes]:
    """The lines that say something: no blank ones, no conflict markers, line ends aside."""
    marks = tuple(bytes([mark]) * 7 for mark in b"<|=>")
    lines = (line.rstrip() for line in data.split(b"\n"))
    return {line for line in lines if line and not line.startswith(marks)}


def _why_stuck(task_id: TaskId, task: Task | None) -> str:
    if task is None:
        return f"{_path(task_id)} was edited by hand and is not finished"
    return f"{_path(task_id)} was edited by hand, and it is one of the tasks that get other numbers"
