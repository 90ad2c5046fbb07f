"""Values in the words of a step, `${{ matrix.python }}` and `${{ inputs.level }}`, and the plan of it. Pure.

A value never reaches a shell as text of a program: in a text for the shell `${{ }}` is refused, and the same values
are variables of the command (`MATRIX_PYTHON`, `INPUT_LEVEL`), which a shell takes as data.
"""

from __future__ import annotations

import hashlib
import json
import re
from itertools import product
from math import prod

from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.workflow.definition import MAX_PLANNED, RUN, Plan, Planned

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gittasks.workgraph.workflow.definition import Step, Workflow

_REFERENCE = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


class BadInputsError(UsageError):
    """A workflow was given an input that it does not have, or not given one that it needs."""


def check_references(workflow: Workflow, step: Step) -> list[tuple[str, str]]:
    """What is wrong with the `${{ }}` of a step: the key where it stands, and what."""
    matrix = dict(step.matrix)
    found = []
    for key, text in (*(("env", text) for text in workflow.env.values()), *_texts(step)):
        for inner in _REFERENCE.findall(text):
            space, _, name = inner.strip().partition(".")
            if key == RUN and isinstance(step.work, str):
                variable = variable_name(space, name)
                found.append(
                    (key, f'has ${{{{ }}}} in a text for the shell: use "${variable}", or a list of words')
                )
            elif space == "matrix" and name not in matrix:
                found.append((key, f"speaks of matrix.{name}, which is not in its matrix"))
            elif space == "inputs" and name not in workflow.inputs:
                found.append((key, f"speaks of inputs.{name}, which is no input"))
            elif space not in ("matrix", "inputs"):
                found.append(
                    (key, f"has {inner.strip()[:40]!r}: only matrix.NAME and inputs.NAME are filled in")
                )
    return found


def make_plan(workflow: Workflow, given: Mapping[str, str]) -> Plan:
    """The plan of a workflow started with the inputs `given`. Raises `BadInputsError`."""
    inputs = _inputs(workflow, given)
    # Counted before they are made: each variant carries the marks of all that it needs.
    count = sum(prod(len(values) for _, values in step.matrix) for step in workflow.steps)
    if count > MAX_PLANNED:
        raise BadInputsError(
            f"the workflow {workflow.name} makes {count} steps: at most {MAX_PLANNED} are allowed"
        )
    steps: list[Planned] = []
    marks: dict[str, list[str]] = {}
    for step in workflow.steps:
        needed = [mark for need in step.needs for mark in marks[need]]
        variants = [_planned(workflow, step, dict(values), inputs, needed) for values in _combinations(step)]
        marks[step.name] = [planned.mark for planned in variants]
        steps += variants
    return Plan(workflow, inputs, tuple(steps))


def variable_name(space: str, name: str) -> str:
    """The variable that holds a value: `INPUT_LEVEL`, `MATRIX_PYTHON`."""
    word = "".join(char if char.isalnum() else "_" for char in name).upper()
    return f"{'INPUT' if space == 'inputs' else 'MATRIX'}_{word}"


def _inputs(workflow: Workflow, given: Mapping[str, str]) -> dict[str, str]:
    known = ", ".join(workflow.inputs) or "none"
    for name in given:
        if name not in workflow.inputs:
            raise BadInputsError(
                f"{name!r} is no input of the workflow {workflow.name}", hint=f"it has {known}"
            )
    found = {name: given.get(name, default) for name, default in workflow.inputs.items()}
    missing = [name for name, value in found.items() if value is None]
    if missing:
        raise BadInputsError(
            f"the workflow {workflow.name} needs a value for {', '.join(missing)}",
            hint=f"--input {missing[0]}=VALUE",
        )
    return {name: value or "" for name, value in found.items()}


def _combinations(step: Step) -> Iterator[tuple[tuple[str, str], ...]]:
    names = [name for name, _ in step.matrix]
    for values in product(*(values for _, values in step.matrix)):
        yield tuple(zip(names, values, strict=True))


def _planned(
    workflow: Workflow, step: Step, matrix: dict[str, str], inputs: Mapping[str, str], needed: list[str]
) -> Planned:
    def fill(text: str) -> str:
        return _REFERENCE.sub(lambda found: _value(found[1], matrix, inputs), text)

    values = {variable_name("inputs", name): value for name, value in inputs.items()}
    values |= {variable_name("matrix", name): value for name, value in matrix.items()}
    own = {name: fill(value) for name, value in {**workflow.env, **step.env}.items()}
    label = ", ".join(f"{name}={value}" for name, value in matrix.items())
    planned = Planned(
        key=f"{step.name}({label})" if label else step.name,
        step=step,
        work=_fill_all(step.work, fill) if step.kind != RUN or not isinstance(step.work, str) else step.work,
        matrix=matrix,
        env=values | own,
        cwd=step.cwd and fill(step.cwd),
        prompt=step.prompt and fill(step.prompt),
    )
    return planned._replace(mark=_mark(planned, needed))


def _fill_all(work: Any, fill: Any) -> Any:
    if isinstance(work, str):
        return fill(work)
    if isinstance(work, tuple | list):
        return type(work)(_fill_all(item, fill) for item in work)
    if isinstance(work, dict):
        return {key: _fill_all(value, fill) for key, value in work.items()}
    return work


def _value(inner: str, matrix: Mapping[str, str], inputs: Mapping[str, str]) -> str:
    space, _, name = inner.strip().partition(".")
    return (matrix if space == "matrix" else inputs)[name]


def _mark(planned: Planned, needed: list[str]) -> str:
    step = planned.step
    decides = [
        step.kind,
        planned.work,
        planned.env,
        planned.cwd,
        planned.prompt,
        step.host,
        step.condition,
        needed,
    ]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]


def _texts(step: Step) -> Iterator[tuple[str, str]]:
    """Every text of a step in which a value may stand, with its key."""
    yield from ((step.kind, text) for text in _leaves(step.work))
    yield from (("env", text) for text in step.env.values())
    yield from ((key, text) for key, text in (("cwd", step.cwd), ("prompt", step.prompt)) if text)


def _leaves(work: Any) -> Iterator[str]:
    if isinstance(work, str):
        yield work
    elif isinstance(work, tuple | list):
        for item in work:
            yield from _leaves(item)
    elif isinstance(work, dict):
        for item in work.values():
            yield from _leaves(item)
