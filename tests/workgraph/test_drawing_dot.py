from __future__ import annotations

import html
import re
import shutil
import subprocess
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings

from gittasks.base.text import printable, shorten
from gittasks.workgraph.drawing import dot
from gittasks.workgraph.record import Row
from tests.workgraph.graphs import graphs, task
from tests.workgraph.hostile import FRAGMENTS, hostile_text
from tests.workgraph.test_drawing_picture import picture_of

STRING = r'"(?:[^"\\]|\\["\\])*"'


def drawn(rows: list[Row]) -> str:
    return dot.draw(picture_of(rows))


def shown(string: str) -> str:
    """What Graphviz shows for a quoted string."""
    return html.unescape(re.sub(r'\\(["\\])', r"\1", string[1:-1]))


def test_a_graph() -> None:
    assert drawn([task(1), task(2, 1, parent=1), task(3, 3), task(4, 3)]).split("\n")[4:] == [
        '  1 [label="#1 Task 1" tooltip="#1 Task 1 (ready)" color="#1a7f37" fillcolor="#dafbe1"'
        ' color="#bc4c00" penwidth=3]',
        '  2 [label="#2 Task 2" tooltip="#2 Task 2 (waiting)" color="#8c959f" fillcolor="#f6f8fa"'
        ' color="#bc4c00" penwidth=3]',
        '  3 [label="#3 Task 3" tooltip="#3 Task 3 (waiting)" color="#8c959f" fillcolor="#f6f8fa"'
        ' color="#cf222e" penwidth=3]',
        '  4 [label="#4 Task 4" tooltip="#4 Task 4 (waiting)" color="#8c959f" fillcolor="#f6f8fa"]',
        '  1 -> 2 [color="#bc4c00" penwidth=3]',
        '  3 -> 3 [color="#cf222e" penwidth=3]',
        "  3 -> 4",
        "  1 -> 2 [style=dotted arrowhead=none]",
        "}",
    ]


@given(hostile_text)
def test_a_label_shows_what_was_written_and_changes_nothing_else(text: str) -> None:
    lines = drawn([task(1)._replace(subject=text), task(2, 1)]).split("\n")
    assert len(lines) == 8
    found = re.fullmatch(rf"  1 \[label=({STRING}) tooltip=({STRING}) [a-z0-9=\"# ]*\]", lines[4])
    assert found
    assert shown(found[1]) == printable(f"#1 {shorten(text, dot.MAX_LABEL)}")
    assert shown(found[2]) == printable(f"#1 {text} (ready)")


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
def test_graphviz_reads_it_and_shows_the_subjects() -> None:
    rows = [task(number, number - 1) for number in range(2, len(FRAGMENTS) + 2)]
    rows = [row._replace(subject=f"a{text}z") for row, text in zip(rows, FRAGMENTS, strict=True)]
    done = subprocess.run(("dot", "-Tsvg"), input=drawn(rows).encode(), capture_output=True, check=True)
    assert done.stderr == b""
    texts = {
        "".join(text.itertext())
        for text in ElementTree.fromstring(done.stdout).iter()
        if text.tag.endswith("text")
    }
    wanted = {printable(f"#{row.id} {row.subject}") for row in rows}
    assert {text.replace("\u00a0", " ") for text in texts} >= {text.replace("\u00a0", " ") for text in wanted}


@pytest.mark.skipif(shutil.which("dot") is None, reason="Graphviz is not installed")
@settings(max_examples=5)
@given(graphs())
def test_graphviz_reads_every_picture(rows: list[Row]) -> None:
    done = subprocess.run(("dot", "-Tcanon"), input=drawn(rows).encode(), capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
