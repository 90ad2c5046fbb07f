from __future__ import annotations

import json

from hypothesis import given

from gittasks.workgraph.drawing.picture import MISSING, Picture, compose
from gittasks.workgraph.graph import derive
from gittasks.workgraph.record import COMPLETED, DELETED, IN_PROGRESS, Row
from tests.workgraph.graphs import chain, graphs, naive_closure, naive_edges, task


def picture_of(
    rows: list[Row], *, focus: int | None = None, closed: bool = False, critical_only: bool = False
) -> Picture:
    return compose(rows, derive(rows), focus=focus, closed=closed, critical_only=critical_only)


def ids(picture: Picture) -> list[int]:
    return [node.id for node in picture.nodes]


def states(picture: Picture) -> dict[int, str]:
    return {node.id: node.state for node in picture.nodes}


@given(graphs())
def test_a_picture_holds_together(rows: list[Row]) -> None:
    picture = picture_of(rows)
    known = {row.id: row for row in rows}
    shown = [task for task in ids(picture) if task in known]
    assert sorted(shown) == sorted(row.id for row in rows if row.status not in (COMPLETED, DELETED))
    assert len(set(ids(picture))) == len(picture.nodes)
    every = {(b, w) for w, b in naive_edges(rows) if w in shown and (b in shown or b not in known)}
    assert set(picture.edges) | set(picture.implied) == every
    assert set(picture.edges).isdisjoint(picture.implied)
    inner = {edge for edge in every if edge[0] in known}
    closure = naive_closure(inner)
    assert naive_closure({edge for edge in picture.edges if edge[0] in known}) == closure
    assert picture.circular == {(b, w) for b, w in inner if (w, b) in closure}
    assert {task for cycle in picture.cycles for task in cycle} <= {n.id for n in picture.nodes if n.cyclic}
    place = {node.id: number for number, node in enumerate(picture.nodes)}
    assert all(place[b] < place[w] for b, w in every - picture.circular)


@given(graphs())
def test_everything_around_a_task_is_shown(rows: list[Row]) -> None:
    for focus in rows:
        picture = picture_of(rows, focus=focus.id, closed=True)
        living = {row.id for row in rows if row.status != DELETED} | {focus.id}
        parts = {(row.parent, row.id) for row in rows if row.parent and row.id in living}
        family = {focus.id} | {b for a, b in naive_closure({(a, b) for a, b in parts if a}) if a == focus.id}
        edges = naive_closure(naive_edges(rows))
        around = family | {b for w, b in edges if w in family} | {w for w, b in edges if b in family}
        assert {task for task, state in states(picture).items() if state != MISSING} == around & living


def test_only_open_tasks_by_default() -> None:
    rows = [task(1, status=COMPLETED), task(2, 1), task(3, status=DELETED), task(4, status=IN_PROGRESS)]
    assert states(picture_of(rows)) == {2: "ready", 4: "in_progress"}
    assert states(picture_of(rows, closed=True)) == {1: "completed", 2: "ready", 4: "in_progress"}


def test_the_ways_from_a_task_end_at_completed_ones() -> None:
    rows = [task(1, status=COMPLETED), task(2, 1, status=COMPLETED), task(3, 2), task(4, 3), task(5)]
    assert ids(picture_of(rows, focus=3)) == [2, 3, 4]
    assert ids(picture_of(rows, focus=2)) == [1, 2, 3, 4]
    assert ids(picture_of(rows, focus=3, closed=True)) == [1, 2, 3, 4]


def test_a_task_is_shown_with_its_parts_and_what_they_wait_for() -> None:
    rows = [task(1), task(2, parent=1), task(3, 4, parent=2), task(4), task(5, parent=9)]
    assert ids(picture_of(rows, focus=1)) == [1, 2, 4, 3]
    assert picture_of(rows, focus=1).parts == [(1, 2), (2, 3)]


def test_a_deleted_task_is_shown_when_it_is_asked_for() -> None:
    rows = [task(1), task(2, 1, status=DELETED), task(3, 2)]
    assert states(picture_of(rows, focus=2))[2] == "deleted"


def test_a_missing_blocker_is_a_node_of_its_own() -> None:
    picture = picture_of([task(2, 9), task(3, 9, status=COMPLETED)], closed=True)
    assert states(picture) == {9: MISSING, 2: "waiting", 3: "completed"}
    assert picture.edges == ((9, 2),)


def test_only_the_critical_path() -> None:
    picture = picture_of([*chain(3), task(4, 1), task(5)], critical_only=True)
    assert (ids(picture), picture.critical) == ([1, 2, 3], (1, 2, 3))
    assert picture_of([task(1), task(2)], critical_only=True).nodes == ()


def test_the_critical_path_is_drawn_even_where_completed_work_implies_it() -> None:
    rows = [task(1), task(2, 1, status=COMPLETED), task(3, 1, 2)]
    assert (1, 3) in picture_of(rows, closed=True).edges


def test_marks() -> None:
    picture = picture_of([task(1), task(2, 1), task(3, 4), task(4, 3), task(5, 5)])
    assert [node.id for node in picture.nodes if node.critical] == [1, 2]
    assert [node.id for node in picture.nodes if node.cyclic] == [3, 4, 5]
    assert picture.cycles == ((3, 4, 3), (5, 5))


def test_json() -> None:
    rows = [task(1), task(2, 1), task(3, 1, 2, 9)]
    document = picture_of(rows).as_json()
    assert json.loads(json.dumps(document)) == document
    assert document["nodes"][0] == {
        "id": 9,
        "subject": "",
        "status": None,
        "owner": None,
        "parent": None,
        "priority": None,
        "ready": False,
        "missing": True,
        "critical": False,
        "cyclic": False,
    }
    assert [(n["id"], n["status"], n["ready"]) for n in document["nodes"][1:]] == [
        (1, "pending", True),
        (2, "pending", False),
        (3, "pending", False),
    ]
    assert document["edges"] == [
        {"from": 1, "to": 2, "implied": False},
        {"from": 1, "to": 3, "implied": True},
        {"from": 2, "to": 3, "implied": False},
        {"from": 9, "to": 3, "implied": False},
    ]
    assert document["criticalPath"] == [1, 2, 3]
    assert document["cycles"] == []
