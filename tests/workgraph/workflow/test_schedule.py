from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.workflow.definition import Plan, Step, Workflow
from gittasks.workgraph.workflow.filling import BadInputsError, make_plan
from gittasks.workgraph.workflow.parsing import parse_workflow
from gittasks.workgraph.workflow.schedule import Schedule


def plan_of(text: str, **inputs: str) -> Plan:
    return make_plan(parse_workflow(text.encode(), "x.yaml", "x"), inputs)


def keys(planned: list[object]) -> list[str]:
    return [one.key for one in planned]  # type: ignore[attr-defined]


MATRIX = """
inputs: {level: quick, target: }
env: {WHERE: "${{ inputs.target }}"}
steps:
  build: {run: [make, "${{ inputs.target }}"]}
  test:
    needs: build
    matrix: {python: ["3.11", "3.12"], os: [linux, mac]}
    run: [tox, "py${{ matrix.python }}", "${{ matrix.os }}"]
  report: {needs: test, run: ./report.sh}
"""


def test_a_matrix_makes_a_step_for_each_combination() -> None:
    plan = plan_of(MATRIX, target="all")
    assert keys(list(plan.steps)) == [
        "build",
        "test(python=3.11, os=linux)",
        "test(python=3.11, os=mac)",
        "test(python=3.12, os=linux)",
        "test(python=3.12, os=mac)",
        "report",
    ]
    variant = plan.steps[2]
    assert variant.work == ("tox", "py3.11", "mac")
    assert variant.env == {
        "INPUT_LEVEL": "quick", "INPUT_TARGET": "all", "MATRIX_PYTHON": "3.11", "MATRIX_OS": "mac", "WHERE": "all",
    }  # fmt: skip
    assert plan.steps[0].work == ("make", "all")


def test_a_value_stays_one_word_whatever_it_says() -> None:
    plan = plan_of(MATRIX, target="a; rm -rf / ${{ inputs.level }} $(x)")
    assert plan.steps[0].work == ("make", "a; rm -rf / ${{ inputs.level }} $(x)")


def test_inputs_that_are_missing_or_unknown() -> None:
    with pytest.raises(BadInputsError, match="needs a value for target"):
        plan_of(MATRIX)
    with pytest.raises(BadInputsError, match="'x' is no input"):
        plan_of(MATRIX, target="all", x="y")


def test_a_mark_changes_with_all_that_decides_what_a_step_does() -> None:
    first = {one.key: one.mark for one in plan_of(MATRIX, target="a").steps}
    again = {one.key: one.mark for one in plan_of(MATRIX, target="a").steps}
    other = {one.key: one.mark for one in plan_of(MATRIX.replace("py$", "PY$"), target="a").steps}
    assert first == again
    assert len(set(first.values())) == len(first)
    # What the tests do has changed, so the report after them is another one too; the build is the same.
    assert other["build"] == first["build"]
    assert all(other[key] != first[key] for key in first if key != "build")


CHAIN = """
steps:
  a: {run: x}
  b: {needs: a, run: x}
  c: {needs: b, run: x}
  clean: {needs: [b, c], if: always(), run: x}
  cry: {needs: c, if: failure(), run: x}
"""


def test_what_follows_what() -> None:
    schedule = Schedule(plan_of(CHAIN))
    assert keys(schedule.next({}, {}).start) == ["a"]  # type: ignore[arg-type]
    assert schedule.next({}, {"a": 1}) == ([], [])
    assert keys(schedule.next({"a": "completed"}, {}).start) == ["b"]  # type: ignore[arg-type]


def test_after_a_failure_the_rest_is_skipped_but_for_what_asks_for_it() -> None:
    schedule = Schedule(plan_of(CHAIN))
    ended = {"a": "failed"}
    assert keys(schedule.next(ended, {}).skip) == ["b"]  # type: ignore[arg-type]
    ended["b"] = "skipped"
    assert keys(schedule.next(ended, {}).skip) == ["c"]  # type: ignore[arg-type]
    ended["c"] = "skipped"
    assert keys(schedule.next(ended, {}).start) == ["clean", "cry"]  # type: ignore[arg-type]


def test_what_may_fail_keeps_nobody_up() -> None:
    schedule = Schedule(plan_of(CHAIN.replace("a: {run: x}", "a: {run: x, may_fail: true}")))
    assert keys(schedule.next({"a": "failed"}, {}).start) == ["b"]  # type: ignore[arg-type]
    assert keys(schedule.next({"a": "killed"}, {}).skip) == ["b"]  # type: ignore[arg-type]


def test_a_step_waits_for_all_variants() -> None:
    schedule = Schedule(plan_of(MATRIX, target="all"))
    tests = [one.key for one in plan_of(MATRIX, target="all").variants("test")]
    ended = {"build": "completed"} | dict.fromkeys(tests[:3], "completed")
    assert keys(schedule.next(ended, {}).start) == [tests[3]]  # type: ignore[arg-type]
    assert keys(schedule.next({**ended, tests[3]: "completed"}, {}).start) == ["report"]  # type: ignore[arg-type]
    assert keys(schedule.next({**ended, tests[3]: "failed"}, {}).skip) == ["report"]  # type: ignore[arg-type]


@st.composite
def workflows(draw: st.DrawFn) -> Workflow:
    count = draw(st.integers(1, 8))
    steps = []
    for number in range(count):
        needs = draw(st.sets(st.integers(0, number - 1), max_size=3)) if number else set()
        condition = draw(st.sampled_from(["", "always()", "failure()", "success()", "not failure()"]))
        matrix = draw(st.sampled_from([(), (("m", ("1", "2")),)]))
        may_fail = draw(st.booleans())
        names = tuple(f"s{need}" for need in sorted(needs))
        steps.append(Step(f"s{number}", "run", ("x",), 0, names, matrix, condition, may_fail=may_fail))
    return Workflow("w", tuple(steps))


@given(workflows(), st.integers())
def test_every_plan_ends_with_each_step_done_once_or_skipped_and_never_before_its_needs(
    workflow: Workflow, seed: int
) -> None:
    chance = random.Random(seed)
    plan = make_plan(workflow, {})
    schedule = Schedule(plan)
    ended: dict[str, str] = {}
    under_way: dict[str, object] = {}
    for _ in range(10 * len(plan.steps) + 10):
        following = schedule.next(ended, under_way)
        for planned in (*following.start, *following.skip):
            assert planned.key not in ended and planned.key not in under_way
            for need in planned.step.needs:
                assert all(variant.key in ended for variant in plan.variants(need))
        under_way.update(dict.fromkeys((one.key for one in following.start), True))
        ended.update(dict.fromkeys((one.key for one in following.skip), "skipped"))
        if under_way:
            key = chance.choice(sorted(under_way))
            del under_way[key]
            ended[key] = chance.choice(["completed", "failed", "killed"])
        elif not following.skip:
            break
    assert set(ended) == {planned.key for planned in plan.steps}
