from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.workflow.definition import BadWorkflowError, Workflow
from gittasks.workgraph.workflow.parsing import is_name, parse_workflow

PATH = ".tasks/workflows/ci.yaml"
WHOLE = """
description: Build, test and report
parallel: 3
inputs:
  level: quick
  target:
env:
  CI: 1
steps:
  report:
    needs: [build, test]
    if: always()
    run: ./report.sh "$INPUT_LEVEL"
  build:
    run: [make, "${{ inputs.target }}"]
    cwd: src
    timeout: 10m
  test:
    needs: build
    matrix:
      python: ["3.11", "3.12"]
      os: [linux]
    run: [tox, -e, "py${{ matrix.python }}"]
    retry: 2
    backoff: 1s
    slots: {test: 2}
    may_fail: true
    env: {SEED: 7}
  look:
    needs: test
    if: success() and inputs.level != 'quick'
    agent: claude
    prompt: Look at ${{ inputs.target }}
"""


def parse(text: str) -> Workflow:
    return parse_workflow(text.encode(), PATH, "ci")


def problems(text: str) -> list[str]:
    with pytest.raises(BadWorkflowError) as caught:
        parse(text)
    return [str(problem) for problem in caught.value.problems]


def test_a_whole_workflow() -> None:
    workflow = parse(WHOLE)
    assert [step.name for step in workflow.steps] == ["build", "test", "look", "report"]
    assert workflow.inputs == {"level": "quick", "target": None}
    assert (workflow.parallel, workflow.env) == (3, {"CI": "1"})
    build, test, look, report = workflow.steps
    assert (build.kind, build.work, build.timeout_s) == ("run", ("make", "${{ inputs.target }}"), 600)
    assert test.matrix == (("python", ("3.11", "3.12")), ("os", ("linux",)))
    assert (test.needs, test.retries, test.backoff_s, test.slots) == (("build",), 2, 1, {"test": 2})
    assert test.may_fail and test.env == {"SEED": "7"}
    assert (look.kind, look.work, look.condition) == (
        "agent",
        "claude",
        "success() and inputs.level != 'quick'",
    )
    assert report.work == './report.sh "$INPUT_LEVEL"'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "1: is no workflow: expected one mapping with `steps:`"),
        ("- a", "1: is no workflow"),
        ("steps:", "1: steps: is empty"),
        ("steps: {}", "1: steps: is {}"),
        ("steps: {a: make}", "1: steps.a: is 'make': expected a mapping"),
        ("steps:\n  a: {run: x}\nteps: 1", "3: teps: is unknown"),
        ("steps:\n  a: {run: x, nedes: b}", "2: steps.a.nedes: is unknown"),
        ("steps:\n  a: {needs: []}", "2: steps.a: does nothing: expected one of run, agent, monitor"),
        ("steps:\n  a: {run: x, agent: y}", "2: steps.a: has run and agent"),
        ("steps:\n  a: {run: }", "2: steps.a.run: is empty"),
        ("steps:\n  a: {run: []}", "2: steps.a.run: is []"),
        ("steps:\n  a: {run: ['']}", "2: steps.a.run: names no program"),
        ("steps:\n  a: {run: x, needs: b}", "2: steps.a.needs: 'b' is no step"),
        ("steps:\n  a: {run: x, needs: a}", "2: steps.a.needs: is a circle: a -> a"),
        (
            "steps:\n  a: {run: x, needs: b}\n  b: {run: x, needs: a}",
            "2: steps.a.needs: is a circle: a -> b -> a",
        ),
        ("steps:\n  a: {run: x, needs: [b, b]}\n  b: {run: x}", "2: steps.a.needs: names a step twice"),
        ("steps:\n  ../a: {run: x}", "2: steps.../a: '../a' is no name"),
        ("steps:\n  --force: {run: x}", "2: steps.--force: '--force' is no name"),
        ("steps:\n  a: {run: x, if: 1}", "2: steps.a.if: is 1: expected a condition"),
        ("steps:\n  a: {run: x, if: maybe()}", "2: steps.a.if: has 'maybe' where a value was expected"),
        (
            "steps:\n  a: {run: x, if: inputs.b == 'c'}",
            "2: steps.a.if: speaks of inputs.b, which is no input",
        ),
        ("steps:\n  a: {run: x, if: matrix.b == 'c'}", "speaks of matrix.b, which is not in its matrix"),
        (
            "steps:\n  a: {run: x}\n  b: {run: x, if: steps.a.status == 'failed'}",
            "3: steps.b.if: speaks of steps.a",
        ),
        ("steps:\n  a: {run: ['${{ inputs.b }}']}", "2: steps.a.run: speaks of inputs.b, which is no input"),
        ("steps:\n  a: {run: ['${{ matrix.b }}']}", "2: steps.a.run: speaks of matrix.b"),
        ("steps:\n  a: {run: ['${{ env.HOME }}']}", "only matrix.NAME and inputs.NAME are filled in"),
        ("inputs: {b: c}\nsteps:\n  a: {run: 'echo ${{ inputs.b }}'}", 'use "$INPUT_B", or a list of words'),
        ("env: {X: '${{ inputs.no }}'}\nsteps: {a: {run: x}}", "steps.a.env: speaks of inputs.no"),
        ("steps:\n  a: {run: x, matrix: {p: []}}", "2: steps.a.matrix: p is []: expected a list"),
        ("steps:\n  a: {run: x, matrix: {p: [3.10]}}", "a.matrix: is the number 3.1: expected it in quotes"),
        ("steps:\n  a: {run: x, matrix: {p: [1, 1]}}", "2: steps.a.matrix: p has a value twice"),
        (
            f"steps:\n  a: {{run: x, matrix: {{p: {list(range(300))}}}}}",
            "makes 300 variants: expected at most 256",
        ),
        ("steps:\n  a: {run: x, timeout: soon}", "2: steps.a.timeout: is 'soon': expected a length of time"),
        ("steps:\n  a: {run: x, retry: -1}", "2: steps.a.retry: is -1: expected a number from 0 to 100"),
        ("steps:\n  a: {run: x, may_fail: 1}", "2: steps.a.may_fail: is 1: expected true or false"),
        ("steps:\n  a: {run: x, on: -oProxyCommand=x}", "2: steps.a.on: is '-oProxyCommand=x'"),
        ("steps:\n  a: {run: x, on: host, retry: 1}", "a.retry: is not for steps on other machines"),
        ("steps:\n  a: {agent: x, on: host}", "2: steps.a.on: is only for `run`"),
        ("steps:\n  a: {run: x, prompt: y}", "2: steps.a.prompt: is only for `agent`"),
        ("steps:\n  a: {run: x, env: {'A=B': c}}", "2: steps.a.env: 'A=B' is no name of a variable"),
        ("steps:\n  a: &x {run: x}", "an anchor or alias"),
        ("steps:\n  a: !!python/name:os.system {run: x}", "a tag"),
        ("steps:\n  a: {run: x}\n  a: {run: y}", "stands twice"),
        ("parallel: 0\nsteps: {a: {run: x}}", "1: parallel: is 0"),
        (
            "steps:\n" + "".join(f"  s{i}: {{run: x}}\n" for i in range(201)),
            "steps: has 201: expected at most 200",
        ),
    ],
)
def test_what_is_refused(text: str, told: str) -> None:
    found = problems(text)
    assert any(told in problem for problem in found), found
    assert all(problem.startswith(f"{PATH}:") for problem in found)


def test_every_problem_is_named_at_once() -> None:
    assert len(problems("x: 1\nsteps:\n  a: {run: x, retry: z}\n  b: {agent: 1}\n")) == 3


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_any_bytes_give_a_workflow_or_problems(data: bytes) -> None:
    try:
        parse_workflow(data, PATH, "x")
    except BadWorkflowError as error:
        assert error.problems


@pytest.mark.parametrize("name", ["", "..", "a/b", "-a", "a.yaml", "a b", "a\n", "ä", "a" * 61])
def test_what_is_no_name(name: str) -> None:
    assert not is_name(name)
