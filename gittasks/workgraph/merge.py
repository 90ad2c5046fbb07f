"""Three-way merge of tasks, field by field (design 4.3). Pure, and light: the board merges on every read.

The merge driver, `resolve` and the board all use this. It knows nothing of files, branches or who the sides are:
callers name them. Both sides must number tasks alike; `renumber` sees to that.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.record import DELETED, Task

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from typing import Any

    from gittasks.workgraph.text_merge import Region

# Attribute of `Task` -> name in the file, in the order of the file.
_SCALARS = {
    "uid": "uid",
    "subject": "subject",
    "status": "status",
    "owner": "owner",
    "worktree": "worktree",
    "parent": "parent",
    "priority": "priority",
    "created": "created",
}
_SETS = {"labels": "labels", "blocked_by": "blockedBy", "written_blocks": "blocks"}
# Where both sides added the task, the base is a task fresh from `add`: it cannot say what these were.
_NOT_FRESH = frozenset(("uid", "subject", "created"))
ALL_FIELDS = frozenset((*_SCALARS, *_SETS, "description", "extra"))


OURS = "ours"
THEIRS = "theirs"


class _Unknown:
    """Stands for a base value that nobody knows; equal to nothing else."""

    def __repr__(self) -> str:
        return "unknown"


class _Absent:
    """Stands for an unknown field that a side does not have; equal to nothing else."""

    def __repr__(self) -> str:
        return "absent"


_UNKNOWN = _Unknown()
_ABSENT = _Absent()


class Conflict(NamedTuple):
    """One field that both sides changed, each in its own way.

    `field` is its name in the file. Values are as in `Task` (`None` for an empty one, and for a base nobody knows).
    Of a description `regions` are the lines in question; the rest of it is merged.
    """

    field: str
    base: Any
    ours: Any
    theirs: Any
    regions: tuple[Region, ...] = ()


class Given(NamedTuple):
    """A value that a person gave to end a conflict, as `Task` holds it."""

    value: Any


class Merged(NamedTuple):
    """A merge: `task` holds ours in every conflict, but the edit where the other side deleted the task.

    `ours` and `theirs` are the versions that were merged.
    """

    task: Task
    conflicts: tuple[Conflict, ...]
    ours: Task
    theirs: Task


class Clash(NamedTuple):
    """One field on which several sides disagree: its values, ours first, without duplicates."""

    field: str
    values: tuple[Any, ...]


class Folded(NamedTuple):
    """Many sides folded into one task, which holds ours where they clash."""

    task: Task
    clashes: tuple[Clash, ...]


def merge3(base: Task | None, ours: Task, theirs: Task, *, unknown: AbstractSet[str] = frozenset()) -> Merged:
    """Merge two versions of one task that both come from `base`; `None` where both sides added it.

    `unknown` names attributes (of `ALL_FIELDS`) whose value in `base` is not to be trusted: there, every difference
    is a conflict.
    """
    if ours == theirs and _same(ours.extra, theirs.extra):
        return Merged(ours, (), ours, theirs)
    if base is None:
        base, unknown = Task(ours.id), unknown | _NOT_FRESH
    merger = _Merger(base, ours, theirs, unknown)
    for attribute, name in _SCALARS.items():
        merger.scalar(attribute, name)
    for attribute, name in _SETS.items():
        merger.items(attribute, name)
    merger.description()
    merger.extra()
    merger.keep_the_edit()
    return Merged(ours._replace(**merger.changes), tuple(merger.conflicts), ours, theirs)


def settle(merged: Merged, choices: Mapping[str, str | Given]) -> Merged:
    """`merged` with the conflicts over the fields in `choices` decided: `OURS`, `THEIRS`, or a value of their own."""
    task = merged.task
    open_conflicts = []
    for conflict in merged.conflicts:
        choice = choices.get(conflict.field)
        if choice is None:
            open_conflicts.append(conflict)
        else:
            task = _decide(task, merged, conflict, choice)
    return merged._replace(task=task, conflicts=tuple(open_conflicts))


def take_ours(merged: Merged) -> Task:
    """The merged task with ours in every conflict, also where it deleted the task and the edit was kept."""
    return settle(merged, {conflict.field: OURS for conflict in merged.conflicts}).task


def take_theirs(merged: Merged) -> Task:
    """The merged task with theirs in every conflict."""
    return settle(merged, {conflict.field: THEIRS for conflict in merged.conflicts}).task


def settle_as(merged: Merged, decided: Task) -> Task:
    """The merged task with what `decided` has in every conflict: somebody ended them before."""
    task = merged.task
    for conflict in merged.conflicts:
        task = _with_value_of(task, conflict.field, decided)
    return task


def fold(ours: Task, sides: Sequence[tuple[Task | None, Task]]) -> Folded:
    """Fold other versions of a task into `ours`: the preview of merging them all, in whatever order.

    Each side is (its base with ours, its version). The order of `sides` makes no difference. A field on which two
    of them disagree holds ours, and its values are in `clashes`.
    """
    if not sides:
        return Folded(ours, ())
    task = ours
    names: dict[str, None] = {}
    for base, theirs in sorted(sides, key=repr):
        merged = merge3(base, task, theirs)
        task = merged.task
        names |= dict.fromkeys(conflict.field for conflict in merged.conflicts)
    if not names:
        return Folded(task, ())
    clashes = []
    for name in names:
        others = sorted((_value(theirs, name) for _, theirs in sides), key=repr)
        clashes.append(Clash(name, _distinct((_value(ours, name), *others))))
        task = _with_value_of(task, name, ours)
    return Folded(task, tuple(clashes))


class _Merger:
    """One merge under way: `changes` are what becomes of ours."""

    __slots__ = ("base", "changes", "conflicts", "ours", "theirs", "unknown")

    def __init__(self, base: Task, ours: Task, theirs: Task, unknown: AbstractSet[str]) -> None:
        self.base = base
        self.ours = ours
        self.theirs = theirs
        self.unknown = unknown
        self.changes: dict[str, Any] = {}
        self.conflicts: list[Conflict] = []

    def scalar(self, attribute: str, name: str) -> None:
        ours, theirs = getattr(self.ours, attribute), getattr(self.theirs, attribute)
        if ours == theirs:
            return
        old = _UNKNOWN if attribute in self.unknown else getattr(self.base, attribute)
        if old is _UNKNOWN and not (ours and theirs) and name in ("uid", "created"):
            old = ""  # nobody takes these away: the side that has it is right
        if ours == old:
            self.changes[attribute] = theirs
        elif theirs != old:
            self.conflicts.append(Conflict(name, _shown(old), ours, theirs))

    def items(self, attribute: str, name: str) -> None:
        """Labels and edges: the additions and removals of both sides."""
        ours, theirs = getattr(self.ours, attribute), getattr(self.theirs, attribute)
        if ours == theirs:
            return
        if attribute in self.unknown:
            self.conflicts.append(Conflict(name, None, ours, theirs))
            return
        old = frozenset(getattr(self.base, attribute))
        kept = {item for item in ours if item in theirs or item not in old}
        self.changes[attribute] = tuple(sorted(kept.union(item for item in theirs if item not in old)))

    def description(self) -> None:
        ours, theirs = self.ours.description, self.theirs.description
        old = None if "description" in self.unknown else self.base.description
        if ours in (theirs, old) or theirs == old:
            self.changes["description"] = theirs if ours == old else ours
            return
        from gittasks.workgraph.text_merge import merge_text

        merged = merge_text(old, ours, theirs)
        self.changes["description"] = merged.ours.rstrip("\n")
        if merged.regions:
            self.conflicts.append(Conflict("description", old, ours, theirs, merged.regions))

    def extra(self) -> None:
        """Unknown fields, each as a scalar; ours' order, then theirs' new ones."""
        if not self.ours.extra and not self.theirs.extra:
            return
        olds, ours, theirs = dict(self.base.extra), dict(self.ours.extra), dict(self.theirs.extra)
        merged = []
        for name in ours | theirs:
            old = _UNKNOWN if "extra" in self.unknown else olds.get(name, _ABSENT)
            value = self._extra_value(name, old, ours.get(name, _ABSENT), theirs.get(name, _ABSENT))
            if value is not _ABSENT:
                merged.append((name, value))
        self.changes["extra"] = tuple(merged)

    def _extra_value(self, name: str, old: Any, ours: Any, theirs: Any) -> Any:
        if _same(ours, theirs) or _same(theirs, old):
            return ours
        if _same(ours, old):
            return theirs
        self.conflicts.append(Conflict(name, _shown(old), _shown(ours), _shown(theirs)))
        return theirs if ours is _ABSENT else ours

    def keep_the_edit(self) -> None:
        """Delete against edit: the edit stands, and the status is in conflict."""
        base, ours, theirs = self.base, self.ours, self.theirs
        if (ours.status == DELETED) == (theirs.status == DELETED) or base.status == DELETED:
            return
        deleter, editor = (ours, theirs) if ours.status == DELETED else (theirs, ours)
        changed = (
            not _same(new, old) and not _same(new, other)
            for new, old, other in zip(editor[1:], base[1:], deleter[1:], strict=True)
        )
        if not any(changed):
            return
        self.changes["status"] = editor.status
        if not any(conflict.field == "status" for conflict in self.conflicts):
            self.conflicts.append(Conflict("status", base.status, ours.status, theirs.status))


def _decide(task: Task, merged: Merged, conflict: Conflict, choice: str | Given) -> Task:
    if isinstance(choice, Given):
        return _with_value(task, conflict.field, choice.value)
    side = merged.ours if choice == OURS else merged.theirs
    if conflict.field == "description":
        return task._replace(description=_description_of(conflict, side))
    return _with_value_of(task, conflict.field, side)


def _description_of(conflict: Conflict, side: Task) -> str:
    """The side's lines in the regions alone: what was merged around them stays merged."""
    from gittasks.workgraph.text_merge import merge_text

    merged = merge_text(conflict.base, conflict.ours, conflict.theirs)
    return (merged.ours if side.description == conflict.ours else merged.theirs).rstrip("\n")


