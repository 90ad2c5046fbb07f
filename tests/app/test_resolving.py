"""Ending merges that stopped: by fields, by hand, by number, in whatever operation of git."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gittasks.app.resolving import NotInConflictError
from gittasks.base.files import UnsafeFileError
from gittasks.repo import index
from gittasks.workgraph.record import COMPLETED, DELETED, IN_PROGRESS, PENDING, TaskId
from tests.app.forks import Fork, new_task, uid
from tests.conftest import git


@pytest.fixture
def fork(repo: Path) -> Fork:
    """main and topic, both at a commit with #1 to #3."""
    made = Fork(repo)
    made.put(
        new_task(1, "1"), new_task(2, "2", labels=("b", "d")), new_task(3, "3", description="one\ntwo\nthree")
    )
    made.commit("tasks")
    git(repo, "branch", "topic")
    return made


def apart(fork: Fork) -> Fork:
    """A list gap that git cannot merge and merge3 can, and a status that nobody can."""
    fork.on("topic").edit(2, labels=("b", "c2", "d")).edit(1, status=COMPLETED, priority=0).commit(
        "topic work"
    )
    fork.on("main").edit(2, labels=("b", "c1", "d")).edit(1, status=IN_PROGRESS).commit("main work")
    return fork


def test_what_fields_decide_is_staged_and_the_rest_is_marked_and_named(fork: Fork) -> None:
    assert not apart(fork).merge("topic")
    done = fork.resolve()
    assert [(outcome.task_id, outcome.action) for outcome in done.outcomes] == [
        (1, "conflict"),
        (2, "merged"),
    ]
    (conflict,) = done.open[0].conflicts
    assert conflict[:4] == ("status", PENDING, IN_PROGRESS, COMPLETED)
    assert (done.sides.operation, done.sides.ours.name, done.sides.theirs.name) == ("merge", "main", "topic")
    assert fork.task(2).labels == ("b", "c1", "c2", "d")
    assert fork.unmerged() == [".tasks/1.yaml"]
    text = fork.path(1).read_text()
    assert "\n<<<<<<< main\nstatus: in_progress\n=======\nstatus: completed\n>>>>>>> topic\n" in text
    assert "priority: 0\n" in text
    assert fork.resolve().open[0].conflicts == done.open[0].conflicts  # asking again answers the same


@pytest.mark.parametrize(
    ("prefer", "given", "status"),
    [
        ("ours", {}, IN_PROGRESS),
        ("theirs", {}, COMPLETED),
        (None, {"1 status": DELETED}, DELETED),
        ("ours", {"1 status": "theirs"}, COMPLETED),
    ],
)
def test_a_choice_ends_a_conflict(fork: Fork, prefer: str | None, given: dict[str, str], status: str) -> None:
    assert not apart(fork).merge("topic")
    done = fork.resolve(prefer, given)
    assert not done.open and not fork.unmerged()
    assert (fork.task(1).status, fork.task(1).priority) == (status, 0)
    fork.go("commit", "--no-edit")
    assert fork.status() == ""
    assert not fork.resolve().outcomes


def test_a_choice_about_nothing_is_refused(fork: Fork) -> None:
    assert not apart(fork).merge("topic")
    with pytest.raises(NotInConflictError, match="owner is not in conflict"):
        fork.resolve(None, {"1 owner": "bob"})
    assert fork.unmerged() == [".tasks/1.yaml", ".tasks/2.yaml"]


def test_a_dry_run_changes_nothing(fork: Fork) -> None:
    assert not apart(fork).merge("topic")
    before = fork.status(), fork.path(1).read_bytes(), fork.path(2).read_bytes()
    assert len(fork.resolve("theirs", dry_run=True).outcomes) == 2
    assert (fork.status(), fork.path(1).read_bytes(), fork.path(2).read_bytes()) == before


def test_descriptions_are_decided_by_region(fork: Fork) -> None:
    fork.on("topic").edit(3, description="Eins\ntwo\nthree\nfour").commit()
    fork.on("main").edit(3, description="ONE\ntwo\nthree").commit()
    assert not fork.merge("topic")
    (conflict,) = fork.resolve().open[0].conflicts
    assert (conflict.field, len(conflict.regions)) == ("description", 1)
    assert fork.path(3).read_text().count("<<<<<<<") == 1
    fork.resolve("theirs")
    assert fork.task(3).description == "Eins\ntwo\nthree\nfour"


def test_in_a_rebase_ours_is_what_is_rebased_onto(fork: Fork) -> None:
    apart(fork).on("topic")
    assert not fork.go("rebase", "main")
    done = fork.resolve()
    assert (done.sides.operation, done.sides.ours.name) == ("rebase", "main")
    assert done.sides.theirs.name.startswith("topic, commit ")
    assert done.sides.theirs.name.endswith("topic work")
    assert done.open[0].conflicts[0].ours == IN_PROGRESS
    assert not fork.resolve("theirs").open
    assert fork.go("rebase", "--continue")
    assert fork.task(1).status == COMPLETED


