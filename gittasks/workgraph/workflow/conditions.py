"""The conditions of steps: `success() and inputs.level != 'quick'`. A small language of its own, never `eval`.

    condition  = all ("or" all)*
    all        = single ("and" single)*
    single     = "not" single | "(" condition ")" | success() | failure() | always() | value ("==" | "!=") value
    value      = 'text' | "text" | inputs.NAME | matrix.NAME | steps.NAME.status

`success()`: all that the step needs has completed. `failure()`: something that it needs, also indirectly, has failed
or was killed. A condition that speaks of no step's end holds only where `success()` does.
"""

from __future__ import annotations

import re

from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SUCCESS, FAILURE, ALWAYS = "success()", "failure()", "always()"
STATES = (SUCCESS, FAILURE, ALWAYS)
MAX_LENGTH = 1000
_MAX_DEPTH = 32
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<state>(?:success|failure|always)\s*\(\s*\))
      | (?P<sign>==|!=|\(|\))
      | (?P<text>'[^'\n]*'|"[^"\n]*")
      | (?P<name>[A-Za-z_][A-Za-z0-9_.-]*)
    )""",
    re.VERBOSE,
)


class ConditionError(Exception):
    """Why a text is no condition."""


class Facts(NamedTuple):
    """What a condition is asked about. `statuses` maps names of steps to how they ended."""

    succeeded: bool
    failed: bool
    inputs: Mapping[str, str]
    matrix: Mapping[str, str]
    statuses: Mapping[str, str]


class Condition(NamedTuple):
    """A condition that was read. `steps`, `inputs` and `matrix` are the names that it speaks of."""

    ask: Callable[[Facts], bool]
    steps: frozenset[str]
    inputs: frozenset[str]
    matrix: frozenset[str]

    def holds(self, facts: Facts) -> bool:
        """Whether a step with this condition is to be done."""
        return self.ask(facts)


def parse_condition(text: str) -> Condition:
    """The condition that `text` states; an empty one is `success()`. Raises `ConditionError`."""
    if len(text) > MAX_LENGTH:
        raise ConditionError(f"has {len(text)} characters: expected at most {MAX_LENGTH}")
    return _Parser(list(_tokens(text or SUCCESS))).whole()


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at, end = 0, len(text.rstrip())
    while at < end:
        found = _TOKEN.match(text, at)
        if found is None or not found.lastgroup:
            raise ConditionError(f"cannot be read from {text[at:].strip()[:20]!r} on")
        yield found.lastgroup, found[found.lastgroup]
        at = found.end()


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = tokens
        self._names: dict[str, set[str]] = {"steps": set(), "inputs": set(), "matrix": set()}
        self._asks_for_ends = False
        self._depth = 0

    def whole(self) -> Condition:
        ask = self._any()
        if self._tokens:
            raise ConditionError(f"has {self._tokens[0][1]!r} where its end was expected")
        if not self._asks_for_ends:
            inner = ask

            def ask(facts: Facts) -> bool:
                return facts.succeeded and inner(facts)

        steps, inputs, matrix = (frozenset(self._names[kind]) for kind in ("steps", "inputs", "matrix"))
        return Condition(ask, steps, inputs, matrix)

    def _any(self) -> Callable[[Facts], bool]:
        parts = [self._all()]
        while self._take("name", "or"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else lambda facts: any(part(facts) for part in parts)

    def _all(self) -> Callable[[Facts], bool]:
        parts = [self._single()]
        while self._take("name", "and"):
            parts.append(self._single())
        return parts[0] if len(parts) == 1 else lambda facts: all(part(facts) for part in parts)

    def _single(self) -> Callable[[Facts], bool]:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise ConditionError(f"is nested deeper than {_MAX_DEPTH} levels")
        try:
            if self._take("name", "not"):
                inner = self._single()
                return lambda facts: not inner(facts)
            if self._take("sign", "("):
                inner = self._any()
                if not self._take("sign", ")"):
                    raise ConditionError("lacks a `)`")
                return inner
            return self._state() if self._tokens and self._tokens[0][0] == "state" else self._comparison()
        finally:
            self._depth -= 1

    def _state(self) -> Callable[[Facts], bool]:
        word = "".join(self._tokens.pop(0)[1].split())
        self._asks_for_ends = True
        if word == ALWAYS:
            return lambda facts: True
        return (lambda facts: facts.succeeded) if word == SUCCESS else (lambda facts: facts.failed)

    def _comparison(self) -> Callable[[Facts], bool]:
        left = self._value()
        if self._take("sign", "=="):
            right = self._value()
            return lambda facts: left(facts) == right(facts)
        if self._take("sign", "!="):
            right = self._value()
            return lambda facts: left(facts) != right(facts)
        raise ConditionError("compares a value with nothing: expected == or != behind it")

    def _value(self) -> Callable[[Facts], str]:
        kind, word = self._tokens.pop(0) if self._tokens else ("", "its end")
        if kind == "text":
            return lambda facts: word[1:-1]
        space, _, name = word.partition(".")
        if kind == "name" and space == "steps" and name.endswith(".status"):
            step = name.removesuffix(".status")
            self._names["steps"].add(step)
            self._asks_for_ends = True
            return lambda facts: facts.statuses.get(step, "")
        if kind == "name" and space == "inputs" and name:
            self._names["inputs"].add(name)
            return lambda facts: facts.inputs.get(name, "")
        if kind == "name" and space == "matrix" and name:
            self._names["matrix"].add(name)
            return lambda facts: facts.matrix.get(name, "")
        raise ConditionError(
            f"has {word!r} where a value was expected: 'text', inputs.NAME, matrix.NAME or steps.NAME.status"
        )

    def _take(self, kind: str, word: str) -> bool:
        if self._tokens and self._tokens[0] == (kind, word):
            self._tokens.pop(0)
            return True
        return False
