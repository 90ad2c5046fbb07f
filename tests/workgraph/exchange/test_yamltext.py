from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.exchange.jsontext import BadSourceError
from gittasks.workgraph.exchange.yamltext import Map, parse_yaml


def test_values_lines_and_documents() -> None:
    documents = parse_yaml("a: 1\nb:\n  - no\n  - 0123\n  - 2026-01-01\n  - true\n  - '7'\n---\n- x\n", "x")
    (line, first), (other, second) = documents
    assert (line, other) == (1, 9)
    assert isinstance(first, Map)
    assert first == {"a": 1, "b": ["no", "0123", "2026-01-01", True, "7"]}
    assert first.lines == {"a": 1, "b": 2}
    assert second == ["x"]


def test_lines_start_where_the_text_does() -> None:
    with pytest.raises(BadSourceError, match=r"^f:12: "):
        parse_yaml("a: 1\nb: [", "f", first_line=11)


@pytest.mark.parametrize(
    "text",
    [
        "a: &x 1",
        "a: *x",
        "&x a: 1",
        "!!set {a}",
        "a: !!binary aGk=",
        "%YAML 1.1\n---\na: 1",
        "? [a]\n: 1",
        "a: 1\na: 2",
        "[" * 100 + "]" * 100,
        "a: b: c",
        "\t- x",
        "a: 'x",
    ],
)
def test_what_plain_data_does_not_need_is_refused(text: str) -> None:
    with pytest.raises(BadSourceError, match=r"^f:\d+: "):
        parse_yaml(text, "f")


@given(st.text(st.sampled_from("ab:-[]{}&*!|>'\"%#?, \n\t~0\x85\u2028\ufeff\x00")))
def test_any_text_is_data_or_refused(text: str) -> None:
    try:
        parse_yaml(text, "f")
    except BadSourceError as error:
        assert error.message.startswith("f:")
