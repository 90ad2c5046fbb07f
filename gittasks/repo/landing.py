"""The branch that finished work lands on: the remote's default branch, or the local one of that name.

On the path of `show`: refs are read from git's own files, files by single git processes without `subprocess`.
"""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import siblings

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittasks.repo.git import Git

_HEADS, _ORIGIN = "refs/heads/", "refs/remotes/origin/"
_USUAL = ("main", "master")
_LINK = "ref: "
_HEX = frozenset("0123456789abcdef")


class Target(NamedTuple):
    """The default branch: its name, and the commits it stands at, here and on the remote as last fetched.

    One commit where one of the two holds the other.
    """

    branch: str
    commits: tuple[str, ...]


def find_target(git: Callable[[], Git], common_dir: str) -> Target | None:
    """The default branch, `None` where there is none yet.

    That is what `origin/HEAD` names; else `main` or `master`; else what the main worktree has checked out. `git`
    gives what asks git, where the files do not say it.
    """
    named, commit_of = _refs(git, common_dir)
    for name in (
        _below(named, _ORIGIN),
        *_USUAL,
        _below(siblings.read_link("HEAD", common_dir) or "", _HEADS),
    ):
        found = {commit_of(ref + name) for ref in (_HEADS, _ORIGIN)} if name else set()
        commits = {value for value in found if value and _HEX.issuperset(value)}
        if len(commits) > 1:
            commits = set(_ask(git(), "merge-base", "--independent", *sorted(commits)).split())
        if commits:
            return Target(name, tuple(sorted(commits)))
    return None


def read_file(git: Git, commit: str, path: str) -> bytes | None:
    """The content of one file in a commit, `None` where it is not there."""
    return git.capture("cat-file", "blob", f"{commit}:{path}")


def _refs(git: Callable[[], Git], common_dir: str) -> tuple[str, Callable[[str], str | None]]:
    """What `origin/HEAD` names, and who knows the commits of refs.

    By git where refs are kept in another form than files (reftable).
    """
    default = _ORIGIN + "HEAD"
    if not os.path.isdir(os.path.join(common_dir, "reftable")):
        named = siblings.read_link(default, common_dir)
        return named or "", lambda ref: siblings.read_shared_ref(ref, common_dir)
    output = _ask(git(), "for-each-ref", "--format=%(refname) %(objectname) %(symref)", _HEADS, _ORIGIN)
    lines = [line.split(" ", 2) for line in output.splitlines()]
    links = {ref: target for ref, _, target in lines}
    return links.get(default, ""), {ref: commit for ref, commit, _ in lines}.get


def _below(ref: str, folder: str) -> str:
    return ref.removeprefix(folder) if ref.startswith(folder) else ""


def _ask(git: Git, *args: str) -> str:
    return os.fsdecode(git.capture(*args) or b"")
