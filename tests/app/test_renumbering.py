"""Two clones issued one number: both tasks live, everything that came along follows, whoever merges first."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from gittasks.app.ids import reserve
from gittasks.app.resolving import resolve
from gittasks.app.setup import init_project
from gittasks.workgraph.record import COMPLETED, IN_PROGRESS, Task, TaskId
from gittasks.workgraph.resolution import Choices
from tests.app.forks import Fork, new_task, uid
from tests.conftest import git
from tests.faults import die_at

ONE, TWO = TaskId(1), TaskId(2)


@pytest.fixture
def fork(repo: Path) -> Fork:
    """#1 and #2 on all branches; then main and topic each issue a #3, and name it in every way there is."""
    made = Fork(repo)
    made.put(new_task(1, "1"), new_task(2, "2", description="a\nb\nc"))
    made.commit("tasks")
    made.on("topic").put(
        new_task(3, "b", blocked_by=(ONE,), description="Of topic."),
        new_task(4, "c", blocked_by=(TaskId(3),), parent=TaskId(3)),
        new_task(5, "d", written_blocks=(TaskId(3),)),
    )
    made.edit(2, blocked_by=(TaskId(3),), labels=("topic",)).note(3, "b1").note(1, "one").commit("topic")
    made.on("main").put(new_task(3, "a", description="Of main."))
    made.edit(1, blocked_by=(TaskId(3),)).note(3, "a1").commit("main")
    return made


# The graph that both branches mean, whatever the numbers are.
EDGES = {"1": {"a"}, "2": {"b"}, "a": set(), "b": {"1"}, "c": {"b"}, "d": set()}
NOTES = {"1": {"one"}, "a": {"a1"}, "b": {"b1"}}


def holds_both(fork: Fork) -> bool:
    tasks = fork.tasks()
    assert fork.edges() == EDGES
    assert fork.notes() == NOTES
    assert tasks["c"].parent == tasks["b"].id
    assert tasks["d"].written_blocks == (tasks["b"].id,)
    assert (tasks["a"].description, tasks["b"].description) == ("Of main.", "Of topic.")
    assert tasks["2"].labels == ("topic",)
    return not fork.unmerged()


def test_the_incoming_task_gets_a_new_number_and_all_that_came_with_it_follows(fork: Fork) -> None:
    assert not fork.merge("topic")
    done = fork.resolve()
    assert not done.open
    moved = [outcome for outcome in done.outcomes if outcome.action == "renumbered"]
    assert [(o.task_id, o.old, o.old_side, o.subject) for o in moved] == [(6, 3, "topic", "Task b")]
    assert {o.task_id for o in done.outcomes if o.action == "references"} == {2, 4, 5}
    assert fork.numbers() == {"1": 1, "2": 2, "a": 3, "b": 6, "c": 4, "d": 5}
    assert holds_both(fork)
    assert fork.go("commit", "--no-edit") and fork.status() == ""
    assert not fork.resolve().outcomes  # looking back, all is well


def test_from_the_other_side(fork: Fork) -> None:
    assert not fork.on("topic").merge("main")
    assert not fork.resolve().open
    assert fork.numbers()["b"] == 3 and fork.numbers()["a"] == 6
    assert holds_both(fork)


@pytest.mark.parametrize("is_stopped", [True, False])
def test_a_squash_knows_whose_references_are_whose(fork: Fork, is_stopped: bool) -> None:
    """Of what git merged by itself the index does not say which side a reference came from."""
    if is_stopped:
        fork.on("topic").edit(1, owner="ann").commit()
    else:
        fork.on("main").merge("topic")
        fork.resolve()
        fork.commit("b is #6")
        fork.on("topic").edit(4, owner="ann").edit(1, owner="ann").put(
            new_task(7, "e", blocked_by=(TaskId(3),))
        )
        fork.commit("works on, where b is #3")
    assert fork.on("main").go("merge", "--squash", "topic") != is_stopped
    done = fork.resolve()
    assert done.sides.operation == "squash" and not done.open
    assert fork.edges() == EDGES | ({} if is_stopped else {"e": {"b"}})
    assert fork.tasks()["1"].owner == "ann"
    assert fork.notes() == NOTES
    fork.commit("squash")
    assert fork.resolve().sides.operation == ""


