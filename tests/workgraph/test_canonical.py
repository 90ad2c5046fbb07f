"""The fast reader is right or silent: whenever it answers, the full reader gives the same task."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph import codec
from gittasks.workgraph.canonical import parse_canonical
from gittasks.workgraph.layout import layout_of_lines
from gittasks.workgraph.record import Task
from gittasks.workgraph.yamldoc import read_document
from tests.strategies import NASTY_LINES, NASTY_TEXTS, TASK_ID, Written, hand_written, mangled, tasks


def agree(data: bytes) -> bool:
    """Whether the fast reader answered; fails where the full reader answers anything else."""
    task = parse_canonical(data, TASK_ID)
    if task is None:
        return False
    document = read_document(data, "x", TASK_ID)
    assert repr(document.task) == repr(task)
    assert layout_of_lines(data.decode()) == document.layout
    return True


@given(tasks())
def test_both_readers_agree_on_what_we_write(task: Task) -> None:
    agree(codec.format_task(task))


@given(hand_written())
def test_both_readers_agree_on_what_people_write(written: Written) -> None:
    agree(written.data)


@given(mangled())
def test_both_readers_agree_on_what_is_left_of_files(data: bytes) -> None:
    agree(data)


_WORDS = st.sampled_from(
    [*NASTY_LINES, "", " ", "  ", "[]", "[a]", "{}", "|", "|2", "|-", "|+", "a", "b # c", "# c", "'a'"]
)
_STARTS = st.sampled_from(
    [
        "id: ",
        "subject: ",
        "labels:",
        "labels: ",
        "blockedBy:",
        "description: ",
        "x: ",
        "owner: ",
        "- ",
        "  - ",
        "  ",
        " ",
        "",
        "#",
    ]
)


@given(st.lists(st.tuples(_STARTS, _WORDS).map("".join), max_size=8))
def test_both_readers_agree_on_lines_at_random(lines: list[str]) -> None:
    agree(("subject: x\n" + "\n".join(lines)).encode())


@given(
    st.sampled_from(["description", "x", "subject"]),
    st.sampled_from(["|", "|-", "|+", "|2", "|2-", "|2+"]),
    st.data(),
)
def test_both_readers_agree_on_blocks(name: str, header: str, data: st.DataObject) -> None:
    lines = data.draw(
        st.lists(
            st.sampled_from(["", " ", "  ", "   ", "    ", "  a", "   b", "  # c", "# d", " e", "\tf"]),
            max_size=6,
        )
    )
    end = data.draw(st.sampled_from(["", "\n", "\nz: 1\n", "\n\n"]))
    agree((f"{name}: {header}\n" + "\n".join(lines) + end).encode())
    agree((f"subject: x\n{name}: {header}\n" + "\n".join(lines) + end).encode())


def test_both_readers_agree_on_every_nasty_text() -> None:
    for text in NASTY_TEXTS:
        extra = (("ref", text), ("refs", [text]))
        agree(codec.format_task(Task(id=TASK_ID, subject="x", description=text.rstrip("\n"), extra=extra)))


@pytest.mark.parametrize(
    "data",
    [
        b"subject: x\n",
        b"id: 12\nsubject: x\nlabels: [a, b]\nblockedBy:\n  - 3\n  # more\n  - 4 # four\n",
        b"# top\nid: 12 # twelve\n\nsubject: 'it''s'\n\ndescription: |-\n    deep\n\n    er\n\n# end",
        b'subject: "a: \\"b\\" \\\\"\nref: bd-12\nn: 3\nf: 1.5\nnothing:\nlist:\n- a\n- 1\ntext: |\n  a\n',
        "subject: Größe 日本語 👩\u200d👩\ndescription: |\n  \tcode\n".encode(),
    ],
)
def test_ordinary_files_take_the_fast_way(data: bytes) -> None:
    assert agree(data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"subject: x\r\n",
        b"\xef\xbb\xbfsubject: x\n",
        b"subject: x\nsubject: y\n",
        b"id: 13\nsubject: x\n",
        b"id: 012\nsubject: x\n",
        b"subject: x\n  y\n",
        b"subject: x\nstatus: running\n",
        b"subject: x\nblockedBy: [12]\n",
        b"subject: x\n<<<<<<< HEAD\n",
        b"subject: [x]\n",
        b"subject: &a x\n",
        b"subject: 'x\n",
        b"subject: x\nlabels: [a, ]\n",
        b"subject: x\nlabels:\n- a\n  - b\n",
        b"subject: x\ntrue: x\n",
        b"subject: \xff\n",
        b"subject: x\nowner: a\x00\n",
    ],
)
def test_whatever_is_not_certain_is_left_to_the_full_reader(data: bytes) -> None:
    assert parse_canonical(data, TASK_ID) is None
