"""The board shows what a merge of all worktrees would give, and says where each value comes from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import elsewhere, notes, reading, writing
from gittasks.app.board import Board
from gittasks.app.other_notes import OtherNotes
from gittasks.app.project import Project, open_project
from gittasks.app.reading import as_json, ready_rows
from gittasks.repo import siblings
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import TaskId
from tests.conftest import git


@pytest.fixture
def main(repo: Path) -> Project:
    (repo / ".tasks").mkdir()
    project = open_project(str(repo))
    drafts = [Draft("one", labels=["x"]), Draft("two"), Draft("three")]
    writing.add_tasks(project, drafts)
    git(repo, "commit", "-qm", "tasks")
    return project


def worktree(main: Project, name: str) -> Project:
    path = Path(main.top).parent / name
    git(Path(main.top), "worktree", "add", "-q", "-b", name, str(path))
    return open_project(str(path))


def edit(project: Project, task_id: int, **changes: Any) -> None:
    writing.edit_task(project, TaskId(task_id), lambda task: changes, purpose="edit")


def commit(project: Project) -> None:
    git(Path(project.top), "commit", "-qam", "work")


def record(project: Project, task_id: int) -> dict[str, Any]:
    board = project.board()
    row = board.find(task_id)
    assert row is not None
    return as_json(board, board.full([row]))[0]


def test_without_other_worktrees_it_is_the_snapshot(main: Project) -> None:
    assert not isinstance(main.board(), Board)
    assert record(main, 1)["from"] == {}


def test_an_uncommitted_edit_elsewhere_shows_with_its_source(main: Project) -> None:
    other = worktree(main, "other")
    assert [row.status for row in main.board().rows] == ["pending"] * 3
    edit(other, 1, status="in_progress", owner="ann")
    found = record(main, 1)
    assert (found["status"], found["owner"]) == ("in_progress", "ann")
    assert found["from"] == {"status": ["other"], "owner": ["other"]}
    assert record(other, 1)["from"] == {}
    assert main.snapshot().rows[0].status == "pending"


def test_a_committed_edit_elsewhere_shows_until_it_is_merged(main: Project) -> None:
    other = worktree(main, "other")
    edit(other, 2, priority=0)
    commit(other)
    assert record(main, 2)["from"] == {"priority": ["other"]}
    git(Path(main.top), "merge", "-q", "other")
    assert record(main, 2)["priority"] == 0
    assert record(main, 2)["from"] == {}


def test_our_own_edits_are_kept_and_both_are_merged(main: Project) -> None:
    other = worktree(main, "other")
    edit(other, 1, labels=("x", "theirs"))
    edit(main, 1, labels=("ours", "x"), subject="uno")
    found = record(main, 1)
    assert found["labels"] == ["ours", "theirs", "x"]
    assert found["subject"] == "uno"
    assert found["from"] == {"labels": ["other"]}
    assert record(other, 1)["from"] == {"labels": ["main"], "subject": ["main"]}


def test_what_main_changed_since_the_fork_is_not_undone_by_an_old_worktree(main: Project) -> None:
    worktree(main, "old")
    edit(main, 1, status="completed")
    commit(main)
    assert record(main, 1)["status"] == "completed"
    assert record(main, 1)["from"] == {}


def test_a_disagreement_is_shown_never_guessed(main: Project) -> None:
    ann, bob = worktree(main, "ann"), worktree(main, "bob")
    edit(ann, 1, owner="ann")
    edit(bob, 1, owner="bob")
    found = record(main, 1)
    assert found["owner"] is None
    values = [
        {"from": name, "value": owner} for name, owner in (("here", None), ("ann", "ann"), ("bob", "bob"))
    ]
    conflict = {"field": "owner", "values": values}
    assert found["conflicts"] == [conflict]
    assert 1 not in [row.id for row in ready_rows(main, main.board())]


def test_a_task_that_exists_only_elsewhere_is_there(main: Project) -> None:
    other = worktree(main, "other")
    added = writing.add_tasks(other, [Draft("new", blocked_by=[3])]).ids[0]
    found = record(main, added)
    assert found["subject"] == "new"
    assert found["from"] == {"file": ["other"]}
    assert found["openBlockers"] == [3]
    assert record(main, 3)["blocks"] == [added]


def test_work_in_progress_elsewhere_is_never_ready(main: Project) -> None:
    other = worktree(main, "other")
    edit(other, 1, status="in_progress")
    assert [row.id for row in ready_rows(main, main.board())] == [2, 3]
    edit(other, 1, status="pending")
    assert [row.id for row in ready_rows(main, main.board())] == [1, 2, 3]


def test_a_blocker_completed_elsewhere_unblocks(main: Project) -> None:
    edit(main, 2, blocked_by=(1,))
    commit(main)
    other = worktree(main, "other")
    edit(other, 1, status="completed")
    assert [row.id for row in ready_rows(main, main.board())] == [2, 3]


def test_an_edit_in_place_elsewhere_shows_at_once(main: Project) -> None:
    other = worktree(main, "other")
    main.board()
    path = Path(other.top, ".tasks", "3.yaml")
    with path.open("r+") as file:
        text = file.read().replace("subject: three", "subject: THREE")
        file.seek(0)
        file.write(text)
    assert record(main, 3)["subject"] == "THREE"
    path.write_text(text.replace("THREE", "Three"))
    assert record(main, 3)["subject"] == "Three"


def test_a_worktree_that_goes_away_takes_its_edits_along(main: Project) -> None:
    other = worktree(main, "other")
    edit(other, 1, subject="uno")
    assert record(main, 1)["subject"] == "uno"
    import shutil

    shutil.rmtree(other.top)
    assert record(main, 1)["subject"] == "one"


def test_a_bad_file_elsewhere_is_named_and_hides_nothing(main: Project) -> None:
    other = worktree(main, "other")
    Path(other.top, ".tasks", "2.yaml").write_text("<<<<<<< HEAD\n")
    board = main.board()
    assert board.problems == []
    assert [problem.path for problem in board.elsewhere] == ["other:.tasks/2.yaml"]
    assert record(main, 2)["subject"] == "two"


def test_a_file_removed_elsewhere_is_removed_by_the_merge(main: Project) -> None:
    other = worktree(main, "other")
    Path(other.top, ".tasks", "2.yaml").unlink()
    assert main.board().find(2) is None
    edit(main, 2, subject="still needed")
    assert record(main, 2)["subject"] == "still needed"


def test_another_task_under_the_same_id_is_told_and_not_mixed_in(main: Project) -> None:
    other = worktree(main, "other")
    path = Path(other.top, ".tasks", "2.yaml")
    lines = path.read_text().replace("subject: two", "subject: alien").splitlines()
    lines[2] = "uid: " + "f" * 16
    path.write_text("\n".join(lines) + "\n")
    board = main.board()
    assert record(main, 2)["subject"] == "two"
    assert any("another task" in problem.message for problem in board.elsewhere)


def test_unrelated_histories_and_unborn_branches_do_no_harm(main: Project, tmp_path: Path) -> None:
    top = Path(main.top)
    git(top, "worktree", "add", "-q", "--detach", str(tmp_path / "orphan"))
    git(tmp_path / "orphan", "switch", "-q", "--orphan", "fresh")
    Path(tmp_path / "orphan" / ".tasks").mkdir(exist_ok=True)
    assert [row.id for row in main.board().rows] == [1, 2, 3]


def test_symbolic_links_elsewhere_are_not_followed(main: Project, tmp_path: Path) -> None:
    other = worktree(main, "other")
    outside = tmp_path / "secret.yaml"
    outside.write_text("id: 2\nsubject: stolen\n")
    path = Path(other.top, ".tasks", "2.yaml")
    path.unlink()
    path.symlink_to(outside)
    assert record(main, 2)["subject"] == "two"
    assert [problem.kind for problem in main.board().elsewhere] == ["file"]


def test_the_answer_is_the_same_from_the_cache(main: Project) -> None:
    other = worktree(main, "other")
    edit(other, 1, subject="uno", description="words")
    first = record(main, 1)
    assert record(main, 1) == first
    cache = Path(main.cache_folder, "board-main.bin")
    cache.write_bytes(b"garbage")
    assert record(main, 1) == first


def test_a_large_store_is_looked_at_in_rounds(main: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where looking at every file is too dear, moved folders and known files still show at once."""
    from gittasks.app import elsewhere as module

    monkeypatch.setattr(module, "_FILES_PER_READ", 0)
    other = worktree(main, "other")
    main.board()
    edit(other, 1, subject="uno")
    assert record(main, 1)["subject"] == "uno"
    path = Path(other.top, ".tasks", "1.yaml")
    path.write_text(path.read_text().replace("uno", "UNO"))  # in place, but known to be changed there
    assert record(main, 1)["subject"] == "UNO"
    path = Path(other.top, ".tasks", "3.yaml")
    path.write_text(path.read_text().replace("three", "THREE"))  # in place, unknown: seen in its round
    monkeypatch.setattr(module, "_ROUND_S", 0.0)
    assert record(main, 3)["subject"] == "THREE"