def test_settling_another_task_first_moves_nothing(fork: Fork) -> None:
    fork.on("topic").edit(2, owner="ann").commit()
    fork.on("main").edit(2, owner="bob").commit()
    assert not fork.merge("topic")
    done = resolve(fork.project, Choices("theirs", tasks=frozenset((TWO,))))
    assert [(o.task_id, o.action) for o in done.outcomes] == [(2, "merged")]
    assert fork.unmerged() == [".tasks/3.yaml"]
    assert (fork.folder / ".tasks/3/b1.md").exists()
    assert not fork.resolve().open
    assert fork.numbers()["b"] == 6
    assert holds_both(fork)


def test_its_number_is_never_issued_again(fork: Fork) -> None:
    assert not fork.merge("topic")
    fork.resolve()
    with fork.project.lock("test"):
        assert reserve(fork.project, 1) == 7


def test_two_clones_that_merged_each_on_their_own_meet_again(fork: Fork) -> None:
    git(fork.folder, "branch", "main1")
    assert not fork.merge("topic")
    fork.resolve()
    fork.commit("main merges topic: b is #6")
    assert not fork.on("topic").merge("main1")
    fork.resolve()
    fork.commit("topic merges main: a is #6 or more")
    assert fork.numbers()["b"] == 3
    git(fork.folder, "branch", "topic1")
    assert not fork.merge("main")
    assert not fork.resolve().open
    assert holds_both(fork)
    one = fork.numbers()
    fork.commit("meet")
    assert not fork.on("main").merge("topic1")
    assert not fork.resolve().open
    assert holds_both(fork)
    fork.commit("meet too")
    assert fork.numbers() == one
    assert fork.merge("topic")
    assert holds_both(fork)


@pytest.mark.parametrize("is_halted", [True, False])
def test_a_third_clone_that_has_seen_only_the_other_one(fork: Fork, is_halted: bool) -> None:
    """git merges the two tasks of #3 into one without a conflict: it knows names alone."""
    git(fork.folder, "branch", "third", "topic")
    assert not fork.merge("topic")
    fork.resolve()
    fork.commit("b is #6")
    fork.on("third").edit(3, status=IN_PROGRESS, owner="ann").note(3, "b2").put(
        new_task(8, "e", blocked_by=(TaskId(3),))
    )
    fork.commit("works on b, which is #3 here")
    assert fork.go("merge", "--no-edit", *(("--no-commit",) if is_halted else ()), "main")
    done = fork.resolve()
    assert not done.open
    tasks = fork.tasks()
    assert fork.edges() == EDGES | {"e": {"b"}}
    assert (tasks["a"].id, tasks["a"].status, tasks["a"].owner) == (3, "pending", None)
    assert (tasks["b"].id, tasks["b"].status, tasks["b"].owner) == (6, IN_PROGRESS, "ann")
    assert fork.notes() == NOTES | {"b": {"b1", "b2"}}
    assert not fork.resolve().outcomes or not is_halted


def test_looking_back_decides_nothing_anew(fork: Fork) -> None:
    git(fork.folder, "branch", "third", "topic")
    assert not fork.merge("topic")
    fork.resolve()
    fork.edit(6, priority=0).commit("b is #6, and urgent")
    fork.on("third").edit(3, priority=4).commit("b, which is #3 here, can wait")
    assert fork.go("merge", "--no-commit", "main")
    assert not fork.resolve("theirs").open
    assert fork.numbers()["b"] == 6 and fork.task(6).priority == 0
    fork.commit("decided")
    assert not fork.resolve("ours").outcomes
    assert fork.task(6).priority == 0


def test_a_rebase_of_many_commits(fork: Fork) -> None:
    """One commit stops; those behind it merge cleanly, and name the task by its old number."""
    fork.on("topic").put(new_task(8, "e", blocked_by=(TaskId(3),))).note(3, "b2").commit("later")
    assert not fork.go("rebase", "main")
    done = fork.resolve()
    assert done.sides.ours.name == "main" and not done.open
    assert fork.go("rebase", "--continue")
    assert fork.edges()["e"] == {"a"}  # wrong, and nobody stopped for it
    done = fork.resolve()
    assert [(o.task_id, o.action) for o in done.outcomes] == [(8, "references")]
    assert fork.edges() == EDGES | {"e": {"b"}}
    assert fork.notes() == NOTES | {"b": {"b1", "b2"}}
    fork.commit("names")
    assert not fork.resolve().outcomes


