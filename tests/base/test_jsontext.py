from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.base.jsontext import dumps

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_it_says_what_json_says(value: object) -> None:
    text = dumps(value)
    assert json.loads(text) == json.loads(json.dumps(value))
    assert text.isascii()
    assert "\n" not in text


def test_plain_text_is_spelled_as_json_does() -> None:
    value = {"a": [1, True, None, 1.5, -2], "b": {"c": 'x"\\\n\x00é\U0001f600'}, "d": ()}
    assert dumps(value) == json.dumps(value)


def test_half_characters_of_broken_file_names_survive() -> None:
    assert json.loads(dumps("\udcff")) == "\udcff"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_json_cannot_say_are_refused(value: float) -> None:
    with pytest.raises(ValueError, match="no JSON"):
        dumps(value)


@pytest.mark.parametrize("value", [b"x", {1: 2}, object()])
def test_other_types_are_refused(value: object) -> None:
    with pytest.raises(TypeError):
        dumps(value)
