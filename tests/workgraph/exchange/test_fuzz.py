"""Any bytes give tasks that can be written, or a clean error."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gittasks.base.errors import InvalidError
from gittasks.workgraph.exchange import backlog, beads, claude, native, taskmaster, taskwarrior, ticket
from gittasks.workgraph.exchange.findings import Parsed
from tests.workgraph.exchange.helpers import make_files

_NAMES = """id uuid title subject description status priority owner assignee labels tags parent parent_task_id text
dependencies depends deps blocks blockedBy comments annotations subtasks created created_at entry notes metadata links
issue_type type external_ref uid ref extra worktree imported relations milestone author odd~name"""
NAMES = tuple(_NAMES.split())
WORDS = (
    "1",
    "2",
    "1.1",
    "open",
    "done",
    "high",
    "a" * 600,
    "x\ny\x00\x1b[31m",
    "\ud800",
    "",
    "=1+1",
    '{"a": 1}',
)

scalars = st.one_of(
    st.sampled_from(WORDS),
    st.text(max_size=5),
    st.integers(-3, 12),
    st.floats(allow_nan=False),
    st.none(),
    st.booleans(),
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=6,
)
fields = st.dictionaries(st.sampled_from(NAMES), values, max_size=8)
keys = st.sampled_from(("1", "2", 3, "x\ny"))
entries = st.builds(lambda some, key: some | {"id": key, "uuid": key, "title": "t"}, fields, keys)


def as_json(value: Any) -> bytes:
    return json.dumps(value).replace("Infinity", "7").encode()


def as_front_matter(some: dict[str, Any]) -> bytes:
    head = b"".join(name.encode() + b": " + as_json(value) + b"\n" for name, value in some.items())
    return b"---\n" + head + b"---\n# T\n\n## Comments\n\nauthor: x\n---\n"


def as_table(rows: list[list[str]]) -> bytes:
    cells = [[f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in row] for row in rows]
    return "\n".join(["id,title,status,blockedBy,extra", *map(",".join, cells)]).encode("utf-8", "replace")


lines = st.lists(entries, max_size=4).map(lambda items: b"\n".join(map(as_json, items)))
arrays = st.lists(entries, max_size=4).map(as_json)
lists = st.lists(entries, max_size=3)
tables = st.lists(st.lists(st.sampled_from(WORDS), max_size=5), max_size=5).map(as_table)

# Each kind's reader, and texts that it would understand but for what is in them.
KINDS: dict[str, tuple[Callable[[bytes], Parsed], st.SearchStrategy[bytes]]] = {
    "beads": (lambda data: beads.parse(data, "f"), lines | arrays),
    "backlog": (lambda data: backlog.parse([("f", "tasks", data)]), entries.map(as_front_matter)),
    "ticket": (lambda data: ticket.parse([("f", data)]), entries.map(as_front_matter)),
    "taskwarrior": (lambda data: taskwarrior.parse(data, "f"), lines | arrays),
    "taskmaster": (
        lambda data: taskmaster.parse(data, "f"),
        lists.map(lambda items: as_json({"tasks": items}))
        | lists.map(lambda items: as_json({"master": {"tasks": items}, "x": {"tasks": items}})),
    ),
    "claude": (lambda data: claude.parse([("f.json", data)]), entries.map(as_json)),
    "csv": (lambda data: native.parse_csv(data, "f"), tables),
    "json": (lambda data: native.parse_json(data, "f"), lists.map(lambda items: as_json({"tasks": items}))),
}


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data())
def test_any_bytes_give_tasks_or_a_clean_error(kind: str, data: st.DataObject) -> None:
    read, understood = KINDS[kind]
    content = data.draw(understood | st.binary(max_size=60))
    try:
        parsed = read(content)
    except InvalidError as error:
        assert error.message.startswith("f")
        return
    make_files(parsed)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=20)
@given(data=st.data())
def test_a_file_cut_anywhere_gives_tasks_or_a_clean_error(kind: str, data: st.DataObject) -> None:
    read, understood = KINDS[kind]
    content = data.draw(understood)
    cut = data.draw(st.integers(0, len(content)))
    try:
        read(content[:cut])
    except InvalidError as error:
        assert error.message.startswith("f")
