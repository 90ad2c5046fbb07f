"""Undo takes back the last edit as an edit, never what came after it, and never a commit."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import edits, notes, writing
from gittasks.app.project import Project
from gittasks.app.undoing import EditedSinceError, NothingToUndoError, OnAnotherBranchError, undo
from gittasks.app.writing import CycleError
from gittasks.base.errors import RefusedError
from gittasks.workgraph import store
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import TaskId
from tests.app.desk import ONE, TWO, at, copy_of, planned, start
from tests.conftest import Cli, git


@pytest.fixture
def main(repo: Path) -> Project:
    return planned(repo)


def edit(project: Project, task_id: TaskId = ONE, **changes: Any) -> None:
    writing.edit_task(project, task_id, lambda task: changes, purpose="edit")


def status(project: Project) -> str:
    return git(Path(project.top), "status", "--porcelain")


def test_an_edit_is_taken_back_byte_for_byte_and_unstaged_by_that(main: Project) -> None:
    path = Path(main.top, ".tasks", "1.yaml")
    path.write_text(path.read_text().replace("priority: 2", "priority: 2   # as agreed"))
    git(Path(main.top), "commit", "-qam", "by hand")
    before = path.read_bytes()
    edit(main, priority=0, labels=("a", "b"), description="other\nwords")
    done = undo(main)
    assert path.read_bytes() == before
    assert status(main) == ""
    assert {change.field for change in done.changes[0][1]} == {"priority", "labels", "description"}


def test_undoing_again_goes_further_back_and_never_forth(main: Project) -> None:
    for number in (0, 1, 3):
        edit(main, priority=number)
    seen = []
    for _ in range(3):
        undo(main)
        seen.append(copy_of(main.top).priority)
    assert seen == [1, 0, 2]
    edit(main, owner="ann")
    undo(main)
    assert copy_of(main.top).owner is None
    assert undo(main).edit.message.startswith("Add")
    with pytest.raises(NothingToUndoError):
        undo(main)


def test_edits_of_other_fields_since_stay(main: Project) -> None:
    edit(main, status="in_progress", labels=("a",))
    path = Path(main.top, ".tasks", "1.yaml")
    path.write_text(path.read_text().replace("owner:", "owner: bob").replace("- a", "- a\n- b"))
    undo(main)
    found = copy_of(main.top)
    assert (found.status, found.owner, found.labels) == ("pending", "bob", ("b",))


def test_an_edit_of_the_same_field_since_refuses_it_and_changes_nothing(main: Project) -> None:
    edit(main, owner="ann")
    path = Path(main.top, ".tasks", "1.yaml")
    path.write_text(path.read_text().replace("owner: ann", "owner: bob"))
    before = path.read_bytes()
    with pytest.raises(EditedSinceError, match="owner"):
        undo(main)
    assert path.read_bytes() == before


def test_one_refusal_keeps_the_whole_edit(main: Project) -> None:
    writing.edit_many(main, dict.fromkeys((ONE, TWO), lambda task: {"priority": 0}), purpose="edit")
    path = Path(main.top, ".tasks", "2.yaml")
    path.write_text(path.read_text().replace("priority: 0", "priority: 1"))
    with pytest.raises(EditedSinceError):
        undo(main)
    assert copy_of(main.top).priority == 0


def test_what_was_taken_back_by_hand_counts_as_undone(main: Project) -> None:
    edit(main, priority=0)
    edit(main, owner="ann")
    git(Path(main.top), "checkout", "-q", "HEAD", "--", ".tasks")
    assert undo(main).edit.message.startswith("Add")


def test_an_edit_that_comes_back_can_still_be_taken_back(main: Project) -> None:
    """What is stashed is neither here nor taken back."""
    edit(main, priority=0, owner="ann")
    edit(main, TWO, owner="ann")
    git(Path(main.top), "stash", "-q", "--", ".tasks/2.yaml")
    assert undo(main).edit.message.startswith("Edit task #1")
    git(Path(main.top), "stash", "pop", "-q")
    undo(main)
    assert copy_of(main.top, TWO).owner is None


@pytest.mark.parametrize("how", ["main", "--detach"])
def test_what_was_done_on_another_branch_is_not_taken_back_here(main: Project, cli: Cli, how: str) -> None:
    top = Path(main.top)
    edit(main, TWO, priority=0)
    git(top, "commit", "-qam", "edit")
    git(top, "switch", "-qc", "f")
    main.complete(1, commit=True)
    git(top, "switch", "-q", *((how,) if how == "main" else (how, "main")))
    told = cli("undo", code=1)
    assert told.stdout == ""
    assert told.stderr.splitlines() == [
        "gittasks: nothing of the last edit is here, nothing was taken back: Complete task #1: Fix the login",
        "hint: it was made on the branch f: `git switch f`, then undo it there",
    ]
    assert status(main) == ""
    git(top, "switch", "-q", "f")
    assert undo(main).changes[0][0] == ONE
    assert copy_of(main.top).status == "pending"


def test_a_task_that_only_another_branch_has_is_not_taken_for_a_removed_one(main: Project) -> None:
    git(Path(main.top), "switch", "-qc", "f")
    added = writing.add_tasks(main, [Draft("new")], commit=True).ids[0]
    git(Path(main.top), "switch", "-q", "main")
    with pytest.raises(OnAnotherBranchError):
        undo(main)
    git(Path(main.top), "switch", "-q", "f")
    writing.edit_task(main, added, lambda task: {"owner": "ann"}, purpose="edit", commit=True)
    git(Path(main.top), "switch", "-q", "main")
    with pytest.raises(EditedSinceError) as raised:
        undo(main)
    assert "branch f" in str(raised.value.hint)


def test_what_moved_to_another_branch_is_taken_back_there(main: Project) -> None:
    edit(main, priority=0)
    git(Path(main.top), "switch", "-qc", "f")
    undo(main)
    assert copy_of(main.top).priority == 2


def test_added_tasks_become_tombstones_and_their_waiters_are_freed(main: Project) -> None:
    added = writing.add_tasks(main, [Draft("new", blocks=[2])]).ids[0]
    undo(main)
    assert copy_of(main.top, added).status == "deleted"
    assert copy_of(main.top, TWO).blocked_by == (1,)


def test_an_added_task_that_was_worked_on_since_is_kept(main: Project) -> None:
    added = writing.add_tasks(main, [Draft("new")]).ids[0]
    path = Path(main.top, ".tasks", f"{added}.yaml")
    path.write_text(path.read_text().replace("owner:", "owner: ann"))
    with pytest.raises(EditedSinceError):
        undo(main)


@pytest.mark.parametrize("commit", [False, True])
def test_an_added_note_goes_unless_it_was_changed(main: Project, commit: bool) -> None:
    notes.add_note(main, ONE, "a thought", commit=commit)
    done = undo(main, commit=commit)
    assert len(done.removed) == 1 and status(main) == ""
    assert notes.list_notes(main, ONE) == []
    assert (done.written.commit is not None) is commit
    notes.add_note(main, ONE, "another")
    note = next(Path(main.top, ".tasks", "1").iterdir())
    note.write_text(note.read_text() + "more\n")
    with pytest.raises(EditedSinceError):
        undo(main)
    assert note.exists()


def test_a_committed_edit_is_taken_back_by_another_edit(main: Project) -> None:
    writing.edit_task(main, ONE, lambda task: {"owner": "ann"}, purpose="edit", commit=True)
    head = git(Path(main.top), "rev-parse", "HEAD")
    undo(main)
    assert git(Path(main.top), "rev-parse", "HEAD") == head
    assert status(main) == "M  .tasks/1.yaml"
    undo_commit = undo(main, commit=True).written.commit  # of planning itself
    assert undo_commit is not None


def test_an_edge_that_would_close_a_cycle_now_is_not_taken_back(main: Project) -> None:
    edit(main, TWO, blocked_by=())
    path = Path(main.top, ".tasks", "1.yaml")
    path.write_text(path.read_text().replace("blockedBy: []", "blockedBy:\n- 2"))
    with pytest.raises(CycleError):
        undo(main)


def test_each_worktree_has_its_own_last_edit(main: Project) -> None:
    git(Path(main.top), "worktree", "add", "-q", "-b", "other", str(Path(main.top).parent / "other"))
    other = at(Path(main.top).parent / "other")
    edit(main, owner="ann")
    edit(other, owner="bob")
    undo(main)
    assert (copy_of(main.top).owner, copy_of(other.top).owner) == (None, "bob")
    undo(other)
    with pytest.raises(NothingToUndoError):
        undo(other)


def test_a_worktree_whose_name_is_no_text_has_its_last_edit_too(main: Project) -> None:
    path = os.path.join(os.path.dirname(main.top), os.fsdecode(b"tr\xffee"))
    main.git.output("worktree", "add", "-q", "-b", "other", "--", path, write=True)
    other = at(path)
    edit(other, owner="bob")
    undo(other)
    assert copy_of(other.top).owner is None


def test_carrying_a_task_into_its_worktree_is_no_edit_to_be_undone(repo: Path) -> None:
    main = planned(repo, commit=False)
    tree = at(start(main))
    undo(tree)
    assert copy_of(tree.top).status == "pending"
    with pytest.raises(NothingToUndoError):
        undo(tree)


def test_what_was_too_large_to_remember_is_refused(main: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "MAX_EDIT_BYTES", 1000)
    writing.add_tasks(main, [Draft(f"task {number}") for number in range(50)])
    with pytest.raises(RefusedError, match="50 files"):
        undo(main)


def test_the_command_says_what_it_took_back(main: Project, cli: Cli) -> None:
    edit(main, owner="ann", priority=0)
    said = cli("undo").stdout
    assert said.splitlines() == [
        "taken back: Edit task #1: Fix the login",
        "#1 priority: 0 -> 2, owner: ann -> (empty)",
    ]
    assert json.loads(cli("undo", "--json").stdout)["tasks"][0]["changes"][0]["new"] == "deleted"
    assert "nothing to undo" in cli("undo", code=1).stderr


def test_an_undo_that_was_killed_before_it_wrote_is_no_undo(main: Project) -> None:
    edit(main, priority=0)
    notes.add_note(main, ONE, "Remember.")
    _undo_until(main, os, "unlink")
    assert notes.list_notes(main, ONE)
    undo(main)
    assert notes.list_notes(main, ONE) == []
    _undo_until(main, store, "write")
    assert copy_of(main.top).priority == 0
    undo(main)
    assert copy_of(main.top).priority == 2


def _undo_until(project: Project, place: Any, call: str) -> None:
    """Undo in a process that dies in the place of `call`."""
    pid = os.fork()
    if pid == 0:
        setattr(place, call, lambda *_, **__: os._exit(9))
        undo(project)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
