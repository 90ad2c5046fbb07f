"""`finish`: merged, kept or removed; work is never lost, and a kill anywhere is mended by running it again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import (
    events,
    finish_survey,
    finishing,
    memos,
    run_start,
    runs,
    starting,
    trust,
    worktrees,
    writing,
)
from gittasks.app.checks import CheckFailedError
from gittasks.app.finish_survey import KEEP, MERGE, REMOVE, CannotFinishError, NotStartedError, Options
from gittasks.app.finishing import Finished, finish
from gittasks.app.homing import TwoVersionsError
from gittasks.app.project import Project, open_project
from gittasks.base.errors import GittasksError
from gittasks.repo.git import GitError
from gittasks.repo.index import OperationInProgressError
from gittasks.repo.merging import MergeRefusedError
from gittasks.repo.refs import BadRefNameError
from gittasks.repo.removal import KeptWorktreeError
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import BadTaskError, TaskId
from tests.app.desk import ONE, TWO, at, commit_task, copy_of, killing_git, planned, start, state, work
from tests.conftest import git


@pytest.fixture
def project(repo: Path) -> Project:
    return planned(repo)


@pytest.fixture
def site(project: Project) -> Path:
    """The worktree of #1 with one commit of work."""
    path = start(project)
    work(path)
    return path


def end(project: Project, how: str = MERGE, task_id: TaskId | None = ONE, **options: Any) -> Finished:
    chosen = Options(how)._replace(**options)
    return finish(project, task_id, chosen)


def refused(
    project: Project, kind: type[GittasksError], how: str = MERGE, **options: object
) -> GittasksError:
    """Finish must raise `kind` and leave everything as it was."""
    top = Path(project.checkout.common_dir).parent
    before = state(top)
    with pytest.raises(kind) as caught:
        end(project, how, ONE, **options)
    assert state(top) == before
    return caught.value


def kept_because(project: Project, how: str = MERGE, **options: object) -> str:
    error = refused(project, KeptWorktreeError, how, **options)
    assert isinstance(error, KeptWorktreeError)
    return error.outcome


def is_home(repo: Path) -> None:
    """Nothing but the main worktree on main is left, and it is clean."""
    assert git(repo, "branch", "--format=%(refname:short)") == "main"
    assert git(repo, "worktree", "list", "--porcelain").count("worktree ") == 1
    assert git(repo, "status", "--porcelain", "--untracked-files=all") == ""
    assert not list((repo / ".git" / "gittasks" / "worktrees").glob("*"))
    assert not list((repo / ".git" / "gittasks" / "trash").glob("*"))


# -- merge


@pytest.mark.parametrize("inside", [True, False])
def test_merge(project: Project, repo: Path, site: Path, inside: bool) -> None:
    finished = end(at(site), task_id=None) if inside else end(project)
    assert (finished.outcome, finished.merged, finished.base) == ("removed", True, "main")
    assert finished.task is not None
    assert finished.task.status == copy_of(repo).status == "completed"
    assert (repo / "code").exists()
    assert (
        git(repo, "log", "-1", "--format=%H %s", str(finished.commit))
        == f"{finished.commit} Complete #1: Fix the login"
    )
    is_home(repo)
    assert end(project).outcome == "already_finished"


def test_merge_where_the_base_went_on(project: Project, repo: Path, site: Path) -> None:
    work(repo, "other")
    end(project, message="Done with it")
    assert git(repo, "log", "-1", "--format=%s") == "Merge branch 'wt/1-fix-the-login' into main"
    assert "Done with it" in git(repo, "log", "--format=%s")
    is_home(repo)


def test_merge_takes_all_changed_task_files_along(project: Project, repo: Path, site: Path) -> None:
    there = at(site)
    writing.add_tasks(there, [Draft("A follow-up")])
    (site / ".tasks" / "1").mkdir()
    (site / ".tasks" / "1" / "20260101T000000Z-ada-0001.md").write_text("by hand, not staged\n")
    end(project)
    assert copy_of(repo, TaskId(3)).subject == "A follow-up"
    assert (repo / ".tasks" / "1" / "20260101T000000Z-ada-0001.md").exists()
    is_home(repo)