def test_commits_and_merges_here_keep_the_board_true(main: Project) -> None:
    ann, bob = worktree(main, "ann"), worktree(main, "bob")
    edit(ann, 1, priority=0)
    edit(bob, 2, priority=1)
    commit(ann)
    assert [row.priority for row in main.board().rows] == [0, 1, 2]
    edit(main, 3, priority=4)
    commit(main)
    assert [row.priority for row in main.board().rows] == [0, 1, 4]
    git(Path(main.top), "merge", "-q", "-m", "merge", "ann")
    edit(main, 1, priority=3)
    assert [row.priority for row in main.board().rows] == [3, 1, 4]
    assert record(main, 1)["from"] == {}


def test_notes_of_other_worktrees_are_there_and_found(main: Project) -> None:
    other, third = worktree(main, "other"), worktree(main, "third")
    notes.add_note(main, TaskId(1), "said here")
    commit(main)
    git(Path(third.top), "merge", "-q", "main")
    notes.add_note(other, TaskId(1), "said Elsewhere")
    found = OtherNotes(main, main.board().overlaid).of(1)
    assert [(note.text, note.path.partition(":")[0]) for note in found] == [("said Elsewhere", "other")]
    assert [task.id for task in main.search("elsewhere SAID")] == [1]
    assert main.search("nowhere") == [] and reading.search_rows(main, main.snapshot(), "elsewhere") == []
    assert [note.text for note in OtherNotes(other, other.board().overlaid).of(1)] == ["said here"]
    for name in Path(main.top, ".tasks/1").iterdir():
        name.unlink()  # third still has it, and a merge would not bring it back
    assert [note.text for note in OtherNotes(main, main.board().overlaid).of(1)] == ["said Elsewhere"]
    stranger = Path(third.top, ".tasks/2.yaml")
    stranger.write_text("id: 2\nuid: 0123456789abcdef\nsubject: another\n")
    Path(third.top, ".tasks/2").mkdir()
    Path(third.top, ".tasks/2/20261123T100000Z-x-0001.md").write_text("of another task\n")
    assert OtherNotes(main, main.board().overlaid).of(2) == []


