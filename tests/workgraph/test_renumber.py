"""Who keeps which number: one number a task, one task a number, the same answer from both sides."""

from __future__ import annotations

from itertools import count

from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.record import Task, TaskId
from gittasks.workgraph.renumber import Numbering, doubtful_ids, is_same_task, number, translate

Side = dict[TaskId, Task]
LETTERS = "abcd"


def side(**ids: int) -> Side:
    """Tasks by the first digit of their uid: `side(a=13, b=14)`."""
    return {TaskId(n): Task(TaskId(n), letter * 16, f"Task {letter}") for letter, n in ids.items()}


def numbered(base: Side, ours: Side, theirs: Side, **known: int) -> Numbering:
    new = count(20)
    before = {letter * 16: (TaskId(n),) for letter, n in known.items()}
    return number(base, ours, theirs, known=before, take=lambda: TaskId(next(new)))


def finals(numbering: Numbering) -> dict[str, int]:
    return {place.key[0]: place.final for place in numbering.places}


@st.composite
def sides(draw: st.DrawFn) -> Side:
    ids = draw(st.lists(st.integers(11, 15), max_size=4, unique=True))
    letters = draw(st.permutations(LETTERS))
    made = side(**dict(zip(letters, ids, strict=False)))
    return {n: t._replace(created=draw(st.sampled_from(("", "2026", "2025")))) for n, t in made.items()}


@given(sides(), sides(), sides())
def test_every_task_has_one_number_and_every_number_one_task(base: Side, ours: Side, theirs: Side) -> None:
    numbering = numbered(base, ours, theirs)
    everyone = {task.uid for tasks in (ours, theirs) for task in tasks.values()}
    assert sorted(place.key for place in numbering.places) == sorted(everyone)
    assert len({place.final for place in numbering.places}) == len(everyone)
    for tasks, moves in ((ours, numbering.ours), (theirs, numbering.theirs)):
        assert {n: moves.get(n, n) for n in tasks} == {
            n: finals(numbering)[t.uid[0]] for n, t in tasks.items()
        }


@given(sides(), sides(), sides())
def test_a_number_on_which_both_agree_stays(base: Side, ours: Side, theirs: Side) -> None:
    numbering = numbered(base, ours, theirs)
    for task_id, task in ours.items():
        if task_id in theirs and theirs[task_id].uid == task.uid:
            assert finals(numbering)[task.uid[0]] == task_id


@given(sides(), sides(), sides())
def test_the_same_from_both_sides_but_for_who_is_incoming(base: Side, ours: Side, theirs: Side) -> None:
    one, other = numbered(base, ours, theirs), numbered(base, theirs, ours)
    is_contest = any(n in theirs and theirs[n].uid != task.uid for n, task in ours.items())
    only_one = {t.uid for t in ours.values()} ^ {t.uid for t in theirs.values()}
    if not is_contest or not only_one:
        assert finals(one) == finals(other)


@given(sides(), sides(), sides())
def test_deciding_again_changes_nothing(base: Side, ours: Side, theirs: Side) -> None:
    numbering = numbered(base, ours, theirs)
    merged = side(**finals(numbering))
    assert not numbered(merged, merged, merged).ours
    assert finals(numbered(theirs, merged, theirs)) == finals(numbering)


def test_the_incoming_one_of_two_gets_a_new_number() -> None:
    numbering = numbered({}, side(a=13), side(b=13, c=14))
    assert finals(numbering) == {"a": 13, "b": 20, "c": 14}
    assert (numbering.ours, numbering.theirs) == ({}, {13: 20})


def test_tasks_that_were_made_in_one_moment_keep_their_order() -> None:
    assert finals(numbered({}, side(a=13, b=14), side(d=13, c=14))) == {"a": 13, "b": 14, "d": 20, "c": 21}


def test_a_renumbering_that_one_side_made_is_taken_over() -> None:
    assert finals(numbered(side(b=13), side(b=13), side(a=13, b=14))) == {"a": 13, "b": 14}
    assert finals(numbered(side(b=13), side(a=13, b=14), side(b=13))) == {"a": 13, "b": 14}


def test_two_renumberings_of_two_clones_meet() -> None:
    """One gave #14 to b, the other to a: the older task keeps the lower number, whoever merges."""
    one, other = side(a=13, b=14), side(b=13, a=14)
    assert finals(numbered({}, one, other)) == finals(numbered({}, other, one)) == {"a": 13, "b": 14}
    older = {n: t._replace(created="2025" if t.uid[0] == "b" else "2026") for n, t in one.items()}
    newer = {n: t._replace(created="2025" if t.uid[0] == "b" else "2026") for n, t in other.items()}
    assert finals(numbered({}, older, newer)) == {"a": 14, "b": 13}


def test_two_new_numbers_of_one_task_become_the_lower() -> None:
    assert finals(numbered(side(b=13), side(a=13, b=15), side(a=13, b=14))) == {"a": 13, "b": 14}


def test_a_number_given_before_is_given_again() -> None:
    assert finals(numbered({}, side(a=13), side(b=13), b=17)) == {"a": 13, "b": 17}
    assert finals(numbered({}, side(a=13), side(b=13), b=13)) == {"a": 13, "b": 20}


def test_without_uids_the_subject_says_who_is_who() -> None:
    def nameless(subject: str, uid: str = "") -> Side:
        return {TaskId(13): Task(TaskId(13), uid, subject)}

    assert len(numbered({}, nameless("x"), nameless("x")).places) == 1
    assert len(numbered({}, nameless("x"), nameless("y")).places) == 2
    assert len(numbered(nameless("x"), nameless("x"), nameless("y")).places) == 1
    assert len(numbered(nameless("x"), nameless("y", "a" * 16), nameless("z")).places) == 1
    assert len(numbered({}, nameless("x", "a" * 16), nameless("x")).places) == 1


def test_a_uid_that_was_copied_into_two_files_says_nothing() -> None:
    twice = side(a=13) | {TaskId(14): Task(TaskId(14), "a" * 16, "Copy")}
    numbering = numbered(twice, twice, twice)
    assert [place.final for place in numbering.places] == [13, 14]
    assert not numbering.ours and not numbering.theirs


def test_references_follow() -> None:
    task = Task(
        TaskId(13),
        parent=TaskId(14),
        blocked_by=(TaskId(3), TaskId(14)),
        written_blocks=(TaskId(15), TaskId(16)),
    )
    moved = translate(task, {TaskId(13): TaskId(20), TaskId(14): TaskId(2), TaskId(15): TaskId(16)})
    assert moved == Task(
        TaskId(20), parent=TaskId(2), blocked_by=(TaskId(2), TaskId(3)), written_blocks=(TaskId(16),)
    )
    assert translate(task, {}) == task


def test_doubtful_are_numbers_with_two_tasks_and_tasks_with_two_numbers() -> None:
    sides = side(a=13, c=15), side(b=13, a=14, c=15), side(c=15, d=16)
    assert doubtful_ids(*({n: task.uid for n, task in one.items()} for one in sides)) == {13, 14}


def test_who_is_the_same_task() -> None:
    one = Task(TaskId(1), "a" * 16, "x", created="2026")
    assert is_same_task(one, one._replace(subject="y", created=""))
    assert not is_same_task(one, one._replace(uid="b" * 16))
    assert is_same_task(one, one._replace(uid="", subject="y"))
    assert is_same_task(one, one._replace(uid="", created=""))
    assert not is_same_task(one._replace(created=""), one._replace(uid="", subject="y", created=""))
