"""`start`: a task, its branch, its worktree; refused without a trace, or killed anywhere and run again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gittasks.app import events, finish_survey, memos, planting, sites, start_refusals, starting, writing
from gittasks.app import worktrees as app_worktrees
from gittasks.app.finishing import finish
from gittasks.app.project import Project, open_project
from gittasks.app.starting import Options, start_new, start_task
from gittasks.base.errors import GittasksError, UsageError
from gittasks.repo import refs, worktrees
from gittasks.repo.discover import NoWorktreeError
from gittasks.repo.git import GitTooOldError
from gittasks.repo.index import OperationInProgressError
from gittasks.repo.removal import KeptWorktreeError
from gittasks.workgraph import store
from gittasks.workgraph.fields import FieldError
from gittasks.workgraph.record import TaskId
from gittasks.workgraph.rules import NotAllowedError
from tests.app.desk import ONE, TWO, at, commit_task, copy_of, killing_git, planned, start, state, work
from tests.conftest import git

NAME = "1-fix-the-login"


@pytest.fixture
def project(repo: Path) -> Project:
    return planned(repo)


def refused(
    project: Project, kind: type[GittasksError], task_id: TaskId = ONE, **options: object
) -> GittasksError:
    """Start must raise `kind` and leave everything as it was."""
    before = state(Path(project.top))
    with pytest.raises(kind) as caught:
        start(project, task_id, **options)
    assert state(Path(project.top)) == before
    return caught.value


def test_a_task_gets_branch_worktree_and_binding(project: Project, repo: Path) -> None:
    started = start_task(project, ONE, Options())
    path = repo / ".worktrees" / NAME
    assert started[1:6] == (NAME, str(path), f"wt/{NAME}", "main", True)
    task = copy_of(path)
    assert (task.status, task.owner, task.worktree) == ("in_progress", "Ada Tester", NAME)
    assert started.task == task
    assert git(path, "status", "--porcelain") == "M  .tasks/1.yaml"
    assert git(path, "symbolic-ref", "--short", "HEAD") == f"wt/{NAME}"
    assert git(repo, "status", "--porcelain") == ""
    assert copy_of(repo).status == "pending"
    assert at(path).bound_task() == ONE


def test_run_again_it_answers_where_it_is(project: Project, repo: Path) -> None:
    path = start(project)
    before = state(repo)
    for place in (repo, path):
        again = start_task(at(place), ONE, Options())
        assert (again.path, again.created, again.messages) == (str(path), False, ())
    assert state(repo) == before


def test_uncommitted_tasks_are_carried_over(repo: Path) -> None:
    project = planned(repo, commit=False)
    (repo / ".tasks" / "1").mkdir()
    (repo / ".tasks" / "1" / "20260101T000000Z-ada-0001.md").write_text("a note\n")
    (repo / ".tasks" / "1" / "20260101T000000Z-ada-0002.md").write_bytes(b"\xff not text")
    before = git(repo, "status", "--porcelain", "-uall")
    started = start_task(project, ONE, Options())
    assert any("carried over" in message for message in started.messages)
    path = Path(started.path)
    assert copy_of(path).description == "as reported"
    assert git(path, "status", "--porcelain", "-uall").splitlines() == [
        "A  .tasks/1.yaml",
        "A  .tasks/1/20260101T000000Z-ada-0001.md",
    ]
    assert git(repo, "status", "--porcelain", "-uall") == before
    carried = memos.load(project.checkout.private_dir, NAME).carried
    assert carried[".tasks/1.yaml"] == git(repo, "hash-object", ".tasks/1.yaml")


def test_an_uncommitted_edit_is_carried_over(project: Project) -> None:
    writing.edit_task(project, ONE, lambda task: {"priority": 0}, purpose="edit")
    assert copy_of(start(project)).priority == 0


def test_another_base_has_its_own_version(project: Project, repo: Path) -> None:
    git(repo, "checkout", "-q", "-b", "release")
    commit_task(repo, copy_of(repo)._replace(priority=1))
    git(repo, "checkout", "-q", "main")
    path = start(project, base="release")
    assert copy_of(path).priority == 1
    assert memos.load(project.checkout.private_dir, NAME).base == "release"


def test_two_versions_of_a_task_are_not_mixed(project: Project, repo: Path) -> None:
    git(repo, "checkout", "-q", "-b", "release")
    commit_task(repo, copy_of(repo)._replace(priority=1))
    git(repo, "checkout", "-q", "main")
    writing.edit_task(project, ONE, lambda task: {"priority": 0}, purpose="edit")
    error = refused(project, GittasksError, base="release")
    assert "uncommitted" in error.message


def test_a_base_without_the_task_gets_it(project: Project, repo: Path) -> None:
    path = start(project, base="main~1")
    assert copy_of(path).status == "in_progress"
    assert git(path, "rev-parse", "HEAD") == git(repo, "rev-parse", "main~1")


def test_a_new_task_is_added_in_its_worktree_alone(project: Project, repo: Path) -> None:
    started = start_new(project, "Änd now?", Options())
    assert (started.task.id, started.name) == (3, "3-and-now")
    assert copy_of(started.path, TaskId(3)).subject == "Änd now?"
    assert not (repo / ".tasks" / "3.yaml").exists()
    assert at(started.path).bound_task() == 3
    again = start_new(project, "Änd now?", Options())
    assert again.task.id == 4
    assert start_task(project, TaskId(3), Options()).path == started.path


def test_here(project: Project, repo: Path, tmp_path: Path) -> None:
    assert start(project, here=True) == repo
    assert (copy_of(repo).worktree, copy_of(repo).status) == ("main", "in_progress")
    assert git(repo, "branch", "--format=%(refname)") == "refs/heads/main"
    git(repo, "worktree", "add", "-q", "-b", "topic", str(tmp_path / "side"))
    assert start(at(tmp_path / "side"), TWO, here=True, force=True) == tmp_path / "side"
    assert copy_of(tmp_path / "side", TWO).worktree == "side"
    started = start_new(at(tmp_path / "side"), "One more", Options(here=True))
    assert (started.path, started.branch) == (str(tmp_path / "side"), "topic")
    assert started.task.worktree == "side"


def test_here_goes_with_no_other_place(project: Project) -> None:
    refused(project, UsageError, here=True, worktree="main")
    refused(project, UsageError, here=True, base="main")


def test_from_a_linked_worktree_and_a_subdirectory(project: Project, repo: Path) -> None:
    first = start(project)
    work(first)
    (first / "deep").mkdir()
    second = start(at(first / "deep"), TWO, force=True)
    assert second == repo / ".worktrees" / "2-write-it-up"
    assert memos.load(project.checkout.private_dir, second.name).base == f"wt/{NAME}"
    assert (second / "code").exists()


def test_from_a_worktree_of_a_bare_repository(project: Project, repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo), "project/bare.git")
    git(tmp_path / "project" / "bare.git", "worktree", "add", "-q", str(tmp_path / "project" / "main"))
    assert start(at(tmp_path / "project" / "main")) == tmp_path / "project" / NAME
    with pytest.raises(NoWorktreeError):
        start(at(tmp_path / "project" / "bare.git"))


def test_from_a_submodule(project: Project, repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "outer")
    git(tmp_path / "outer", "submodule", "--quiet", "add", str(repo), "inner")
    inner = tmp_path / "outer" / "inner"
    git(tmp_path / "outer", "commit", "-q", "-m", "with inner")
    path = start(at(inner))
    assert path == inner / ".worktrees" / NAME
    assert git(inner, "status", "--porcelain") == ""
    assert git(tmp_path / "outer", "status", "--porcelain") == ""
    assert start(at(path)) == path


def test_through_a_symbolic_link(project: Project, repo: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repo)
    assert start(at(tmp_path / "link")) == repo / ".worktrees" / NAME


def test_a_template_for_the_path(project: Project, repo: Path) -> None:
    (repo / ".tasks" / "config.yaml").write_text("schema: 1\nworktree_path: trees/wt-{name}\n")
    path = start(project, worktree="x")
    assert path == repo / "trees" / "wt-x"
    assert copy_of(path).worktree == "wt-x" == at(path).checkout.name
    for name in ("x", "wt-x", None):
        assert start(project, worktree=name) == path
    shutil.rmtree(path)
    assert start(project) == path
    assert start(project, TWO, force=True) == repo / "trees" / "wt-2-write-it-up"
    assert git(repo, "status", "--porcelain") == "?? .tasks/config.yaml"


def test_ignored_files_come_along(project: Project, repo: Path) -> None:
    (repo / ".git" / "info" / "exclude").write_text(".env\n")
    (repo / ".env").write_text("secret\n")
    (repo / ".worktreeinclude").write_text(".env\n")
    assert (start(project) / ".env").read_text() == "secret\n"


def test_names_that_are_none_are_refused(project: Project) -> None:
    for name in ("--force", "../x", "", "a/b", "a" * 10_000, "a\nb", "a\x1b[31mb", ".git", "x.lock"):
        refused(project, FieldError, worktree=name)


def test_subjects_that_are_none_are_refused(project: Project, repo: Path) -> None:
    before = state(repo)
    for subject in ("", "a\nb", "x" * 501):
        with pytest.raises(FieldError):
            start_new(project, subject, Options())
    assert state(repo) == before


def test_closed_unknown_and_blocked_tasks(project: Project) -> None:
    assert "#1 Fix the login (pending)" in refused(project, start_refusals.BlockedError, TWO).message
    assert copy_of(start(project, TWO, force=True), TWO).status == "in_progress"
    refused(project, store.UnknownTaskError, TaskId(99))
    writing.edit_task(project, ONE, lambda task: {"status": "completed"}, purpose="complete")
    assert "reopen 1" in str(refused(project, NotAllowedError).hint)


def test_no_commit_to_start_from(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "empty")
    project = planned(tmp_path / "empty", commit=False)
    with pytest.raises(planting.NoCommitError):
        start(project)
    assert not (tmp_path / "empty" / ".worktrees").exists()


def test_somebody_elses_task(project: Project, repo: Path) -> None:
    writing.edit_task(project, ONE, lambda task: {"owner": "bob"}, purpose="edit")
    refused(project, start_refusals.StartedElsewhereError)
    path = start(project, force=True)
    assert copy_of(path).owner == "Ada Tester"
    error = refused(project, start_refusals.StartedElsewhereError, owner="bob")
    assert str(path) in error.message
    assert "worktree enter 1" in str(error.hint)
    assert start(project, owner="bob", force=True) == path
    assert copy_of(path).owner == "bob"


def test_a_second_place_for_the_same_task(project: Project, repo: Path) -> None:
    path = start(project)
    assert str(path) in refused(project, start_refusals.StartedElsewhereError, worktree="other").message
    refused(project, start_refusals.StartedElsewhereError, here=True)
    assert start(at(path), here=True) == path


def test_a_task_completed_in_its_worktree(project: Project, repo: Path) -> None:
    path = start(project)
    writing.edit_task(at(path), ONE, lambda task: {"status": "completed"}, purpose="complete")
    assert "finish 1" in str(refused(project, start_refusals.StartedElsewhereError).hint)


@pytest.fixture
def completing_hook(repo: Path) -> Path:
    """A hook of the user's that completes #1 in each new worktree, behind our back."""
    hook = repo / ".git" / "hooks" / "post-checkout"
    hook.write_text("#!/bin/sh\nsed -i.old s/^status:.*/status:\\ completed/ .tasks/1.yaml\n")
    hook.chmod(0o755)
    return hook