def test_what_is_kept_of_a_fold_is_never_older_than_what_it_was_made_of(main: Project) -> None:
    """Whatever moves, the board is what it would be with no cache at all."""
    ann, bob = worktree(main, "ann"), worktree(main, "bob")
    extra = Path(bob.top, ".tasks", "9.yaml")
    moves: list[Callable[[], object]] = [
        lambda: edit(ann, 1, status="completed"),
        lambda: edit(main, 2, blocked_by=(1,)),
        lambda: edit(main, 3, blocked_by=(2,)),
        lambda: edit(bob, 1, status="completed", priority=0),
        lambda: edit(main, 1, priority=1),
        lambda: commit(main),
        lambda: commit(ann),
        lambda: extra.write_text("id: 9\nuid: 0123456789abcdef\nsubject: nine\n"),
        lambda: extra.write_text("id: 9\nuid: 0123456789abcdef\nsubject: NINE\nblockedBy: [1]\n"),
        lambda: extra.write_text("no: task\n"),
        extra.unlink,
        lambda: Path(bob.top, ".tasks", "3.yaml").unlink(),
        lambda: git(Path(bob.top), "checkout", "--", ".tasks/3.yaml"),
        lambda: git(Path(main.top), "merge", "-q", "--no-edit", "ann"),
        lambda: git(Path(bob.top), "stash"),
        lambda: git(Path(bob.top), "merge", "-q", "--no-edit", "ann"),
        lambda: git(Path(main.top), "worktree", "remove", "--force", ann.top),
    ]
    for number, move in enumerate(moves):
        move()
        boards = [main.board(), main.board()]
        shutil.rmtree(main.cache_folder)
        kept, again, fresh = (_shown(board) for board in (*boards, main.board()))
        assert kept == fresh and again == fresh, number


def _shown(board: Any) -> Any:
    return as_json(board, board.tasks()), board.derived, [str(problem) for problem in board.elsewhere]


def test_a_worktree_that_goes_away_while_it_is_looked_at_hides_nothing(main: Project) -> None:
    kept, going = worktree(main, "kept"), worktree(main, "going")
    edit(kept, 1, priority=0)
    edit(going, 2, priority=0)
    found = siblings.find_siblings(main.checkout)
    shutil.rmtree(going.top)
    changes = elsewhere.load_worktree_changes(main, found, 3)
    assert [change[0] for change in changes["kept"].changed] == [1]
    assert "going" not in changes
