"""Which number each task of a merge gets when the sides do not number alike, and references that follow. Pure.

Two clones may both have issued #13. The `uid` says who is who: a task keeps its number where it can, the incoming
one of two with the same number gets another, and where the sides renumbered one task differently, the answer is the
same from whichever side one looks.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from gittasks.workgraph.record import Task, TaskId

    # The tasks of one side, by the id that side gave them.
    Tasks = Mapping[TaskId, Task]
    Moves = Mapping[TaskId, TaskId]


class Place(NamedTuple):
    """One task: the id that the base and each side know it by (`None`: not there), and the one it gets."""

    key: str
    base: TaskId | None
    ours: TaskId | None
    theirs: TaskId | None
    final: TaskId

    @property
    def ids(self) -> set[TaskId]:
        """The ids that its file has, or will have, on either side."""
        return {known for known in (self.ours, self.theirs, self.final) if known is not None}

    @property
    def is_nameless(self) -> bool:
        """Whether it has no uid to be known by."""
        return self.key.startswith("#")

    @property
    def is_moved(self) -> bool:
        """Whether some side knows the task by another number."""
        return any(known not in (None, self.final) for known in (self.ours, self.theirs))


class Numbering(NamedTuple):
    """All tasks of a merge, sorted by final id, and each side's moves: its id -> final id, where they differ."""

    places: tuple[Place, ...]
    base: Moves
    ours: Moves
    theirs: Moves


class _Known(NamedTuple):
    key: str
    created: str
    first: TaskId | None
    base: TaskId | None
    ours: TaskId | None
    theirs: TaskId | None


def number(
    base: Tasks,
    ours: Tasks,
    theirs: Tasks,
    *,
    known: Mapping[str, Sequence[TaskId]],
    take: Callable[[], TaskId],
    settled: Mapping[str, TaskId] | None = None,
    is_only_base: bool = True,
) -> Numbering:
    """Give every task of `ours` and `theirs` its one number.

    Of several bases one says nothing about who changed a number. `take` issues a new one. `known` maps uids to
    numbers already given to tasks that cannot keep theirs, the best first, so that an interrupted renumbering ends
    as it began, and other worktrees agree; `settled` ones are not in question any more.
    """
    everyone = list(_everyone(base, ours, theirs, is_only_base))
    given = {task.key: settled[task.key] for task in everyone if task.key in settled} if settled else {}
    taken = set(given.values())
    homeless = []
    for task in sorted(everyone, key=_rank):
        if task.key in given:
            continue
        free = [candidate for candidate in _candidates(task) if candidate not in taken]
        if free:
            given[task.key] = free[0]
            taken.add(free[0])
        else:
            homeless.append(task)
    for task in homeless:
        before = (candidate for candidate in known.get(task.key, ()) if candidate not in taken)
        given[task.key] = next(before, None) or take()
        taken.add(given[task.key])
    places = [Place(task.key, task.base, task.ours, task.theirs, given[task.key]) for task in everyone]
    places.sort(key=lambda place: place.final)
    return Numbering(
        tuple(places),
        {place.base: place.final for place in places if place.base not in (None, place.final)},
        {place.ours: place.final for place in places if place.ours not in (None, place.final)},
        {place.theirs: place.final for place in places if place.theirs not in (None, place.final)},
    )


def doubtful_ids(*sides: Mapping[TaskId, str]) -> set[TaskId]:
    """Ids that stand for two tasks, and those of tasks that have two; each side maps ids to uids."""
    uids: dict[TaskId, set[str]] = {}
    ids: dict[str, set[TaskId]] = {}
    for side in sides:
        for task_id, uid in side.items():
            uids.setdefault(task_id, set()).add(uid)
            ids.setdefault(uid, set()).add(task_id)
    shared = {task_id for task_id, found in uids.items() if len(found) > 1}
    return shared.union(*(found for uid, found in ids.items() if uid and len(found) > 1))


