"""Any bytes to a workflow, or every problem with its line. Pure.

As strict as the settings: an unknown key, a step that needs what is not there, a circle, or a condition that
cannot be read is refused before anything starts.
"""

from __future__ import annotations

from gittasks.base.durations import EXPECTED, parse_duration
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.exchange.jsontext import BadSourceError, decode
from gittasks.workgraph.exchange.yamltext import Map, parse_yaml
from gittasks.workgraph.record import Problem
from gittasks.workgraph.workflow import definition
from gittasks.workgraph.workflow.conditions import ConditionError, parse_condition
from gittasks.workgraph.workflow.definition import KINDS, RUN, BadWorkflowError, Step, Workflow
from gittasks.workgraph.workflow.filling import check_references

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

_NAME_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
_MAX_NAME = 60
_MAX_TEXT = 1 << 16
_SHOWN = 60


class _Bad(Exception):
    """A value that breaks its format: what is wrong, what was expected."""

    def __init__(self, message: str, expected: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.expected = f"expected {expected}" if expected else ""


class _Where(NamedTuple):
    """A mapping of the file, and how problems name it: path and the fields that lead to it."""

    path: str
    field: str
    values: Map

    def problem(self, key: str, bad: _Bad) -> Problem:
        line = self.values.lines.get(key, self.values.line)
        return Problem(self.path, line, f"{self.field}.{key}".strip("."), bad.message, bad.expected)


def parse_workflow(data: bytes, path: str, name: str) -> Workflow:
    """The workflow called `name` that `data` holds. Raises `BadWorkflowError` with all problems found."""
    top = _Where(path, "", _read(data, path))
    problems: list[Problem] = []
    fields = _fields(top, _TOP, problems)
    steps = _steps(top, problems)
    if not problems:
        workflow = Workflow(name, tuple(steps), **fields)
        problems = [Problem(path, line, *told) for line, *told in _relations(workflow)]
        if not problems:
            return workflow._replace(steps=_in_order(workflow.steps))
    raise BadWorkflowError(problems)


def is_name(text: str) -> bool:
    """Whether `text` can name a workflow, step or value: letters, digits, `-` and `_`. Safe as a file name."""
    return 0 < len(text) <= _MAX_NAME and _NAME_CHARS.issuperset(text) and text[0] not in "-"


def _read(data: bytes, path: str) -> Map:
    try:
        documents = parse_yaml(decode(data, path), path)
    except BadSourceError as error:
        at, _, what = error.message.removeprefix(path + ":").partition(": ")
        raise BadWorkflowError([Problem(path, int(at), "", what, kind="syntax")]) from None
    if len(documents) != 1 or not isinstance(documents[0][1], Map):
        line = documents[-1][0] if documents else 1
        raise BadWorkflowError(
            [Problem(path, line, "", "is no workflow", "expected one mapping with `steps:`")]
        )
    found: Map = documents[0][1]
    return found


def _fields(
    where: _Where, table: Mapping[str, tuple[str, Callable[[Any], Any]]], problems: list[Problem]
) -> dict[str, Any]:
    """The fields of one mapping by the names of the record; what is wrong goes to `problems`."""
    found: dict[str, Any] = {}
    for key, value in where.values.items():
        try:
            if key not in table:
                raise _Bad("is unknown", f"one of {', '.join(table)}")
            attribute, check = table[key]
            if value is not None and attribute:
                found[attribute] = check(value)
        except _Bad as bad:
            problems.append(where.problem(key, bad))
    return found


def _steps(top: _Where, problems: list[Problem]) -> list[Step]:
    steps = top.values.get("steps")
    if not isinstance(steps, Map) or not steps:
        problems.append(
            top.problem("steps", _Bad(f"is {_show(steps)}", "names, each with what the step does"))
        )
        return []
    if len(steps) > definition.MAX_STEPS:
        problems.append(top.problem("steps", _Bad(f"has {len(steps)}", f"at most {definition.MAX_STEPS}")))
        return []
    inside = _Where(top.path, "steps", steps)
    found = []
    for name, value in steps.items():
        try:
            _name(name)
            if not isinstance(value, Map):
                raise _Bad(f"is {_show(value)}", "a mapping such as `run: make`")
            step = _step(_Where(top.path, f"steps.{name}", value), name, steps.lines[name], problems)
        except _Bad as bad:
            problems.append(inside.problem(name, bad))
        else:
            found += [step] if step else []
    return found


def _step(where: _Where, name: str, line: int, problems: list[Problem]) -> Step | None:
    kinds = [kind for kind in KINDS if kind in where.values]
    if len(kinds) != 1:
        what = f"has {' and '.join(kinds)}" if kinds else "does nothing"
        problems.append(Problem(where.path, line, where.field, what, f"expected one of {', '.join(KINDS)}"))
        return None
    fields = _fields(where, _STEP, problems)
    work = fields.pop("work", None)
    if work is None:
        # An empty value; what was wrong with another one has been said.
        if where.values[kinds[0]] is None:
            problems.append(where.problem(kinds[0], _Bad("is empty", "what the step does")))
        return None
    for key in ("on", "shell"):
        if key in where.values and kinds[0] != RUN:
            problems.append(where.problem(key, _Bad("is only for `run`")))
    if "on" in where.values and "retry" in where.values:
        problems.append(where.problem("retry", _Bad("is not for steps on other machines")))
    if "prompt" in where.values and kinds[0] != definition.AGENT:
        problems.append(where.problem("prompt", _Bad("is only for `agent`")))
    return Step(name, kinds[0], work, line, **fields)


def _relations(workflow: Workflow) -> list[tuple[int, str, str, str]]:
    """What is wrong between steps: line, field, what, what was expected."""
    names = {step.name: step for step in workflow.steps}
    found = []
    for step in workflow.steps:
        for need in step.needs:
            if need not in names:
                known = ", ".join(name for name in names if name != step.name)
                found.append(
                    (step.line, f"steps.{step.name}.needs", f"{_show(need)} is no step", f"known are {known}")
                )
    if found:
        return found
    circle = _find_circle(workflow.steps)
    if circle:
        where = names[circle[0]]
        return [
            (where.line, f"steps.{where.name}.needs", f"is a circle: {' -> '.join(circle)}", "expected none")
        ]
    for step in workflow.steps:
        found += [
            (step.line, f"steps.{step.name}.{key}", what, "") for key, what in _references(workflow, step)
        ]
    return found


def _references(workflow: Workflow, step: Step) -> list[tuple[str, str]]:
    """The names in conditions and in `${{ }}` that stand for nothing."""
    try:
        condition = parse_condition(step.condition)
    except ConditionError as error:
        return [("if", str(error))]
    found = []
    for name in sorted(condition.steps - _ancestors(workflow, step)):
        found.append(
            ("if", f"speaks of steps.{name}, which this step does not need: its end would be a guess")
        )
    for name in sorted(condition.inputs - set(workflow.inputs)):
        found.append(("if", f"speaks of inputs.{name}, which is no input"))
    for name in sorted(condition.matrix - dict(step.matrix).keys()):
        found.append(("if", f"speaks of matrix.{name}, which is not in its matrix"))
    return found + check_references(workflow, step)


def _ancestors(workflow: Workflow, step: Step) -> set[str]:
    needs = {other.name: other.needs for other in workflow.steps}
    found: set[str] = set()
    todo = list(step.needs)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += needs[name]
    return found


def _find_circle(steps: tuple[Step, ...]) -> list[str]:
    """A circle of needs, from a step back to itself; empty where there is none."""
    left = {step.name: set(step.needs) for step in steps}
    while free := [name for name, needs in left.items() if not needs & left.keys()]:
        for name in free:
            del left[name]
    if not left:
        return []
    path = [min(left)]
    while True:
        following = min(left[path[-1]] & left.keys())
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)


