from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.exchange.edges import back_edges, resolve
from gittasks.workgraph.exchange.findings import Edge


def draft(key: str, **fields: Any) -> Draft:
    return Draft(subject=key, key=key)._replace(**fields)


def test_edges_are_said_from_either_end_and_stored_once() -> None:
    resolved = resolve(
        [draft("a", blocks=("b",)), draft("b", blocked_by=("a",)), draft("c", blocked_by=("a",))], ()
    )
    assert [item.blocked_by for item in resolved.drafts] == [(), ("a",), ("a",)]
    assert not resolved.dangling
    assert not resolved.circular


def test_what_points_nowhere_is_told_and_kept() -> None:
    resolved = resolve(
        [
            draft(
                "a", blocked_by=("x", "old"), blocks=("y",), parent="z", extra=(("relations", ["related w"]),)
            )
        ],
        ("old",),
    )
    only = resolved.drafts[0]
    assert only.blocked_by == ("old",)
    assert only.parent is None
    assert resolved.dangling == [
        Edge("a", "blockedBy", "x"),
        Edge("a", "blocks", "y"),
        Edge("a", "related", "w"),
        Edge("a", "parent", "z"),
    ]
    assert dict(only.extra)["relations"] == ["blockedBy x", "blocks y", "parent z", "related w"]


@pytest.mark.parametrize(
    ("there", "kept"),
    [
        (["b c", 0, {"a": 1}, ["x"], "b c"], [0, {"a": 1}, ["x"], "b c", "parent z"]),
        ("b c", ["b c", "parent z"]),
        ({"a": 1}, [{"a": 1}, "parent z"]),
        (0, [0, "parent z"]),
        (None, ["parent z"]),
    ],
)
def test_whatever_stood_in_that_field_stays_in_it(there: Any, kept: list[Any]) -> None:
    for relations in (True, False):
        resolved = resolve([draft("a", parent="z", extra=(("relations", there),))], (), relations=relations)
        assert dict(resolved.drafts[0].extra)["relations"] == kept


def test_a_circle_loses_one_edge_which_is_told_and_kept() -> None:
    resolved = resolve(
        [
            draft("a", blocked_by=("b",)),
            draft("b", blocked_by=("c",)),
            draft("c", blocked_by=("a",), parent="c"),
        ],
        (),
    )
    assert resolved.circular == [Edge("c", "parent", "c"), Edge("c", "blockedBy", "a")]
    assert [item.blocked_by for item in resolved.drafts] == [("b",), ("c",), ()]
    assert dict(resolved.drafts[2].extra)["relations"] == ["blockedBy a"]


def test_circles_of_parents_are_cut_too() -> None:
    resolved = resolve([draft("a", parent="b"), draft("b", parent="a")], ())
    assert resolved.circular == [Edge("b", "parent", "a")]
    assert [item.parent for item in resolved.drafts] == ["b", None]


def test_a_deleted_task_closes_no_circle() -> None:
    resolved = resolve([draft("a", blocked_by=("b",)), draft("b", blocked_by=("a",), status="deleted")], ())
    assert not resolved.circular


def test_a_chain_of_ten_thousand_is_no_matter_of_recursion() -> None:
    pairs = [(str(n), str(n + 1)) for n in range(10_000)]
    assert back_edges(pairs) == []
    assert back_edges([*pairs, ("10000", "0")]) == [("10000", "0")]


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from("abcdef")), unique=True))
def test_what_is_left_has_no_circle_and_every_cut_was_needed(pairs: list[tuple[str, str]]) -> None:
    cut = back_edges(pairs)
    left = [pair for pair in pairs if pair not in cut]
    assert not is_circular(left)
    assert all(is_circular([*left, pair]) for pair in cut)


def is_circular(pairs: list[tuple[str, str]]) -> bool:
    """The naive way: take away what waits for nothing until nothing goes any more."""
    while True:
        waiting = {tail for tail, _ in pairs}
        less = [(tail, head) for tail, head in pairs if head in waiting]
        if len(less) == len(pairs):
            return bool(pairs)
        pairs = less
