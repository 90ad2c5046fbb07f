"""One task's history on real repositories: merges, new numbers, strangers with the same number, broken versions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from gittasks.app.history import Entry, History, task_history
from gittasks.app.project import open_project
from gittasks.workgraph.codec import format_task
from gittasks.workgraph.record import Task, TaskId
from gittasks.workgraph.store import UnknownTaskError
from tests.conftest import git

UID = "9f3c1a7be2d04c55"
OTHER = "00000000000000aa"


def _task(number: int = 12, **values: Any) -> Task:
    known = {"uid": UID, "subject": "Implement auth", "created": "2026-11-23T10:00:00Z"}
    return Task(TaskId(number), **{**known, **values})


def _write(repo: Path, task: Task) -> None:
    (repo / ".tasks").mkdir(exist_ok=True)
    (repo / f".tasks/{task.id}.yaml").write_bytes(format_task(task))


def _commit(repo: Path, message: str, *tasks: Task) -> None:
    for task in tasks:
        _write(repo, task)
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", message)


def _history(repo: Path, number: int = 12, limit: int | None = None, *, here: bool = False) -> History:
    return task_history(open_project(str(repo), env=os.environ), TaskId(number), limit=limit, here=here)


def _said(entry: Entry) -> tuple[str, str | None, dict[str, tuple[Any, Any]]]:
    message = entry.commit.subject if entry.commit else entry.where
    return entry.kind, message, {change.field: (change.old, change.new) for change in entry.changes}


def test_each_commit_says_which_fields_it_changed(repo: Path) -> None:
    _commit(repo, "add", _task(labels=("security",), blocked_by=(TaskId(7),)))
    _commit(repo, "start", _task(labels=("auth", "security"), status="in_progress", owner="alice"))
    _commit(repo, "describe", _task(labels=("auth",), status="in_progress", description="a\nb"))
    found = _history(repo)
    assert (found.task_id, found.more, found.shallow) == (12, False, False)
    described, started, added = found.entries
    assert _said(described) == (
        "changed",
        "describe",
        {"owner": ("alice", None), "labels": (["auth", "security"], ["auth"]), "description": (None, "a\nb")},
    )
    assert _said(started) == (
        "changed",
        "start",
        {
            "status": ("pending", "in_progress"),
            "owner": (None, "alice"),
            "labels": (["security"], ["auth", "security"]),
            "blockedBy": ([7], None),
        },
    )
    labels = next(change for change in started.changes if change.field == "labels")
    assert (labels.added, labels.removed) == (["auth"], [])
    assert _said(added)[:2] == ("created", "add")
    assert _said(added)[2]["blockedBy"] == (None, [7])


def test_commits_that_change_no_field_are_left_out(repo: Path) -> None:
    _commit(repo, "add", _task())
    path = repo / ".tasks/12.yaml"
    path.write_text("# a remark\n" + path.read_text())
    _commit(repo, "remark")
    (repo / "code").write_text("x")
    _commit(repo, "code")
    assert [_said(entry)[1] for entry in _history(repo).entries] == ["add"]


def test_what_is_not_committed_stands_on_top_the_working_tree_first(repo: Path) -> None:
    _commit(repo, "add", _task())
    _write(repo, _task(status="in_progress"))
    git(repo, "add", ".tasks")
    _write(repo, _task(status="in_progress", owner="bob"))
    working, staged, added = _history(repo).entries
    assert _said(working) == ("changed", "working", {"owner": (None, "bob")})
    assert _said(staged) == ("changed", "staged", {"status": ("pending", "in_progress")})
    assert added.commit is not None


def test_before_the_first_commit_of_a_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    _write(tmp_path, _task())
    assert [(entry.where, entry.kind) for entry in _history(tmp_path).entries] == [("working", "created")]
    git(tmp_path, "add", ".tasks")
    assert [(entry.where, entry.kind) for entry in _history(tmp_path).entries] == [("staged", "created")]


def test_a_removed_file_has_a_history_too(repo: Path) -> None:
    _commit(repo, "add", _task())
    (repo / ".tasks/12.yaml").unlink()
    assert [_said(entry)[:2] for entry in _history(repo).entries] == [
        ("removed", "working"),
        ("created", "add"),
    ]
    _commit(repo, "remove")
    assert [_said(entry)[:2] for entry in _history(repo).entries] == [
        ("removed", "remove"),
        ("created", "add"),
    ]


def test_a_task_that_never_was_is_unknown(repo: Path) -> None:
    _commit(repo, "add", _task())
    with pytest.raises(UnknownTaskError, match="#13"):
        _history(repo, 13)


def test_notes_are_told_where_they_came_changed_and_went(repo: Path) -> None:
    folder = repo / ".tasks/12"
    _commit(repo, "add", _task())
    folder.mkdir()
    (folder / "20261123T100000Z-alice-0001.md").write_text("---\nauthor: alice\n---\n\nfirst\n")
    _commit(repo, "note")
    (folder / "20261123T100000Z-alice-0001.md").write_text("---\nauthor: alice\n---\n\nbetter\n")
    git(repo, "add", ".tasks")
    (folder / "20261123T100500Z-bob-0002.md").write_text("second\n")
    working, staged, noted, _ = _history(repo).entries
    assert [(note.kind, note.author, note.text) for note in working.notes] == [("added", "bob", "second")]
    assert [(note.kind, note.author, note.text) for note in staged.notes] == [("changed", "alice", "better")]
    assert [(note.kind, note.author, note.text) for note in noted.notes] == [("added", "alice", "first")]
    assert noted.changes == ()
    (folder / "20261123T100000Z-alice-0001.md").unlink()
    removed = _history(repo).entries[0].notes[0]
    assert (removed.kind, removed.author, removed.text) == ("removed", "alice", "")


def test_a_merge_is_told_only_where_it_differs_from_both_sides(repo: Path) -> None:
    _commit(repo, "add", _task())
    git(repo, "checkout", "-q", "-b", "side")
    _commit(repo, "side", _task(priority=0))
    git(repo, "checkout", "-q", "main")
    _commit(repo, "main", _task(owner="alice"))
    git(repo, "merge", "-q", "--no-edit", "side")
    assert {_said(entry)[1] for entry in _history(repo).entries} == {"main", "side", "add"}
    git(repo, "reset", "-q", "--hard", "HEAD~1")
    git(repo, "merge", "-q", "--no-commit", "side")
    _write(repo, _task(owner="alice", priority=1))
    _commit(repo, "merge by hand")
    assert _said(_history(repo).entries[0]) == ("changed", "merge by hand", {"priority": (2, 1)})


def test_a_version_that_cannot_be_read_is_named_and_stepped_over(repo: Path) -> None:
    _commit(repo, "add", _task())
    good = (repo / ".tasks/12.yaml").read_text()
    (repo / ".tasks/12.yaml").write_text(good.replace("priority: 2", "priority: high"))
    _commit(repo, "break")
    _commit(repo, "mend", _task(priority=0))
    mended, broken, _ = _history(repo).entries
    assert "cannot be read in this version: .tasks/12.yaml:15: priority" in broken.problems[0]
    assert _said(mended) == ("changed", "mend", {"priority": (2, 0)})
    assert "version before" in mended.problems[0]


def test_a_working_file_with_conflict_marks_or_a_link_is_named(repo: Path) -> None:
    _commit(repo, "add", _task())
    (repo / ".tasks/12.yaml").unlink()
    (repo / ".tasks/12.yaml").symlink_to("/etc/passwd")
    (working, _) = _history(repo).entries
    assert "symbolic link" in working.problems[0]
    _commit(repo, "link")
    assert "not a regular file" in _history(repo).entries[0].problems[0]


def test_a_merge_conflict_is_said_to_be_one(repo: Path) -> None:
    _commit(repo, "add", _task())
    git(repo, "checkout", "-q", "-b", "side")
    _commit(repo, "side", _task(priority=0))
    git(repo, "checkout", "-q", "main")
    _commit(repo, "main", _task(priority=4))
    assert open_project(str(repo)).git.call("merge", "side").returncode == 1
    entries = _history(repo, here=True).entries
    assert entries[0].problems == (".tasks/12.yaml is in a merge conflict",)
    assert [_said(entry)[1] for entry in entries[1:]] == ["main", "add"]


def test_a_task_is_followed_through_a_new_number(repo: Path) -> None:
    _commit(repo, "add", _task(12))
    (repo / ".tasks/12").mkdir()
    (repo / ".tasks/12/20261123T100000Z-alice-0001.md").write_text("kept\n")
    _commit(repo, "work", _task(12, owner="alice"))
    git(repo, "mv", ".tasks/12", ".tasks/14")
    git(repo, "rm", "-q", ".tasks/12.yaml")
    _commit(repo, "renumber", _task(14, owner="alice", priority=1))
    _commit(repo, "done", _task(14, owner="alice", priority=1, status="completed"))
    done, renumbered, work, added = _history(repo, 14).entries
    assert _said(done)[1:] == ("done", {"status": ("pending", "completed")})
    assert _said(renumbered) == ("renumbered", "renumber", {"id": (12, 14), "priority": (2, 1)})
    assert renumbered.notes == ()
    assert [note.text for note in work.notes] == ["kept"]
    assert _said(added)[:2] == ("created", "add")


def test_two_clones_with_one_number_keep_their_own_histories(repo: Path) -> None:
    (repo / "x").write_text("x")
    _commit(repo, "base")
    git(repo, "checkout", "-q", "-b", "theirs")
    _commit(repo, "they add", _task(13, uid=OTHER, subject="Theirs"))
    _commit(repo, "they work", _task(13, uid=OTHER, subject="Theirs", owner="bob"))
    git(repo, "checkout", "-q", "main")
    _commit(repo, "we add", _task(13))
    assert open_project(str(repo)).git.call("merge", "theirs").returncode == 1
    _commit(repo, "merge", _task(13), _task(14, uid=OTHER, subject="Theirs", owner="bob"))
    assert [_said(entry)[:2] for entry in _history(repo, 13).entries] == [("created", "we add")]
    assert [_said(entry)[:2] for entry in _history(repo, 14).entries] == [
        ("renumbered", "merge"),
        ("changed", "they work"),
        ("created", "they add"),
    ]


def test_limit_counts_commits_and_says_that_there_are_more(repo: Path) -> None:
    for number in range(5):
        _commit(repo, f"{number}", _task(priority=number))
    found = _history(repo, limit=2)
    assert [_said(entry)[1] for entry in found.entries] == ["4", "3"]
    assert found.more
    assert not _history(repo, limit=5).more
    assert len(_history(repo, limit=5).entries) == 5


def test_a_limit_holds_across_a_new_number(repo: Path) -> None:
    _commit(repo, "one", _task(12))
    _commit(repo, "two", _task(12, priority=0))
    git(repo, "rm", "-q", ".tasks/12.yaml")
    _commit(repo, "renumber", _task(14, priority=0))
    for limit, messages in ((1, ["renumber"]), (2, ["renumber", "two"]), (3, ["renumber", "two", "one"])):
        found = _history(repo, 14, limit=limit)
        assert [_said(entry)[1] for entry in found.entries] == messages
        assert found.more == (limit < 3)


def test_a_shallow_clone_says_that_it_does_not_know_all(repo: Path) -> None:
    _commit(repo, "add", _task())
    _commit(repo, "work", _task(priority=0))
    git(repo.parent, "clone", "-q", "--depth=1", f"file://{repo}", "shallow")
    found = _history(repo.parent / "shallow")
    assert found.shallow
    assert [_said(entry)[1] for entry in found.entries] == ["work"]


def _places(history: History) -> list[tuple[str | None, str | None, str]]:
    """Of each entry: the other branch or worktree, and the first line of the commit, or where it is not committed."""
    return [(entry.branch, entry.worktree, str(_said(entry)[1])) for entry in history.entries]


def test_commits_of_other_branches_are_told_with_the_branch(repo: Path) -> None:
    _commit(repo, "add", _task())
    side = repo.parent / "side"
    git(repo, "worktree", "add", "-q", "-b", "wt/side", str(side))
    _commit(side, "in side", _task(priority=0))
    assert _places(_history(repo)) == [("wt/side", None, "in side"), (None, None, "add")]
    assert _places(_history(side)) == [(None, None, "in side"), (None, None, "add")]
    assert _places(_history(repo, here=True)) == [(None, None, "add")]
    git(repo, "merge", "-q", "wt/side")
    assert _places(_history(repo)) == [(None, None, "in side"), (None, None, "add")]


def test_branches_without_a_worktree_remote_ones_and_detached_heads_count(repo: Path) -> None:
    _commit(repo, "add", _task())
    git(repo, "checkout", "-q", "-b", "alone")
    _commit(repo, "alone", _task(priority=0))
    git(repo, "checkout", "-q", "main")
    clone = repo.parent / "clone"
    git(repo.parent, "clone", "-q", "--no-single-branch", str(repo), "clone")
    git(clone, "worktree", "add", "-q", "--detach", str(repo.parent / "loose"))
    _commit(repo.parent / "loose", "nowhere", _task(owner="bob"))
    loose = git(repo.parent / "loose", "rev-parse", "HEAD")
    assert set(_places(_history(clone))) == {
        ("origin/alone", None, "alone"),
        (loose, None, "nowhere"),
        (None, None, "add"),
    }
    assert _places(_history(repo)) == [("alone", None, "alone"), (None, None, "add")]


def test_what_is_not_committed_in_other_worktrees_is_told(repo: Path) -> None:
    _commit(repo, "add", _task(), _task(13, uid=OTHER))
    for name in ("ann", "bob", "cem"):
        git(repo, "worktree", "add", "-q", "-b", name, str(repo.parent / name))
    _write(repo.parent / "ann", _task(owner="ann"))
    git(repo.parent / "ann", "add", "-A")
    _write(repo.parent / "ann", _task(owner="ann", priority=0))
    (repo.parent / "bob/.tasks/12").mkdir()
    (repo.parent / "bob/.tasks/12/20261123T100000Z-bob-0001.md").write_text("seen\n")
    (repo.parent / "cem/.tasks/12.yaml").unlink()
    found = _history(repo)
    assert _places(found) == [
        (None, "ann", "working"),
        (None, "ann", "staged"),
        (None, "bob", "working"),
        (None, "cem", "working"),
        (None, None, "add"),
    ]
    assert [note.text for note in found.entries[2].notes] == ["seen"]
    assert found.entries[3].kind == "removed"
    assert _places(_history(repo, 13)) == [(None, None, "add")]


def test_a_task_that_exists_only_elsewhere_has_a_history(repo: Path) -> None:
    _commit(repo, "base", _task(1, uid="1" * 16))
    side = repo.parent / "side"
    git(repo, "worktree", "add", "-q", "-b", "side", str(side))
    _write(side, _task())
    assert _places(_history(repo)) == [(None, "side", "working")]
    _commit(side, "add")
    git(repo, "worktree", "remove", str(side))
    assert _places(_history(repo)) == [("side", None, "add")]
    with pytest.raises(UnknownTaskError, match="this branch"):
        _history(repo, here=True)
    with pytest.raises(UnknownTaskError, match="any branch"):
        _history(repo, 13)


def test_another_task_of_the_number_elsewhere_is_not_told(repo: Path) -> None:
    (repo / "x").write_text("x")
    _commit(repo, "base")
    side = repo.parent / "side"
    git(repo, "worktree", "add", "-q", "-b", "side", str(side))
    _commit(side, "theirs", _task(uid=OTHER))
    _write(side, _task(uid=OTHER, owner="bob"))
    _commit(repo, "ours", _task())
    assert _places(_history(repo)) == [(None, None, "ours")]
    assert _places(_history(side)) == [(None, None, "working"), (None, None, "theirs")]


def test_a_task_with_another_number_on_another_branch_is_followed(repo: Path) -> None:
    """Theirs was merged over there, where ours got a new number and was worked on."""
    (repo / "x").write_text("x")
    _commit(repo, "base")
    git(repo, "checkout", "-q", "-b", "theirs")
    _commit(repo, "they add", _task(13, uid=OTHER, subject="Theirs"))
    git(repo, "checkout", "-q", "main")
    _commit(repo, "we add", _task(13))
    git(repo, "checkout", "-q", "theirs")
    assert open_project(str(repo)).git.call("merge", "main").returncode == 1
    _commit(repo, "merge", _task(13, uid=OTHER, subject="Theirs"), _task(14))
    _commit(repo, "work", _task(14, owner="bob"))
    git(repo, "checkout", "-q", "main")
    found = _history(repo, 13)
    assert _places(found) == [("theirs", None, "work"), ("theirs", None, "merge"), (None, None, "we add")]
    assert found.entries[1].kind == "renumbered"
    git(repo, "checkout", "-q", "theirs")
    assert _places(_history(repo, 14)) == [
        (None, None, "work"),
        (None, None, "merge"),
        (None, None, "we add"),
    ]
    assert _places(_history(repo, 13)) == [(None, None, "they add")]


def test_a_limit_counts_the_commits_of_all_branches(repo: Path) -> None:
    _commit(repo, "one", _task())
    git(repo, "checkout", "-q", "-b", "side")
    _commit(repo, "two", _task(priority=0))
    _commit(repo, "three", _task(priority=1))
    git(repo, "checkout", "-q", "main")
    assert [(len(_history(repo, limit=n).entries), _history(repo, limit=n).more) for n in (1, 2, 3, 4)] == [
        (1, True),
        (2, True),
        (3, False),
        (3, False),
    ]