def _in_order(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps so that each stands behind all that it needs; else as in the file."""
    done: dict[str, Step] = {}
    while len(done) < len(steps):
        for step in steps:
            if step.name not in done and all(need in done for need in step.needs):
                done[step.name] = step
    return tuple(done.values())


def _name(value: Any) -> str:
    if not isinstance(value, str) or not is_name(value):
        raise _Bad(f"{_show(value)} is no name", f"up to {_MAX_NAME} letters, digits, - and _")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip() or "\0" in value or len(value) > _MAX_TEXT:
        raise _Bad(f"is {_show(value)}", "a text")
    return value


def _plain(value: Any) -> str:
    """What a matrix, an input or a variable can hold: a text, or a number or word as it would be typed."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # `3.10` would be read as 3.1.
        raise _Bad(f"is the number {value}", "it in quotes, so that it stays as it is typed")
    if isinstance(value, int):
        return str(value)
    if not isinstance(value, str) or "\0" in value or len(value) > _MAX_TEXT:
        raise _Bad(f"is {_show(value)}", "a text or a number")
    return value


def _count(most: int, least: int = 0) -> Callable[[Any], int]:
    def check(value: Any) -> int:
        if type(value) is not int or not least <= value <= most:
            raise _Bad(f"is {_show(value)}", f"a number from {least} to {most}")
        return value

    return check


def _flag(value: Any) -> bool:
    if type(value) is not bool:
        raise _Bad(f"is {_show(value)}", "true or false")
    return value


def _length(value: Any) -> float:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        return parse_duration(str(value))
    except ValueError:
        raise _Bad(f"is {_show(value)}", f"a length of time: {EXPECTED}") from None


def _names(value: Any) -> tuple[str, ...]:
    names = tuple(_name(name) for name in (value if isinstance(value, list) else [value]))
    if len(set(names)) < len(names):
        raise _Bad("names a step twice")
    return names


def _work(value: Any) -> Any:
    if isinstance(value, str):
        return _text(value)
    if not isinstance(value, list) or not value:
        raise _Bad(f"is {_show(value)}", "a list of words such as [make, test], or a text for the shell")
    words = tuple(_plain(word) for word in value)
    if not words[0].strip():
        raise _Bad("names no program", "a list of words such as [make, test]")
    return words


def _mapping(value: Any) -> dict[str, Any]:
    if not isinstance(value, Map) or not value:
        raise _Bad(f"is {_show(value)}", "what to watch, such as `file: build.log`")
    return dict(value)


def _variables(value: Any) -> dict[str, str]:
    if not isinstance(value, Map):
        raise _Bad(f"is {_show(value)}", "names, each with its value")
    for name in value:
        if not name or not (name.isascii() and name.replace("_", "a").isalnum()) or name[0].isdigit():
            raise _Bad(f"{_show(name)} is no name of a variable", "letters, digits and _")
    return {name: "" if text is None else _plain(text) for name, text in value.items()}


def _slots(value: Any) -> dict[str, int]:
    if not isinstance(value, Map) or not value:
        raise _Bad(f"is {_show(value)}", "names, each with how many at once: {test: 2}")
    return {_name(name): _count(definition.MAX_SLOT, 1)(limit) for name, limit in value.items()}


def _inputs(value: Any) -> dict[str, str | None]:
    if not isinstance(value, Map):
        raise _Bad(f"is {_show(value)}", "names, each with its default or nothing")
    return {_name(name): None if text is None else _plain(text) for name, text in value.items()}


def _matrix(value: Any) -> tuple[tuple[str, tuple[str, ...]], ...]:
    if not isinstance(value, Map) or not value:
        raise _Bad(f"is {_show(value)}", "names, each with a list of values")
    found = []
    variants = 1
    for name, values in value.items():
        if not isinstance(values, list) or not values:
            raise _Bad(f"{_name(name)} is {_show(values)}", "a list of values")
        words = tuple(_plain(word) for word in values)
        if len(set(words)) < len(words):
            raise _Bad(f"{name} has a value twice")
        found.append((_name(name), words))
        variants *= len(words)
    if variants > definition.MAX_VARIANTS:
        raise _Bad(f"makes {variants} variants", f"at most {definition.MAX_VARIANTS}")
    return tuple(found)


def _condition(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _Bad(f"is {_show(value)}", "a condition such as `success()` or `always()`")
    return value.strip()


def _host(value: Any) -> str:
    text = _text(value)
    if text.startswith("-") or not text.isprintable() or " " in text:
        raise _Bad(f"is {_show(value)}", "the name of a host")
    return text


def _show(value: Any) -> str:
    text = "empty" if value is None else repr(dict(value) if isinstance(value, Map) else value)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


# Key of the file -> (attribute of the record, check). Without attribute it is read elsewhere.
_TOP: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "description": ("description", _text),
    "parallel": ("parallel", _count(definition.MAX_PARALLEL, 1)),
    "inputs": ("inputs", _inputs),
    "env": ("env", _variables),
    "steps": ("", _text),
}
_STEP: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "run": ("work", _work),
    "agent": ("work", _name),
    "monitor": ("work", _mapping),
    "needs": ("needs", _names),
    "matrix": ("matrix", _matrix),
    "if": ("condition", _condition),
    "retry": ("retries", _count(definition.MAX_RETRIES)),
    "backoff": ("backoff_s", _length),
    "timeout": ("timeout_s", _length),
    "slots": ("slots", _slots),
    "cwd": ("cwd", _text),
    "on": ("host", _host),
    "prompt": ("prompt", _text),
    "may_fail": ("may_fail", _flag),
    "env": ("env", _variables),
}
