from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.graph import derive
from gittasks.workgraph.graph.derived import turn, waits_for
from gittasks.workgraph.graph.paths import (
    critical_path,
    reachable,
    topological_order,
    transitive_reduction,
)
from gittasks.workgraph.record import COMPLETED, IN_PROGRESS, PENDING, Row
from tests.workgraph.graphs import IDS, chain, graphs, naive_closure, naive_edges, task


def inner_edges(rows: list[Row]) -> set[tuple[int, int]]:
    known = {row.id for row in rows}
    return {edge for edge in naive_edges(rows) if edge[1] in known}


@given(graphs(acyclic=True))
def test_the_order_is_the_smallest_that_puts_blockers_first(rows: list[Row]) -> None:
    edges = inner_edges(rows)
    left: set[int] = {row.id for row in rows}
    naive: list[int] = []
    while left:
        naive.append(min(t for t in left if not any(w == t and b in left for w, b in edges)))
        left.remove(naive[-1])
    assert topological_order(rows) == naive


@given(graphs())
def test_cycles_stand_together_in_the_order(rows: list[Row]) -> None:
    order = topological_order(rows)
    assert sorted(order) == sorted(row.id for row in rows)
    closure = naive_closure(inner_edges(rows))
    for waiter, blocker in inner_edges(rows):
        if (blocker, waiter) not in closure:
            assert order.index(blocker) < order.index(waiter)
        else:
            between = order[
                min(map(order.index, (waiter, blocker))) : max(map(order.index, (waiter, blocker)))
            ]
            assert all((t, waiter) in closure and (waiter, t) in closure for t in between)


@given(graphs())
def test_the_critical_path_is_a_longest_chain(rows: list[Row]) -> None:
    derived = derive(rows)
    path = critical_path(derived)
    status: dict[int, str] = {row.id: row.status for row in rows}
    edges = naive_edges(rows)
    assert all((w, b) in edges for b, w in itertools.pairwise(path))
    assert all(status[t] in (PENDING, IN_PROGRESS) and t not in derived.cyclic for t in path)
    best = max((n for t, n in derived.unlocks.items() if t not in derived.cyclic), default=0)
    assert len(path) == (best + 1 if best else 0)


@given(graphs(acyclic=True))
def test_the_reduction_is_the_one_smallest_graph_with_the_same_ways(rows: list[Row]) -> None:
    edges = inner_edges(rows)
    closure = naive_closure(edges)
    needed = {(w, b) for w, b in edges if not any((w, v) in closure and (v, b) in closure for v in IDS)}
    assert transitive_reduction(rows) == sorted((b, w) for w, b in needed)


@given(graphs())
def test_with_cycles_the_reduction_keeps_all_ways_and_all_circles(rows: list[Row]) -> None:
    edges = inner_edges(rows)
    closure = naive_closure(edges)
    kept = {(w, b) for b, w in transitive_reduction(rows)}
    assert kept <= edges
    assert naive_closure(kept) == closure
    assert kept >= {(w, b) for w, b in edges if (b, w) in closure}


@given(graphs(), st.sets(st.sampled_from(IDS)), st.sets(st.sampled_from(IDS)))
def test_reach_agrees_with_the_closure(rows: list[Row], starts: set[int], ends: set[int]) -> None:
    edges = naive_edges(rows)
    assert reachable(waits_for(rows), starts) == starts | {b for w, b in naive_closure(edges) if w in starts}
    ending = {(w, b) for w, b in edges if w not in ends or w in starts}
    stopped = reachable(waits_for(rows), starts, ends=ends)
    assert stopped == starts | {b for w, b in naive_closure(ending) if w in starts}


def test_critical_path_takes_the_smallest_ids_among_equals() -> None:
    rows = [task(1), task(2), task(3, 1, 2), task(4, 3), task(5, 3)]
    assert critical_path(derive(rows)) == (1, 3, 4)


def test_completed_work_is_not_on_the_critical_path() -> None:
    rows = [task(1, status=COMPLETED), task(2, 1, status=IN_PROGRESS), task(3, 2)]
    assert critical_path(derive(rows)) == (2, 3)


def test_without_edges_nothing_is_critical() -> None:
    assert critical_path(derive([task(1), task(2)])) == ()


def test_a_shortcut_is_left_out_of_the_drawing() -> None:
    assert transitive_reduction([task(1), task(2, 1), task(3, 1, 2)]) == [(1, 2), (2, 3)]


def test_edges_to_tasks_that_are_not_shown_are_left_out() -> None:
    assert transitive_reduction([task(2, 1), task(3, 2)]) == [(2, 3)]


def test_reach_in_the_other_direction() -> None:
    assert reachable(turn(waits_for(chain(4))), [3]) == {3, 4}


def test_ten_thousand_deep() -> None:
    rows = chain(10_000)
    assert topological_order(rows[::-1]) == list(range(1, 10_001))
    assert critical_path(derive(rows)) == tuple(range(1, 10_001))
    assert len(transitive_reduction(rows)) == 9_999
    assert len(reachable(waits_for(rows), [10_000])) == 10_000


def test_a_ring_of_ten_thousand() -> None:
    rows = chain(10_000, closed=True)
    assert topological_order(rows[::-1]) == list(range(1, 10_001))
    assert len(transitive_reduction(rows)) == 10_000
