"""The laws of merge3 (design 4.3), and what each kind of field does."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph.merge import Clash, Conflict, Merged, fold, merge3, take_ours, take_theirs
from gittasks.workgraph.record import COMPLETED, DELETED, IN_PROGRESS, PENDING, STATUSES, Task, TaskId

ID = TaskId(12)
UID = "9f3c1a7be2d04c55"
BASE = Task(ID, UID, "Implement auth", created="2026-11-23T10:00:00Z")
SETS = {"labels": "labels", "blocked_by": "blockedBy", "written_blocks": "blocks"}
IDS = st.frozensets(st.sampled_from([TaskId(3), TaskId(4), TaskId(5)])).map(lambda ids: tuple(sorted(ids)))
VALUES = st.sampled_from([None, 1, True, 1.0, 0.0, -0.0, "1", [], {}, [1, {"a": True}], {"a": 1}])


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """Versions of #12 with few values, so that two of them often agree."""
    return BASE._replace(
        subject=draw(st.sampled_from(("Implement auth", "Auth", "Sessions"))),
        status=draw(st.sampled_from(STATUSES)),
        owner=draw(st.sampled_from((None, "alice", "bob"))),
        worktree=draw(st.sampled_from((None, "auth"))),
        parent=draw(st.sampled_from((None, TaskId(1), TaskId(2)))),
        priority=draw(st.integers(1, 3)),
        labels=tuple(sorted(draw(st.frozensets(st.sampled_from("abc"))))),
        blocked_by=draw(IDS),
        written_blocks=draw(IDS),
        description="\n".join(draw(st.lists(st.sampled_from("abcd"), max_size=5))),
        extra=tuple(draw(st.dictionaries(st.sampled_from(("ref", "estimate")), VALUES)).items()),
    )


BASES = st.none() | tasks()


def fields(task: Task) -> dict[str, Any]:
    """Every field by its name; unknown ones by their repr, since 1 == True."""
    known = {name: value for name, value in task._asdict().items() if name != "extra"}
    known = {SETS.get(name, name): value for name, value in known.items()}
    return known | {name: repr(value) for name, value in task.extra}


def in_conflict(merged: Merged) -> set[str]:
    return {conflict.field for conflict in merged.conflicts}


@given(BASES, tasks())
def test_identity(base: Task | None, task: Task) -> None:
    assert merge3(base, task, task) == Merged(task, (), task, task)


@given(tasks(), tasks())
def test_a_change_on_one_side_wins(base: Task, changed: Task) -> None:
    for merged in (merge3(base, changed, base), merge3(base, base, changed)):
        assert not merged.conflicts
        assert fields(merged.task) == fields(changed)


@given(BASES, tasks(), tasks())
def test_symmetry_up_to_sides(base: Task | None, ours: Task, theirs: Task) -> None:
    one, other = merge3(base, ours, theirs), merge3(base, theirs, ours)
    assert [c._replace(regions=()) for c in one.conflicts if c.field not in ("ref", "estimate")] == [
        Conflict(c.field, c.base, c.theirs, c.ours)
        for c in other.conflicts
        if c.field not in ("ref", "estimate")
    ]
    assert in_conflict(one) == in_conflict(other)
    assert fields(take_ours(one)) == fields(take_theirs(other))
    assert fields(take_theirs(one)) == fields(take_ours(other))
    if not one.conflicts:
        assert fields(one.task) == fields(other.task)


@given(BASES, tasks(), tasks())
def test_idempotence(base: Task | None, ours: Task, theirs: Task) -> None:
    merged = merge3(base, ours, theirs)
    if merged.conflicts or base is None:
        return
    for again in (merge3(theirs, merged.task, theirs), merge3(ours, merged.task, ours)):
        assert not again.conflicts
        assert fields(again.task) == fields(merged.task)


@given(BASES, tasks(), tasks())
def test_no_value_is_invented(base: Task | None, ours: Task, theirs: Task) -> None:
    for task in (
        merge3(base, ours, theirs).task,
        *(take(merge3(base, ours, theirs)) for take in (take_ours, take_theirs)),
    ):
        for name, value in fields(task).items():
            left: Any = fields(ours).get(name)
            right: Any = fields(theirs).get(name)
            if name in SETS.values():
                assert set(value) <= {*left, *right}
            elif name == "description":
                assert set(value.split("\n")) <= {*left.split("\n"), *right.split("\n"), ""}
            else:
                assert value in (left, right)


