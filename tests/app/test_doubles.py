"""One task, one number in all checkouts of a clone; and where a merge left two files of one task, they become one."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gittasks.app import doctor
from gittasks.app.syncing import sync
from gittasks.workgraph.record import TaskId
from tests.app.forks import Fork, new_task
from tests.app.test_renumbering import wait_for_git
from tests.conftest import Cli, git
from tests.faults import die_at

THREE, FOUR = TaskId(3), TaskId(4)


@pytest.fixture
def fork(repo: Path) -> Fork:
    """#1 and #2 on main; nothing else."""
    made = Fork(repo).put(new_task(1, "1"), new_task(2, "2"))
    made.commit("tasks")
    return made


def rebase(fork: Fork, onto: str) -> None:
    """Rebase to the end, with `resolve` where it stops."""
    is_over = fork.go("rebase", onto)
    while not is_over:
        assert not fork.resolve().open
        is_over = fork.go("rebase", "--continue")
    if fork.resolve().outcomes:
        fork.commit("what git could not see")


def worktree(fork: Fork, name: str, base: str) -> Fork:
    folder = fork.folder.parent / name
    git(fork.folder, "worktree", "add", "-q", "-b", name, str(folder), base)
    return Fork(folder)


def double(fork: Fork) -> Fork:
    """Two branches added b, as #3 and as #4, and git merged them: #5 to #7 name one or the other."""
    fork.on("topic").put(new_task(4, "b", labels=("topic",)), new_task(5, "5", blocked_by=(FOUR,)))
    fork.put(new_task(6, "6", parent=FOUR)).note(4, "of-topic").commit("b is #4")
    fork.on("main").put(new_task(3, "b", owner="ann"), new_task(7, "7", blocked_by=(THREE,)))
    fork.note(3, "of-main").commit("b is #3")
    assert fork.merge("topic")
    return fork


def is_one(fork: Fork) -> bool:
    b = fork.tasks()["b"]
    assert fork.edges() == {"1": set(), "2": set(), "b": set(), "5": {"b"}, "6": set(), "7": {"b"}}
    assert fork.tasks()["6"].parent == b.id == 3
    assert fork.notes() == {"b": {"of-topic", "of-main"}}
    return (b.owner, b.labels) == ("ann", ("topic",)) and not fork.path(4).exists()


@pytest.mark.parametrize("is_checked_out", [True, False])
def test_a_task_gets_the_number_that_it_has_elsewhere_in_the_clone(fork: Fork, is_checked_out: bool) -> None:
    fork.on("theirs").put(new_task(3, "a")).commit("a is #3")
    fork.on("main").put(new_task(3, "b")).commit("b is #3")
    tree = worktree(fork, "tree", "main")
    tree.edit(3, owner="ann").put(new_task(4, "c")).commit("of b")
    rebase(tree, "theirs")
    number = tree.numbers()["b"]
    assert number > 4
    if not is_checked_out:
        git(fork.folder, "worktree", "remove", "--force", str(tree.folder))
    rebase(fork, "theirs")
    assert fork.numbers()["b"] == number
    assert fork.merge("tree") and not fork.resolve().outcomes
    assert (fork.numbers()["b"], fork.tasks()["b"].owner) == (number, "ann")


def test_a_number_that_another_task_has_here_is_not_taken(fork: Fork) -> None:
    fork.on("theirs").put(new_task(3, "a"), new_task(4, "c")).commit("a is #3, c is #4")
    fork.on("main").put(new_task(3, "b")).commit("b is #3")
    worktree(fork, "tree", "main~1").put(new_task(4, "b"))
    assert not fork.merge("theirs")
    assert not fork.resolve().open
    assert fork.numbers() == {"1": 1, "2": 2, "b": 3, "c": 4, "a": 5}


def test_two_files_of_one_task_become_one_under_the_lower_number(fork: Fork) -> None:
    done = double(fork).resolve()
    assert {(o.task_id, o.action, o.old) for o in done.outcomes} == {
        (3, "folded", 4),
        (5, "references", None),
        (6, "references", None),
    }
    assert is_one(fork)
    fork.commit("one again")
    assert fork.status() == "" and not fork.resolve().outcomes


def test_also_where_commits_came_after_the_merge(fork: Fork) -> None:
    double(fork).edit(1, owner="bob").commit("later")
    assert [finding.code for finding in doctor.examine(fork.project) if finding.severity == "error"] == [
        "same-uid"
    ]
    assert not fork.resolve(dry_run=True).open and fork.status() == ""
    assert not fork.resolve().open and is_one(fork)


def test_a_rebase_that_nobody_looked_into_hides_no_merge(fork: Fork) -> None:
    fork.on("topic").put(new_task(4, "b", labels=("topic",))).commit("b is #4")
    fork.on("theirs").put(new_task(3, "a")).commit("a is #3")
    fork.on("main").put(new_task(3, "c")).commit("c is #3")
    assert not fork.go("rebase", "theirs")
    assert not fork.resolve().open and fork.go("rebase", "--continue")
    fork.put(new_task(6, "b", owner="ann")).commit("b is #6")
    assert fork.merge("topic")
    assert not fork.resolve().open
    b = fork.tasks()["b"]
    assert (b.id, b.owner, b.labels) == (4, "ann", ("topic",))


