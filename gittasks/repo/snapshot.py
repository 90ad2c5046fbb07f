"""A commit of what a worktree holds right now, made through an index of our own: nothing of the user's is touched."""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import refs
from gittasks.repo.git import failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.repo.git import Git

_IDENTITY = ("-c", "user.name=gittasks", "-c", "user.email=gittasks@localhost")


class Snapshot(NamedTuple):
    """`commit` holds what the worktree holds: `head` itself where that is the same, else a commit on top of it.

    `head` is `None` before the first commit.
    """

    commit: str
    head: str | None

    @property
    def is_dirty(self) -> bool:
        """Whether the worktree differed from its `head`: changed, staged or new files that are not ignored."""
        return self.commit != self.head


def take_snapshot(git: Git, *, index_file: str, message: str) -> Snapshot:
    """Everything in the worktree of `git` that is not ignored, as a commit that no ref holds yet.

    `index_file` is where our index may lie meanwhile; it is removed. Raises `GitError`.
    """
    head = refs.find_head(git)
    extra = {"GIT_INDEX_FILE": index_file}
    try:
        # A copy of git's own index knows which files are unchanged: the others alone are read.
        _copy(git.line("rev-parse", "--path-format=absolute", "--git-path", "index"), index_file)
        _call(git, extra, "-c", "advice.addEmbeddedRepo=false", "add", "--all", "--", ":/")
        tree = _call(git, extra, "write-tree")
    finally:
        for path in (index_file, index_file + ".lock"):
            if os.path.lexists(path):
                os.unlink(path)
    if head is not None and tree == git.line("rev-parse", f"{head}^{{tree}}"):
        return Snapshot(head, head)
    parent = ("-p", head) if head is not None else ()
    return Snapshot(
        _call(git, {}, *_IDENTITY, "commit-tree", "--no-gpg-sign", *parent, "-m", message, tree), head
    )


def _call(git: Git, extra_env: Mapping[str, str], *args: str) -> str:
    done = git.call(*args, write=True, extra_env=extra_env)
    if done.returncode:
        raise failure(args, done)
    return done.stdout.decode("ascii", "replace").strip()


def _copy(source: str, target: str) -> None:
    try:
        with open(source, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        # No file was ever added.
        return
    with open(target, "wb") as file:
        file.write(data)