@pytest.mark.long
@pytest.mark.parametrize("steps", range(len(finishing.STEPS[MERGE])))
def test_merge_stopped_after_each_step_and_run_again(repo: Path, steps: int) -> None:
    project = planned(repo, commit=False)
    site = start(project)
    work(site)
    plan = finish_survey.survey(project, ONE, Options(MERGE))
    assert plan is not None
    for step in finishing.STEPS[MERGE][:steps]:
        step(plan)
    assert end(project).outcome == "removed"
    assert copy_of(repo).status == "completed"
    git(repo, "commit", "-q", "-m", "the rest of the plan")
    is_home(repo)
    assert end(project).outcome == "already_finished"


@pytest.mark.parametrize("step", [11, pytest.param(1, marks=pytest.mark.long)])
def test_merge_killed_in_every_git_command_and_run_again(repo: Path, tmp_path: Path, step: int) -> None:
    project = planned(repo, commit=False)
    site = start(project)
    work(site)
    commands = killing_git(tmp_path)
    for number in range(2, 22, step):
        clone = tmp_path / "clone"
        shutil.copytree(repo, clone, symlinks=True)
        admin = clone / ".git" / "worktrees" / site.name
        (admin / "gitdir").write_text(f"{clone}/.worktrees/{site.name}/.git\n")
        (clone / ".worktrees" / site.name / ".git").write_text(f"gitdir: {admin}\n")
        count = tmp_path / f"count-{number}"
        env = {
            **os.environ,
            "PATH": f"{commands}:{os.environ['PATH']}",
            "KILL_AT": str(number),
            "KILL_COUNT": str(count),
        }
        argv = (sys.executable, "-m", "gittasks", "finish", "1", "--merge")
        done = subprocess.run(argv, cwd=clone, env=env, capture_output=True, text=True, check=False)
        assert done.returncode in (0, -9), done.stderr
        assert end(at(clone)).outcome in ("removed", "already_finished")
        assert copy_of(clone).status == "completed"
        git(clone, "commit", "-q", "-m", "the rest of the plan")
        is_home(clone)
        shutil.rmtree(clone)
        if done.returncode == 0:
            assert number > 5
            return
    raise AssertionError("it never came to its end")


def test_merge_into_a_branch_that_nobody_has_checked_out(project: Project, repo: Path, site: Path) -> None:
    git(repo, "checkout", "-q", "--detach")
    end(project)
    assert git(repo, "show", "main:code") == "code"
    assert "status: completed" in git(repo, "show", "main:.tasks/1.yaml")
    assert not (repo / "code").exists()


def test_merge_into_another_branch(project: Project, repo: Path, site: Path) -> None:
    git(repo, "branch", "release")
    assert end(project, into="release").base == "release"
    assert git(repo, "show", "release:code") == "code"
    assert git(repo, "rev-parse", "main") != git(repo, "rev-parse", "release")


def test_merge_into_what_is_no_target(project: Project, site: Path) -> None:
    for into in ("nothing", f"wt/{site.name}"):
        refused(project, CannotFinishError, into=into)
    for into in ("--force", "a..b", "x\n", ""):
        refused(project, BadRefNameError, into=into)


def test_merge_back_to_a_branch_that_went_away(project: Project, repo: Path) -> None:
    git(repo, "checkout", "-q", "-b", "topic")
    start(project)
    git(repo, "checkout", "-q", "main")
    git(repo, "branch", "-q", "-d", "topic")
    assert "--into" in str(refused(project, CannotFinishError).hint)
    assert end(project, into="main").outcome == "removed"


def test_conflicts_change_nothing(project: Project, repo: Path, site: Path) -> None:
    work(repo, "code", "other\n")
    assert "code" in refused(project, MergeRefusedError).message