def _value(task: Task, name: str) -> Any:
    attribute = _attribute(name)
    return getattr(task, attribute) if attribute else dict(task.extra).get(name)


def _with_value_of(task: Task, name: str, source: Task) -> Task:
    if _attribute(name):
        return _with_value(task, name, _value(source, name))
    return _with_value(task, name, dict(source.extra).get(name, _ABSENT))


def _with_value(task: Task, name: str, value: Any) -> Task:
    attribute = _attribute(name)
    if attribute:
        return task._replace(**{attribute: value})
    fields = dict(task.extra)
    fields[name] = value
    return task._replace(extra=tuple((key, item) for key, item in fields.items() if item is not _ABSENT))


def _attribute(name: str) -> str | None:
    """The attribute of `Task` that holds a field of this name, `None` for an unknown field."""
    if name == "description" or name in _SCALARS:
        return name
    return next((attribute for attribute, field in _SETS.items() if field == name), None)


def _distinct(values: Sequence[Any]) -> tuple[Any, ...]:
    found: list[Any] = []
    for value in values:
        if not any(_same(value, other) for other in found):
            found.append(value)
    return tuple(found)


def _shown(value: Any) -> Any:
    return None if value is _ABSENT or value is _UNKNOWN else value


def _same(one: Any, other: Any) -> bool:
    """Equal as a file would say it: in YAML 1, 1.0 and true are three values. The order of a map says nothing."""
    if type(one) is not type(other):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(value, other[key]) for key, value in one.items())
    if isinstance(one, float):
        return repr(one) == repr(other)
    return bool(one == other)
