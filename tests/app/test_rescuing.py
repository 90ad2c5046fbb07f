"""What was written in a worktree that is gone, and never committed, comes back; nothing here is overwritten."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import edits, notes, writing
from gittasks.app.project import Project
from gittasks.app.rescuing import Lost, NothingLostError, find_lost, rescue
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import TaskId
from tests.app.desk import ONE, TWO, at, copy_of, planned, start
from tests.conftest import Cli, git


@pytest.fixture
def main(repo: Path) -> Project:
    return planned(repo)


def tree(main: Project, name: str = "lost") -> Project:
    """A linked worktree made by plain git."""
    path = Path(main.top).parent / name
    git(Path(main.top), "worktree", "add", "-q", "-b", name, str(path))
    return at(path)


def edit(project: Project, task_id: TaskId = ONE, **changes: Any) -> None:
    writing.edit_task(project, task_id, lambda task: changes, purpose="edit")


def words(lost: list[Lost]) -> list[tuple[str, int, list[str]]]:
    return [(item.worktree, item.task_id, [c.field for c in item.changes]) for item in lost]


def test_an_uncommitted_edit_of_a_worktree_removed_by_hand_comes_back_staged(main: Project) -> None:
    other = tree(main)
    edit(other, status="in_progress", owner="ann")
    edit(other, priority=0)
    assert find_lost(main) == []
    shutil.rmtree(other.top)
    assert words(find_lost(main)) == [("lost", 1, ["status", "owner", "priority"])]
    done = rescue(main, [ONE])
    assert [item.task_id for item in done.brought] == [1]
    assert copy_of(main.top)[3:5] == ("in_progress", "ann")
    assert git(Path(main.top), "status", "--porcelain") == "M  .tasks/1.yaml"
    assert find_lost(main) == []
    with pytest.raises(NothingLostError):
        rescue(main)


def test_git_worktree_remove_by_force_loses_nothing(main: Project) -> None:
    other = tree(main)
    edit(other, subject="better words")
    added = writing.add_tasks(other, [Draft("found on the way", blocked_by=[1])]).ids[0]
    notes.add_note(other, ONE, "a thought")
    git(Path(main.top), "worktree", "remove", "--force", other.top)
    git(Path(main.top), "branch", "-D", "lost")
    done = rescue(main)
    assert len(done.brought) == 3 and done.left == ()
    assert copy_of(main.top).subject == "better words"
    assert copy_of(main.top, added).blocked_by == (1,)
    assert [note.text for note in notes.list_notes(main, ONE)] == ["a thought"]


def test_what_was_committed_is_not_lost_even_where_main_went_on(main: Project) -> None:
    other = tree(main)
    edit(other, status="completed")
    git(Path(other.top), "commit", "-qm", "done")
    git(Path(main.top), "merge", "-q", "lost")
    git(Path(main.top), "worktree", "remove", other.top)
    git(Path(main.top), "branch", "-D", "lost")
    edit(main, status="pending")
    assert find_lost(main) == []


def test_only_what_came_after_the_last_commit_is_lost(main: Project) -> None:
    other = tree(main)
    edit(other, status="in_progress")
    git(Path(other.top), "commit", "-qm", "go")
    edit(other, owner="ann")
    shutil.rmtree(other.top)
    assert words(find_lost(main)) == [("lost", 1, ["owner"])]
    rescue(main)
    assert copy_of(main.top)[3:5] == ("pending", "ann")


def test_an_edit_here_is_merged_and_a_conflict_is_told_not_decided(main: Project) -> None:
    other = tree(main)
    edit(other, owner="ann", priority=0, labels=("a",))
    shutil.rmtree(other.top)
    edit(main, owner="bob", labels=("b",))
    done = rescue(main)
    assert [c.field for item in done.left for c in item.conflicts] == ["owner"]
    found = copy_of(main.top)
    assert (found.owner, found.priority, found.labels) == ("bob", 0, ("a", "b"))
    assert [c.field for item in find_lost(main) for c in item.conflicts] == ["owner"]
    assert rescue(main, theirs=True).left == ()
    assert copy_of(main.top).owner == "ann"
    assert find_lost(main) == []


def test_two_lost_worktrees_are_both_brought_back(main: Project) -> None:
    for name, changes in (("one", {"owner": "ann"}), ("two", {"priority": 0})):
        other = tree(main, name)
        edit(other, **changes)
        shutil.rmtree(other.top)
    assert len(rescue(main).brought) == 2
    found = copy_of(main.top)
    assert (found.owner, found.priority) == ("ann", 0)


def test_a_new_worktree_of_the_same_name_does_not_hide_the_old_one(main: Project) -> None:
    other = tree(main)
    edit(other, owner="ann")
    git(Path(main.top), "worktree", "remove", "--force", other.top)
    git(Path(main.top), "worktree", "add", "-q", other.top, "lost")
    assert [item.worktree for item in find_lost(main)] == ["lost"]
    rescue(at(other.top))
    assert copy_of(other.top).owner == "ann"


def test_what_still_lies_in_another_worktree_is_not_lost(main: Project) -> None:
    other, third = tree(main), tree(main, "third")
    edit(other, owner="ann")
    edit(third, owner="ann")
    shutil.rmtree(other.top)
    assert find_lost(main) == []
    shutil.rmtree(third.top)
    assert len(find_lost(main)) == 2


def test_a_locked_worktree_is_away_not_lost(main: Project) -> None:
    other = tree(main)
    edit(other, owner="ann")
    git(Path(main.top), "worktree", "lock", other.top)
    os.rename(other.top, other.top + ".away")
    assert find_lost(main) == []


def test_a_moved_worktree_is_not_lost(main: Project) -> None:
    other = tree(main)
    edit(other, owner="ann")
    git(Path(main.top), "worktree", "move", other.top, other.top + ".moved")
    assert find_lost(main) == []


def test_another_task_under_the_number_is_left_alone(main: Project) -> None:
    other = tree(main)
    edit(other, TWO, owner="ann")
    shutil.rmtree(other.top)
    path = Path(main.top, ".tasks", "2.yaml")
    path.write_text(path.read_text().replace(copy_of(main.top, TWO).uid, "f" * 16))
    before = path.read_bytes()
    done = rescue(main)
    assert done.brought == () and "another task is #2" in done.left[0].problem
    assert path.read_bytes() == before


def test_a_worktree_that_start_made_is_rescued_with_its_claim(main: Project) -> None:
    path = start(main)
    shutil.rmtree(path)
    found = find_lost(main)
    assert [c.field for c in found[0].changes] == ["status", "owner", "worktree"]


def test_a_damaged_journal_is_no_error_and_hostile_lines_write_nothing_elsewhere(main: Project) -> None:
    other = tree(main)
    edit(other, owner="ann")
    shutil.rmtree(other.top)
    journal = Path(main.private_folder(), "edits.jsonl")
    line = json.loads(journal.read_text().splitlines()[-1])
    line["files"] = [
        [name, None, "x"] for name in ("../../evil", "1/../../evil.md", "1/.hidden.md", "/1.yaml")
    ]
    with journal.open("a") as file:
        file.write(json.dumps(line) + "\n" + '{"id": 3}\n{"files": 1}\nnull\n{"torn')
    assert [item.name for item in rescue(main).brought] == ["1.yaml"]
    assert sorted(path.name for path in Path(main.top).iterdir()) == [".git", ".tasks", "README"]


def test_a_journal_that_cannot_be_written_is_not_in_the_way(main: Project) -> None:
    journal = Path(main.private_folder(), "edits.jsonl")
    journal.unlink()
    journal.mkdir()
    edit(main, owner="ann")
    assert copy_of(main.top).owner == "ann"


def test_a_large_batch_is_cut_and_says_so(main: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(edits, "MAX_EDIT_BYTES", 5000)
    writing.add_tasks(main, [Draft(f"task {number}") for number in range(50)])
    last = edits.load_edits(main.private_folder())[-1]
    assert 0 < len(last.files) < 50
    assert len(last.files) + last.left_out == 50


def test_the_command_lists_brings_back_and_says_what_is_left(cli: Cli, repo: Path, main: Project) -> None:
    assert "nothing to rescue" in cli("rescue").stderr
    other = tree(main, "l\u202eost")
    edit(other, owner="ann", priority=0)
    shutil.rmtree(other.top)
    edit(main, owner="bob")
    listed = cli("rescue").stdout
    assert "priority: 2 -> 0" in listed and "conflict: owner" in listed and "\\u202e" in listed
    document = json.loads(cli("rescue", "--json").stdout)["lost"][0]
    assert (document["task"], document["file"]) == (1, ".tasks/1.yaml")
    assert "owner: ann" in document["text"]
    done = cli("rescue", "1", code=4)
    assert "owner: bob here, ann in" in done.stderr
    assert copy_of(repo).priority == 0
    cli("rescue", "2", code=1)
    cli("rescue", "1", "--all", code=2)
