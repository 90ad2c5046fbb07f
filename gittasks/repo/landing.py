"""The branch that finished work lands on: the remote's default branch, or the local one of that name.

On the path of `show`: single git processes, no `subprocess`.
"""

from __future__ import annotations

import os

from gittasks.base.files import first_line
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gittasks.repo.git import Git

_HEADS, _ORIGIN = "refs/heads/", "refs/remotes/origin/"
_USUAL = ("main", "master")


class Target(NamedTuple):
    """The default branch: its name, and the commits it stands at, here and on the remote as last fetched.

    One commit where one of the two holds the other.
    """

    branch: str
    commits: tuple[str, ...]


def find_target(git: Git, common_dir: str) -> Target | None:
    """The default branch, `None` where there is none yet.

    That is what `origin/HEAD` names; else `main` or `master`; else what the main worktree has checked out.
    """
    output = _ask(git, "for-each-ref", "--format=%(objectname) %(refname) %(symref)", _HEADS, _ORIGIN)
    tips: dict[str, str] = {}
    named = ""
    for line in output.splitlines():
        commit, ref, symref = line.split(" ", 2)
        tips[ref] = commit
        if ref == _ORIGIN + "HEAD":
            named = symref.removeprefix(_ORIGIN)
    for name in (named, *_USUAL, _head_of(common_dir)):
        commits = {tips[ref] for ref in (_HEADS + name, _ORIGIN + name) if name and ref in tips}
        if len(commits) > 1:
            commits = set(_ask(git, "merge-base", "--independent", *sorted(commits)).split())
        if commits:
            return Target(name, tuple(sorted(commits)))
    return None


def read_file(git: Git, commit: str, path: str) -> bytes | None:
    """The content of one file in a commit, `None` where it is not there."""
    return git.capture("cat-file", "blob", f"{commit}:{path}")


def _ask(git: Git, *args: str) -> str:
    return os.fsdecode(git.capture(*args) or b"")


def _head_of(common_dir: str) -> str:
    line = first_line(os.path.join(common_dir, "HEAD")) or ""
    return line.removeprefix("ref: " + _HEADS) if line.startswith("ref: " + _HEADS) else ""
