from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gittasks.workgraph.fields import FieldError
from gittasks.workgraph.notes_format import Note, format_note, note_name, parse_note

PATH = ".tasks/12/20261123T101500Z-alice-3f9c.md"
CREATED = "2026-11-23T10:15:00Z"


def test_a_note_is_markdown_with_author_and_time_on_top() -> None:
    assert format_note("alice", CREATED, "Tried it.\n\nWorks.\n\n").decode() == (
        f"---\nauthor: alice\ncreated: {CREATED}\n---\n\nTried it.\n\nWorks.\n"
    )


@example("alice", "0\r")
@given(
    st.text(alphabet=st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30),
    st.text(max_size=80),
)
def test_a_note_reads_as_it_was_written(author: str, text: str) -> None:
    if not text.strip("\n").strip():
        return
    note = parse_note(format_note(author, CREATED, text), PATH)
    assert note.text == "\n".join(line.rstrip("\r") for line in text.split("\n")).strip("\n")
    assert note.created == CREATED
    assert note.author in (author.strip(), "alice") or not author.isprintable()


def test_quotes_and_backslashes_in_a_name_survive() -> None:
    author = 'Jean "\\" O\'Hara: #1\\'
    assert parse_note(format_note(author, CREATED, "x"), PATH).author == author


@pytest.mark.parametrize("text", ["", "\n\n", "  \n", "\udc80"])
def test_a_text_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(FieldError):
        format_note("alice", CREATED, text)


def test_a_note_without_front_matter_takes_both_from_its_name() -> None:
    assert parse_note(b"Just text\r\nhere\r\n", PATH) == Note("alice", CREATED, "Just text\nhere", PATH)


def test_a_note_that_says_nothing_of_itself_is_still_a_note() -> None:
    assert parse_note(b"---\nnot closed", "x/readme.md") == Note("", "", "---\nnot closed", "x/readme.md")


@given(st.binary(max_size=200) | st.binary(max_size=60).map(lambda data: b"---\n" + data + b"\n---\n"))
def test_any_bytes_are_a_note(data: bytes) -> None:
    assert parse_note(data, PATH).path == PATH


@given(st.text(max_size=80))
def test_a_file_name_is_safe_whatever_the_author_is_called(author: str) -> None:
    name = note_name("20261123T101500Z", author, "3f9c")
    assert name.startswith("20261123T101500Z-") and name.endswith("-3f9c.md")
    assert len(name) < 80 and all(char.isascii() and (char.isalnum() or char in "-.") for char in name)


def test_a_file_name_says_when_and_who() -> None:
    assert note_name("20261123T101500Z", "Alice Liddell", "3f9c") == "20261123T101500Z-alice-liddell-3f9c.md"
    assert note_name("20261123T101500Z", "李", "3f9c") == "20261123T101500Z-someone-3f9c.md"