def test_a_conflict_in_the_task_itself(project: Project, repo: Path, site: Path) -> None:
    commit_task(repo, copy_of(repo)._replace(owner="bob", status="in_progress"))
    assert ".tasks/1.yaml" in refused(project, MergeRefusedError).message


def test_files_in_the_way_are_not_written_over(project: Project, repo: Path, site: Path) -> None:
    (repo / "code").write_text("mine\n")
    assert kept_because(project) == "refused_in_the_way"
    (repo / "code").unlink()
    work(site, "README", "theirs\n")
    (repo / "README").write_text("mine\n")
    assert kept_because(project) == "refused_in_the_way"
    git(repo, "add", "README")
    assert kept_because(project) == "refused_in_the_way"


def test_a_carried_task_that_was_edited_since_is_in_the_way(repo: Path) -> None:
    project = planned(repo, commit=False)
    start(project)
    writing.edit_task(project, ONE, lambda task: {"priority": 0}, purpose="edit")
    assert kept_because(project) == "refused_in_the_way"


@pytest.mark.parametrize("staged", [True, False])
def test_a_carried_task_is_replaced_by_what_became_of_it(project: Project, repo: Path, staged: bool) -> None:
    writing.edit_task(project, ONE, lambda task: {"priority": 0}, purpose="edit")
    if not staged:
        git(repo, "reset", "-q")
    work(start(project))
    end(project)
    assert (copy_of(repo).priority, copy_of(repo).status) == (0, "completed")
    is_home(repo)


@pytest.mark.parametrize("staged", [True, False])
def test_a_merge_that_fails_puts_carried_files_back(repo: Path, staged: bool) -> None:
    project = planned(repo, commit=False)
    if not staged:
        git(repo, "reset", "-q")
    start(project)
    git(repo, "add", ".tasks/2.yaml")
    git(repo, "commit", "-q", "-m", "the other task", "--only", "--", ".tasks/2.yaml")
    hook = repo / ".git" / "hooks" / "pre-merge-commit"
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    before = git(repo, "status", "--porcelain", "-uall"), copy_of(repo)
    with pytest.raises(MergeRefusedError, match="not today"):
        end(project)
    assert (git(repo, "status", "--porcelain", "-uall"), copy_of(repo)) == before
    hook.unlink()
    assert end(project).outcome == "removed"


def test_the_target_is_in_the_middle_of_something(project: Project, repo: Path, site: Path) -> None:
    (repo / ".git" / "MERGE_HEAD").write_text(git(repo, "rev-parse", "HEAD") + "\n")
    refused(project, OperationInProgressError)
    (repo / ".git" / "MERGE_HEAD").unlink()
    git(repo, "bisect", "start")
    assert end(project).outcome == "removed"


def test_the_target_is_being_rebased(project: Project, repo: Path, site: Path) -> None:
    (repo / ".git" / "rebase-merge").mkdir()
    (repo / ".git" / "rebase-merge" / "head-name").write_text("refs/heads/main\n")
    git(repo, "checkout", "-q", "--detach")
    assert "rebase" in refused(project, MergeRefusedError).message


def test_the_worktree_is_in_the_middle_of_something(project: Project, repo: Path, site: Path) -> None:
    (repo / ".git" / "worktrees" / site.name / "MERGE_HEAD").write_text(git(repo, "rev-parse", "HEAD") + "\n")
    for how in (MERGE, KEEP):
        refused(project, OperationInProgressError, how)
    assert kept_because(project, REMOVE) == "refused_operation"


def test_a_detached_head_has_nothing_to_merge(project: Project, site: Path) -> None:
    git(site, "checkout", "-q", "--detach")
    refused(project, CannotFinishError)
    tip = work(site, "more")
    assert kept_because(project, REMOVE) == "refused_unmerged"
    assert [commit.oid for commit in end(project, REMOVE, force=True).lost_commits][:1] == [tip]