@given(BASES, tasks(), tasks())
def test_no_edit_is_dropped(base: Task | None, ours: Task, theirs: Task) -> None:
    merged = merge3(base, ours, theirs)
    old = fields(base or Task(ID))
    result = fields(merged.task)
    for side in (fields(ours), fields(theirs)):
        for name in {*old, *side}:
            if side.get(name) == old.get(name) or name in in_conflict(merged):
                continue
            if name in SETS.values():
                added, removed = set(side[name]) - set(old[name]), set(old[name]) - set(side[name])
                assert added <= set(result[name]) and not removed & set(result[name])
            elif name == "description":
                added = set(side[name].split("\n")) - set(old[name].split("\n"))
                assert added <= set(result[name].split("\n"))
            else:
                assert result.get(name) == side.get(name)


@given(BASES, tasks(), tasks())
def test_conflicts_name_both_values_and_the_task_holds_ours(
    base: Task | None, ours: Task, theirs: Task
) -> None:
    merged = merge3(base, ours, theirs)
    for conflict in merged.conflicts:
        name = conflict.field
        if name in ("ref", "estimate"):
            continue
        assert conflict.ours == fields(ours)[name] and conflict.theirs == fields(theirs)[name]
        if name == "description":
            assert conflict.regions
        elif name != "status" or DELETED not in (conflict.ours, conflict.theirs):
            assert fields(merged.task)[name] == conflict.ours


@given(tasks(), tasks())
def test_delete_against_edit_keeps_the_edit(base: Task, theirs: Task) -> None:
    base = base._replace(status=PENDING)
    ours = base._replace(status=DELETED)
    for merged in (merge3(base, ours, theirs), merge3(base, theirs, ours)):
        if fields(theirs) == fields(base) or theirs.status == DELETED:
            assert fields(merged.task) == fields(theirs._replace(status=DELETED))
            assert not merged.conflicts
        else:
            assert fields(merged.task) == fields(theirs)
            assert in_conflict(merged) == {"status"}


def test_delete_against_edit_can_go_either_way() -> None:
    ours, theirs = BASE._replace(status=DELETED), BASE._replace(subject="Auth")
    merged = merge3(BASE, ours, theirs)
    assert merged.task == theirs
    assert merged.conflicts == (Conflict("status", PENDING, DELETED, PENDING),)
    assert take_ours(merged) == theirs._replace(status=DELETED)
    assert take_theirs(merged) == theirs


def test_status_is_an_ordinary_scalar() -> None:
    base = BASE._replace(status=IN_PROGRESS)
    back = base._replace(status=PENDING, owner=None)
    assert merge3(base, base, back).task.status == PENDING
    merged = merge3(base, back, base._replace(status=COMPLETED))
    assert merged.conflicts == (Conflict("status", IN_PROGRESS, PENDING, COMPLETED),)
    assert merged.task.status == PENDING


def test_sets_merge_by_additions_and_removals() -> None:
    base = BASE._replace(labels=("a", "b", "c"), blocked_by=(TaskId(3), TaskId(4)))
    ours = base._replace(labels=("b", "c", "d"), blocked_by=(TaskId(3),))
    theirs = base._replace(labels=("a", "b", "e"), blocked_by=(TaskId(3), TaskId(4), TaskId(5)))
    merged = merge3(base, ours, theirs)
    assert not merged.conflicts
    assert merged.task.labels == ("b", "d", "e")
    assert merged.task.blocked_by == (3, 5)


def test_descriptions_merge_by_lines() -> None:
    base = BASE._replace(description="one\ntwo\nthree")
    ours, theirs = (base._replace(description=text) for text in ("ONE\ntwo\nthree", "one\ntwo\nthree\nfour"))
    merged = merge3(base, ours, theirs)
    assert (merged.task.description, merged.conflicts) == ("ONE\ntwo\nthree\nfour", ())
    theirs = base._replace(description="Eins\ntwo\nthree\nfour")
    merged = merge3(base, ours, theirs)
    assert merged.task.description == "ONE\ntwo\nthree\nfour"
    (conflict,) = merged.conflicts
    assert (conflict.field, conflict.regions[0].ours, conflict.regions[0].theirs) == (
        "description",
        ("ONE",),
        ("Eins",),
    )
    assert take_theirs(merged).description == "Eins\ntwo\nthree\nfour"


