"""Ending a merge as a person does: read what `gittasks resolve` reports, decide at random, run it again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator
from random import Random

from gittasks.app.resolving import Resolution, resolve
from gittasks.workgraph.merge import OURS, THEIRS, Conflict
from gittasks.workgraph.record import TaskId
from gittasks.workgraph.resolution import FILE, Choices
from tests.faults import die_at
from tests.simulator.ledger import BrokenLawError, Ledger
from tests.simulator.places import Place, wait_for_git

_ROUNDS = 4
_SIDES = (OURS, THEIRS)
# One in so many resolutions is killed in its middle.
_KILLED = 6
_CALLS = 150


class Settler:
    """Decides, and tells the ledger what it decided about."""

    def __init__(self, random: Random, ledger: Ledger, counts: Counter[str]) -> None:
        self._random = random
        self._ledger = ledger
        self._counts = counts

    def settle(self, place: Place) -> None:
        """Resolve until nothing is open."""
        reported: dict[tuple[str, str], Conflict] = {}
        for _ in range(_ROUNDS):
            seen = resolve(place.project, Choices(), dry_run=self._random.random() < 0.5)
            self._note(seen, reported)
            choices = self._choose(seen)
            if not self._random.randrange(_KILLED):
                self._kill(place, choices)
                choices = choices._replace(
                    prefer=choices.prefer or OURS, fields={}
                )  # what is left may be less
            done = resolve(place.project, choices)
            self._note(done, reported)
            if not done.open:
                break
        else:
            raise BrokenLawError(f"{place}: resolve leaves open: {done.open}")
        self._counts["renumbered"] += sum(outcome.action == "renumbered" for outcome in done.outcomes)
        for (uid, field), conflict in reported.items():
            self.record(place, uid, field, conflict)

    def expect_nothing(self, place: Place) -> None:
        """There is nothing to settle: nothing in conflict, and nothing that git could not see."""
        seen = resolve(place.project, Choices(), dry_run=True)
        if seen.outcomes or seen.left:
            raise BrokenLawError(f"{place}: there is something to resolve: {seen}")

    def _kill(self, place: Place, choices: Choices) -> None:
        if die_at(self._random.randrange(1, _CALLS), lambda: resolve(place.project, choices)):
            self._counts["kills"] += 1
        wait_for_git(place)

    def _choose(self, seen: Resolution) -> Choices:
        if not seen.open or self._random.random() < 0.6:
            return Choices(self._random.choice(_SIDES))
        fields = {
            (outcome.task_id, conflict.field): self._random.choice(_SIDES)
            for outcome in seen.open
            for conflict in outcome.conflicts
        }
        return Choices(None, fields)

    def _note(self, seen: Resolution, reported: dict[tuple[str, str], Conflict]) -> None:
        for outcome in seen.open:
            if not outcome.conflicts:
                raise BrokenLawError(f"stuck: {outcome}")
            uid = self._ledger.uid_of(outcome.subject)
            for conflict in outcome.conflicts:
                reported.setdefault((uid, conflict.field), conflict)

    def record(self, place: Place, uid: str, field: str, conflict: Conflict) -> None:
        """Tell the ledger of a conflict whose end is in the files by now."""
        self._counts["conflicts"] += 1
        if field == FILE:  # an edit of a task that is not here was picked: it stays where it came from
            return
        uids = {task.id: task.uid for task in place.tasks()}
        if field in ("labels", "blockedBy", "description"):
            self._ledger.report((uid, field, item) for item in _items(conflict, uids))
        else:
            values = [_value(field, value, uids) for value in (conflict.ours, conflict.theirs)]
            self._ledger.decide((uid, field), values, place.facts().values.get((uid, field)))


def _value(field: str, value: Hashable, uids: dict[TaskId, str]) -> Hashable:
    return uids[TaskId(int(str(value)))] if field == "parent" and value is not None else value


def _items(conflict: Conflict, uids: dict[TaskId, str]) -> Iterator[str]:
    """What stands in question: the lines of the regions, or what one side has and the other has not."""
    if conflict.field == "description":
        for region in conflict.regions:
            yield from (*region.ours, *region.theirs, *(region.base or ()))
        return
    for item in {*conflict.ours} ^ {*conflict.theirs}:
        yield uids[item] if conflict.field == "blockedBy" else item
