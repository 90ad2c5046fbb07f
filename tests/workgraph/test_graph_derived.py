from __future__ import annotations

import marshal
import subprocess
import sys

from hypothesis import given

from gittasks.workgraph.graph import Derived, derive, is_ready, ready_key
from gittasks.workgraph.record import COMPLETED, DELETED, IN_PROGRESS, PENDING, Row
from tests.workgraph.graphs import chain, graphs, naive_closure, naive_edges, task

OPEN = (PENDING, IN_PROGRESS)


def naive_derive(rows: list[Row]) -> Derived:
    """The same answers, straight from their definitions."""
    known = {row.id for row in rows}
    still_open = {row.id for row in rows if row.status in OPEN}
    edges = naive_edges(rows)
    blocking = {(w, b) for w, b in edges if w in still_open and (b in still_open or b not in known)}
    cyclic = {w for w, b in naive_closure(blocking) if w == b}

    def depth(blocker: int) -> int:
        waiters = [w for w, b in blocking if b == blocker and w not in cyclic]
        return 1 + max(map(depth, waiters)) if waiters else 0

    def group(pairs: set[tuple[int, int]]) -> dict[int, tuple[int, ...]]:
        return {key: tuple(sorted(v for k, v in pairs if k == key)) for key, _ in pairs}

    return Derived(
        blocks=group({(b, w) for w, b in edges if b in known}),
        open_blockers=group(blocking),
        unlocks={task: depth(task) for task in known if depth(task)},
        cyclic=tuple(sorted(cyclic)),
        missing=group({(w, b) for w, b in edges if b not in known}),
    )


@given(graphs())
def test_derive_agrees_with_the_definitions(rows: list[Row]) -> None:
    assert derive(rows) == naive_derive(rows)


@given(graphs())
def test_every_tuple_ascends_and_survives_marshal(rows: list[Row]) -> None:
    derived = derive(rows)
    assert marshal.loads(marshal.dumps(tuple(derived))) == tuple(derived)
    for table in (derived.blocks, derived.open_blockers, derived.missing):
        assert all(list(ids) == sorted(set(ids)) and ids for ids in table.values())


@given(graphs())
def test_ready_fails_closed(rows: list[Row]) -> None:
    derived = derive(rows)
    ready = {row.id for row in rows if is_ready(row, derived)}
    assert ready.isdisjoint(derived.cyclic)
    closed = {row.id for row in rows if row.status in (COMPLETED, DELETED)}
    for row in rows:
        assert (row.id in ready) == (
            row.status == PENDING and all(b in closed for w, b in naive_edges(rows) if w == row.id)
        )


def test_no_tasks() -> None:
    assert derive([]) == Derived({}, {}, {}, (), {})


def test_completed_and_deleted_blockers_do_not_block() -> None:
    rows = [task(1, status=COMPLETED), task(2, status=DELETED), task(3, 1, 2)]
    derived = derive(rows)
    assert derived.open_blockers == {}
    assert derived.blocks == {1: (3,), 2: (3,)}
    assert is_ready(rows[2], derived)


def test_an_unknown_blocker_blocks_and_is_named() -> None:
    derived = derive([task(1, 7)])
    assert derived == Derived({}, {1: (7,)}, {}, (), {1: (7,)})


def test_a_task_that_waits_for_itself_is_never_ready() -> None:
    rows = [task(1, 1)]
    assert derive(rows).cyclic == (1,)
    assert not is_ready(rows[0], derive(rows))


def test_an_edge_written_on_the_side_of_the_blocker_counts_once() -> None:
    derived = derive([task(2, 1), task(1, blocks=(2, 3)), task(3)])
    assert derived.blocks == {1: (2, 3)}
    assert derived.open_blockers == {2: (1,), 3: (1,)}


def test_work_behind_a_cycle_unlocks_nothing() -> None:
    # 1 <- 2 <-> 3 <- 4 <- 5: nothing can come of 1, as 2 and 3 wait for each other.
    derived = derive([task(1), task(2, 1, 3), task(3, 2), task(4, 3), task(5, 4)])
    assert derived.cyclic == (2, 3)
    assert derived.unlocks == {3: 2, 4: 1}


def test_a_chain_of_ten_thousand() -> None:
    derived = derive(chain(10_000))
    assert derived.unlocks[1] == 9_999
    assert 10_000 not in derived.unlocks


def test_a_ring_of_ten_thousand() -> None:
    derived = derive(chain(10_000, closed=True))
    assert len(derived.cyclic) == 10_000
    assert derived.unlocks == {}


def test_ready_is_sorted_by_priority_then_by_what_it_unlocks_then_by_id() -> None:
    rows = [task(1), task(2), task(3), task(4, 3), task(5)._replace(priority=0)]
    derived = derive(rows)
    ready = sorted((row for row in rows if is_ready(row, derived)), key=lambda row: ready_key(row, derived))
    assert [row.id for row in ready] == [5, 3, 1, 2]


def test_a_read_loads_neither_cycles_nor_paths() -> None:
    code = (
        "import sys; from gittasks.workgraph.graph import derive; derive([]);"
        "print([name for name in sys.modules if name.startswith('gittasks.workgraph.graph.')"
        " or name in ('typing', 're', 'heapq', 'dataclasses')])"
    )
    done = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['gittasks.workgraph.graph.derived']"
