from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.exchange import native
from gittasks.workgraph.exchange.jsontext import BadSourceError
from gittasks.workgraph.exchange.to_csv import guard
from tests.workgraph.exchange.helpers import by_key, landings, make_files, told


def test_a_table_from_elsewhere() -> None:
    table = (
        "Key,Summary,State,Assigned To,Tags,Depends On,Priority,Body,Sprint\n"
        'A-1,First,Done,Ada,"web, auth",,High,"two\nlines",7\n'
        "A-2,Second,Doing,,,A-1; A-9,Someday,,\n"
    )
    parsed = native.parse_csv(table.encode(), "x.csv")
    first, second = by_key(parsed)["A-1"], by_key(parsed)["A-2"]
    assert (first.subject, first.status, first.owner, first.priority) == ("First", "completed", "Ada", 1)
    assert first.labels == ("auth", "web")
    assert first.description == "two\nlines"
    assert dict(first.extra) == {"Sprint": "7"}
    assert second.blocked_by == ("A-1", "A-9")
    assert (second.status, second.priority) == ("in_progress", 2)
    assert told(parsed, "A-2") == ["priority: 'Someday' is 2 here"]
    assert landings(parsed, "Sprint") == ["kept as Sprint"]
    make_files(parsed)


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_other_separators(mark: str) -> None:
    parsed = native.parse_csv(
        mark.join(("id", "title", "tags")).encode() + f"\n1{mark}x{mark}a\n".encode(), "x"
    )
    assert by_key(parsed)["1"].subject == "x"
    assert by_key(parsed)["1"].labels == ("a",)


def test_a_byte_order_mark_and_windows_line_ends() -> None:
    parsed = native.parse_csv(b"\xef\xbb\xbfid,title\r\n1,caf\xc3\xa9\r\n\r\n", "x")
    assert by_key(parsed)["1"].subject == "café"


def test_rows_without_an_id_go_by_their_subject() -> None:
    once = native.parse_csv(b"title\none\ntwo\none\n", "x")
    again = native.parse_csv(b"title,status\ntwo,done\none,\n", "x")
    keys = {draft.subject: draft.key for draft in once.drafts[:2]}
    assert {draft.subject: draft.key for draft in again.drafts} == keys
    assert once.drafts[2].key == keys["one"] + "~2"


def test_a_row_of_ours_names_its_identity() -> None:
    rows = ('3,0123456789abcdef,x,beads:bd-1,"{""due"": 5}"', "4,ffffffffffffffff,y,,", "5,,z,,")
    parsed = native.parse_csv("\n".join(("id,uid,subject,ref,extra", *rows)).encode(), "x")
    assert parsed.uids == {"3": "0123456789abcdef", "4": "f" * 16}
    assert parsed.refs == {"3": "beads:bd-1", "4": "gittasks:" + "f" * 16}
    assert dict(by_key(parsed)["3"].extra) == {"due": 5}
    assert parsed.speaks_of == {"id", "uid", "subject", "ref", "extra"}


def test_our_document_keeps_unknown_fields_under_their_names() -> None:
    task = {
        "id": 3,
        "uid": "0" * 16,
        "subject": "x",
        "labels": ["a"],
        "blockedBy": [7],
        "parent": 9,
        "odd name!": [1],
    }
    parsed = native.parse_json(json.dumps({"schema": 1, "tasks": [task]}).encode(), "x")
    draft = by_key(parsed)["3"]
    assert (draft.blocked_by, draft.parent, draft.labels) == (("7",), "9", ("a",))
    assert dict(draft.extra) == {"odd name!": [1]}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "x:1: no column for the subject"),
        (b"a,b\n1,2\n", "x:1: no column for the subject"),
        (b"title\na\nb,c\n", "x:3: 2 cells"),
        (b'title\n"a\n', "x:2: is not CSV"),
        (b"title\n\xff\n", "x:2: is not UTF-8"),
    ],
)
def test_broken_tables_are_refused_with_their_line(data: bytes, words: str) -> None:
    with pytest.raises(BadSourceError) as caught:
        native.parse_csv(data, "x")
    assert words in caught.value.message


@pytest.mark.parametrize("data", [b"{}", b"[1]", b'{"tasks": 3}', b'{"tasks": ["x"]}', b""])
def test_broken_documents_are_refused(data: bytes) -> None:
    with pytest.raises(BadSourceError, match=r"^x"):
        native.parse_json(data, "x")


@given(st.text(alphabet="'=+-@\t\rab "))
def test_the_guard_against_formulas_comes_off_again(cell: str) -> None:
    guarded = guard(cell)
    assert native.unguard(guarded) == cell
    assert guarded[:1] not in tuple("=+-@\t\r")
