from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.codec import REMOVED
from gittasks.workgraph.drafts import Draft, NoteDraft
from gittasks.workgraph.exchange import imprint
from gittasks.workgraph.record import Task, TaskId

IDS = {"me": 1, "b": 2, "c": 3, "d": 4}
KEYS = {2: "b", 3: "c", 4: "d"}


def task_of(draft: Draft, **local: Any) -> Task:
    """The task that an import of `draft` made, with later `local` edits."""
    return Task(
        id=TaskId(1),
        subject=draft.subject,
        status=draft.status,
        owner=draft.owner,
        priority=draft.priority,
        labels=tuple(sorted(draft.labels)),
        blocked_by=tuple(TaskId(IDS[str(key)]) for key in draft.blocked_by),
        parent=None if draft.parent is None else TaskId(IDS[str(draft.parent)]),
        description=draft.description,
        created=draft.created,
        extra=(("ref", "x:me"), *draft.extra, ("imported", imprint.imprint(draft))),
    )._replace(**local)


def changes(task: Task, draft: Draft) -> dict[str, Any]:
    found = imprint.changes(task, draft, ids=IDS, keys=KEYS)
    found.pop("extra:imported", None)
    return found


BEFORE = Draft(
    subject="s",
    key="me",
    owner="ada",
    priority=1,
    labels=("x", "y"),
    blocked_by=("b", "c"),
    parent="d",
    description="words",
    extra=(("due", "monday"), ("size", 3)),
    notes=(NoteDraft("a", "", "one"),),
)

drafts = st.builds(
    Draft,
    subject=st.sampled_from(["s", "t"]),
    key=st.just("me"),
    status=st.sampled_from(["pending", "completed"]),
    owner=st.sampled_from([None, "ada"]),
    priority=st.integers(0, 4),
    labels=st.sets(st.sampled_from("xyz")).map(lambda items: tuple(sorted(items))),
    blocked_by=st.sets(st.sampled_from("bcd")).map(lambda items: tuple(sorted(items))),
    parent=st.sampled_from([None, "d"]),
    description=st.sampled_from(["", "words"]),
    extra=st.dictionaries(st.sampled_from(["due", "size"]), st.integers(0, 2)).map(
        lambda d: tuple(d.items())
    ),
)


@given(drafts)
def test_the_same_again_changes_nothing(draft: Draft) -> None:
    assert imprint.changes(task_of(draft), draft, ids=IDS, keys=KEYS) == {}
    assert imprint.new_notes(task_of(draft), draft) == []


@given(drafts, drafts)
def test_without_local_edits_the_task_becomes_what_the_source_says(old: Draft, new: Draft) -> None:
    task = task_of(old)
    found = imprint.changes(task, new, ids=IDS, keys=KEYS)
    after = dict(task.extra) | {name[6:]: value for name, value in found.items() if name.startswith("extra:")}
    after = {name: value for name, value in after.items() if value is not REMOVED}
    fields = {name: value for name, value in found.items() if not name.startswith("extra:")}
    wanted = task_of(new)
    assert task._replace(**fields, extra=()) == wanted._replace(extra=(), created=task.created)
    assert after == dict(wanted.extra)


def test_local_edits_stay_where_the_source_says_what_it_said() -> None:
    edited = task_of(
        BEFORE,
        subject="mine",
        status="completed",
        labels=("mine", "x"),
        blocked_by=(TaskId(2), TaskId(9)),
        parent=None,
        owner=None,
    )
    assert changes(edited, BEFORE) == {}


def test_only_what_the_source_changed_is_taken() -> None:
    edited = task_of(
        BEFORE, subject="mine", labels=("mine", "x", "y"), blocked_by=(TaskId(2), TaskId(3), TaskId(9))
    )
    after = BEFORE._replace(
        priority=0, labels=("y", "z"), blocked_by=("c", "d"), parent=None, extra=(("due", "tuesday"),)
    )
    assert changes(edited, after) == {
        "priority": 0,
        "labels": ("mine", "y", "z"),
        "blocked_by": (3, 4, 9),
        "parent": None,
        "extra:due": "tuesday",
        "extra:size": REMOVED,
    }


def test_only_new_notes_are_new() -> None:
    more = BEFORE._replace(notes=(*BEFORE.notes, NoteDraft("b", "", "two")))
    assert [note.text for note in imprint.new_notes(task_of(BEFORE), more)] == ["two"]


def test_a_field_that_the_source_does_not_have_is_left_alone() -> None:
    bare = Draft(subject="t", key="me")
    found = imprint.changes(task_of(BEFORE), bare, ids=IDS, keys=KEYS, speaks_of={"subject"})
    assert set(found) == {"subject", "extra:imported"}


def test_a_row_of_the_task_itself_counts_in_the_columns_it_has() -> None:
    row = Draft(subject="t", key="me", labels=("z",), blocked_by=(), extra=(("due", "friday"),))
    found = imprint.own_changes(
        task_of(BEFORE), row, ids=IDS, speaks_of={"subject", "labels", "blockedBy", "extra"}
    )
    assert found == {"subject": "t", "labels": ("z",), "blocked_by": (), "extra:due": "friday"}