def kept_on_its_branch(project: Project) -> None:
    start(project)
    finish(project, ONE, finish_survey.Options(finish_survey.KEEP))


def test_a_task_completed_on_its_branch(project: Project, tmp_path: Path) -> None:
    kept_on_its_branch(project)
    app_worktrees.remove(project, NAME, force=False)
    assert memos.load_all(project.checkout.private_dir) == []
    error = refused(project, start_refusals.StartedElsewhereError)
    assert f"completed on wt/{NAME}" in error.message
    git(tmp_path, "clone", "-q", project.top, "clone")
    git(tmp_path / "clone", "branch", "-q", f"wt/{NAME}", f"origin/wt/{NAME}")
    refused(at(tmp_path / "clone"), start_refusals.StartedElsewhereError)
    assert start(project, worktree="anew").name == "anew"


def test_a_task_completed_on_its_branch_whose_worktree_is_gone(project: Project, repo: Path) -> None:
    kept_on_its_branch(project)
    shutil.rmtree(repo / ".worktrees" / NAME)
    refused(project, start_refusals.StartedElsewhereError)


def test_a_task_completed_or_anothers_where_the_work_would_start(project: Project, repo: Path) -> None:
    git(repo, "checkout", "-q", "-b", "release")
    task = copy_of(repo)
    for other in (task._replace(status="completed"), task._replace(owner="bob")):
        commit_task(repo, other)
        git(repo, "checkout", "-q", "main")
        assert "on release" in refused(project, start_refusals.StartedElsewhereError, base="release").message
        git(repo, "checkout", "-q", "-B", "release", "main")


