"""Worktrees listed with what is in them; added, bound, kept and removed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from gittasks.app import events, memos, run_start, runs, sites, worktrees, writing
from gittasks.app.planting import TakenError
from gittasks.app.project import Project
from gittasks.app.sites import UnknownWorktreeError
from gittasks.base.errors import GittasksError, RefusedError, UsageError
from gittasks.repo import removal
from gittasks.repo.removal import KeptWorktreeError
from gittasks.workgraph.fields import FieldError
from gittasks.workgraph.rules import NotAllowedError
from gittasks.workgraph.store import UnknownTaskError
from tests.app.desk import ONE, TWO, at, commit_task, copy_of, planned, start, state, work
from tests.conftest import git


@pytest.fixture
def project(repo: Path) -> Project:
    return planned(repo)


def view(project: Project, name: str) -> worktrees.View:
    return next(view for view in worktrees.list_views(project) if view.tree.name == name)


def test_what_a_list_says(project: Project, repo: Path, tmp_path: Path) -> None:
    site = start(project)
    (site / "new").write_text("")
    git(repo, "worktree", "add", "-q", "-b", "plain", str(tmp_path / "plain"))
    git(repo, "worktree", "lock", str(tmp_path / "plain"))
    git(repo, "worktree", "add", "-q", "-b", "gone", str(tmp_path / "gone"))
    shutil.rmtree(tmp_path / "gone")
    worktrees.keep(project, "1", kept=True)
    names = [view.tree.name for view in worktrees.list_views(project)]
    assert names[0] == "main"
    assert sorted(map(str, names)) == [site.name, "gone", "main", "plain"]
    assert view(project, "main").marks == ("here",)
    mine = view(project, site.name)
    assert (mine.marks, mine.dirty) == (("kept",), (".tasks/1.yaml", "new"))
    assert [(row.id, row.status) for row in mine.tasks] == [(1, "in_progress")]
    assert (view(project, "plain").marks, view(project, "plain").dirty) == (("locked",), ())
    assert (view(project, "gone").marks, view(project, "gone").dirty) == (("gone",), None)
    assert sorted(worktrees.list_names(project)) == [site.name, "main", "plain"]
    assert {view.tree.name: view.is_here for view in worktrees.list_views(at(site))}[site.name]


def test_runs_that_live_in_it(project: Project) -> None:
    site = start(project)
    run = run_start.start_run(project, run_start.Order(("sleep", "60"), cwd=str(site))).run
    try:
        assert view(project, site.name).runs == (run.id,)
        with pytest.raises(KeptWorktreeError, match=run.id):
            worktrees.remove(project, site.name, force=True)
    finally:
        runs.kill_runs(project, [run.id], grace_s=0.1)


def test_a_bad_file_in_one_worktree_hides_nothing(project: Project, repo: Path) -> None:
    site = start(project)
    (site / ".tasks" / "1.yaml").write_text("<<<<<<< ours\n")
    (site / ".tasks" / "2.yaml").unlink()
    assert view(project, site.name).tasks == ()
    shutil.rmtree(site / ".tasks")
    assert view(project, site.name).tasks == ()


def test_finding(project: Project, repo: Path, tmp_path: Path) -> None:
    site = start(project)
    for name in (site.name, "1", "#1"):
        assert worktrees.find_live(project, name).path == str(site)
    assert worktrees.find_live(at(site), None).path == str(site)
    git(repo, "worktree", "add", "-q", "-b", "seven", str(tmp_path / "7"))
    assert worktrees.find_live(project, "7").path == str(tmp_path / "7")
    for name in ("2", "#7", "nothing", "--force", "../x", "", "a\nb", "x" * 10_000):
        with pytest.raises(UnknownWorktreeError):
            worktrees.find_live(project, name)
    shutil.rmtree(tmp_path / "7")
    with pytest.raises(UnknownWorktreeError, match="gone"):
        worktrees.find_live(project, "7")
    assert worktrees.find(project, "7").exists is False
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    with pytest.raises(UsageError):
        worktrees.find(at(tmp_path / "bare.git"), None)


def test_commits_ahead(project: Project) -> None:
    site = start(project)
    tip = work(site)
    ahead = worktrees.commits_ahead(project, view(project, site.name))
    assert [(commit.oid, commit.subject) for commit in ahead or ()] == [(tip, "write code")]
    assert worktrees.commits_ahead(project, view(project, "main")) is None


def test_add(project: Project, repo: Path) -> None:
    name, path, _ = worktrees.add(project, "spike")
    assert (name, path) == ("spike", str(repo / ".worktrees" / "spike"))
    assert git(Path(path), "status", "--porcelain") == ""
    with pytest.raises(TakenError):
        worktrees.add(project, "spike")
    for bad in ("", "../x", "--force", "a/b", "x" * 10_000, "a\nb"):
        with pytest.raises(FieldError):
            worktrees.add(project, bad)
    assert worktrees.list_names(project) == ["main", "spike"]


def test_add_with_a_task(project: Project, repo: Path) -> None:
    _, path, _ = worktrees.add(project, "spike", task_id=TWO)
    assert (copy_of(path, TWO).worktree, copy_of(path, TWO).status) == ("spike", "pending")
    assert at(path).bound_task() == TWO
    before = state(repo)
    with pytest.raises(UnknownTaskError):
        worktrees.add(project, "other", task_id=ONE.__class__(99))
    assert state(repo) == before
    assert start(project, TWO, force=True) == Path(path)
    assert copy_of(path, TWO).status == "in_progress"


def test_add_from_where_the_task_is_completed_makes_nothing(project: Project, repo: Path) -> None:
    git(repo, "checkout", "-q", "-b", "release")
    commit_task(repo, copy_of(repo)._replace(status="completed"))
    git(repo, "checkout", "-q", "main")
    before = state(repo)
    with pytest.raises(NotAllowedError):
        worktrees.add(project, "spike", task_id=ONE, revision="release")
    assert state(repo) == before


def test_bind(project: Project, repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", "-b", "topic", str(tmp_path / "side"))
    writing.edit_task(project, ONE, lambda task: {"priority": 0}, purpose="edit")
    worktrees.bind(project, "side", ONE)
    task = copy_of(tmp_path / "side")
    assert (task.worktree, task.status, task.priority) == ("side", "pending", 0)
    assert start(project) == tmp_path / "side"
    worktrees.add(project, "other")
    before = state(repo)
    with pytest.raises(RefusedError, match="side"):
        worktrees.bind(project, "other", ONE)
    assert state(repo) == before


def test_keep_and_no_longer(project: Project, repo: Path) -> None:
    worktrees.add(project, "spike")
    assert worktrees.keep(project, "spike", kept=True) == "spike"
    with pytest.raises(KeptWorktreeError) as caught:
        worktrees.remove(project, "spike", force=False)
    assert caught.value.outcome == "refused_kept"
    worktrees.keep(project, "spike", kept=False)
    assert worktrees.remove(project, "spike", force=False)[1].outcome == "removed"
    assert git(repo, "branch", "--format=%(refname:short)") == "main"


def test_remove_keeps_a_branch_with_work(project: Project, repo: Path) -> None:
    _, path, _ = worktrees.add(project, "spike")
    work(Path(path))
    (Path(path) / "new").write_text("")
    with pytest.raises(KeptWorktreeError, match="new"):
        worktrees.remove(project, "spike", force=False)
    left = worktrees.remove(project, "spike", force=True)[1]
    assert (left.outcome, left.lost_files, left.lost_commits) == ("retained_unmerged", ("new",), ())
    assert git(repo, "branch", "--list", "wt/spike") != ""
    assert worktrees.list_names(project) == ["main"]


def test_remove_of_commits_on_no_branch(project: Project, repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", "--detach", str(tmp_path / "side"))
    tip = work(tmp_path / "side")
    with pytest.raises(KeptWorktreeError, match="code"):
        worktrees.remove(project, "side", force=False)
    left = worktrees.remove(project, "side", force=True)[1]
    assert [commit.oid for commit in left.lost_commits] == [tip]


def test_remove_what_is_gone_takes_its_entry_alone(project: Project, repo: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        git(repo, "worktree", "add", "-q", "-b", name, str(tmp_path / name))
    os.rename(tmp_path / "two", tmp_path / "away")
    shutil.rmtree(tmp_path / "one")
    worktrees.remove(project, "one", force=False)
    assert [view.tree.name for view in worktrees.list_views(project)] == ["main", "two"]


@pytest.mark.parametrize("memo", [True, False])
def test_commits_on_no_branch_of_one_that_is_gone(project: Project, repo: Path, memo: bool) -> None:
    _, path, _ = worktrees.add(project, "spike")
    git(Path(path), "checkout", "-q", "--detach")
    tip = work(Path(path))
    shutil.rmtree(path)
    if not memo:
        memos.forget(project.checkout.private_dir, "spike")
    before = state(repo)
    with pytest.raises(KeptWorktreeError, match=tip[:12]):
        worktrees.remove(project, "spike", force=False)
    assert state(repo) == before
    left = worktrees.remove(project, "spike", force=True)[1]
    assert [commit.oid for commit in left.lost_commits] == [tip]


def test_one_moved_by_hand_keeps_its_entry_while_work_is_staged(
    project: Project, repo: Path, tmp_path: Path
) -> None:
    _, path, _ = worktrees.add(project, "spike")
    Path(path, "README").write_text("staged\n")
    git(Path(path), "add", "README")
    os.rename(path, tmp_path / "moved")
    before = state(repo)
    with pytest.raises(KeptWorktreeError, match="README") as caught:
        worktrees.remove(project, "spike", force=False)
    assert (caught.value.outcome, caught.value.files) == ("refused_gone", ("README",))
    assert "git worktree repair" in str(caught.value.hint)
    assert state(repo) == before
    git(repo, "worktree", "repair", str(tmp_path / "moved"))
    assert git(tmp_path / "moved", "status", "--porcelain") == "M  README"
    shutil.rmtree(tmp_path / "moved")
    assert worktrees.remove(project, "spike", force=True)[1].lost_files == ("README",)


def test_one_that_is_gone_of_which_git_can_say_nothing(project: Project, repo: Path) -> None:
    _, path, _ = worktrees.add(project, "spike")
    shutil.rmtree(path)
    (repo / ".git" / "worktrees" / "spike" / "index").write_text("damaged")
    with pytest.raises(KeptWorktreeError, match="cannot say"):
        worktrees.remove(project, "spike", force=False)
    assert worktrees.remove(project, "spike", force=True)[1].lost_files == ()


def test_a_rebase_in_one_that_is_gone(project: Project, repo: Path) -> None:
    _, path, _ = worktrees.add(project, "spike")
    shutil.rmtree(path)
    (repo / ".git" / "worktrees" / "spike" / "rebase-merge").mkdir()
    with pytest.raises(KeptWorktreeError, match="a rebase"):
        worktrees.remove(project, "spike", force=False)


def test_remove_the_base_of_others(project: Project, repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo), "bare.git")
    for name in ("main", "other"):
        git(tmp_path / "bare.git", "worktree", "add", "-q", str(tmp_path / name))
    left = worktrees.remove(at(tmp_path / "other"), "main", force=False)[1]
    assert left.outcome == "retained_base"
    assert git(tmp_path / "bare.git", "rev-parse", "main") == git(repo, "rev-parse", "main")


def test_remove_killed_after_git_forgot_it(project: Project, repo: Path) -> None:
    _, path, _ = worktrees.add(project, "spike")
    private = project.checkout.private_dir
    memos.save(private, memos.load(private, "spike")._replace(phase=memos.LEAVING))
    git(repo, "worktree", "remove", path)
    assert worktrees.remove(project, "spike", force=False)[1].outcome == "removed"
    assert git(repo, "branch", "--list", "wt/*") == ""
    with pytest.raises(UnknownWorktreeError):
        worktrees.remove(project, "spike", force=False)


def test_main_is_not_removed(project: Project) -> None:
    with pytest.raises(KeptWorktreeError) as caught:
        worktrees.remove(project, "main", force=True)
    assert caught.value.outcome == "refused_main"


def test_events_are_bounded_and_survive_a_torn_line(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = project.private_folder()
    monkeypatch.setattr(events, "MAX_BYTES", 2000)
    for number in range(100):
        events.record(private, "kept", worktree=f"w{number}", after={"number": number})
    found = events.load_events(private)
    assert 10 < len(found) < 60
    assert [event["after"]["number"] for event in found] == list(range(100 - len(found), 100))
    sizes = [os.path.getsize(os.path.join(private, name)) for name in ("events.jsonl", "events.old.jsonl")]
    assert max(sizes) <= 2000
    with open(os.path.join(private, "events.jsonl"), "a") as file:
        file.write('{"event": "torn')
    events.record(private, "kept", worktree="last")
    assert [event["worktree"] for event in events.load_events(private)[-2:]] == ["w99", "last"]
    assert len(events.load_events(private, "last")) == 1


def test_events_are_never_in_the_way(project: Project, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    events.record(str(tmp_path / "file"), "kept", worktree="x")
    assert events.load_events(str(tmp_path / "file")) == []


def test_names_of_a_damaged_clone(project: Project, repo: Path) -> None:
    """A stranger's admin folder without a link is git's to complain about, not ours to trip over."""
    (repo / ".git" / "worktrees" / "odd").mkdir(parents=True)
    assert [tree.name for tree in sites.all_trees(project)] == ["main"]
    with pytest.raises(GittasksError):
        worktrees.find(project, "odd")


def test_refused_at_the_last_moment_it_does_not_pass_for_half_removed(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = start(project)
    git(path, "commit", "-q", "-m", "start")
    with monkeypatch.context() as patch:
        patch.setattr(removal, "empty_trash", lambda trash: (path / "late").write_text("x"))
        with pytest.raises(KeptWorktreeError, match="changed or untracked"):
            worktrees.remove(project, "1-fix-the-login", force=False)
    assert (path / "late").exists()
    (memo,) = memos.load_all(project.checkout.private_dir)
    assert memo.phase == memos.READY