def test_unknown_fields_are_scalars_by_value() -> None:
    base = BASE._replace(extra=(("ref", {"a": 1, "b": 2}), ("old", 1)))
    ours = base._replace(extra=(("ref", {"b": 2, "a": 1}), ("old", 1), ("mine", [1])))
    theirs = base._replace(extra=(("theirs", None), ("ref", {"a": True, "b": 2})))
    merged = merge3(base, ours, theirs)
    assert not merged.conflicts
    assert merged.task.extra == (("ref", {"a": True, "b": 2}), ("mine", [1]), ("theirs", None))
    assert merged.task.extra[0][1]["a"] is True


def test_an_unknown_field_removed_and_changed_is_kept_and_in_conflict() -> None:
    base = BASE._replace(extra=(("ref", 1),))
    merged = merge3(base, BASE, base._replace(extra=(("ref", 2),)))
    assert merged.task.extra == (("ref", 2),)
    assert merged.conflicts == (Conflict("ref", 1, None, 2),)
    assert take_ours(merged).extra == ()


def test_added_on_both_sides_the_base_is_a_fresh_task() -> None:
    started = BASE._replace(status=IN_PROGRESS, owner="alice", worktree="auth", description="text")
    for merged in (merge3(None, BASE, started), merge3(None, started, BASE)):
        assert (merged.task, merged.conflicts) == (started, ())
    merged = merge3(None, BASE, started._replace(subject="Auth", created=""))
    assert in_conflict(merged) == {"subject"}
    assert merged.task.created == BASE.created
    assert in_conflict(merge3(None, BASE, BASE._replace(uid="0" * 16))) == {"uid"}


@given(tasks(), tasks(), tasks())
def test_where_the_base_is_not_known_every_difference_is_a_conflict(
    base: Task, ours: Task, theirs: Task
) -> None:
    every = frozenset(
        ("subject", "status", "owner", "worktree", "parent", "priority", "description", "extra", *SETS)
    )
    merged = merge3(base, ours, theirs, unknown=every)
    left, right = fields(ours), fields(theirs)
    assert in_conflict(merged) == {name for name in {*left, *right} if left.get(name) != right.get(name)}
    assert fields(take_ours(merged)) == left and fields(take_theirs(merged)) == right


@given(tasks(), st.lists(st.tuples(BASES, tasks()), max_size=4), st.randoms())
def test_folding_does_not_depend_on_the_order(
    ours: Task, sides: list[tuple[Task | None, Task]], random: Any
) -> None:
    shuffled = list(sides)
    random.shuffle(shuffled)
    one, other = fold(ours, sides), fold(ours, shuffled)
    assert fields(one.task) == fields(other.task)
    assert repr(one.clashes) == repr(other.clashes)


@given(BASES, tasks(), tasks())
def test_folding_one_side_is_merging_it(base: Task | None, ours: Task, theirs: Task) -> None:
    folded, merged = fold(ours, [(base, theirs)]), merge3(base, ours, theirs)
    assert {clash.field for clash in folded.clashes} == in_conflict(merged)
    names = fields(ours).keys() - in_conflict(merged)
    assert {n: fields(folded.task).get(n) for n in names} == {n: fields(merged.task).get(n) for n in names}


def test_folding_shows_a_clash_and_guesses_nothing() -> None:
    alice, bob = BASE._replace(owner="alice", priority=0), BASE._replace(owner="bob", labels=("x",))
    folded = fold(BASE, [(BASE, alice), (BASE, bob)])
    assert folded.task == BASE._replace(priority=0, labels=("x",))
    assert folded.clashes == (Clash("owner", (None, "alice", "bob")),)
    assert fold(BASE, [(BASE, alice), (BASE, alice)]).task == alice
    assert fold(BASE, []) == (BASE, ())


@pytest.mark.parametrize("module", ["typing", "difflib", "re", "gittasks.workgraph.text_merge"])
def test_the_board_can_afford_it(module: str) -> None:
    code = f"import sys, gittasks.workgraph.merge; sys.exit({module!r} in sys.modules)"
    assert subprocess.run((sys.executable, "-S", "-E", "-c", code), check=False).returncode == 0