def test_a_commit_hook_that_says_no_can_be_mended(project: Project, repo: Path, site: Path) -> None:
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho no tasks today >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(GitError, match="no tasks today"):
        end(project)
    assert (site / "code").exists()
    hook.unlink()
    assert end(project).outcome == "removed"
    is_home(repo)


# -- keep


def test_keep(project: Project, repo: Path, site: Path) -> None:
    (site / "scratch").write_text("not committed\n")
    finished = end(project, KEEP)
    assert (finished.outcome, finished.merged) == ("kept", False)
    assert git(site, "log", "-1", "--format=%s") == "Complete #1: Fix the login"
    assert git(site, "status", "--porcelain") == "?? scratch"
    assert copy_of(site).status == "completed"
    assert copy_of(repo).status == "pending"
    assert end(project, KEEP).commit is None
    (site / "scratch").unlink()
    assert end(project, MERGE).outcome == "removed"
    is_home(repo)


def test_keep_stopped_half_way(project: Project, site: Path) -> None:
    plan = finish_survey.survey(project, ONE, Options(KEEP))
    assert plan is not None
    finishing.STEPS[KEEP][0](plan)
    assert end(project, KEEP).commit == git(site, "rev-parse", "HEAD")


def test_what_else_is_staged_stays_staged(project: Project, site: Path) -> None:
    (site / "half").write_text("half\n")
    git(site, "add", "half")
    end(project, KEEP)
    assert git(site, "status", "--porcelain") == "A  half"


def test_here_in_the_main_worktree(project: Project, repo: Path) -> None:
    start(project, here=True)
    for how in (MERGE, REMOVE):
        assert "--keep" in str(refused(project, CannotFinishError, how).hint)
    assert end(project, KEEP).outcome == "kept"
    assert git(repo, "log", "-1", "--format=%s") == "Complete #1: Fix the login"