def test_a_rebase_that_was_built_upon(fork: Fork) -> None:
    """Commits came after it: what they say about fields stays, references are mended all the same."""
    fork.on("topic").put(new_task(8, "e", blocked_by=(TaskId(3),))).commit("later")
    assert not fork.go("rebase", "main")
    assert not fork.resolve().open
    assert fork.go("rebase", "--continue")
    fork.edit(8, owner="ann").commit("on top")
    assert [(o.task_id, o.action) for o in fork.resolve().outcomes] == [(8, "references")]
    assert (fork.edges()["e"], fork.tasks()["e"].owner) == ({"b"}, "ann")
    fork.edit(8, blocked_by=()).commit("no more")
    assert not fork.resolve().outcomes  # it is looked into once


def test_a_rebase_that_takes_a_merge_apart(fork: Fork) -> None:
    """Its commits were made before the merge that gave b its number, and hit a, which no side changed."""
    fork.on("topic").edit(3, labels=("of-b",)).note(3, "b2").commit("of b, which is #3 here")
    git(fork.folder, "checkout", "-q", "-b", "both", "main")
    assert not fork.merge("topic")
    assert not fork.resolve().open
    fork.commit("merged: b has another number")
    fork.on("main").edit(1, owner="ann").commit("main goes on")
    fork.on("both")
    assert not fork.go("rebase", "main")
    assert not fork.resolve().open
    while not fork.go("rebase", "--continue"):
        assert not fork.resolve().open
    assert fork.tasks()["a"].labels == ("of-b",)  # wrong, and nobody stopped for it
    assert not fork.resolve().open
    assert (fork.tasks()["a"].labels, fork.tasks()["b"].labels) == ((), ("of-b",))
    assert fork.edges() == EDGES
    assert fork.notes() == NOTES | {"b": {"b1", "b2"}}


@pytest.mark.parametrize("has_driver", [True, False])
def test_what_git_takes_for_a_renamed_file(fork: Fork, has_driver: bool) -> None:
    """Two numbers changed hands on one side; one file went, one came, and git believes it was renamed."""
    if has_driver:
        init_project(fork.project)
    fork.on("main").put(new_task(7, "e"), new_task(8, "f")).commit("e is #7, f is #8")
    git(fork.folder, "branch", "third")
    fork.put(new_task(7, "f"), new_task(9, "e")).path(8).unlink()
    fork.commit("f is #7, e is #9")
    fork.on("third").edit(8, status=IN_PROGRESS).edit(7, labels=("of-e",)).commit("third")
    fork.on("main").go("merge", "--no-commit", "third")
    assert not fork.resolve().open
    tasks = fork.tasks()
    assert (tasks["e"].id, tasks["e"].labels, tasks["e"].status) == (9, ("of-e",), "pending")
    assert (tasks["f"].id, tasks["f"].labels, tasks["f"].status) == (7, (), IN_PROGRESS)
    assert not fork.path(8).exists() and not fork.unmerged()


def test_a_note_that_one_side_gave_to_another_task(fork: Fork) -> None:
    fork.on("main").put(new_task(7, "e"), new_task(8, "f")).note(7, "n").commit("e has a note")
    git(fork.folder, "branch", "third")
    git(fork.folder, "mv", ".tasks/7", ".tasks/9")
    fork.put(new_task(9, "e"), new_task(7, "0")).commit("e is #9")
    fork.on("third")
    git(fork.folder, "mv", ".tasks/7", ".tasks/8")
    fork.commit("the note is about f")
    for branch, other in (("main", "third"), ("third", "main~0")):
        git(fork.folder, "checkout", "-q", "-f", branch)
        fork.go("merge", "--no-commit", other)
        assert not fork.resolve().open
        assert fork.notes()["f"] == {"n"} and not fork.unmerged()
        assert (fork.numbers()["e"], fork.numbers()["0"]) == (9, 7)
        git(fork.folder, "merge", "--abort")


