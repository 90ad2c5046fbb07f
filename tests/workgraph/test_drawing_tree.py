from __future__ import annotations

import re

from hypothesis import given

from gittasks.workgraph.drawing import tree
from gittasks.workgraph.drawing.picture import compose
from gittasks.workgraph.graph import derive
from gittasks.workgraph.record import COMPLETED, IN_PROGRESS, Row, TaskId
from tests.workgraph.graphs import chain, graphs, task
from tests.workgraph.hostile import hostile_text
from tests.workgraph.test_drawing_picture import picture_of


def drawn(rows: list[Row], **options: bool) -> list[str]:
    return tree.draw(picture_of(rows, **options)).split("\n")


def test_a_tree_reads_from_what_can_be_done_now() -> None:
    rows = [
        task(1, status=IN_PROGRESS)._replace(owner="alice"),
        task(2, 1),
        task(3, 1),
        task(4, 2, 3),
        task(5, 4),
        task(6),
    ]
    assert drawn(rows) == [
        "◐ #1 Task 1  @alice",
        "╞═ · #2 Task 2",
        "│  ╘═ · #4 Task 4",
        "│     ╘═ · #5 Task 5",
        "└─ · #3 Task 3",
        "   └─ → #4, below #2",
        "",
        "○ #6 Task 6",
        "",
        "○ ready  ◐ in progress  · waiting",
        "═ critical path, 4 tasks: #1 #2 #4 #5",
    ]


def test_a_task_stands_where_it_is_furthest_in() -> None:
    rows = [task(1), task(2, 1), task(3, 2), task(4), task(5, 3, 4), task(6, status=COMPLETED), task(7, 6, 1)]
    assert drawn(rows, closed=True)[:9] == [
        "○ #1 Task 1",
        "╞═ · #2 Task 2",
        "│  ╘═ · #3 Task 3",
        "│     ╘═ · #5 Task 5",
        "└─ · #7 Task 7",
        "○ #4 Task 4",
        "└─ → #5, below #3",
        "✓ #6 Task 6",
        "└─ → #7, below #1",
    ]


def test_one_step_further_in_is_enough() -> None:
    # The chain from 10 on is the critical path, so that nothing else decides where 4 stands.
    rows = [task(1), task(2), task(3, 2), task(4, 1, 3), *(task(n, n - 1) for n in range(11, 15)), task(10)]
    assert drawn(rows)[:5] == [
        "○ #1 Task 1",
        "└─ → #4, below #3",
        "○ #2 Task 2",
        "└─ · #3 Task 3",
        "   └─ · #4 Task 4",
    ]


def test_parts_stand_below_their_parent() -> None:
    rows = [task(1), task(2, parent=1), task(3, 2, parent=1), task(4, parent=8)]
    assert drawn(rows)[:5] == [
        "○ #1 Task 1",
        "└╌ ○ #2 Task 2",
        "   ╘═ · #3 Task 3",
        "",
        "○ #4 Task 4  part of #8",
    ]


def test_a_parent_that_waits_for_its_parts_stands_below_them() -> None:
    assert drawn([task(1, 2), task(2, parent=1)])[:2] == ["○ #2 Task 2  part of #1", "╘═ · #1 Task 1"]


def test_cycles_and_missing_blockers_are_plain_to_see() -> None:
    assert drawn([task(1, 2), task(2, 1), task(3, 3), task(4, 9)]) == [
        "↻ #1 Task 1",
        "└─ ↻ #2 Task 2",
        "   └─ → #1, at the left",
        "? #9 no readable task has this id",
        "└─ · #4 Task 4",
        "",
        "↻ #3 Task 3",
        "",
        "· waiting  ? missing  ↻ in a cycle",
    ]


def test_nothing_to_draw() -> None:
    assert drawn([]) == [""]


def test_lines_fit_the_width() -> None:
    rows = [row._replace(subject="word " * 80, owner="alice") for row in chain(4)]
    lines = tree.draw(picture_of(rows), width=60).split("\n")
    assert [len(line) for line in lines[:4]] == [60] * 4
    assert lines[0].endswith("…  @alice")


@given(graphs())
def test_every_task_is_written_in_full_once_and_every_arrow_is_seen(rows: list[Row]) -> None:
    picture = picture_of(rows, closed=True)
    text = tree.draw(picture)
    full = re.findall(r"^[│├└╞╘─═╌ ]*[○◐·✓✗?↻] #(\d+) ", text, re.MULTILINE)
    assert sorted(map(int, full)) == sorted(node.id for node in picture.nodes)
    depth = {}
    arrows = set()
    above: list[int] = []
    for line in text.split("\n"):
        if found := re.match(r"([│├└╞╘─═╌ ]*)(.) #(\d+)", line):
            level, number = len(found[1]) // 3, int(found[3])
            if level and "╌" not in found[1]:
                arrows.add((above[level - 1], number))
            if found[2] != "→":
                above[level:] = [number]
                depth[number] = level
    assert arrows == {edge for edge in picture.edges if edge[0] != edge[1]}


@given(hostile_text)
def test_no_subject_or_owner_breaks_a_line(text: str) -> None:
    lines = drawn([task(1)._replace(subject=text, owner=text or None), task(2, 1)])
    assert len(lines) == 5
    assert all(char.isprintable() or char in "\u200d\u00a0" for line in lines for char in line)


def test_ten_thousand_deep_stays_narrow() -> None:
    rows = chain(10_000)
    lines = tree.draw(picture_of(rows)).split("\n")
    assert max(map(len, lines)) < 200
    assert lines[16:18] == ["   " * 15 + "╘═ → #17, further down", "· #17 Task 17  below #16"]
    assert sum("Task" in line for line in lines) == 10_000


def test_drawings_depend_on_nothing_but_the_tasks() -> None:
    rows = [task(1), task(2, 1), task(3, 1), task(4, 2, 3)]
    assert drawn(rows[::-1]) == drawn(rows)
    assert derive(rows[::-1]) == derive(rows)


def test_a_task_in_a_cycle_that_waits_for_its_parent_keeps_that_arrow() -> None:
    blockers = {2: (1,), 3: (1, 4), 4: (2, 3)}
    rows = [Row(TaskId(1)), *(Row(TaskId(n), blocked_by=tuple(map(TaskId, blockers[n]))) for n in blockers)]
    rows[2] = rows[2]._replace(parent=TaskId(4))
    text = tree.draw(compose(rows, derive(rows)))
    assert "└─ ↻ #3" in text