def test_here_in_a_worktree_that_plain_git_made(project: Project, repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", "-b", "topic", str(tmp_path / "side"))
    start(at(tmp_path / "side"), here=True)
    work(tmp_path / "side")
    finished = end(at(tmp_path / "side"), task_id=None)
    assert (finished.branch, finished.base, finished.outcome) == ("topic", "main", "removed")
    is_home(repo)


# -- remove


def test_remove_completes_the_task_at_home(project: Project, repo: Path) -> None:
    site = start(project)
    writing.edit_task(
        at(site), ONE, lambda task: {"description": "not needed", "labels": ("wontfix",)}, purpose="edit"
    )
    (site / ".tasks" / "1").mkdir()
    (site / ".tasks" / "1" / "20260101T000000Z-ada-0001.md").write_text("why not\n")
    writing.edit_task(project, ONE, lambda task: {"priority": 4}, purpose="edit")
    finished = end(project, REMOVE)
    assert (finished.outcome, finished.merged, finished.lost_files) == ("removed", False, ())
    task = copy_of(repo)
    assert (task.status, task.description, task.labels, task.priority) == (
        "completed",
        "not needed",
        ("wontfix",),
        4,
    )
    assert git(repo, "status", "--porcelain", "-uall").splitlines() == [
        "M  .tasks/1.yaml",
        "A  .tasks/1/20260101T000000Z-ada-0001.md",
    ]
    git(repo, "commit", "-q", "-m", "give up #1")
    is_home(repo)


@pytest.mark.long
@pytest.mark.parametrize("steps", range(len(finishing.STEPS[REMOVE])))
def test_remove_stopped_after_each_step_and_run_again(project: Project, repo: Path, steps: int) -> None:
    start(project)
    plan = finish_survey.survey(project, ONE, Options(REMOVE))
    assert plan is not None
    for step in finishing.STEPS[REMOVE][:steps]:
        step(plan)
    assert end(project, REMOVE).outcome == "removed"
    assert copy_of(repo).status == "completed"
    git(repo, "commit", "-q", "-m", "give up #1")
    is_home(repo)


def test_remove_of_a_task_that_only_its_worktree_has(project: Project, repo: Path) -> None:
    started = starting.start_new(project, "Brand new", starting.Options())
    end(project, REMOVE, started.task.id)
    assert copy_of(repo, started.task.id).status == "completed"


def test_remove_where_both_sides_changed_one_field(project: Project, repo: Path) -> None:
    site = start(project)
    writing.edit_task(at(site), ONE, lambda task: {"subject": "theirs"}, purpose="edit")
    writing.edit_task(project, ONE, lambda task: {"subject": "ours"}, purpose="edit")
    assert "subject" in refused(project, TwoVersionsError, REMOVE).message
    end(project, REMOVE, force=True)
    assert (copy_of(repo).subject, copy_of(repo).status) == ("theirs", "completed")


def test_remove_after_carrying(repo: Path) -> None:
    project = planned(repo, commit=False)
    start(project)
    assert end(project, REMOVE).outcome == "removed"
    assert copy_of(repo).status == "completed"


def test_remove_names_unmerged_commits(project: Project, repo: Path, site: Path) -> None:
    with pytest.raises(KeptWorktreeError) as caught:
        end(project, REMOVE)
    tip = git(site, "rev-parse", "HEAD")
    assert (caught.value.outcome, [commit.oid for commit in caught.value.commits]) == (
        "refused_unmerged",
        [tip],
    )
    assert tip[:12] in caught.value.message
    finished = end(project, REMOVE, force=True)
    assert [commit.oid for commit in finished.lost_commits] == [tip]
    assert finished.outcome == "removed"
    assert copy_of(repo).status == "completed"


def test_remove_where_it_was_merged_by_hand(project: Project, repo: Path, site: Path) -> None:
    git(repo, "merge", "-q", "--squash", f"wt/{site.name}")
    git(repo, "commit", "-q", "-m", "squashed")
    finished = end(project, REMOVE)
    assert (finished.outcome, finished.lost_commits) == ("removed", ())
    git(repo, "commit", "-q", "-m", "done")
    is_home(repo)


def test_remove_of_pushed_work_leaves_the_branch(project: Project, repo: Path, site: Path) -> None:
    git(repo, "update-ref", f"refs/remotes/origin/wt/{site.name}", f"wt/{site.name}")
    assert end(project, REMOVE).outcome == "retained_unmerged"
    assert git(repo, "branch", "--list", "wt/*") != ""
    assert not site.exists()


# -- what is never lost


@pytest.mark.parametrize("how", [MERGE, REMOVE])
def test_dirty_files_are_named(project: Project, repo: Path, site: Path, how: str) -> None:
    git(repo, "merge", "-q", f"wt/{site.name}")

    def dirty(*names: str) -> None:
        error = refused(project, KeptWorktreeError, how)
        assert isinstance(error, KeptWorktreeError)
        assert (error.outcome, error.files) == ("refused_dirty", names)
        assert all(name in error.message for name in names)

    (site / "new").write_text("work\n")
    dirty("new")
    (site / "code").write_text("work\n")
    dirty("code", "new")
    git(site, "add", "code")
    (site / ".tasks" / "2.yaml").unlink()
    dirty(".tasks/2.yaml", "code", "new")
    finished = end(project, how, force=True)
    assert (finished.outcome, finished.lost_files) == ("removed", (".tasks/2.yaml", "code", "new"))


@pytest.mark.parametrize("how", [MERGE, REMOVE])
def test_kept_and_locked(project: Project, repo: Path, how: str) -> None:
    site = start(project)
    worktrees.keep(project, site.name, kept=True)
    assert kept_because(project, how) == "refused_kept"
    git(repo, "worktree", "lock", str(site))
    assert kept_because(project, how, force=True) == "refused_locked"
    git(repo, "worktree", "unlock", str(site))
    assert end(project, how, force=True).outcome == "removed"


@pytest.mark.parametrize("how", [MERGE, KEEP, REMOVE])
def test_a_live_run_holds_the_worktree(project: Project, how: str) -> None:
    site = start(project)
    order = run_start.Order(("sleep", "60"), cwd=str(site))
    run = run_start.start_run(project, order).run
    try:
        assert kept_because(project, how, force=True) == "refused_live_runs"
    finally:
        runs.kill_runs(project, [run.id], grace_s=0.1)
    assert end(project, how).outcome in ("removed", "kept")


def test_another_worktree_inside(project: Project, repo: Path) -> None:
    site = start(project)
    git(repo, "worktree", "add", "-q", "-b", "inner", str(site / ".worktrees" / "inner"))
    assert kept_because(project, force=True) == "refused_nested"


def test_another_task_in_the_same_worktree(project: Project, site: Path) -> None:
    worktrees.bind(project, site.name, TWO)
    for how in (MERGE, REMOVE):
        assert "#2 Write it up" in refused(project, CannotFinishError, how).message
    assert end(project, KEEP).outcome == "kept"
    end(project, task_id=TWO)
    assert not site.exists()


def test_what_was_stacked_on_it_goes_where_it_went(project: Project, repo: Path, site: Path) -> None:
    second = start(at(site), TWO, force=True)
    assert memos.load(project.checkout.private_dir, second.name).base == f"wt/{site.name}"
    end(project)
    work(second, "more")
    assert end(project, task_id=TWO).base == "main"
    is_home(repo)


# -- what is not there


def test_a_copy_that_cannot_be_read(project: Project, site: Path) -> None:
    (site / ".tasks" / "1.yaml").write_text("<<<<<<< ours\n")
    assert "conflict" in refused(project, BadTaskError).message


def test_never_started(project: Project) -> None:
    assert "done 1" in str(refused(project, NotStartedError).hint)
    with pytest.raises(NotStartedError, match="which task"):
        end(project, task_id=None)


def test_worktree_gone_by_rm(project: Project, repo: Path, site: Path) -> None:
    shutil.rmtree(site)
    assert "start 1" in str(refused(project, NotStartedError).hint)
    assert kept_because(project, REMOVE) == "refused_unmerged"
    git(repo, "merge", "-q", f"wt/{site.name}")
    assert kept_because(project, REMOVE) == "refused_gone"
    finished = end(project, REMOVE, force=True)
    assert (finished.outcome, finished.lost_files) == ("removed", (".tasks/1.yaml",))
    assert copy_of(repo).status == "completed"


def test_worktree_gone_by_rm_with_everything_committed(project: Project, repo: Path, site: Path) -> None:
    git(site, "commit", "-q", "-m", "all of it")
    shutil.rmtree(site)
    git(repo, "merge", "-q", f"wt/{site.name}")
    assert end(project, REMOVE).outcome == "removed"
    assert copy_of(repo).status == "completed"


def test_commits_on_no_branch_of_one_that_is_gone(project: Project, site: Path) -> None:
    git(site, "commit", "-q", "-m", "all of it")
    git(site, "checkout", "-q", "--detach")
    tip = work(site, "more")
    shutil.rmtree(site)
    assert tip[:12] in refused(project, KeptWorktreeError, REMOVE).message


def test_moved_by_hand_it_is_not_given_up(project: Project, repo: Path, site: Path, tmp_path: Path) -> None:
    (site / "code").write_text("staged\n")
    git(site, "add", "code")
    os.rename(site, tmp_path / "moved")
    git(repo, "merge", "-q", f"wt/{site.name}")
    assert "code" in refused(project, KeptWorktreeError, REMOVE).message
    git(repo, "worktree", "repair", str(tmp_path / "moved"))
    assert git(tmp_path / "moved", "diff", "--cached", "--name-only").split() == [".tasks/1.yaml", "code"]


def test_moved_by_git(project: Project, repo: Path, site: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "move", str(site), str(tmp_path / "moved"))
    assert end(project).outcome == "removed"
    is_home(repo)


def test_moved_by_hand_it_is_finished_from_inside(
    project: Project, repo: Path, site: Path, tmp_path: Path
) -> None:
    os.rename(site, tmp_path / "moved")
    git(tmp_path / "moved", "worktree", "repair")
    assert end(at(tmp_path / "moved"), task_id=None).outcome == "removed"
    is_home(repo)


def test_a_bare_repository_with_worktrees(project: Project, repo: Path, tmp_path: Path) -> None:
    bare = tmp_path / "project" / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repo), str(bare))
    git(bare, "worktree", "add", "-q", str(tmp_path / "project" / "trunk"), "main")
    trunk = at(tmp_path / "project" / "trunk")
    site = start(trunk)
    work(site)
    assert end(at(site), task_id=None).outcome == "removed"
    assert (tmp_path / "project" / "trunk" / "code").exists()
    second = start(trunk, TaskId(2))
    assert end(trunk, REMOVE, TaskId(2)).outcome == "removed"
    assert not second.exists()


