from __future__ import annotations

import re
from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from gittasks.workgraph.drawing import lettering, scene, svg
from gittasks.workgraph.drawing.scene import HEIGHT, WIDTH
from gittasks.workgraph.record import IN_PROGRESS, Row
from tests.workgraph.graphs import chain, graphs, task
from tests.workgraph.hostile import hostile_text
from tests.workgraph.test_drawing_picture import picture_of

NS = "{http://www.w3.org/2000/svg}"


def drawn(rows: list[Row]) -> ElementTree.Element:
    return ElementTree.fromstring(svg.draw(picture_of(rows, closed=True)))


def boxes(root: ElementTree.Element) -> list[ElementTree.Element]:
    return [group for group in root.iter(f"{NS}g") if group.find(f"{NS}title") is not None]


def text_of(element: ElementTree.Element) -> list[str]:
    return ["".join(text.itertext()) for text in element.iter(f"{NS}text")]


def arrows(root: ElementTree.Element) -> list[str]:
    return [path.get("class", "") for path in root.iter(f"{NS}path") if path.get("marker-end")]


def test_a_box_says_what_a_reader_needs() -> None:
    row = task(12, parent=3, status=IN_PROGRESS)._replace(subject="Replace the cookie", owner="alice")
    (box,) = boxes(drawn([row]))
    assert text_of(box) == ["#12 part of #3", "alice · in progress", "Replace the cookie"]
    assert box.findtext(f"{NS}title") == "#12 Replace the cookie (in progress, alice, part of #3)"
    assert box.get("class") == "in_progress"


def test_long_subjects_are_cut_and_whole_in_the_tooltip() -> None:
    subject = "word " * 99 + "end"
    (box,) = boxes(drawn([task(1)._replace(subject=subject)]))
    lines = text_of(box)[2:]
    assert len(lines) == 2
    assert lines[1].endswith("…")
    assert all(lettering.width_em(line) * 13 <= WIDTH - 34 for line in lines)
    assert subject in (box.findtext(f"{NS}title") or "")


def test_marks_and_legend() -> None:
    root = drawn([task(1), task(2, 1), task(3, 4), task(4, 3), task(5, 9), task(6, 6), task(7)])
    assert {box.get("class") for box in boxes(root)} == {
        "missing",
        "ready critical",
        "waiting critical",
        "waiting cyclic",
        "waiting",
        "ready",
    }
    assert sorted(arrows(root)) == [
        "line critical",
        "line cyclic",
        "line cyclic",
        "line cyclic",
        "line plain",
    ]
    words = text_of(root)[1:6]
    assert words == ["ready", "waiting", "missing", "critical path, 2 tasks", "in a cycle"]
    assert "without arrows" in text_of(root)


def test_it_stands_alone() -> None:
    text = svg.draw(
        picture_of([task(1)._replace(subject="<script>alert(1)</script> url(http://x)"), task(2, 1)])
    )
    assert "<script" not in text
    assert re.findall(r"url\(([^)]*)", text) == ["#critical", "http://x", "http://x"]
    assert text.count("http://www.w3.org/2000/svg") == 1
    assert not re.search(r"@import|xlink|href|<foreignObject|<image|on\w+=", text)
    assert "@media (prefers-color-scheme:dark){" in text


@given(hostile_text)
def test_it_is_well_formed_whatever_people_write(text: str) -> None:
    rows = [task(1)._replace(subject=text, owner=text or None), task(2, 1)._replace(subject=text)]
    document = svg.draw(picture_of(rows), title=text)
    root = ElementTree.fromstring(document)
    assert len(boxes(root)) == 2
    assert all(char.isprintable() or char in "\n\u200d\u00a0" for char in document)
    assert {element.tag.removeprefix(NS) for element in root.iter()} <= {
        *("svg", "title", "style", "defs", "marker", "path", "rect", "text", "tspan", "g")
    }


@settings(max_examples=40)
@given(graphs())
def test_boxes_never_overlap_and_lines_end_at_them(rows: list[Row]) -> None:
    picture = picture_of(rows, closed=True)
    drawing = scene.build(picture)
    assert set(drawing.boxes) == {node.id for node in picture.nodes}
    assert set(drawing.lines) == {edge for edge in picture.edges if edge[0] != edge[1]}
    placed = list(drawing.boxes.values())
    for number, (x, y) in enumerate(placed):
        assert 0 <= x <= drawing.width - WIDTH
        assert -0.001 <= y <= drawing.height - HEIGHT + 0.001
        for other_x, other_y in placed[number + 1 :]:
            assert abs(x - other_x) >= WIDTH or abs(y - other_y) >= HEIGHT
    for (tail, head), way in drawing.lines.items():
        sides = ((WIDTH, 0.0) if way[0][0] <= way[-1][0] else (0.0, WIDTH)) if tail != head else ()
        for task_id, point, side in zip((tail, head), (way[0], way[-1]), sides, strict=True):
            left, top = drawing.boxes[task_id]
            assert point == pytest.approx((left + side, top + HEIGHT / 2))
        assert len(way) % 2 == 0


def test_lines_run_between_boxes_not_through_them() -> None:
    # 1 -> 2 -> 3 -> 4 and a long arrow 5 -> 4 that passes the columns of 2 and 3.
    rows = [task(1), task(2, 1), task(3, 2, 6), task(4, 3), task(5, 1), task(6, 5), task(7, 6, 2)]
    drawing = scene.build(picture_of(rows))
    for way in drawing.lines.values():
        for (x, y), (to_x, _) in list(pairwise(way))[1::2]:
            for left, top in drawing.boxes.values():
                assert not (left < to_x and x < left + WIDTH and top < y < top + HEIGHT)


def test_the_critical_path_is_straight() -> None:
    rows = [*chain(5), task(6, 1), task(7, 1), task(8, 2), task(9, 7, 8), task(10, 9)]
    drawing = scene.build(picture_of(rows))
    tops = [drawing.boxes[number][1] for number in range(1, 6)]
    assert max(tops) - min(tops) < 1


def test_unlinked_tasks_stand_in_a_grid_behind_their_parents() -> None:
    rows = [task(1), task(2), task(3, parent=1), *(task(number) for number in range(4, 9))]
    drawing = scene.build(picture_of(rows))
    places = sorted(drawing.boxes, key=lambda number: drawing.boxes[number][::-1])
    assert places == [1, 3, 2, 4, 5, 6, 7, 8]
    assert drawing.loose_top is None
    assert len({y for _, y in drawing.boxes.values()}) == 2


def test_no_tasks_and_one_task() -> None:
    assert boxes(drawn([])) == []
    root = drawn([task(1)])
    assert len(boxes(root)) == 1
    assert float(root.get("width", "0")) < 500


@pytest.mark.long
@pytest.mark.parametrize(
    "rows", [chain(2_000), chain(2_000, closed=True), [task(1), *(task(n, 1) for n in range(2, 2_000))]]
)
def test_large_and_odd_shapes_come_out_whole(rows: list[Row]) -> None:
    assert len(boxes(drawn(rows))) == len(rows)


def test_text_is_measured_wide_characters_too() -> None:
    assert lettering.width_em("日本") > 2 * lettering.width_em("ab") - 0.3
    assert lettering.width_em("e\u0301") == lettering.width_em("e")
    assert lettering.fit("short", 10) == "short"
    assert lettering.fit("日本語日本語", 3.5) == "日本…"
    assert lettering.wrap("one two three fourteen", 5.0, 2) == ["one two", "three fo…"]
    assert lettering.wrap("", 5.0, 2) == []
    assert "".join(lettering.wrap("x" * 30, 5.0, 9)) == "x" * 30
