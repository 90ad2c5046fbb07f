"""The branch that work lands on, found in git's own files: the same one that git finds."""

from __future__ import annotations

import os
from pathlib import Path

from gittasks.repo import landing
from gittasks.repo.git import Git
from tests.conftest import git


def target(repo: Path) -> landing.Target | None:
    return landing.find_target(lambda: Git(str(repo), dict(os.environ)), str(repo / ".git"))


def asked(repo: Path) -> landing.Target | None:
    """With a folder `reftable` there, what lies in files counts no more: git itself answers."""
    (repo / ".git" / "reftable").mkdir()
    found = target(repo)
    (repo / ".git" / "reftable").rmdir()
    return found


def test_it_is_what_git_says_however_refs_are_kept(repo: Path) -> None:
    head = git(repo, "rev-parse", "HEAD")
    assert target(repo) == asked(repo) == ("main", (head,))
    git(repo, "branch", "-m", "main", "trunk")
    assert target(repo) == asked(repo) == ("trunk", (head,))
    git(repo, "commit", "-q", "--allow-empty", "-m", "more")
    more = git(repo, "rev-parse", "HEAD")
    git(repo, "update-ref", "refs/remotes/origin/trunk", head)
    git(repo, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    assert target(repo) == asked(repo) == ("trunk", (more,))
    git(repo, "symbolic-ref", "refs/heads/main", "refs/heads/trunk")
    git(repo, "symbolic-ref", "-d", "refs/remotes/origin/HEAD")
    assert target(repo) == asked(repo) == ("main", (more,))
    git(repo, "pack-refs", "--all")
    assert target(repo) == asked(repo) == ("main", (more,))


def test_what_is_no_ref_counts_for_nothing(repo: Path) -> None:
    (repo / ".git" / "refs" / "heads" / "main").write_text("no commit at all\n")
    assert target(repo) is None
    (repo / ".git" / "refs" / "remotes" / "origin").mkdir(parents=True)
    (repo / ".git" / "refs" / "remotes" / "origin" / "HEAD").write_text(
        "ref: refs/remotes/origin/../../../x\n"
    )
    assert target(repo) is None