def test_a_rebase_that_stops_twice(fork: Fork) -> None:
    fork.on("topic").edit(3, status=COMPLETED).edit(4, owner="ann").commit("b is done")
    assert not fork.go("rebase", "main")
    assert not fork.resolve().open
    number = fork.numbers()["b"]
    while not fork.go("rebase", "--continue"):
        assert not fork.resolve().open
    fork.resolve()
    assert fork.numbers()["b"] == number
    assert (fork.tasks()["a"].status, fork.tasks()["b"].status) == ("pending", COMPLETED)
    assert fork.edges() == EDGES


def test_nothing_is_renumbered_while_one_of_them_is_open(fork: Fork) -> None:
    git(fork.folder, "branch", "third", "topic")
    assert not fork.merge("topic")
    fork.resolve()
    fork.edit(6, status=COMPLETED).commit("b is #6 and done")
    fork.on("third").edit(3, status=IN_PROGRESS).put(
        new_task(3, "b", status=IN_PROGRESS, subject="B", blocked_by=(ONE,))
    )
    fork.commit("b is in progress")
    fork.go("merge", "--no-commit", "main")
    before = fork.status()
    done = fork.resolve()
    assert done.is_blocked
    assert [(o.task_id, o.conflicts[0].field) for o in done.open] == [(6, "status")]
    assert fork.status() == before
    assert not fork.resolve("theirs").open
    tasks = fork.tasks()
    assert (tasks["b"].id, tasks["b"].status, tasks["b"].subject) == (6, COMPLETED, "B")
    assert fork.edges() == EDGES


def test_tasks_without_a_uid_are_told_apart_by_their_subject(fork: Fork) -> None:
    fork.on("topic").put(Task(TaskId(7), subject="of topic")).commit()
    fork.on("main").put(Task(TaskId(7), subject="of main")).commit()
    assert not fork.merge("topic")
    assert not fork.resolve().open
    assert {row.subject: row.id for row in fork.project.snapshot().rows if not row.uid} == {
        "of main": 7,
        "of topic": 8,
    }


def test_what_a_person_typed_into_one_of_them_stops_it(fork: Fork) -> None:
    assert not fork.merge("topic")
    text = fork.path(3).read_text().replace("Of main.", "Of main, and of me.")
    fork.path(3).write_text(text)
    done = fork.resolve()
    assert done.is_blocked and "edited by hand" in done.open[0].problem
    assert fork.path(3).read_text() == text
    assert fork.unmerged() == [".tasks/3.yaml"]


@pytest.mark.long
def test_killed_at_every_call_and_run_again_it_ends_the_same(fork: Fork, tmp_path: Path) -> None:
    assert not fork.merge("topic")
    start = tmp_path / "start"
    fork.folder.rename(start)
    fork.folder.mkdir()
    number, killed, moments = 0, True, 0
    while killed:
        number += 19
        shutil.rmtree(fork.folder)
        shutil.copytree(start, fork.folder)
        killed = die_at(number, lambda: Fork(fork.folder).resolve())
        wait_for_git(fork.folder)
        done = fork.resolve()
        assert not done.open, number
        assert holds_both(fork), number
        assert fork.numbers()["a"] == 3, number
        assert fork.status().count("?? ") == 0, (number, fork.status())
        moments += 1
    assert moments > 5, number


def wait_for_git(folder: Path) -> None:
    # A git process whose parent died goes on for a moment and holds its own lock.
    deadline = time.monotonic() + 10
    while (folder / ".git" / "index.lock").exists() and time.monotonic() < deadline:
        time.sleep(0.002)


def test_a_number_from_a_killed_run_is_kept(fork: Fork) -> None:
    """The incoming task was written as #6, and nothing staged yet."""
    assert not fork.merge("topic")
    fork.put(new_task(6, "b", blocked_by=(ONE,), description="Of topic."))
    assert not fork.resolve().open
    assert fork.numbers()["b"] == 6
    assert holds_both(fork)
    assert uid("b") in fork.path(6).read_text()
