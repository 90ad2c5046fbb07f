"""The commits that we make: exactly the task files, nothing else touched, the user's hooks and signing kept."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from gittasks.app.project import open_project
from gittasks.repo import index
from gittasks.repo.git import GitError
from gittasks.repo.index import OperationInProgressError, stage_paths
from gittasks.workgraph.drafts import Draft
from tests.app.desk import at, copy_of, planned, state
from tests.conftest import Cli, git


@pytest.fixture
def plan(repo: Path) -> Path:
    """`repo` with two committed tasks."""
    planned(repo)
    return repo


def hook(repo: Path, name: str, script: str) -> None:
    path = repo / ".git" / "hooks" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def committed(repo: Path) -> list[str]:
    """The paths that the last commit changed."""
    return git(repo, "show", "--format=", "--name-only", "HEAD").split()


def staged(repo: Path) -> str:
    """The user's index as git has it, without the task that is committed."""
    lines = git(repo, "ls-files", "--stage", "--debug").splitlines()
    entries = git(repo, "ls-files", "--stage").splitlines()
    assert lines
    diff = git(repo, "diff", "--cached") + git(repo, "diff") + git(repo, "status", "--porcelain=v2")
    return "\n".join([*(entry for entry in entries if ".tasks/1.yaml" not in entry), diff])


def mess(repo: Path) -> None:
    """Everything that a user may have in hand: a staged hunk among others, a rename, a deletion, an intention."""
    lines = [f"line {number}\n" for number in range(40)]
    for name in ("hunks", "renamed", "deleted", "mode"):
        (repo / name).write_text("".join(lines))
    git(repo, "add", ".")
    git(repo, "commit", "-q", "-m", "files")
    (repo / "hunks").write_text("".join(["first\n", *lines[1:]]))
    git(repo, "add", "hunks")
    (repo / "hunks").write_text("".join(["first\n", *lines[1:-1], "last\n"]))
    git(repo, "mv", "renamed", "name")
    git(repo, "rm", "-q", "--cached", "deleted")
    git(repo, "update-index", "--chmod=+x", "mode")
    (repo / "intended").write_text("later\n")
    git(repo, "add", "--intent-to-add", "intended")
    text = (repo / ".tasks" / "2.yaml").read_text()
    (repo / ".tasks" / "2.yaml").write_text(text.replace("priority: 2", "priority: 4"))
    git(repo, "add", ".tasks/2.yaml")


def test_a_commit_takes_its_task_and_leaves_all_else_as_it_was(plan: Path) -> None:
    mess(plan)
    before = staged(plan)
    written = at(plan).complete(1, commit=True)
    assert committed(plan) == [".tasks/1.yaml"]
    assert written.commit == git(plan, "rev-parse", "HEAD")
    assert git(plan, "log", "-1", "--format=%s") == "Complete task #1: Fix the login"
    assert staged(plan) == before


def test_many_tasks_and_their_notes_are_one_commit(plan: Path) -> None:
    mess(plan)
    before = staged(plan)
    at(plan).note(1, "A note.", commit=True)
    assert [os.path.dirname(path) for path in committed(plan)] == [".tasks/1"]
    git(plan, "reset", "-q", "--soft", "HEAD^")
    git(plan, "rm", "-rq", "--cached", ".tasks/1")
    subprocess.run(("rm", "-r", str(plan / ".tasks" / "1")), check=True)
    assert staged(plan) == before


def test_the_settings_can_ask_for_it(plan: Path, cli: Cli) -> None:
    (plan / ".tasks" / "config.yaml").write_text("schema: 1\ncommit: auto\n")
    mess(plan)
    before = staged(plan)
    cli("done", "1")
    assert committed(plan) == [".tasks/1.yaml"]
    assert staged(plan) == before


def test_the_users_hooks_run_and_see_this_commit_alone(plan: Path) -> None:
    mess(plan)
    hook(
        plan,
        "pre-commit",
        'git diff --cached --name-only >>"$PWD/../heard"; echo "$GIT_INDEX_FILE" >>../index',
    )
    hook(plan, "commit-msg", 'echo "Reviewed-by: me" >>"$1"')
    hook(plan, "post-commit", "echo after >>../heard")
    at(plan).complete(1, commit=True)
    assert (plan.parent / "heard").read_text() == ".tasks/1.yaml\nafter\n"
    assert not (plan.parent / "index").read_text().strip().endswith(".git/index"), "an index of its own"
    assert "Reviewed-by: me" in git(plan, "log", "-1", "--format=%B")


def test_a_hook_that_says_no_is_heard(plan: Path) -> None:
    mess(plan)
    hook(plan, "pre-commit", "echo no tasks today >&2; exit 1")
    head = git(plan, "rev-parse", "HEAD")
    with pytest.raises(GitError, match="no tasks today"):
        at(plan).complete(1, commit=True)
    assert git(plan, "rev-parse", "HEAD") == head
    assert copy_of(plan).status == "completed"
    assert "M  .tasks/1.yaml" in git(plan, "status", "--porcelain")
    (plan / ".git" / "hooks" / "pre-commit").unlink()
    git(plan, "commit", "-q", "-m", "by hand", "--only", ".tasks/1.yaml")


