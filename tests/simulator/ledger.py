"""What was edited and what was decided, and the laws: nothing lost, nothing invented.

Tasks are named by uid here, numbers play no part. A value is lost when nobody who saw it replaced it, no conflict
named it, and it is not there. That needs no idea of who merged what with whom.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator
from typing import NamedTuple

from gittasks.workgraph.record import DEFAULT_PRIORITY, PENDING, Task, TaskId

# (uid, field)
Key = tuple[str, str]
# (uid, kind, item): a label, a blocker's uid, a line of a description, a note.
Item = tuple[str, str, str]

_PLAIN = ("subject", "status", "owner", "worktree", "priority", "created")

_EMPTY = {"status": PENDING, "priority": DEFAULT_PRIORITY}


class BrokenLawError(AssertionError):
    """The program did what it must not do."""


class Facts(NamedTuple):
    """What one place says about all tasks."""

    values: dict[Key, Hashable]
    items: frozenset[Item]

    @property
    def uids(self) -> set[str]:
        return {uid for uid, _ in self.values}


def facts_of(tasks: Iterable[Task], notes: Iterable[tuple[TaskId, str]] = ()) -> Facts:
    """The facts that `tasks` and their `notes` hold. Raises `BrokenLawError` for numbers and uids that do not fit."""
    tasks = list(tasks)
    uids = {task.id: task.uid for task in tasks}
    if len(set(uids.values())) != len(tasks):
        raise BrokenLawError(f"a uid stands in two files: {sorted(uids.items())}")
    values: dict[Key, Hashable] = {}
    items: set[Item] = set()
    for task in tasks:
        for field in _PLAIN:
            values[task.uid, field] = getattr(task, field)
        values[task.uid, "parent"] = None if task.parent is None else _uid(uids, task.parent, task)
        values |= {(task.uid, name): value for name, value in task.extra}
        items |= {(task.uid, "labels", label) for label in task.labels}
        items |= {(task.uid, "blockedBy", _uid(uids, blocker, task)) for blocker in task.blocked_by}
        items |= {(_uid(uids, waiter, task), "blockedBy", task.uid) for waiter in task.written_blocks}
        items |= {(task.uid, "description", line) for line in task.description.splitlines() if line}
    items |= {(_uid(uids, task_id, None), "note", text) for task_id, text in notes}
    return Facts(values, frozenset(items))


def _uid(uids: dict[TaskId, str], task_id: TaskId, task: Task | None) -> str:
    if task_id not in uids:
        raise BrokenLawError(f"#{task_id} is named by {task.id if task else 'a note'} and is not there")
    return uids[task_id]


class Ledger:
    """All that ever was written, replaced, added, removed and reported."""

    def __init__(self) -> None:
        self._written: dict[Key, set[Hashable]] = defaultdict(set)
        self._replaced: dict[Key, set[Hashable]] = defaultdict(set)
        self._added: Counter[Item] = Counter()
        self._removed: set[Item] = set()
        self._reported: set[Item] = set()
        self._twins: set[Item] = set()
        self._twin_tasks: set[str] = set()
        self._uids: dict[str, str] = {}

    def observe(self, before: Facts, after: Facts) -> int:
        """Somebody who saw `before` made it `after`; answer how many edits that is."""
        count = 0
        for key, value in after.values.items():
            old = before.values.get(key)
            if key in before.values and old == value:
                continue
            count += 1
            self._written[key].add(value)
            if key in before.values:
                self._replaced[key].add(old)
            if key[1] == "subject":
                self._uids[str(value)] = key[0]
        self._added.update(after.items - before.items)
        self._removed |= before.items - after.items
        for key in before.values.keys() - after.values.keys():
            self._replaced[key].add(before.values[key])
        return count + len(after.items ^ before.items)

    def uid_of(self, subject: str) -> str:
        """Whose subject this is, or once was: no two tasks ever have the same."""
        return self._uids[subject]

    def decide(self, key: Key, values: Iterable[Hashable], chosen: Hashable) -> None:
        """A conflict named `values`, and somebody took `chosen`."""
        values = set(values)
        if chosen not in values:
            raise BrokenLawError(f"{key}: {chosen!r} was chosen between {values!r}")
        self._written[key].add(chosen)
        self._replaced[key] |= values - {chosen}

    def report(self, items: Iterable[Item]) -> None:
        """A conflict named these items: whoever decided it saw them."""
        self._reported.update(items)

    def repeat(self, before: Facts, after: Facts) -> None:
        """What was added between the two was added a second time (picked, squashed): a removal of one leaves the
        other. Of a task that both sides added, a field that one of them emptied is set again.
        """
        self._twins.update(after.items - before.items)
        self._twin_tasks |= after.uids - before.uids

    def broken(self, now: Facts) -> Iterator[str]:
        """Every way in which `now` breaks a law."""
        uids = now.uids
        for key, values in self._written.items():
            if key[0] not in uids:
                yield f"{key}: the task is gone"
                continue
            value = now.values.get(key)
            emptied = {_EMPTY.get(key[1])} if key[0] in self._twin_tasks else set()
            for lost in values - self._replaced[key] - {value} - emptied:
                yield f"{key}: {lost!r} is lost, there is {value!r}"
            if value not in values:
                yield f"{key}: {value!r} is invented"
        for key in now.values.keys() - self._written.keys():
            yield f"{key}: {now.values[key]!r} is invented"
        for item in self._added.keys() - self._removed - self._reported - now.items:
            yield f"{item}: is lost"
        for item in now.items - self._added.keys():
            yield f"{item}: is invented"
        for item in self._removed & now.items - self._reported - self._twins:
            if self._added[item] < 2:
                yield f"{item}: was removed, and is there again"
