from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.workflow.conditions import ConditionError, Facts, parse_condition

FACTS = Facts(True, False, {"level": "quick"}, {"os": "linux"}, {"build": "completed"})


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("", True),
        ("success()", True),
        ("success ( )", True),
        ("failure()", False),
        ("always()", True),
        ("not success()", False),
        ("inputs.level == 'quick'", True),
        ('"quick" == inputs.level', True),
        ("inputs.level != 'quick'", False),
        ("matrix.os == 'linux' and inputs.level == 'slow'", False),
        ("matrix.os == 'mac' or inputs.level == 'quick'", True),
        ("not (matrix.os == 'mac' or failure())", True),
        ("steps.build.status == 'completed'", True),
        ("failure() and success() or always()", True),
        ("failure() and (success() or always())", False),
    ],
)
def test_conditions(text: str, holds: bool) -> None:
    assert parse_condition(text).holds(FACTS) is holds


def test_a_condition_that_asks_for_no_end_holds_only_after_success() -> None:
    broken = FACTS._replace(succeeded=False, failed=True)
    assert not parse_condition("inputs.level == 'quick'").holds(broken)
    assert parse_condition("inputs.level == 'quick' and failure()").holds(broken)
    assert parse_condition("steps.build.status == 'completed'").holds(broken)


@pytest.mark.parametrize(
    "text",
    [
        "(", "success() and", "success() success()", "inputs.level", "inputs.level ==", "inputs.level = 'x'",
        "x == 'y'", "steps.build == 'x'", "inputs. == 'x'", "__import__('os')", "'a", "not", "()",
        "(" * 100 + "success()" + ")" * 100, "not " * 100 + "success()", "'x'" * 600,
    ],
)  # fmt: skip
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(ConditionError):
        parse_condition(text)


@given(st.text(alphabet="()'\"!= abnotrdsuce.inputs", max_size=40))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        answer = parse_condition(text).holds(FACTS)
    except ConditionError:
        return
    assert answer in (True, False)
