"""Which fields changed: against one version, several, or none."""

from __future__ import annotations

from gittasks.workgraph.difference import FieldChange, difference
from gittasks.workgraph.record import Task, TaskId

TASK = Task(TaskId(1), uid="9f3c1a7be2d04c55", subject="x", labels=("a", "b"))


def test_nothing_changes_between_equal_tasks() -> None:
    assert difference([TASK], TASK) == ()
    assert difference([None], None) == ()


def test_fields_come_in_the_order_of_the_file_unknown_ones_last() -> None:
    new = TASK._replace(extra=(("ref", "b-1"),), owner="al", subject="y", written_blocks=(TaskId(3),))
    assert [change.field for change in difference([TASK], new)] == ["subject", "owner", "ref", "blocks"]


def test_empty_and_missing_are_the_same_and_zero_is_neither() -> None:
    assert difference([TASK], TASK._replace(owner="")) == ()
    assert difference([TASK], TASK._replace(priority=0)) == (FieldChange("priority", 2, 0),)


def test_lists_know_what_came_and_went() -> None:
    (change,) = difference([TASK], TASK._replace(labels=("b", "c")))
    assert (change.added, change.removed) == (["c"], ["a"])
    (emptied,) = difference([TASK], TASK._replace(labels=()))
    assert (emptied.new, emptied.added, emptied.removed) == (None, [], ["a", "b"])


def test_of_a_merge_only_what_no_side_had_counts() -> None:
    ours, theirs = TASK._replace(owner="al"), TASK._replace(priority=0)
    assert difference([ours, theirs], TASK._replace(owner="al", priority=0)) == ()
    merged = TASK._replace(owner="bo", priority=0)
    assert difference([ours, theirs], merged) == (FieldChange("owner", "al", "bo"),)


def test_of_a_new_task_every_field_that_says_something_counts_and_of_a_lost_one_too() -> None:
    made = {change.field for change in difference([None], TASK)}
    assert made == {"id", "uid", "subject", "status", "priority", "labels"}
    assert {change.field for change in difference([TASK], None)} == made