def test_another_task_of_the_number_where_the_work_would_start(project: Project, repo: Path) -> None:
    git(repo, "checkout", "-q", "-b", "release")
    commit_task(repo, copy_of(repo)._replace(uid="f" * 16, subject="Another one"))
    git(repo, "checkout", "-q", "main")
    error = refused(project, start_refusals.StartedElsewhereError, base="release")
    assert "another task on release" in error.message and "Another one" in error.message


@pytest.mark.parametrize("held", [None, "bob"])
def test_refused_by_the_last_step_it_leaves_nothing(
    project: Project, repo: Path, completing_hook: Path, held: str | None
) -> None:
    if held:
        project.claim(ONE, owner=held)
    refused(project, NotAllowedError, force=held is not None)
    refused(project, NotAllowedError, force=held is not None, worktree="other")
    completing_hook.unlink()
    assert start(project, force=held is not None) == repo / ".worktrees" / NAME


def test_refused_by_the_last_step_it_leaves_what_was_there(
    project: Project, repo: Path, completing_hook: Path
) -> None:
    completing_hook.chmod(0o644)
    path = start(project)
    tip = work(path)
    git(repo, "worktree", "remove", "--force", str(path))
    completing_hook.chmod(0o755)
    refused(project, NotAllowedError)
    assert git(repo, "rev-parse", f"wt/{NAME}") == tip