def test_in_a_cherry_pick_and_a_revert(fork: Fork) -> None:
    apart(fork)
    assert not fork.go("cherry-pick", "topic")
    done = fork.resolve("theirs")
    assert (done.sides.operation, done.sides.theirs.name[-10:]) == ("cherry-pick", "topic work")
    assert fork.go("cherry-pick", "--continue")
    fork.edit(1, status=PENDING).commit()
    assert not fork.go("revert", "--no-edit", "HEAD~1")
    done = fork.resolve("ours")
    assert (done.sides.operation, done.open) == ("revert", ())
    assert fork.task(2).labels == ("b", "c1", "d")


def test_in_a_stash_pop(fork: Fork) -> None:
    fork.edit(1, status=COMPLETED, priority=0).edit(2, labels=("b", "c2", "d"))
    git(fork.folder, "stash", "-q")
    fork.edit(1, status=IN_PROGRESS).edit(2, labels=("b", "c1", "d")).commit()
    assert not fork.go("stash", "pop")
    done = fork.resolve()
    assert (done.sides.operation, done.sides.theirs.name) == ("stash", "stash@{0}")
    assert fork.task(2).labels == ("b", "c1", "c2", "d")
    assert not fork.resolve("theirs").open
    assert (fork.task(1).status, fork.task(1).priority) == (COMPLETED, 0)
    assert not fork.unmerged()


def test_in_a_patch_of_which_git_knows_no_commit(fork: Fork) -> None:
    apart(fork)
    patch = git(fork.folder, "format-patch", "-1", "--stdout", "topic") + "\n"
    done = subprocess.run(
        ("git", "am", "-q", "-3"), cwd=fork.folder, input=patch, text=True, capture_output=True, check=False
    )
    assert done.returncode != 0
    answer = fork.resolve("theirs")
    assert (answer.sides.operation, answer.sides.theirs.name) == ("rebase", "the patch")
    assert (fork.task(1).status, fork.task(2).labels) == (COMPLETED, ("b", "c1", "c2", "d"))
    assert fork.go("am", "--continue")


@pytest.mark.parametrize("prefer", ["ours", "theirs"])
@pytest.mark.parametrize("edits_here", [True, False])
def test_a_file_removed_on_one_side_and_edited_on_the_other_is_kept_until_somebody_decides(
    fork: Fork, prefer: str, edits_here: bool
) -> None:
    fork.on("topic" if edits_here else "main").path(1).unlink()
    fork.commit("remove")
    fork.on("main" if edits_here else "topic").edit(1, owner="ann").commit("edit")
    fork.on("main")
    assert not fork.merge("topic")
    done = fork.resolve()
    assert done.open[0].conflicts[0].field == "file"
    assert fork.task(1).owner == "ann" and fork.unmerged() == [".tasks/1.yaml"]
    assert not fork.resolve(prefer).open and not fork.unmerged()
    is_kept = (prefer == "ours") == edits_here
    assert fork.path(1).exists() == is_kept
    assert fork.go("commit", "--no-edit") and fork.status() == ""


def test_a_tombstone_against_an_edit_keeps_the_edit(fork: Fork) -> None:
    fork.on("topic").edit(1, status=DELETED).commit()
    fork.on("main").edit(1, status=IN_PROGRESS, owner="ann").commit()
    assert not fork.merge("topic")
    assert fork.resolve().open[0].conflicts[0][:4] == ("status", PENDING, IN_PROGRESS, DELETED)
    fork.resolve("theirs")
    assert (fork.task(1).status, fork.task(1).owner) == (DELETED, "ann")


def test_one_task_added_on_both_sides(fork: Fork) -> None:
    fork.on("topic").put(new_task(4, "4", status=IN_PROGRESS, owner="ann", worktree="x")).commit()
    fork.on("main").put(new_task(4, "4", labels=("urgent",))).commit()
    assert not fork.merge("topic")
    assert not fork.resolve().open
    task = fork.task(4)
    assert (task.status, task.owner, task.labels) == (IN_PROGRESS, "ann", ("urgent",))


def test_what_a_person_finished_by_hand_is_the_answer(fork: Fork) -> None:
    assert not apart(fork).merge("topic")
    fork.put(fork.task(3)._replace(id=TaskId(1), uid=uid("1"), subject="By hand"))
    done = fork.resolve("theirs")
    assert [(outcome.task_id, outcome.action) for outcome in done.outcomes] == [(1, "by_hand"), (2, "merged")]
    assert fork.task(1).subject == "By hand"
    assert not fork.unmerged()


def test_what_a_person_did_not_finish_is_left_alone(fork: Fork) -> None:
    assert not apart(fork).merge("topic")
    text = fork.path(1).read_text().replace("subject: Task 1", "subject: A better name")
    fork.path(1).write_text(text)
    done = fork.resolve("theirs")
    assert [outcome.task_id for outcome in done.open] == [1]
    assert "edited by hand" in done.open[0].problem
    assert fork.path(1).read_text() == text
    assert fork.unmerged() == [".tasks/1.yaml"]


