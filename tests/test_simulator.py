"""Fixed seeds of the simulator, and proof that its ledger sees what it is there to see."""

from __future__ import annotations

from pathlib import Path

import pytest

from gittasks.workgraph.record import Task, TaskId
from tests.simulator.ledger import BrokenLawError, Facts, Ledger, facts_of
from tests.simulator.simulation import simulate

ONE, TWO = TaskId(1), TaskId(2)
TASK = Task(ONE, "a" * 16, "first", owner="ann", labels=("old",), description="line one\nline two")
OTHER = Task(TWO, "b" * 16, "second", blocked_by=(ONE,))


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("seed", "clones", "steps"),
    [
        (1, 2, 10),
        (3, 2, 10),
        (11, 2, 10),
        pytest.param(3, 2, 30, marks=pytest.mark.long),
        pytest.param(17, 3, 30, marks=pytest.mark.long),
        pytest.param(29, 4, 30, marks=pytest.mark.long),
    ],
)
def test_nothing_is_lost(tmp_path: Path, seed: int, clones: int, steps: int) -> None:
    outcome = simulate(tmp_path, seed=seed, clones=clones, steps=steps, every=15)
    assert not outcome.failure, "\n".join((*outcome.log[-20:], outcome.failure))
    assert outcome.counts["steps"] == steps
    assert outcome.counts["merges"] and outcome.counts["edits"] > 30


@pytest.fixture
def ledger() -> Ledger:
    """It has seen both tasks come into being."""
    made = Ledger()
    made.observe(facts_of([]), facts())
    return made


def facts(task: Task = TASK, *more: Task) -> Facts:
    return facts_of([task, *(more or (OTHER,))])


def edit(ledger: Ledger, **changes: object) -> Facts:
    """Somebody who sees the first version edits the first task."""
    after = facts(TASK._replace(**changes))  # type: ignore[arg-type]
    ledger.observe(facts(), after)
    return after


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"owner": "bob"}, "'bob' is lost"),
        ({"labels": ("new", "old")}, "is lost"),
        ({"labels": ()}, "is there again"),
        ({"description": "line one\nline two\nline three"}, "is lost"),
        ({"description": "line two"}, "is there again"),
        ({"extra": (("estimate", 3),)}, "3 is lost"),
        ({"blocked_by": (TWO,)}, "is lost"),
    ],
)
def test_an_edit_that_is_gone_is_a_loss(ledger: Ledger, changes: dict[str, object], word: str) -> None:
    after = edit(ledger, **changes)
    assert list(ledger.broken(after)) == []
    assert any(word in loss for loss in ledger.broken(facts()))


def test_an_edit_that_somebody_replaced_is_none(ledger: Ledger) -> None:
    before = edit(ledger, owner="bob")
    after = facts(TASK._replace(owner="cem"))
    ledger.observe(before, after)
    assert list(ledger.broken(after)) == []
    assert list(ledger.broken(before)) != []


def test_of_two_edits_one_is_lost_unless_it_was_reported(ledger: Ledger) -> None:
    after = edit(ledger, owner="bob")
    edit(ledger, owner="cem")
    assert list(ledger.broken(after)) == [f"{(TASK.uid, 'owner')}: 'cem' is lost, there is 'bob'"]
    ledger.decide((TASK.uid, "owner"), ("bob", "cem"), "bob")
    assert list(ledger.broken(after)) == []


def test_what_was_decided_is_an_edit_too(ledger: Ledger) -> None:
    edit(ledger, owner="bob")
    after = edit(ledger, owner="cem")
    ledger.decide((TASK.uid, "owner"), ("bob", "cem"), "bob")
    assert any("'bob' is lost" in loss for loss in ledger.broken(after))


def test_a_choice_must_be_one_of_the_two(ledger: Ledger) -> None:
    with pytest.raises(BrokenLawError, match="was chosen between"):
        ledger.decide((TASK.uid, "owner"), ("bob", "cem"), "dan")


def test_what_nobody_wrote_is_invented(ledger: Ledger) -> None:
    assert any("invented" in loss for loss in ledger.broken(facts(TASK._replace(owner="eve"))))
    assert any("invented" in loss for loss in ledger.broken(facts(TASK._replace(labels=("eve", "old")))))


def test_a_reference_is_to_a_task_and_not_to_a_number(ledger: Ledger) -> None:
    moved = facts(TASK._replace(id=TaskId(3)), OTHER._replace(blocked_by=(TaskId(3),)))
    assert list(ledger.broken(moved)) == []
    third = Task(TaskId(3), "c" * 16, "third")
    ledger.observe(facts(), facts(TASK, OTHER, third))
    swapped = facts(TASK, OTHER._replace(blocked_by=(third.id,)), third)
    assert {text.rpartition(": ")[2] for text in ledger.broken(swapped)} == {"is lost", "is invented"}


def test_a_task_that_is_gone_and_numbers_that_name_nothing_are_seen(ledger: Ledger) -> None:
    assert any("is gone" in loss for loss in ledger.broken(facts_of([TASK])))
    with pytest.raises(BrokenLawError, match="#1 is named by 2"):
        facts_of([OTHER])
    with pytest.raises(BrokenLawError, match="two files"):
        facts_of([TASK, TASK._replace(id=TWO)])


def test_what_was_added_twice_may_come_back(ledger: Ledger) -> None:
    ledger.repeat(facts_of([]), facts())
    edit(ledger, labels=(), owner=None)
    assert list(ledger.broken(facts())) == []
    edit(ledger, owner="bob")
    assert any("'bob' is lost" in loss for loss in ledger.broken(facts()))
