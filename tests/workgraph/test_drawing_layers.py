from __future__ import annotations

from itertools import combinations, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.drawing.layers import Layers, arrange, count_crossings
from gittasks.workgraph.drawing.placement import place, settle

Edge = tuple[int, int]


@st.composite
def acyclic(draw: st.DrawFn) -> tuple[int, list[Edge]]:
    count = draw(st.integers(1, 10))
    pairs = list(combinations(range(count), 2))
    edges = draw(st.lists(st.sampled_from(pairs), max_size=15, unique=True)) if pairs else []
    return count, sorted(edges)


def naive_crossings(layers: Layers) -> int:
    at = {item: number for column in layers.columns for number, item in enumerate(column)}
    return sum(
        (at[a] - at[c]) * (at[b] - at[d]) < 0
        for links in layers.links
        for (a, b), (c, d) in combinations(links, 2)
    )


@given(acyclic())
def test_columns_and_ways_hold_together(graph: tuple[int, list[Edge]]) -> None:
    count, edges = graph
    layers = arrange(count, edges)
    column_of = {item: number for number, column in enumerate(layers.columns) for item in column}
    assert len(column_of) == sum(map(len, layers.columns))
    assert set(range(count)) <= set(column_of)
    assert set(layers.ways) == set(edges)
    for (tail, head), way in layers.ways.items():
        assert (way[0], way[-1]) == (tail, head)
        assert all(item >= count for item in way[1:-1])
        for left, right in pairwise(way):
            assert (left, right) in layers.links[column_of[left]]
            assert column_of[right] == column_of[left] + 1
    assert all(len(links) == len(set(links)) for links in layers.links)


@given(acyclic())
def test_crossings_are_counted_right(graph: tuple[int, list[Edge]]) -> None:
    layers = arrange(*graph)
    assert count_crossings(layers) == naive_crossings(layers)


def test_trees_are_drawn_without_a_crossing() -> None:
    assert count_crossings(arrange(7, [(0, 5), (0, 6), (1, 3), (1, 4)])) == 0
    assert count_crossings(arrange(7, [(0, 1), (0, 2), (1, 5), (1, 6), (2, 3), (2, 4)])) == 0


def test_a_tangle_is_untangled() -> None:
    # Three ladders whose rungs were dealt out in turn.
    edges = [(0, 5), (1, 3), (2, 4), (3, 8), (4, 6), (5, 7), (1, 4), (2, 5), (4, 8), (5, 6)]
    assert count_crossings(arrange(9, sorted(edges))) <= 2


def test_what_nothing_leads_to_stands_right_before_what_it_leads_to() -> None:
    layers = arrange(5, [(0, 2), (2, 3), (3, 4), (1, 4)])
    assert [sorted(column) for column in layers.columns] == [[0], [2], [1, 3], [4]]


def test_lines_from_one_task_share_their_bends() -> None:
    layers = arrange(6, [(0, 1), (0, 4), (0, 5), (1, 2), (2, 3), (3, 4), (4, 5)])
    assert layers.ways[0, 4][:-1] == layers.ways[0, 5][:4]
    assert sum(map(len, layers.columns)) == 6 + 4


def test_lines_beyond_the_budget_run_straight() -> None:
    edges = [*pairwise(range(101)), *((number, 100) for number in range(99))]
    layers = arrange(101, sorted(edges))
    assert sum(map(len, layers.columns)) <= 7 * 101
    assert layers.ways[0, 100] == [0, 100]


@given(acyclic())
def test_nothing_stands_on_anything_else(graph: tuple[int, list[Edge]]) -> None:
    layers = arrange(*graph)
    middles = place(layers, height=60, gap=10, bend_gap=5, main={0})
    for column in layers.columns:
        for upper, lower in pairwise(column):
            tasks = (upper < layers.size) + (lower < layers.size)
            assert middles[lower] - middles[upper] >= {2: 70, 1: 35, 0: 5}[tasks] - 1e-6
    assert min(middles[item] - (30 if item < layers.size else 0) for item in middles) == pytest.approx(0)


@given(
    st.lists(st.tuples(st.floats(-50, 50), st.floats(0.1, 9)), min_size=1, max_size=6),
    st.lists(st.floats(0, 20), min_size=5, max_size=5),
    st.lists(st.floats(-60, 160), min_size=6, max_size=6),
)
def test_settled_places_are_the_closest_allowed_ones(
    items: list[tuple[float, float]], room: list[float], guess: list[float]
) -> None:
    wanted, weights = [place for place, _ in items], [weight for _, weight in items]
    room = room[: len(items) - 1]

    def cost(places: list[float]) -> float:
        return sum(w * (at - want) ** 2 for at, want, w in zip(places, wanted, weights, strict=True))

    settled = settle(wanted, weights, room)
    assert all(b - a >= space - 1e-9 for (a, b), space in zip(pairwise(settled), room, strict=True))
    allowed = [guess[0]]
    for at, space in zip(guess[1:], room, strict=False):
        allowed.append(max(at, allowed[-1] + space))
    assert cost(settled) <= cost(allowed) + 1e-6
    # Convexity: a step from the answer towards any allowed places costs more.
    nearer = [0.99 * a + 0.01 * b for a, b in zip(settled, allowed, strict=True)]
    assert cost(settled) <= cost(nearer) + 1e-9