def test_refused_here_it_claims_nothing(project: Project, repo: Path) -> None:
    (repo / ".git" / "MERGE_HEAD").write_text(git(repo, "rev-parse", "HEAD") + "\n")
    refused(project, OperationInProgressError, here=True, commit=True)


def test_names_that_belong_to_something_else(project: Project, repo: Path, tmp_path: Path) -> None:
    git(repo, "branch", "wt/old", "main~1")
    refused(project, planting.TakenError, worktree="old")
    git(repo, "worktree", "add", "-q", "-b", "mine", str(tmp_path / "plain"))
    assert "--here" in str(refused(project, planting.TakenError, worktree="plain").hint)
    (repo / ".worktrees" / "full").mkdir(parents=True)
    (repo / ".worktrees" / "full" / "file").write_text("")
    git(repo, "config", "status.showUntrackedFiles", "no")
    refused(project, worktrees.PathTakenError, worktree="full")
    git(repo, "branch", "wt/unused")
    assert start(project, worktree="unused").name == "unused"


def test_a_branch_that_is_checked_out_elsewhere(project: Project, repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", "-b", "wt/busy", str(tmp_path / "side"))
    refused(project, planting.TakenError, worktree="busy")


def test_worktree_removed_with_rm(project: Project, repo: Path) -> None:
    path = start(project)
    tip = work(path)
    shutil.rmtree(path)
    assert start(project) == path
    assert git(path, "rev-parse", "HEAD") == tip
    assert copy_of(path).status == "in_progress"


def test_worktree_moved_by_hand_with_staged_work(project: Project, tmp_path: Path) -> None:
    path = start(project)
    work(path)
    (path / "code").write_text("staged\n")
    git(path, "add", "code")
    os.rename(path, tmp_path / "moved")
    assert "git worktree repair" in str(refused(project, KeptWorktreeError).hint)
    assert start(project, force=True) == path


def test_worktree_removed_with_rm_and_commits_on_no_branch(project: Project) -> None:
    path = start(project)
    git(path, "checkout", "-q", "--detach")
    tip = work(path)
    shutil.rmtree(path)
    assert tip[:12] in refused(project, KeptWorktreeError).message


def test_worktree_removed_by_git(project: Project, repo: Path) -> None:
    path = start(project)
    tip = work(path)
    git(repo, "worktree", "remove", "--force", str(path))
    (repo / ".git" / "gittasks" / "worktrees" / f"{NAME}.json").unlink()
    refused(project, planting.TakenError)
    path = start(project, worktree="fresh")
    git(path, "commit", "-q", "-m", "in progress")
    git(repo, "worktree", "remove", "--force", str(path))
    (repo / ".git" / "gittasks" / "worktrees" / "fresh.json").unlink()
    assert start(project, worktree="fresh") == path
    assert git(repo, "rev-parse", f"wt/{NAME}") == tip


def test_a_locked_worktree_on_a_drive_that_is_away(project: Project, repo: Path, tmp_path: Path) -> None:
    path = start(project)
    git(repo, "worktree", "lock", str(path))
    os.rename(path, tmp_path / "away")
    refused(project, planting.TakenError)


def test_moved_by_git_it_is_found(project: Project, repo: Path, tmp_path: Path) -> None:
    path = start(project)
    git(repo, "worktree", "move", str(path), str(tmp_path / "moved"))
    assert start(project) == tmp_path / "moved"


def test_left_half_made_by_a_killed_git(project: Project, repo: Path) -> None:
    """As `git worktree add` leaves it when it is killed with SIGKILL: locked, no index, some of the files."""
    plan = starting.plan_task(project, sites.all_trees(project), copy_of(repo), "Ada Tester", Options())
    for step in starting.STEPS[:4]:
        step(plan)
    admin = repo / ".git" / "worktrees" / NAME
    (admin / "locked").write_text("initializing")
    (admin / "index").unlink()
    (repo / ".worktrees" / NAME / "README").unlink()
    path = start(project)
    assert (path / "README").exists()
    assert git(path, "status", "--porcelain") == "M  .tasks/1.yaml"
    assert not (admin / "locked").exists()


@pytest.mark.parametrize("noted", [{}, {"locked": "initializing"}, {"locked": "initializing", "gitdir": ""}])
def test_killed_before_git_noted_where_it_is(project: Project, repo: Path, noted: dict[str, str]) -> None:
    admin = repo / ".git" / "worktrees" / NAME
    admin.mkdir(parents=True)
    for name, text in noted.items():
        (admin / name).write_text(text)
    path = start(project)
    assert (path / ".git").read_text() == f"gitdir: {admin}\n"
    assert [tree.name for tree in sites.all_trees(project)] == ["main", NAME]


def test_what_is_no_such_rest_is_left_alone(project: Project, repo: Path) -> None:
    admin = repo / ".git" / "worktrees" / NAME
    (admin / "gitdir").mkdir(parents=True)
    with pytest.raises(worktrees.BrokenWorktreeError, match="under another name"):
        start(project)
    assert (admin / "gitdir").is_dir()


@pytest.mark.long
@pytest.mark.parametrize("new", [False, True])
@pytest.mark.parametrize("steps", range(1, len(starting.STEPS)))
def test_stopped_after_each_step_and_run_again(project: Project, repo: Path, new: bool, steps: int) -> None:
    trees = sites.all_trees(project)
    if new:
        plan = starting.plan_new(project, trees, "Brand new", "Ada Tester", Options())
    else:
        writing.edit_task(project, ONE, lambda task: {"priority": 0}, purpose="edit")
        plan = starting.plan_task(project, trees, copy_of(repo), "Ada Tester", Options())
    for step in starting.STEPS[:steps]:
        step(plan)
    started = start_new(project, "Brand new", Options()) if new else start_task(project, ONE, Options())
    task_id = TaskId(3) if new else ONE
    path = repo / ".worktrees" / ("3-brand-new" if new else NAME)
    assert (started.path, started.task.id) == (str(path), task_id)
    task = copy_of(path, task_id)
    assert (task.status, task.owner, task.worktree) == ("in_progress", "Ada Tester", path.name)
    assert task.priority == (2 if new else 0)
    assert git(path, "status", "--porcelain") == ("A  .tasks/3.yaml" if new else "M  .tasks/1.yaml")
    assert git(repo, "branch", "--format=%(refname:short)").split() == ["main", f"wt/{path.name}"]
    assert len(sites.all_trees(project)) == 2
    assert memos.load(project.checkout.private_dir, path.name).phase == memos.READY


@pytest.mark.long
def test_killed_in_every_git_command_and_run_again(project: Project, repo: Path, tmp_path: Path) -> None:
    commands = killing_git(tmp_path)
    for number in range(1, 20):
        clone = tmp_path / str(number)
        shutil.copytree(repo, clone)
        count = tmp_path / f"count-{number}"
        env = {
            **os.environ,
            "PATH": f"{commands}:{os.environ['PATH']}",
            "KILL_AT": str(number),
            "KILL_COUNT": str(count),
        }
        argv = (sys.executable, "-m", "gittasks", "start", "1")
        done = subprocess.run(argv, cwd=clone, env=env, capture_output=True, text=True, check=False)
        path = start(at(clone))
        assert copy_of(path).status == "in_progress"
        assert git(path, "status", "--porcelain") == "M  .tasks/1.yaml"
        if done.returncode == 0:
            assert number > 3
            return
        assert done.returncode == -9, done.stderr
    raise AssertionError("it never came to its end")


def test_what_happened_is_remembered(project: Project) -> None:
    path = start(project)
    found = events.load_events(project.checkout.private_dir, path.name)
    assert [(event["event"], event["task"]) for event in found] == [("created", 1), ("bound", 1)]
    assert found[0]["after"]["branch"] == f"wt/{path.name}"


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("Fix the login", "7-fix-the-login"),
        ("Äpfel & Öl — schön!", "7-apfel-ol-schon"),
        ("修复登录", "7"),
        ("--force ../x $(reboot) `x`", "7-force-x-reboot-x"),
        ("x" * 500, "7-" + "x" * 38),
        ("a" * 37 + " b c", "7-" + "a" * 37),
        ("²³ ½", "7-23-12"),
    ],
)
def test_default_names(subject: str, name: str) -> None:
    assert starting.default_name(7, subject) == name


def test_parallel_starts_make_one_worktree_each(project: Project, repo: Path) -> None:
    argv = [sys.executable, "-m", "gittasks", "start", "1"]
    both = [
        subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(3)
    ]
    answers = {process.communicate()[0].decode() for process in both}
    assert [process.returncode for process in both] == [0, 0, 0]
    assert answers == {f"{repo}/.worktrees/{NAME}\n"}
    assert refs.find_tip(project.git, f"wt/{NAME}") is not None
    assert len(sites.all_trees(project)) == 2


def test_a_git_that_is_too_old_is_told_before_anything_is_made(
    project: Project, repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    real = shutil.which("git")
    old.write_text(
        f'#!/bin/sh\ncase "$*" in *version) echo git version 2.37.9 ;; *) exec {real} "$@" ;; esac\n'
    )
    old.chmod(0o755)
    before = state(repo)
    env = {**os.environ, "PATH": f"{old.parent}:{os.environ['PATH']}"}
    with pytest.raises(GitTooOldError, match=r"2\.37\.9 is too old"):
        start(open_project(str(repo), env=env))
    assert state(repo) == before
