from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.exchange import clean
from gittasks.workgraph.extras import check_extra
from gittasks.workgraph.fields import check_value

UTC = "2026-11-23T10:00:00Z"
any_text = st.text(st.characters(codec=None, exclude_categories=()))


@pytest.mark.parametrize(
    "value",
    [
        UTC,
        "2026-11-23T12:00:00+02:00",
        "2026-11-23T10:00:00.123456789Z",
        "2026-11-23 10:00",
        "20261123T100000Z",
        1795428000,
        1795428000.9,
        1795428000123,
        "1795428000",
        " 2026-11-23T10:00 ",
    ],
)
def test_times_in_many_forms(value: object) -> None:
    assert clean.time(value) == UTC


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-11-23", "2026-11-23T00:00:00Z"),
        ("23-11-26", "2026-11-23T00:00:00Z"),
        ("0001-01-01T00:00:00+05:00", ""),
    ],
)
def test_more_times(value: str, expected: str) -> None:
    assert clean.time(value) == expected


@pytest.mark.parametrize(
    "value", ["soon", "", None, True, [], {}, "2026-13-01", 1e300, -1e300, math.inf, "9" * 40]
)
def test_what_is_no_time(value: object) -> None:
    assert clean.time(value) == ""


@given(any_text)
def test_whatever_the_text_the_field_takes_it(text: str) -> None:
    subject = clean.subject(text)
    assert not subject or check_value("subject", subject) == subject
    name = clean.name(text)
    assert check_value("owner", name) == (name or None)
    assert not name or check_value("labels", [name]) == (name,)
    assert clean.whole(clean.whole(text)) == clean.whole(text)
    check_value("description", clean.whole(text))


@given(st.one_of(any_text, st.integers(), st.floats(), st.none(), st.booleans()))
def test_whatever_the_value_times_and_priorities_fit(value: Any) -> None:
    check_value("created", clean.time(value))
    check_value("priority", clean.priority(value))


@given(
    any_text,
    st.recursive(
        st.one_of(any_text, st.integers(), st.floats(), st.none(), st.booleans()),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
        max_leaves=8,
    ),
)
def test_whatever_the_unknown_field_the_file_takes_it(name: str, value: Any) -> None:
    kept = clean.extra(value)
    check_extra(clean.field_name(name, "beads"), kept)
    json.dumps(kept, allow_nan=False)


@pytest.mark.parametrize(
    ("foreign", "name"),
    [
        ("due", "due"),
        ("external-ref", "external-ref"),
        ("owner", "beads_owner"),
        ("imported", "beads_imported"),
        ("two words", "two_words"),
        ("", "beads_field"),
        ("…", "beads_field"),
        ("9lives", "beads_9lives"),
    ],
)
def test_names_of_kept_fields(foreign: str, name: str) -> None:
    assert clean.field_name(foreign, "beads") == name


@pytest.mark.parametrize(
    ("value", "number"), [("P1", 1), ("3", 3), (7, 4), (-1, 0), (1.9, 1), ("high", 2), (True, 2)]
)
def test_priorities(value: object, number: int) -> None:
    assert clean.priority(value) == number


@pytest.mark.parametrize(
    ("value", "number"), [(10**400, 4), (-(10**400), 0), (float("nan"), 2), (float("inf"), 4)]
)
def test_a_priority_of_any_size(value: float, number: int) -> None:
    assert clean.priority(value) == number