def test_a_rebase_that_ends_with_two_files(fork: Fork) -> None:
    """All its commits are known: they say what each file was to become, and who named which."""
    fork.on("topic").put(new_task(4, "b", labels=("topic",)), new_task(5, "5", blocked_by=(FOUR,)))
    fork.commit("b is #4")
    fork.on("main").put(new_task(3, "b", owner="ann")).commit("b is #3")
    assert fork.on("topic").go("rebase", "main")
    done = fork.resolve()
    assert [(o.task_id, o.action, o.old) for o in done.outcomes] == [
        (3, "renumbered", 4),
        (5, "references", None),
    ]
    b = fork.tasks()["b"]
    assert (b.owner, b.labels, fork.edges()["5"]) == ("ann", ("topic",), {"b"})
    fork.commit("one again")
    assert fork.status() == "" and not fork.resolve().outcomes


def test_what_one_side_took_away_stays_away(fork: Fork) -> None:
    """Of what git merged last, the common version says who changed a field."""
    fork.put(new_task(8, "b", labels=("old",), owner="ann")).commit("b is #8")
    for branch, number in (("topic", 4), ("main", 3)):
        fork.on(branch)
        git(fork.folder, "mv", ".tasks/8.yaml", f".tasks/{number}.yaml")
        fork.put(new_task(number, "b", labels=("old",), owner="ann")).put(new_task(8, str(number)))
        fork.commit(f"b is #{number}")
        if branch == "topic":
            fork.edit(4, labels=(), owner=None).commit("nobody's")
            git(fork.folder, "rm", "-q", ".tasks/8.yaml")
            fork.commit("no other #8")
    fork.go("merge", "--no-commit", "topic")
    fork.path(8).unlink(missing_ok=True)
    fork.commit("merged")
    assert not fork.resolve().open
    b = fork.tasks()["b"]
    assert (b.id, b.labels, b.owner) == (3, (), None)


def test_one_that_waits_for_the_other_does_not_wait_for_itself(fork: Fork) -> None:
    fork.put(new_task(3, "b", parent=FOUR), new_task(4, "b", blocked_by=(TaskId(1), THREE))).commit("twice")
    assert not fork.resolve().open
    b = fork.tasks()["b"]
    assert (b.id, b.parent, b.blocked_by) == (3, None, (1,))


def test_each_of_three_numbers_and_each_of_two_tasks(fork: Fork) -> None:
    fork.put(new_task(3, "b"), new_task(5, "b", labels=("x",)), new_task(7, "b", owner="ann"))
    fork.put(new_task(4, "c"), new_task(6, "c", priority=0)).commit("five files")
    assert not fork.resolve().open
    tasks = fork.tasks()
    assert (tasks["b"].id, tasks["b"].labels, tasks["b"].owner) == (3, ("x",), "ann")
    assert (tasks["c"].id, tasks["c"].priority) == (4, 0)


def test_what_they_disagree_about_is_for_a_person(fork: Fork, cli: Cli) -> None:
    fork.put(new_task(3, "b"), new_task(4, "b", subject="A copy"), new_task(5, "5", parent=FOUR))
    fork.commit("a copy")
    done = cli("resolve", code=4)
    assert done.stdout == "#3 conflict: subject: Task b on #3, A copy on #4\n"
    assert "`gittasks resolve 3 --theirs` takes #4" in done.stderr
    assert "delete its `uid:` line" in done.stderr
    assert fork.status() == ""
    document = json.loads(cli("resolve", "--set", "subject=Both", "--json").stdout)
    assert document["operation"] == "fold"
    assert document["resolved"][0] == {"id": 3, "subject": "Both", "action": "folded", "was": 4}
    assert (fork.tasks()["b"].subject, fork.tasks()["5"].parent) == ("Both", 3)


def test_the_command_says_which_file_goes(fork: Fork, cli: Cli) -> None:
    fork.put(new_task(3, "b"), new_task(4, "b")).commit("alike")
    done = cli("resolve")
    assert done.stdout == "#3 takes in #4, its other number: Task b\n"
    assert "#4 in a description or a note may mean what is #3 now" in done.stderr
    assert "`git commit` keeps that" in done.stderr
    assert fork.status() == "D  .tasks/4.yaml"


@pytest.mark.long
def test_killed_at_any_call_and_run_again_it_ends_the_same(fork: Fork, tmp_path: Path) -> None:
    double(fork).edit(1, owner="bob").commit("later")
    start = tmp_path / "start"
    fork.folder.rename(start)
    fork.folder.mkdir()
    number, killed = 0, True
    while killed:
        number += 19
        shutil.rmtree(fork.folder)
        shutil.copytree(start, fork.folder)
        killed = die_at(number, lambda: Fork(fork.folder).resolve())
        wait_for_git(fork.folder)
        assert not fork.resolve().open, number
        assert is_one(fork), number
        fork.commit("one again")
        assert fork.status() == "", number
    assert number > 100


def test_sync_publishes_one(fork: Fork, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(fork.folder), "hub")
    git(tmp_path, "clone", "-q", "hub", "clone")
    clone = Fork(tmp_path / "clone")
    double(clone)
    assert sync(clone.project).outcome == "pushed"
    assert is_one(clone) and clone.status() == ""
    assert git(tmp_path / "hub", "rev-parse", "main") == git(clone.folder, "rev-parse", "main")
