from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.desk import at
from tests.conftest import git
from tests.hooks.conftest import Git, edit, said


@pytest.fixture
def hub(hooked: Path) -> Path:
    """A bare repository that `hooked` has pushed to."""
    git(hooked.parent, "clone", "-q", "--bare", str(hooked), "hub")
    git(hooked, "remote", "add", "origin", "../hub")
    git(hooked, "fetch", "-q", "origin")
    return hooked.parent / "hub"


def broken(repo: Path, run: Git) -> None:
    edit(repo, 1, "status: pending", "<<<<<<< a\nstatus: pending\n=======\nstatus: completed\n>>>>>>> b")
    run("commit", "-m", "marks", "--no-verify")


def test_marks_and_broken_files_are_not_pushed(hooked: Path, hub: Path, run: Git) -> None:
    broken(hooked, run)
    before = git(hub, "for-each-ref")
    done = run("push", "origin", "main", code=1)
    assert said(done)[0] == "gittasks: push refused: a problem in files of gittasks"
    assert ".tasks/1.yaml" in said(done)[1] and "--no-verify" in done.stderr
    assert git(hub, "for-each-ref") == before
    run("push", "--no-verify", "origin", "main")


def test_a_note_with_the_marks_of_a_merge_is_not_pushed(hooked: Path, hub: Path, run: Git) -> None:
    path = hooked / ".tasks" / "1" / "20261123T101500Z-ann-3f9c.md"
    path.parent.mkdir()
    marks = "<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> other\n"
    for text, name in (("it says:\n" + marks, "quoted"), (marks, "merged")):
        path.write_text(text)
        git(hooked, "add", ".tasks")
        run("commit", "-m", name, "--no-verify")
    assert said(run("push", "origin", "main^:refs/heads/quoted")) == []
    assert f"{path.name}:1: holds merge conflict markers" in said(run("push", "origin", "main", code=1))[1]


def test_a_workflow_that_nobody_can_read_is_not_pushed(hooked: Path, hub: Path, run: Git) -> None:
    (hooked / ".tasks" / "workflows").mkdir()
    (hooked / ".tasks" / "workflows" / "w.yaml").write_text("steps: 1\n")
    git(hooked, "add", ".tasks")
    run("commit", "-m", "bad", "--no-verify")
    assert ".tasks/workflows/w.yaml:1: steps: is 1" in said(run("push", "origin", "main", code=1))[1]


def test_what_counts_is_what_is_pushed_not_what_is_here(hooked: Path, hub: Path, run: Git) -> None:
    git(hooked, "branch", "good")
    broken(hooked, run)
    (hooked / ".tasks" / "2.yaml").write_text("broken")
    assert said(run("push", "origin", "good")) == []
    assert said(run("push", "origin", "main:refs/heads/new", code=1))
    assert said(run("push", "origin", "good", "main", code=1))


def test_what_was_mended_since_or_pushed_before_is_no_reason(hooked: Path, hub: Path, run: Git) -> None:
    broken(hooked, run)
    git(hooked, "checkout", "-q", "HEAD^", "--", ".tasks/1.yaml")
    run("commit", "-m", "mended")
    assert said(run("push", "origin", "main")) == []
    broken(hooked, run)
    run("push", "--no-verify", "origin", "main")
    (hooked / "README").write_text("more\n")
    run("commit", "-am", "code")
    assert said(run("push", "origin", "main")) == []


def test_deleting_tags_and_claims_are_let_through(hooked: Path, hub: Path, run: Git) -> None:
    at(hooked).claim(1)
    run("tag", "-a", "v1", "-m", "one")
    run("push", "origin", "main:gone", "v1", "refs/gittasks/claims/1")
    assert said(run("push", "origin", ":gone")) == []
    assert said(run("push", "origin", "--all")) == []


def test_a_remote_without_a_name_is_judged_as_one_that_has_nothing(hooked: Path, hub: Path, run: Git) -> None:
    broken(hooked, run)
    assert said(run("push", str(hub), "main:other", code=1))


def test_the_users_own_hook_behind_ours_reads_what_git_says(hooked: Path, hub: Path, run: Git) -> None:
    from gittasks.app.hooking.installing import install_hooks, uninstall_hooks

    uninstall_hooks(at(hooked))
    path = hooked / ".git" / "hooks" / "pre-push"
    path.write_text('#!/bin/sh -eu\n{ echo "$@"; cat; } >heard\nexit 3\n')
    path.chmod(0o755)
    git(hooked, "commit", "-q", "--allow-empty", "-m", "more")
    run("push", "origin", "main", code=1)
    alone = (hooked / "heard").read_bytes()
    install_hooks(at(hooked))
    run("push", "origin", "main", code=1)
    assert (hooked / "heard").read_bytes() == alone and b"refs/heads/main" in alone
    run("push", "--dry-run", "origin", f"{git(hooked, 'rev-parse', 'HEAD^')}:refs/heads/main", code=1)
    assert (hooked / "heard").read_bytes() == b"origin ../hub\n", "nothing to push: no input"