@pytest.mark.parametrize("commits", [0, 1, 2])
def test_conflict_markers_that_somebody_staged(fork: Fork, commits: int) -> None:
    assert not apart(fork).merge("topic")
    git(fork.folder, "add", "-A")
    for _ in range(commits):
        git(fork.folder, "commit", "-q", "--allow-empty", "-m", "oops")
    done = fork.resolve()
    assert done.loose == {1, 2}
    # While git knows both sides, merge3 decides as ever; from markers alone, every difference is a conflict.
    assert {outcome.task_id for outcome in done.open} == ({1} if commits < 2 else {1, 2})
    assert not fork.resolve("ours").open
    assert (fork.task(1).status, fork.task(1).priority) == (IN_PROGRESS, 0)
    assert fork.task(2).labels == (("b", "c1", "c2", "d") if commits < 2 else ("b", "c1", "d"))
    assert "<<<<" not in git(fork.folder, "show", ":.tasks/1.yaml")


def test_a_side_that_is_no_task_is_taken_whole_or_left(fork: Fork) -> None:
    fork.on("topic").path(1).write_text("id: 1\nsubject: [broken\n")
    fork.edit(2, labels=("b", "c2", "d")).commit()
    apart_text = fork.on("main").edit(1, owner="ann").path(1).read_bytes()
    fork.edit(2, labels=("b", "c1", "d")).commit()
    assert not fork.merge("topic")
    done = fork.resolve()
    assert [outcome.task_id for outcome in done.open] == [1]
    assert fork.task(2).labels == ("b", "c1", "c2", "d")
    assert not fork.resolve("ours").open
    assert fork.path(1).read_bytes() == apart_text


def test_a_side_that_is_no_task_and_was_finished_by_hand(fork: Fork) -> None:
    fork.on("topic").path(1).write_text("id: 1\nsubject: [broken\n")
    fork.commit()
    fork.on("main").edit(1, owner="ann").commit()
    assert not fork.merge("topic")
    fork.put(new_task(1, "1", subject="Mended"))
    assert [(o.task_id, o.action) for o in fork.resolve("ours").outcomes] == [(1, "by_hand")]
    assert fork.task(1).subject == "Mended" and not fork.unmerged()


def test_nothing_is_written_through_a_link(fork: Fork, tmp_path: Path) -> None:
    assert not apart(fork).merge("topic")
    fork.path(1).unlink()
    (tmp_path / "elsewhere").write_text("precious\n")
    fork.path(1).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnsafeFileError, match="symbolic link"):
        fork.resolve("theirs")
    assert (tmp_path / "elsewhere").read_text() == "precious\n"
    assert fork.unmerged() == [".tasks/1.yaml", ".tasks/2.yaml"]
    fork.path(1).unlink()
    assert not fork.resolve("theirs").open
    assert fork.task(1).status == COMPLETED


def test_an_index_that_somebody_holds_is_told(fork: Fork, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "INDEX_WAIT_S", 0.0)
    assert not apart(fork).merge("topic")
    lock = fork.folder / ".git/index.lock"
    lock.touch()
    done = fork.resolve("theirs")
    assert "not staged" in done.warnings[0]
    lock.unlink()
    assert not fork.resolve("theirs").warnings
    assert not fork.unmerged() and fork.task(1).status == COMPLETED


def test_paths_that_hold_no_task_are_left_to_the_person(fork: Fork) -> None:
    for branch in ("topic", "main"):
        apart(fork) if branch == "topic" else None
        fork.on(branch)
        (fork.folder / "README").write_text(branch)
        fork.commit()
    assert not fork.merge("topic")
    done = fork.resolve("ours")
    assert (done.left, fork.unmerged()) == (("README",), ["README"])


def test_merges_of_merges(fork: Fork) -> None:
    """Two branches that merged each other and decided differently: the base that git makes holds markers."""
    apart(fork)
    git(fork.folder, "branch", "main1")
    git(fork.folder, "branch", "topic1", "topic")
    assert not fork.merge("topic1")
    fork.resolve("ours")
    fork.commit("main decides")
    assert not fork.on("topic").merge("main1")
    fork.resolve("ours", {"1 status": DELETED})
    fork.commit("topic decides")
    assert not fork.on("main").merge("topic")
    done = fork.resolve()
    assert [outcome.task_id for outcome in done.open] == [1]
    assert [conflict.field for conflict in done.open[0].conflicts] == ["status"]
    assert not fork.resolve("theirs").open
    assert (fork.task(1).status, fork.task(1).priority) == (DELETED, 0)
    assert fork.task(2).labels == ("b", "c1", "c2", "d")


def test_in_a_linked_worktree_and_a_subfolder(fork: Fork, tmp_path: Path) -> None:
    apart(fork)
    git(fork.folder, "worktree", "add", "-q", str(tmp_path / "side"), "topic")
    side = Fork(tmp_path / "side")
    (side.folder / "deep").mkdir()
    assert not side.merge("main")
    done = Fork.resolve(side, "ours")
    assert (done.sides.ours.name, done.sides.theirs.name) == ("topic", "main")
    assert not side.unmerged()
