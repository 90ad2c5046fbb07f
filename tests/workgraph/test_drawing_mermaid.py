from __future__ import annotations

import html
import re

from hypothesis import given

from gittasks.base.text import printable, shorten
from gittasks.workgraph.drawing import mermaid
from gittasks.workgraph.record import Row
from tests.workgraph.graphs import task
from tests.workgraph.hostile import hostile_text
from tests.workgraph.test_drawing_picture import picture_of


def drawn(rows: list[Row]) -> list[str]:
    return mermaid.draw(picture_of(rows)).split("\n")


def shown(label: str) -> str:
    """What Mermaid shows for a label: `#35;` and `#quot;` are its spelling of HTML's entities."""
    return html.unescape(re.sub(r"#(\d+);", r"&#\1;", re.sub(r"#([a-z]+);", r"&\1;", label)))


def test_a_chart() -> None:
    assert drawn([task(1), task(2, 1), task(3, 4, parent=1), task(4, 3), task(5, 9)]) == [
        "flowchart LR",
        '    t9["#35;9 no readable task has this id"]',
        '    t1["#35;1 Task 1"]',
        '    t2["#35;2 Task 2"]',
        '    t3["#35;3 Task 3"]',
        '    t4["#35;4 Task 4"]',
        '    t5["#35;5 Task 5"]',
        "    t1 ==> t2",
        "    t3 --> t4",
        "    t4 --> t3",
        "    t9 --> t5",
        "    linkStyle 0 stroke:#bc4c00,stroke-width:3px",
        "    linkStyle 1,2 stroke:#cf222e,stroke-width:3px",
        "    t1 -.- t3",
        "    classDef ready fill:#dafbe1,stroke:#1a7f37,color:#1f2328",
        "    class t1 ready",
        "    classDef waiting fill:#f6f8fa,stroke:#8c959f,color:#1f2328",
        "    class t2,t3,t4,t5 waiting",
        "    classDef missing fill:#ffebe9,stroke:#cf222e,color:#82071e,stroke-dasharray:5 4",
        "    class t9 missing",
        "    classDef critical stroke:#bc4c00,stroke-width:3px",
        "    class t1,t2 critical",
        "    classDef cyclic stroke:#cf222e,stroke-width:3px",
        "    class t3,t4 cyclic",
    ]


def test_no_tasks() -> None:
    assert drawn([]) == ["flowchart LR"]


@given(hostile_text)
def test_a_label_shows_what_was_written_and_changes_nothing_else(text: str) -> None:
    plain = drawn([task(1), task(2, 1)])
    hostile = drawn([task(1)._replace(subject=text), task(2, 1)])
    assert hostile[:1] + hostile[2:] == plain[:1] + plain[2:]
    found = re.fullmatch(r'    t1\["([^"]*)"\]', hostile[1])
    assert found
    assert shown(found[1]) == printable(f"#1 {shorten(text, mermaid.MAX_LABEL)}")
    bare = re.sub(r"#(\d+|quot|lt|gt|amp);", "", found[1])
    assert not set(bare) & set('#"`<>&%:;$\\')
    assert all(char.isprintable() or char in "\u200d\u00a0" for char in bare)
