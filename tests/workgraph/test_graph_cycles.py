from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.graph.cycles import (
    find_cycle,
    find_cycles,
    find_parent_cycle,
    find_parent_cycles,
)
from gittasks.workgraph.record import COMPLETED, DELETED, PENDING, Row
from tests.workgraph.graphs import IDS, MISSING, chain, graphs, naive_closure, naive_edges, task

Pairs = list[tuple[int, int]]
new_edges: st.SearchStrategy[Pairs] = st.lists(
    st.tuples(st.sampled_from(IDS), st.sampled_from((*IDS, *MISSING))), max_size=3
)


def distance(edges: set[tuple[int, int]], start: int, goal: int) -> int:
    """Steps from `start` to `goal`, which can be reached."""
    steps, reached = 0, {start}
    while goal not in reached or steps == 0:
        steps, reached = steps + 1, {b for a, b in edges if a in reached}
    return steps


def is_printable(cycle: tuple[int, ...], edges: set[tuple[int, int]]) -> bool:
    """Whether it goes along edges from its smallest task back to it, through each other one once."""
    body = cycle[:-1]
    return (
        cycle[0] == cycle[-1] == min(cycle)
        and len(set(body)) == len(body)
        and all(step in edges for step in itertools.pairwise(cycle))
    )


@given(graphs(), new_edges)
def test_the_first_edge_that_closes_a_cycle_is_found_with_its_shortest_one(
    rows: list[Row], new: Pairs
) -> None:
    deleted = {row.id for row in rows if row.status == DELETED}
    new = [edge for edge in new if deleted.isdisjoint(edge)]
    edges = naive_edges(rows) | set(new)
    closure = naive_closure(edges)
    closing = [(w, b) for w, b in new if w == b or (b, w) in closure]
    cycle = find_cycle(rows, new)
    if not closing:
        assert cycle is None
        return
    assert cycle is not None
    assert is_printable(cycle, edges)
    waiter, blocker = closing[0]
    steps = set(itertools.pairwise(cycle))
    assert closing[0] in steps
    assert len(steps) == (1 if waiter == blocker else 1 + distance(edges, blocker, waiter))


@given(graphs())
def test_every_circle_is_reported_once(rows: list[Row]) -> None:
    edges = naive_edges(rows)
    closure = naive_closure(edges)
    circles = {frozenset(b for a, b in closure if a == task and (b, a) in closure) for task in IDS}
    circles = {circle for circle in circles if circle}
    found = find_cycles(rows)
    assert [cycle[0] for cycle in found] == sorted(min(circle) for circle in circles)
    assert all(is_printable(cycle, edges) for cycle in found)
    assert all(any(circle.issuperset(cycle) for circle in circles) for cycle in found)


@given(graphs())
def test_every_circle_of_parents_is_reported_once(rows: list[Row]) -> None:
    edges: set[tuple[int, int]] = {
        (row.id, row.parent) for row in rows if row.parent is not None and row.status != DELETED
    }
    on_circles = {a for a, b in naive_closure(edges) if a == b}
    found = find_parent_cycles(rows)
    assert all(is_printable(cycle, edges) for cycle in found)
    assert {task for cycle in found for task in cycle} == on_circles
    assert sum(len(cycle) - 1 for cycle in found) == len(on_circles)


@given(graphs(), st.sampled_from(IDS), st.sampled_from(IDS))
def test_a_new_parent_takes_the_place_of_the_old_one(rows: list[Row], child: int, parent: int) -> None:
    deleted = {row.id for row in rows if row.status == DELETED}
    edges: dict[int, int | None] = {row.id: row.parent for row in rows if row.status != DELETED}
    cycle = find_parent_cycle(rows, [(child, parent)])
    trail = [parent]
    edges[child] = None
    while (above := edges.get(trail[-1])) is not None and above not in trail:
        trail.append(above)
    assert (cycle is not None) == (child in trail and child not in deleted)
    if cycle is not None:
        assert set(cycle) == set(trail)


def test_the_cycle_is_what_a_person_needs_to_see() -> None:
    assert find_cycle([task(4), task(7, 4), task(9, 7)], [(4, 9)]) == (4, 9, 7, 4)


def test_a_task_that_would_wait_for_itself() -> None:
    assert find_cycle([task(4)], [(4, 4)]) == (4, 4)


def test_the_shortest_way_round_is_named() -> None:
    rows = [task(1), task(2, 1), task(3, 2), task(4, 3, 1)]
    assert find_cycle(rows, [(1, 4)]) == (1, 4, 1)


def test_tasks_about_to_be_added_count() -> None:
    assert find_cycle([task(1), task(2, 1)], [(9, 2), (1, 9)]) == (1, 9, 2, 1)


def test_completed_tasks_count_and_deleted_ones_do_not() -> None:
    def rows(status: str) -> list[Row]:
        return [task(1), task(2, 1, status=status), task(3, 2)]

    assert find_cycle(rows(COMPLETED), [(1, 3)]) == (1, 3, 2, 1)
    assert find_cycle(rows(DELETED), [(1, 3)]) is None
    assert find_cycle([task(1), task(2, 1, status=DELETED)], [(1, 2)]) is None


def test_an_old_cycle_elsewhere_is_not_the_new_edges_fault() -> None:
    rows = [task(1, 2), task(2, 1), task(3), task(4)]
    assert find_cycle(rows, [(4, 3)]) is None
    assert find_cycle(rows, [(3, 1)]) is None
    assert find_cycles(rows) == ((1, 2, 1),)


def test_edges_on_the_wrong_side_close_cycles_too() -> None:
    assert find_cycles([task(1, 2, blocks=(2,)), task(2)]) == ((1, 2, 1),)


def test_ten_thousand_deep() -> None:
    rows = chain(10_000)
    assert find_cycle(rows, [(10_000, 1)]) is None
    cycle = find_cycle(rows, [(1, 10_000)])
    assert cycle is not None
    assert len(cycle) == 10_001
    assert len(find_cycles(chain(10_000, closed=True))[0]) == 10_001


def test_a_thousand_new_edges_into_a_deep_graph() -> None:
    new = [(number, 1) for number in range(5_000, 6_000)]
    assert find_cycle(chain(10_000), new) is None


def test_a_circle_of_parents_is_found() -> None:
    rows = [task(1, parent=2), task(2, parent=3), task(3, status=PENDING)]
    assert find_parent_cycle(rows, [(3, 1)]) == (1, 2, 3, 1)
    assert find_parent_cycle(rows, [(1, 3)]) is None
    assert find_parent_cycle(rows, [(1, 1)]) == (1, 1)