def test_a_submodule(project: Project, repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "outer")
    git(tmp_path / "outer", "submodule", "--quiet", "add", str(repo), "inner")
    inner = at(tmp_path / "outer" / "inner")
    work(start(inner))
    assert end(inner).outcome == "removed"
    assert (tmp_path / "outer" / "inner" / "code").exists()


# -- checks and events


@pytest.fixture
def checked(project: Project, repo: Path) -> Path:
    """A worktree whose check succeeds where a file `good` is committed; trusted."""
    (repo / ".tasks" / "config.yaml").write_text("schema: 1\nchecks:\n  good: [test, -e, good]\n")
    git(repo, "add", ".tasks/config.yaml")
    git(repo, "commit", "-q", "-m", "checks")
    return start(project)


def test_checks_run_only_where_they_are_trusted(project: Project, checked: Path) -> None:
    work(checked, "good")
    refused(project, trust.UntrustedError)
    trust.grant(project, trust.trust_state(project).sha256)
    heard: list[str] = []
    assert finish(project, ONE, Options(MERGE), heard.append).outcome == "removed"
    assert heard == ["check good"]


def test_a_check_that_fails(project: Project, checked: Path) -> None:
    trust.grant(project, trust.trust_state(project).sha256)
    assert "good" in refused(project, CheckFailedError).message
    assert end(project, checks=False).outcome == "removed"