def translate(task: Task, moves: Moves) -> Task:
    """The task with its id and every reference as `moves` renumber them."""
    if not moves:
        return task
    return task._replace(
        id=moves.get(task.id, task.id),
        parent=None if task.parent is None else moves.get(task.parent, task.parent),
        blocked_by=_translate_all(task.blocked_by, moves),
        written_blocks=_translate_all(task.written_blocks, moves),
    )


def is_same_task(one: Task, other: Task) -> bool:
    """Whether two files of one name hold the same task: by uid, where both have one, else by subject or creation."""
    if one.uid and other.uid:
        return one.uid == other.uid
    return one.subject == other.subject or (one.created == other.created and one.created != "")


def _translate_all(ids: tuple[TaskId, ...], moves: Moves) -> tuple[TaskId, ...]:
    return tuple(sorted({moves.get(known, known) for known in ids}))


def _candidates(task: _Known) -> list[TaskId]:
    """The numbers that the sides know a task by, the better one first: a side that changed it knows more."""
    ours, theirs = task.ours, task.theirs
    if ours is None or theirs is None or ours == theirs:
        return [known for known in (ours, theirs) if known is not None][:1]
    if task.first in (ours, theirs):
        return [theirs, ours] if task.first == ours else [ours, theirs]
    return sorted((ours, theirs))


def _rank(task: _Known) -> tuple[int, str, int, str]:
    """Who chooses first: tasks that both sides number alike, old ones, ours, theirs; then, whichever side one looks
    from, the older of two that the sides number differently.

    Those of one side that were made in one moment are numbered anew in their order. Where both sides have the task,
    its numbers say nothing: they may be others where two other clones meet, and the answer must be the same.
    """
    if task.ours is not None and task.theirs is not None:
        return (0 if task.ours == task.theirs else 4, task.created, 0, task.key)
    number = task.ours or task.theirs or 0
    if task.first is not None and task.first == number:
        return (1, task.created, number, task.key)
    return (3 if task.ours is None else 2, task.created, number, task.key)


def _everyone(base: Tasks, ours: Tasks, theirs: Tasks, is_only_base: bool) -> Iterator[_Known]:
    """Every task of either side, once."""
    repeated = _repeated(base) | _repeated(ours) | _repeated(theirs)
    found: dict[str, list[TaskId | None]] = {}
    created: dict[str, str] = {}
    for task_id in sorted({*base, *ours, *theirs}):
        versions = (base.get(task_id), ours.get(task_id), theirs.get(task_id))
        for side, (version, key) in enumerate(zip(versions, _keys(task_id, versions, repeated), strict=True)):
            if version is not None:
                found.setdefault(key, [None, None, None])[side] = task_id
                created[key] = min(created.get(key, version.created), version.created)
    for key, (in_base, in_ours, in_theirs) in found.items():
        if in_ours is not None or in_theirs is not None:
            yield _Known(key, created[key], in_base if is_only_base else None, in_base, in_ours, in_theirs)


def _repeated(tasks: Tasks) -> set[str]:
    """Uids that stand in two files of one side: copied by hand, they say nothing any more."""
    seen: set[str] = set()
    repeated = set()
    for task in tasks.values():
        if task.uid in seen:
            repeated.add(task.uid)
        seen.add(task.uid)
    return repeated


def _keys(task_id: TaskId, versions: tuple[Task | None, ...], repeated: set[str]) -> tuple[str, str, str]:
    """Who each version of one file is: its uid. One without a uid is what stood there before, or whom it is like."""
    base, ours, theirs = versions
    uids = ["" if version is None or version.uid in repeated else version.uid for version in versions]
    nameless = f"#{task_id}"
    if base is not None and not uids[0]:
        key = uids[1] or uids[2] or nameless
        return key, key, key
    alike = ours is not None and theirs is not None and is_same_task(ours, theirs)
    mine = uids[1] or uids[0] or (uids[2] if alike else "") or nameless
    other = uids[2] or uids[0] or (mine if alike else "") or f"{nameless} theirs"
    return uids[0], mine, other
