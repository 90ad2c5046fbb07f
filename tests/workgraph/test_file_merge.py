"""Merging files: the right task, people's comments kept, conflict markers around the conflict alone."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gittasks.base.errors import InvalidError
from gittasks.workgraph import codec, file_merge
from gittasks.workgraph.merge import ALL_FIELDS, take_ours, take_theirs
from gittasks.workgraph.record import COMPLETED, IN_PROGRESS, Task, TaskId
from gittasks.workgraph.text_merge import parse_markers
from tests import strategies

ID = TaskId(12)
PATH = ".tasks/12.yaml"
PLAIN = codec.format_task(
    Task(ID, "9f3c1a7be2d04c55", "Implement auth", labels=("a", "c"), created="2026-11-23T10:00:00Z")
)


def version(data: bytes) -> file_merge.Version:
    return file_merge.read_version(data, PATH, task_id=ID)


def merge(base: bytes | None, ours: bytes, theirs: bytes) -> file_merge.MergedFile:
    before = None if base is None else file_merge.read_base(base, PATH, task_id=ID)
    return file_merge.merge_versions(before, version(ours), version(theirs), PATH)


def edit(data: bytes, **changes: Any) -> bytes:
    return codec.edit_task(data, PATH, task_id=ID, changes=changes)


def said(task: Task) -> str:
    """All that a task says; the order of unknown fields says nothing, and 1 is not true."""
    return repr(task._replace(extra=tuple(sorted(task.extra, key=lambda field: field[0]))))


def try_edit(data: bytes, changes: dict[str, Any]) -> bytes:
    try:
        return codec.edit_task(data, PATH, task_id=ID, changes=changes)
    except InvalidError:
        return data


@settings(max_examples=15)
@given(strategies.hand_written(), strategies.changes(), strategies.changes())
def test_the_file_says_the_merged_task(
    written: strategies.Written, one: dict[str, Any], other: dict[str, Any]
) -> None:
    ours, theirs = try_edit(written.data, one), try_edit(written.data, other)
    merged = merge(written.data, ours, theirs)
    assert repr(version(merged.data).task) == repr(merged.merged.task)


@settings(max_examples=15)
@given(strategies.hand_written(), strategies.changes(), strategies.changes(), st.sampled_from((7, 9)))
def test_the_markers_hold_both_sides_and_nothing_else(
    written: strategies.Written, one: dict[str, Any], other: dict[str, Any], size: int
) -> None:
    merged = merge(written.data, try_edit(written.data, one), try_edit(written.data, other))
    text = file_merge.mark_conflicts(merged, PATH, ours="main", theirs="topic", size=size).decode()
    marked = parse_markers(text)
    if not merged.merged.conflicts:
        assert marked is None
        return
    assert marked is not None
    assert said(version(marked.ours.encode()).task) == said(take_ours(merged.merged))
    assert said(version(marked.theirs.encode()).task) == said(take_theirs(merged.merged))


@settings(max_examples=15)
@given(strategies.tasks(), strategies.tasks(), strategies.tasks())
def test_any_three_versions_merge(base: Task, ours: Task, theirs: Task) -> None:
    files = [codec.format_task(task._replace(uid=base.uid)) for task in (base, ours, theirs)]
    merged = merge(files[0], files[1], files[2])
    assert repr(version(merged.data).task) == repr(merged.merged.task)
    if merged.merged.conflicts:
        marked = parse_markers(file_merge.mark_conflicts(merged, PATH, ours="a", theirs="b").decode())
        assert marked is not None
        assert said(version(marked.theirs.encode()).task) == said(take_theirs(merged.merged))


def test_comments_of_both_sides_survive() -> None:
    ours = edit(PLAIN, owner="alice").replace(b"owner: alice", b"owner: alice  # for now")
    theirs = edit(PLAIN, priority=0).replace(b"priority: 0", b"# the customer waits\npriority: 0")
    merged = merge(PLAIN, ours, theirs)
    assert b"# for now" in merged.data
    assert b"# the customer waits\npriority: 0" in merged.data


def test_what_lines_cannot_merge_fields_can() -> None:
    ours = edit(PLAIN, labels=("a", "b", "c")).replace(b"- c", b'- "c"  # mine')
    theirs = edit(PLAIN, labels=("a", "bb", "c"))
    merged = merge(PLAIN, ours, theirs)
    assert merged.merged.conflicts == ()
    assert b'labels:\n- a\n- b\n- bb\n- "c"  # mine\n' in merged.data


def test_only_the_lines_in_conflict_are_marked() -> None:
    ours = edit(PLAIN, status=IN_PROGRESS, owner="alice", labels=("a", "b", "c"))
    theirs = edit(PLAIN, status=COMPLETED, priority=0, labels=("a", "bb", "c"))
    text = file_merge.mark_conflicts(merge(PLAIN, ours, theirs), PATH, ours="main", theirs="topic").decode()
    assert text.count("<<<<<<<") == 1
    assert (
        "\n\n<<<<<<< main\nstatus: in_progress\n=======\nstatus: completed\n>>>>>>> topic\n\nowner: alice\n"
        in text
    )


def test_a_description_is_marked_by_lines() -> None:
    base = edit(PLAIN, description="one\ntwo\nthree\nfour")
    ours, theirs = (
        edit(base, description=text) for text in ("ONE\ntwo\nthree\nfour", "Eins\ntwo\nthree\nFOUR")
    )
    text = file_merge.mark_conflicts(merge(base, ours, theirs), PATH, ours="a", theirs="b").decode()
    assert "<<<<<<< a\n  ONE\n=======\n  Eins\n>>>>>>> b\n  two\n  three\n  FOUR\n" in text


def test_a_base_that_git_merged_itself_says_what_both_its_sides_say() -> None:
    one, other = edit(PLAIN, owner="alice", priority=1), edit(PLAIN, owner="bob", priority=1)
    base = file_merge.mark_conflicts(merge(PLAIN, one, other), PATH, ours="a", theirs="b", size=9)
    assert file_merge.read_base(base, PATH, task_id=ID).unknown == {"owner"}
    merged = merge(base, edit(one, priority=0), one)
    assert (merged.merged.conflicts, merged.merged.task.priority) == ((), 0)
    assert [conflict.field for conflict in merge(base, one, other).merged.conflicts] == ["owner"]


@pytest.mark.parametrize("base", [b"", b"\xff\0", b"<<<<<<< a\nx\n=======\ny\n>>>>>>> b\n", b"id: 13\n"])
def test_a_base_that_cannot_be_read_is_not_trusted(base: bytes) -> None:
    assert file_merge.read_base(base, PATH, task_id=ID).unknown == ALL_FIELDS
    merged = merge(base, PLAIN, edit(PLAIN, owner="bob"))
    assert [conflict.field for conflict in merged.merged.conflicts] == ["owner"]


def test_renumbering_edits_the_id_and_the_references_alone() -> None:
    data = edit(PLAIN, parent=13, blocked_by=(3, 13, 14)) + b"\n# the end\n"
    moved = file_merge.renumbered(version(data), PATH, {ID: TaskId(20), TaskId(13): TaskId(21)})
    wanted = data.replace(b"id: 12\n", b"id: 20\n", 1).replace(b"parent: 13", b"parent: 21")
    assert moved.data == wanted.replace(b"- 3\n- 13\n- 14\n", b"- 3\n- 14\n- 21\n")
    assert moved.task == codec.parse_task(moved.data, ".tasks/20.yaml", task_id=TaskId(20))
    assert file_merge.renumbered(version(data), PATH, {TaskId(99): ID}) == version(data)


def test_hand_written_edges_and_removed_fields_are_written_anew() -> None:
    base = PLAIN + b"\nref: 1\n"
    ours, theirs = PLAIN + b"\nblocks: [3]\n", base + b"\nblocks: [4]\n"
    merged = merge(base, ours, theirs)
    assert merged.merged.task.written_blocks == (3, 4)
    assert merged.merged.task.extra == ()
    assert version(merged.data).task == merged.merged.task