def test_a_real_ssh_key_signs(plan: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    made = subprocess.run(
        ("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada@example.com", "-f", str(key)),
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("ssh-keygen makes no key here")
    (tmp_path / "signers").write_text(f"ada@example.com {Path(f'{key}.pub').read_text()}")
    for name, value in {
        "gpg.format": "ssh",
        "user.signingKey": str(key),
        "commit.gpgSign": "true",
        "gpg.ssh.allowedSignersFile": str(tmp_path / "signers"),
    }.items():
        git(plan, "config", name, value)
    at(plan).complete(1, commit=True)
    assert git(plan, "log", "-1", "--format=%G?") == "G"
    git(plan, "verify-commit", "HEAD")
    key.unlink()
    head = git(plan, "rev-parse", "HEAD")
    with pytest.raises(GitError):
        at(plan).reopen(1, commit=True)
    assert git(plan, "rev-parse", "HEAD") == head, "never unsigned instead"


def conflict(repo: Path) -> str:
    """Two branches that cannot be merged; the name of the other one."""
    git(repo, "switch", "-q", "-c", "other")
    (repo / "README").write_text("theirs\n")
    git(repo, "commit", "-q", "-a", "-m", "theirs")
    git(repo, "commit", "-q", "--allow-empty", "-m", "more of theirs")
    git(repo, "switch", "-q", "main")
    (repo / "README").write_text("ours\n")
    git(repo, "commit", "-q", "-a", "-m", "ours")
    return "other"


IN_BETWEEN = {
    "merge": ("merge", "other"),
    "merge without commit": ("merge", "--no-ff", "--no-commit", "-s", "ours", "other"),
    "rebase": ("rebase", "other"),
    "rebase by patches": ("rebase", "--apply", "other"),
    "cherry-pick": ("cherry-pick", "other^"),
    "cherry-pick of several": ("cherry-pick", "--allow-empty", "other^", "other"),
    "revert": ("revert", "--no-edit", "HEAD", "other^"),
}


@pytest.mark.parametrize("name", IN_BETWEEN)
def test_in_the_middle_of_something_nothing_is_committed_nor_written(plan: Path, name: str) -> None:
    conflict(plan)
    subprocess.run(("git", *IN_BETWEEN[name]), cwd=plan, capture_output=True, check=False)
    before = state(plan)
    with pytest.raises(OperationInProgressError):
        at(plan).complete(1, commit=True)
    assert state(plan) == before
    assert copy_of(plan).status == "pending"


def test_between_two_picks_of_several_nothing_is_committed_either(plan: Path) -> None:
    conflict(plan)
    subprocess.run(("git", "cherry-pick", "other^", "other"), cwd=plan, capture_output=True, check=False)
    (plan / "README").write_text("both\n")
    git(plan, "commit", "-q", "-a", "-m", "picked by hand")
    with pytest.raises(OperationInProgressError, match="several commits"):
        at(plan).complete(1, commit=True)


def test_a_patch_that_stopped_counts_as_well(plan: Path) -> None:
    conflict(plan)
    patch = git(plan, "format-patch", "--stdout", "-1", "other^") + "\n"
    subprocess.run(("git", "am"), cwd=plan, input=patch.encode(), capture_output=True, check=False)
    with pytest.raises(OperationInProgressError):
        at(plan).complete(1, commit=True)


def test_the_first_commit_of_a_repository_can_be_one_of_ours(tmp_path: Path) -> None:
    folder = tmp_path / "fresh"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "code").write_text("x\n")
    git(folder, "add", "code")
    (folder / ".tasks").mkdir()
    at(folder).add("The first", commit=True)
    assert committed(folder) == [".tasks/1.yaml"]
    assert git(folder, "status", "--porcelain") == "A  code"


def test_a_path_is_a_path_whatever_characters_it_has(plan: Path) -> None:
    name = ".tasks/:(exclude)*?[a].md"
    (plan / name).write_text("x")
    assert stage_paths(at(plan).git, [name]) is None
    assert git(plan, "diff", "--cached", "--name-only", "-z") == name + "\0"


def squashed(repo: Path) -> None:
    """A squash merge under way in which #1 is in conflict."""
    git(repo, "switch", "-q", "-c", "other")
    at(repo).edit(1, commit=True, priority=0)
    git(repo, "switch", "-q", "main")
    at(repo).edit(1, commit=True, priority=4)
    subprocess.run(("git", "merge", "--squash", "other"), cwd=repo, capture_output=True, check=False)
    assert "UU .tasks/1.yaml" in git(repo, "status", "--porcelain")


def test_what_a_squash_merge_gathered_is_left_to_its_commit(plan: Path) -> None:
    squashed(plan)
    before = state(plan)
    with pytest.raises(OperationInProgressError, match="a squash merge"):
        at(plan).add("New", commit=True)
    assert state(plan) == before
    assert (plan / ".git" / "SQUASH_MSG").exists()


def test_no_commit_while_a_task_is_in_conflict_whoever_left_it_so(plan: Path) -> None:
    squashed(plan)
    (plan / ".git" / "SQUASH_MSG").unlink()
    with pytest.raises(OperationInProgressError, match=r"\.tasks/1\.yaml: in conflict"):
        at(plan).add("New", commit=True)
    assert not (plan / ".tasks" / "3.yaml").exists()


def test_files_of_others_in_conflict_do_not_matter(plan: Path) -> None:
    conflict(plan)
    git(plan, "switch", "-q", "--detach")
    (plan / "README").write_text("stashed\n")
    git(plan, "stash", "-q")
    (plan / "README").write_text("committed\n")
    git(plan, "commit", "-q", "-a", "-m", "committed")
    subprocess.run(("git", "stash", "pop"), cwd=plan, capture_output=True, check=False)
    assert at(plan).complete(1, commit=True).commit
    assert git(plan, "status", "--porcelain") == "UU README"


def test_the_settings_keep_nobody_from_writing_in_a_merge(plan: Path, cli: Cli) -> None:
    (plan / ".tasks" / "config.yaml").write_text("schema: 1\ncommit: auto\n")
    conflict(plan)
    subprocess.run(("git", "merge", "other"), cwd=plan, capture_output=True, check=False)
    head = git(plan, "rev-parse", "HEAD")
    done = cli("done", "1")
    assert "not committed, as `commit: auto` says: a merge is in progress" in done.stderr
    assert copy_of(plan).status == "completed"
    assert "M  .tasks/1.yaml" in git(plan, "status", "--porcelain")
    cli("start", "--here", "2", "--force")
    assert git(plan, "rev-parse", "HEAD") == head
    assert "a merge is in progress" in cli("reopen", "1", "--commit", code=1).stderr


def test_a_locked_index_is_busy_and_nothing_is_said_to_be_staged(
    plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "INDEX_WAIT_S", 0.0)
    (plan / ".git" / "index.lock").touch()
    with pytest.raises(index.IndexLockedError, match="neither staged nor committed") as caught:
        at(plan).complete(1, commit=True)
    assert caught.value.exit_code == 4
    assert str(plan / ".git" / "index.lock") in caught.value.message
    assert git(plan, "status", "--porcelain") == " M .tasks/1.yaml"
    (warning,) = at(plan).complete(2).warnings
    assert warning.startswith("written, but not staged: ") and "index.lock" in warning


def test_a_lock_that_only_the_commit_meets(plan: Path, tmp_path: Path) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    real = shutil.which("git")
    fake.write_text(f'#!/bin/sh\ncase "$*" in *" commit "*) : >.git/index.lock ;; esac\nexec {real} "$@"\n')
    fake.chmod(0o755)
    project = open_project(str(plan), env={**os.environ, "PATH": f"{fake.parent}:{os.environ['PATH']}"})
    with pytest.raises(index.IndexLockedError, match="written and staged, but not committed"):
        project.complete(1, commit=True)
    assert git(plan, "status", "--porcelain") == "M  .tasks/1.yaml"


def test_a_hook_that_meets_the_lock_of_its_own_commit_is_no_reason_to_try_again(plan: Path) -> None:
    hook(plan, "pre-commit", "unset GIT_INDEX_FILE; git add README --renormalize")
    with pytest.raises(GitError, match=r"said no(.|\n)*index\.lock"):
        at(plan).complete(1, commit=True)


def test_what_git_ignores_is_refused_before_it_is_written(plan: Path) -> None:
    (plan / ".git" / "info" / "exclude").write_text(".tasks/\n")
    with pytest.raises(index.NeverCommittedError, match=r"\.tasks/3\.yaml: ignored by git"):
        at(plan).add("New", commit=True)
    assert not (plan / ".tasks" / "3.yaml").exists()
    at(plan).complete(1, commit=True)
    assert committed(plan) == [".tasks/1.yaml"], "tracked, whatever rule there is"
    (warning,) = at(plan).add_many([Draft("New")]).warnings
    assert "ignored by git" in warning and "hint:" not in warning


def test_what_git_was_told_not_to_look_at_is_no_silent_success(plan: Path) -> None:
    git(plan, "update-index", "--assume-unchanged", ".tasks/1.yaml")
    with pytest.raises(index.NeverCommittedError, match="written, but not committed"):
        at(plan).complete(1, commit=True)
    git(plan, "update-index", "--no-assume-unchanged", ".tasks/1.yaml")
    assert at(plan).complete(1, commit=True).commit is None, "nothing to write"
    at(plan).reopen(1)
    assert at(plan).edit(1, commit=True, status="completed").commit
