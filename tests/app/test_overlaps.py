"""Worktrees that work on the same files are told of, and those whose work merges cleanly are not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gittasks.app import overlaps
from gittasks.app.overlaps import Overlap, find_overlaps
from gittasks.app.project import Project
from tests.app.desk import ONE, at, planned, work
from tests.cli.direct import Direct
from tests.conftest import Cli, git

LINES = "".join(f"line {number}\n" for number in range(20))


@pytest.fixture
def main(repo: Path) -> Project:
    project = planned(repo)
    work(repo, "code", LINES)
    return project


@pytest.fixture
def direct(repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Direct:
    return Direct(repo, capsys, monkeypatch)


def tree(main: Project, name: str) -> Path:
    path = Path(main.top).parent / name
    git(Path(main.top), "worktree", "add", "-q", "-b", name, str(path))
    return path


def test_two_heads_that_would_not_merge_are_told_of_from_everywhere(main: Project) -> None:
    ann, bob = tree(main, "ann"), tree(main, "bob")
    work(ann, "code", LINES.replace("line 3\n", "ann's\n"))
    work(bob, "code", LINES.replace("line 3\n", "bob's\n"))
    expected = [Overlap("ann", "bob", ("code",), ())]
    for folder in (main.top, ann, bob):
        assert find_overlaps(at(folder)).found == expected
    assert find_overlaps(main, "ann").found == expected
    assert find_overlaps(main, "main").found == []


def test_what_merges_cleanly_is_no_overlap(main: Project) -> None:
    work(tree(main, "ann"), "code", LINES.replace("line 3\n", "ann's\n"))
    work(tree(main, "bob"), "code", LINES.replace("line 17\n", "bob's\n"))
    work(tree(main, "eve"), "other")
    assert find_overlaps(main).found == []


def test_a_file_that_both_have_in_hand_is_told_of_before_it_is_committed(main: Project) -> None:
    ann, bob = tree(main, "ann"), tree(main, "bob")
    work(ann, "code", "ann's\n")
    (bob / "code").write_text("bob's\n")
    (ann / "new").write_text("a\n")
    (bob / "new").write_text("b\n")
    (bob / ".gitignore").write_text("built\n")
    for folder in (ann, bob):
        (folder / "built").write_text("x\n")
    assert find_overlaps(main).found == [Overlap("ann", "bob", (), ("code", "new"))]


def test_task_files_do_not_count(main: Project) -> None:
    for name in ("ann", "bob"):
        there = at(tree(main, name))
        there.edit(int(ONE), owner=name, commit=name == "ann")
    assert find_overlaps(main).found == []


def test_what_landed_is_over(main: Project) -> None:
    ann, bob = tree(main, "ann"), tree(main, "bob")
    work(ann, "code", "ann's\n")
    git(Path(main.top), "merge", "-q", "ann")
    work(bob, "code", "bob's\n")
    assert find_overlaps(main).found == []


def test_two_heads_are_tried_once(main: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    work(tree(main, "ann"), "code", "ann's\n")
    work(tree(main, "bob"), "code", "bob's\n")
    first = find_overlaps(main).found

    def refuse(*args: object) -> tuple[str, ...]:
        raise AssertionError("tried again")

    monkeypatch.setattr(overlaps, "colliding_paths", refuse)
    assert find_overlaps(main).found == first != []


def test_foreign_histories_broken_worktrees_and_no_commits_do_no_harm(main: Project, tmp_path: Path) -> None:
    ann, alien = tree(main, "ann"), tree(main, "alien")
    work(ann, "code", "ann's\n")
    git(alien, "switch", "-q", "--orphan", "other")
    work(alien, "code", "alien\n")
    tree(main, "broken")
    (Path(main.top) / ".git" / "worktrees" / "broken" / "HEAD").write_text("garbage\n")
    assert find_overlaps(main).found == []
    git(tmp_path, "init", "-q", "empty")
    assert find_overlaps(at(tmp_path / "empty")).found == []


def test_ready_and_start_tell_it(main: Project, cli: Cli) -> None:
    work(tree(main, "ann\u202e"), "code", "ann's\n")
    work(tree(main, "bob"), "code", "bob's\n")
    assert "overlap: ann\\u202e and bob would not merge: code" in cli("ready", "--overlap").stderr
    assert "overlap" not in cli("ready").stderr
    found = json.loads(cli("ready", "--overlap", "--json").stdout)["overlaps"]
    assert found == [{"worktrees": ["ann\u202e", "bob"], "conflicts": ["code"], "both": []}]
    assert "would not merge" in cli("start", "1").stderr
    assert "would not merge" not in cli("start", "1").stderr


def test_worktrees_that_were_not_looked_at_are_counted(
    main: Project, direct: Direct, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlaps, "_MOST_WORKTREES", 2)
    for name in ("ann", "bob", "eve", "zoe"):
        work(tree(main, name), "code", f"{name}'s\n")
    zoe = at(Path(main.top).parent / "zoe")
    found = find_overlaps(zoe, "eve")
    assert found == overlaps.Overlaps([Overlap("eve", "zoe", ("code",), ())], 3)
    assert "overlap: 3 more worktrees not looked at" in direct("ready", "--overlap").stderr
    assert json.loads(direct("ready", "--overlap", "--json").stdout)["worktreesLeftOut"] == 3
    monkeypatch.setattr(overlaps, "_MOST_WORKTREES", 5)
    assert (len(find_overlaps(zoe).found), find_overlaps(zoe).left_out) == (6, 0)
