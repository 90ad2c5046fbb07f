"""Edits keep what people wrote: laws over files written by hand, then examples of each kind of line."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph import codec
from gittasks.workgraph.codec import REMOVED
from gittasks.workgraph.fields import BY_ATTRIBUTE, FieldError
from gittasks.workgraph.record import BadTaskError, Task
from gittasks.workgraph.scalars import format_scalar
from tests.strategies import TASK_ID, Written, changes, hand_written, mangled, tasks
from tests.workgraph.test_codec import SAMPLE, TASK


def parse(data: bytes) -> Task:
    return codec.parse_task(data, "12.yaml", task_id=TASK_ID)


def edit(data: bytes, **values: Any) -> bytes:
    return codec.edit_task(data, "12.yaml", task_id=TASK_ID, changes=values)


def edit_with(data: bytes, values: dict[str, Any]) -> bytes:
    return codec.edit_task(data, "12.yaml", task_id=TASK_ID, changes=values)


def changed(task: Task, values: dict[str, Any]) -> Task:
    extra = dict(task.extra) | {key[6:]: value for key, value in values.items() if key.startswith("extra:")}
    extra = {name: value for name, value in extra.items() if value is not REMOVED}
    known = {key: value for key, value in values.items() if not key.startswith("extra:")}
    return task._replace(**known, extra=tuple(extra.items()))


def names_of(task: Task, values: dict[str, Any]) -> set[str]:
    """The fields that `values` really change."""
    now = changed(task, values)
    known = {field.name for name, field in BY_ATTRIBUTE.items() if getattr(now, name) != getattr(task, name)}
    before = {name: repr(value) for name, value in task.extra}
    after = {name: repr(value) for name, value in now.extra}
    return known | {name for name in before | after if before.get(name) != after.get(name)}


@given(hand_written(), changes(), st.booleans())
def test_an_edit_says_what_was_asked_and_touches_no_other_line(
    written: Written, values: dict[str, Any], with_removal: bool
) -> None:
    if with_removal:
        values |= {f"extra:{name}": REMOVED for name, _ in written.task.extra[:1]}
    edited = edit_with(written.data, values)
    assert repr(parse(edited)) == repr(changed(written.task, values))
    touched = names_of(written.task, values)
    text = edited.decode().removeprefix("\ufeff")
    at, added = 0, []
    for name, piece in written.pieces:
        # Below a removed field, a comment may have to move to the left.
        lines = piece.strip() if with_removal and not name else piece.strip("\r\n")
        if name not in touched and lines.strip():
            start = text.find(lines, at)
            assert start >= 0, (name, piece)
            added.append(text[at:start])
            at = start + len(lines)
    # What is left over is of the changed fields.
    for line in "".join((*added, text[at:])).split("\n"):
        if line.strip() and line[0] not in " -#":
            assert any(
                line.startswith((f"{name}:", f'"{name}":', format_scalar(name, flow=True)))
                for name in touched
            )


@given(hand_written())
def test_an_edit_to_what_is_there_already_changes_nothing(written: Written) -> None:
    same = {name: getattr(written.task, name) for name in BY_ATTRIBUTE if name != "written_blocks"}
    same |= {f"extra:{name}": value for name, value in written.task.extra}
    assert edit_with(written.data, same) == written.data


@given(hand_written(), changes())
def test_an_edit_made_twice_changes_nothing_more(written: Written, values: dict[str, Any]) -> None:
    once = edit_with(written.data, values)
    assert edit_with(once, values) == once


@given(tasks(), changes())
def test_an_edit_of_our_own_file_gives_our_own_file(task: Task, values: dict[str, Any]) -> None:
    # A field that was never there comes last, wherever the dictionary had it.
    assert edit_with(codec.format_task(task), values) == codec.format_task(changed(task, values))


@given(tasks(), changes())
def test_an_edit_there_and_back_leaves_the_file_as_it_was(task: Task, values: dict[str, Any]) -> None:
    known = {
        name: value for name, value in values.items() if name in BY_ATTRIBUTE and name != "written_blocks"
    }
    data = codec.format_task(task)
    back = {name: getattr(task, name) for name in known}
    assert edit_with(edit_with(data, known), back) == data


@given(mangled(), changes())
def test_an_edit_of_what_is_left_of_a_file_is_right_or_refused(data: bytes, values: dict[str, Any]) -> None:
    try:
        task = parse(data)
    except BadTaskError:
        return
    assert repr(parse(edit_with(data, values))) == repr(changed(task, values))


# -- each kind of line --


@pytest.mark.parametrize(
    ("before", "values", "after"),
    [
        # a comment and the blanks before it stay; quotes are as the new words need them
        ("subject: 'x'   # why\n", {"subject": "y: z"}, 'subject: "y: z"   # why\n'),
        ("subject: x\nowner: alice # she\n", {"owner": None}, "subject: x\nowner: # she\n"),
        ("subject: x\nowner: # nobody\n", {"owner": "bob"}, "subject: x\nowner: bob # nobody\n"),
        ("subject: x\nowner: ~\n", {"owner": "bob"}, "subject: x\nowner: bob\n"),
        ("subject: x\nowner: # who\n  alice\n", {"owner": None}, "subject: x\nowner: # who\n  null\n"),
        ("subject:\n  x\n", {"subject": "z"}, "subject:\n  z\n"),
        ("subject: x\n  and more\n", {"subject": "z"}, "subject: z\n"),
        ('"subject": "x\n  y"  # c\n', {"subject": "z"}, '"subject": z  # c\n'),
        # line ends stay as they are, also mixed ones, also none at the end
        ("subject: x\r\nowner: a\n", {"subject": "z"}, "subject: z\r\nowner: a\n"),
        ("subject: x\r\nstatus: pending", {"owner": "a"}, "subject: x\r\nstatus: pending\r\n\r\nowner: a"),
        ("subject: x\r\n", {"labels": ["a", "b"]}, "subject: x\r\n\r\nlabels:\r\n- a\r\n- b\r\n"),
        ("subject: x", {"description": "a\nb"}, "subject: x\n\ndescription: |\n  a\n  b"),
        ("subject: x\nlabels:\n- a", {"labels": []}, "subject: x\nlabels: []"),
        ("\ufeffsubject: x\n", {"subject": "z"}, "\ufeffsubject: z\n"),
        # missing fields come behind their neighbour, apart from it by a blank line
        ("subject: x\nparent: 3\n", {"owner": "a"}, "subject: x\n\nowner: a\n\nparent: 3\n"),
        (
            "subject: x\n\nparent: 3\n",
            {"owner": "a", "uid": "0" * 15 + "a"},
            "uid: 000000000000000a\n\nsubject: x\n\nowner: a\n\nparent: 3\n",
        ),
        ("# top\nsubject: x\n", {"uid": "a" * 16}, f"uid: {'a' * 16}\n\n# top\nsubject: x\n"),
        (
            "subject: x\n# about x\n\nparent: 3\n",
            {"owner": "a"},
            "subject: x\n# about x\n\nowner: a\n\nparent: 3\n",
        ),
        (
            "subject: x\n# about the parent\nparent: 3\n",
            {"owner": "a"},
            "subject: x\n\nowner: a\n\n# about the parent\nparent: 3\n",
        ),
        ("---\nsubject: x\n...\n", {"owner": "a"}, "---\nsubject: x\n\nowner: a\n\n...\n"),
        ("--- {subject: x}\n", {"owner": "a"}, '--- {subject: x, "owner": "a"}\n'),
        (
            "  subject: x\n  labels: []\n",
            {"labels": ["a"], "owner": "o", "description": "d"},
            "  subject: x\n\n  owner: o\n\n  labels:\n  - a\n\n  description: |\n    d\n",
        ),
        (
            "created: 2026-11-23T10:00:00Z\nsubject: x\n",
            {"status": "completed"},
            "created: 2026-11-23T10:00:00Z\nsubject: x\n\nstatus: completed\n",
        ),
        # blocks
        (
            "subject: x\ndescription: |+ # kept\n    old\n\n\nx: 1\n",
            {"description": "new\n\nlines"},
            "subject: x\ndescription: | # kept\n  new\n\n  lines\n\n\nx: 1\n",
        ),
        (
            "subject: x\ndescription: >\n  folded\n  text\n\nx: 1\n",
            {"description": ""},
            "subject: x\ndescription:\n\nx: 1\n",
        ),
        (
            "subject: x\ndescription: short\n",
            {"description": " a\nb"},
            "subject: x\ndescription: |2\n   a\n  b\n",
        ),
        (
            "subject: x\ndescription: short\n  # not text\nx: 1\n",
            {"description": "a\nb"},
            'subject: x\ndescription: "a\\nb"\n  # not text\nx: 1\n',
        ),
        (
            "subject: x\ndescription: |\n  a\n# not text\nx: 1\n",
            {"description": "b"},
            "subject: x\ndescription: |\n  b\n# not text\nx: 1\n",
        ),
        # lists keep the lines of what stays
        (
            "subject: x\nlabels: # l\n  - 'b' # bee\n  # see\n  - \"d\"\n",
            {"labels": ["a", "b", "c"]},
            "subject: x\nlabels: # l\n  - a\n  - 'b' # bee\n  - c\n  # see\n",
        ),
        (
            "subject: x\nlabels:\n- z\n- a # first of all\n",
            {"labels": ["a", "m", "z"]},
            "subject: x\nlabels:\n- z\n- a # first of all\n- m\n",
        ),
        (
            "subject: x\nlabels: # l\n- a # gone\n# stays\n",
            {"labels": []},
            "subject: x\nlabels: [] # l\n# stays\n",
        ),
        ("subject: x\nlabels: [] # none\n", {"labels": ["a"]}, "subject: x\nlabels: # none\n- a\n"),
        ("subject: x\nlabels:\n-\n  a\n- b\n", {"labels": ["b"]}, "subject: x\nlabels:\n- b\n"),
        (
            "subject: x\nlabels: ['a', b,  \"d\"] # l\n",
            {"labels": ["b", "c", "d", "e, f"]},
            'subject: x\nlabels: [b,  c, "d", "e, f"] # l\n',
        ),
        ("subject: x\nlabels: [a, b, c]\n", {"labels": ["b"]}, "subject: x\nlabels: [b]\n"),
        ("subject: x\nlabels: [a, # one\n  b, ]\n", {"labels": ["a", "c"]}, "subject: x\nlabels: [a, c, ]\n"),
        ("subject: x\nlabels: [a, b]\n", {"labels": ["c"]}, "subject: x\nlabels: [c]\n"),
        ("subject: x\nblockedBy: [3, 9]\n", {"blocked_by": [3, 5]}, "subject: x\nblockedBy: [3, 5]\n"),
        (
            "subject: x\nblockedBy:\n- 9 # nine\n- 10\n",
            {"blocked_by": [2, 9, 100]},
            "subject: x\nblockedBy:\n- 2\n- 9 # nine\n- 100\n",
        ),
        # edges on the wrong side go whole
        (
            "subject: x\n\nblocks:\n- 3\n# why\n- 4\n\nref: 1\n",
            {"written_blocks": ()},
            "subject: x\n\nref: 1\n",
        ),
        ("subject: x\n\nblocks: [3]", {"written_blocks": ()}, "subject: x"),
        ("{subject: x, blocks: [3]}", {"written_blocks": ()}, "{subject: x}"),
        # unknown fields, also taken out
        ("subject: x\n\nref: 1 # r\n\nz: 1\n", {"extra:ref": REMOVED}, "subject: x\n\nz: 1\n"),
        ("ref:\n  a: 1\nsubject: x", {"extra:ref": REMOVED}, "subject: x"),
        (
            "subject: x\nref: |\n  a\n# end",
            {"extra:ref": REMOVED, "owner": "o"},
            "subject: x\n\nowner: o\n\n# end",
        ),
        (
            "subject: x\ndescription: |\n  a\nref: 1\n    \n  # indented\n",
            {"extra:ref": REMOVED},
            "subject: x\ndescription: |\n  a\n\n# indented\n",
        ),
        ("{a: 1, subject: x, b: 2, c: 3}", {"extra:a": REMOVED, "extra:c": REMOVED}, "{subject: x, b: 2}"),
        ("{subject: x, b: 2, c: 3 }", {"extra:b": REMOVED, "extra:c": REMOVED}, "{subject: x }"),
        ("{subject: x, b: 2}", {"extra:b": REMOVED, "extra:c": 3}, '{subject: x, "c": 3}'),
        (
            "subject: x\nref: {a: 1} # r\n",
            {"extra:ref": [1, {"b": None}]},
            "subject: x\nref: # r\n- 1\n- {b: null}\n",
        ),
        (
            "subject: x\nref:\n  a: 1\n  b:\n  - 2 # two\n\nz: 1\n",
            {"extra:ref": "bd-7"},
            "subject: x\nref: bd-7\n\nz: 1\n",
        ),
        ("subject: x\nn: 1\n", {"extra:n": True}, "subject: x\nn: true\n"),
        ("subject: x\n", {"extra:no": "no"}, 'subject: x\n\n"no": "no"\n'),
        # a JSON file stays one
        (
            '{"id":12,"subject":"x","labels":["a"],"owner":null}',
            {"labels": ["a", "b"], "owner": "o", "description": "a\n\x01"},
            '{"id":12,"subject":"x","labels":["a", "b"], "description": "a\\n\\u0001","owner":"o"}',
        ),
    ],
)
def test_only_the_lines_of_a_change_change(before: str, values: dict[str, Any], after: str) -> None:
    assert edit_with(before.encode(), values).decode() == after


def test_an_id_can_be_changed_for_a_file_that_gets_another_name() -> None:
    moved = edit(SAMPLE, id=40)
    assert moved == SAMPLE.replace(b"id: 12", b"id: 40", 1)


@pytest.mark.parametrize(
    "values",
    [
        {"subject": ""},
        {"status": "failed"},
        {"blocked_by": [12]},
        {"parent": 12},
        {"priority": True},
        {"extra:subject": "x"},
        {"extra:": "x"},
        {"extra:ref": object()},
    ],
)
def test_a_value_that_is_not_allowed_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(FieldError):
        edit_with(SAMPLE, values)


def test_edges_cannot_be_added_on_the_wrong_side() -> None:
    with pytest.raises(FieldError, match="task that waits"):
        edit(SAMPLE, written_blocks=[3])


def test_a_file_that_is_no_task_is_not_edited() -> None:
    with pytest.raises(BadTaskError):
        edit(SAMPLE.replace(b"status: in_progress", b"status: failed"), owner="bob")


# -- merges --

_NEW: dict[str, Any] = {
    "uid": "0" * 15 + "f",
    "subject": "Another subject",
    "status": "completed",
    "owner": None,
    "worktree": "elsewhere",
    "parent": 3,
    "priority": 0,
    "labels": ["later", "security"],
    "blocked_by": [],
    "description": "Quite\n\nanother text.",
    "created": "",
    "extra:ref": "bd-2",
}


@pytest.mark.parametrize("ours", _NEW)
def test_edits_of_two_fields_merge_clean_in_stock_git(ours: str, tmp_path: Path) -> None:
    base = codec.format_task(TASK._replace(extra=(("ref", "bd-1"),)))
    (tmp_path / "base").write_bytes(base)
    (tmp_path / "ours").write_bytes(edit_with(base, {ours: _NEW[ours]}))
    for theirs in _NEW:
        (tmp_path / "theirs").write_bytes(edit_with(base, {theirs: _NEW[theirs]}))
        command = ("git", "merge-file", "-p", "ours", "base", "theirs")
        merge = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
        assert merge.returncode == 0, (theirs, merge.stdout.decode())
        assert merge.stdout == edit_with(base, {ours: _NEW[ours], theirs: _NEW[theirs]})
