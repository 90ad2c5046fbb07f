"""What comes next: given what has ended, and how, which steps start now and which never will. Pure."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.workflow.conditions import Facts, parse_condition

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.workgraph.workflow.definition import Plan, Planned

# How a step can end, in the words of runs but for the last: it never ran.
DONE, BROKEN, STOPPED, SKIPPED = "completed", "failed", "killed", "skipped"


class Next(NamedTuple):
    """Steps that can start now, in the order of the plan, and steps whose conditions do not hold."""

    start: list[Planned]
    skip: list[Planned]


class Schedule:
    """The order of one plan. Asked again and again, while steps end."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._conditions = {
            planned.step.name: parse_condition(planned.step.condition) for planned in plan.steps
        }
        self._may_fail = frozenset(planned.step.name for planned in plan.steps if planned.step.may_fail)
        self._variants: dict[str, list[str]] = {}
        self._ancestors: dict[str, set[str]] = {}
        for planned in plan.steps:
            self._variants.setdefault(planned.step.name, []).append(planned.key)
            needs = planned.step.needs
            self._ancestors[planned.step.name] = {
                *needs,
                *(far for need in needs for far in self._ancestors[need]),
            }

    def next(self, ended: Mapping[str, str], started: Mapping[str, object]) -> Next:
        """What follows from `ended` (key to how it ended); `started` holds the keys that are under way or over."""
        statuses = {name: self.status(name, ended) for name in self._variants}
        found = Next([], [])
        for planned in self._plan.steps:
            waits = planned.key not in ended and planned.key not in started
            if waits and all(statuses[need] for need in planned.step.needs):
                holds = self._conditions[planned.step.name].holds(self._facts(planned, statuses))
                (found.start if holds else found.skip).append(planned)
        return found

    def status(self, name: str, ended: Mapping[str, str]) -> str:
        """How the step called `name` ended, over all its variants; empty while one of them has not."""
        words = {ended.get(key, "") for key in self._variants[name]}
        for word in ("", BROKEN, STOPPED, DONE):
            if word in words:
                return word
        return SKIPPED

    def _facts(self, planned: Planned, statuses: Mapping[str, str]) -> Facts:
        step = planned.step
        return Facts(
            succeeded=all(statuses[need] == DONE or self._is_forgiven(need, statuses) for need in step.needs),
            failed=any(
                statuses[need] in (BROKEN, STOPPED) and not self._is_forgiven(need, statuses)
                for need in self._ancestors[step.name]
            ),
            inputs=self._plan.inputs,
            matrix=planned.matrix,
            statuses=statuses,
        )

    def _is_forgiven(self, name: str, statuses: Mapping[str, str]) -> bool:
        return statuses[name] == BROKEN and name in self._may_fail