def test_what_happened_is_remembered(project: Project, site: Path) -> None:
    (site / "new").write_text("")
    refused(project, KeptWorktreeError)
    (site / "new").unlink()
    end(project)
    found = [event for event in events.load_events(project.checkout.private_dir) if event["task"] == 1][-2:]
    assert [event["event"] for event in found] == ["refused", "finished"]
    assert found[0]["after"]["why"] == "refused_dirty"
    assert found[1]["before"] == {"path": str(site), "branch": f"wt/{site.name}"}
    assert found[1]["after"]["outcome"] == "removed"


def test_memos_that_are_damaged_lose_nothing(project: Project, repo: Path, site: Path) -> None:
    memo = repo / ".git" / "gittasks" / "worktrees" / f"{site.name}.json"
    for text in ("", "[]", "{", '{"task": "x", "carried": 3, "new": 1}'):
        memo.write_text(text)
        assert memos.load(project.checkout.private_dir, site.name) == memos.Memo(site.name)
    assert end(project).outcome == "removed"
    is_home(repo)


def test_no_cache_of_a_removed_worktree_is_left(repo: Path) -> None:
    (repo / ".tasks").mkdir()
    project = open_project(str(repo))
    task = project.add("one")
    started = project.start(task.id)
    open_project(started.path).board()
    project.board()
    git(Path(started.path), "commit", "-qm", "tasks")
    project.finish(task.id, how="merge")
    left = [path.name for path in Path(project.cache_folder).iterdir() if started.name in path.name]
    assert left == []
