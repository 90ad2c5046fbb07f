"""git's index and the commits made for the user: exactly the named paths, everything else untouched."""

from __future__ import annotations

import os
import time

from gittasks.base.errors import RefusedError
from gittasks.base.proc import ProgramMissingError
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo.git import GitError, failure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.repo.git import Git

# Somebody else's git command holds index.lock for moments; longer than this and we say so instead of waiting.
INDEX_WAIT_S = 3.0
_POLL_S = 0.02
_MAX_ARGS = 500

_OPERATIONS = (
    ("MERGE_HEAD", "a merge"),
    ("rebase-merge", "a rebase"),
    ("rebase-apply", "a rebase or `git am`"),
    ("CHERRY_PICK_HEAD", "a cherry-pick"),
    ("REVERT_HEAD", "a revert"),
    ("sequencer", "a cherry-pick or revert of several commits"),
    ("BISECT_LOG", "a bisect"),
)


class OperationInProgressError(RefusedError):
    """A commit now would end up inside somebody's merge, rebase or cherry-pick."""


def operation_in_progress(git_dir: str) -> str | None:
    """What the worktree with this private git folder is in the middle of (`a merge`), `None` for nothing."""
    for name, words in _OPERATIONS:
        if os.path.lexists(os.path.join(git_dir, name)):
            return words
    return None


def stage_paths(git: Git, paths: Sequence[str]) -> str | None:
    """Put `paths` (relative to the worktree's root) into the index; `None`, or why that was not possible.

    Never raises for git's own refusals, nor where no git is: the files are written, and a person can stage them.
    """
    args = ("add", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul")
    deadline = time.monotonic() + INDEX_WAIT_S
    while True:
        try:
            done = git.call(*args, stdin=_pathspecs(paths), write=True)
        except ProgramMissingError as error:
            return f"written, but not staged: {error.message}"
        if done.returncode == 0:
            return None
        if b"index.lock" not in done.stderr or time.monotonic() > deadline:
            return f"written, but not staged: {failure(('add',), done).message}"
        time.sleep(_POLL_S)


def commit_paths(git: Git, git_dir: str, paths: Sequence[str], message: str) -> str | None:
    """Commit exactly `paths` as they are on disk and answer the commit's id, `None` where nothing changed.

    `git commit --only` does it: a temporary index from HEAD and these paths, the user's hooks and signing, and
    whatever else was staged stays staged. Raises `OperationInProgressError`, `GitError` (a hook said no).
    """
    refuse_during_operation(git_dir)
    if not git.call("status", "--porcelain", "-z", "--", *paths[:_MAX_ARGS]).stdout:
        return None
    args = ("commit", "--only", "--quiet", "-m", message, "--pathspec-from-file=-", "--pathspec-file-nul")
    done = git.call(*args, stdin=_pathspecs(paths), write=True)
    if done.returncode:
        raise GitError(
            f"git commit said no; nothing was committed: {done.stderr.decode('utf-8', 'replace').strip()}",
            returncode=done.returncode,
            stderr=done.stderr.decode("utf-8", "replace"),
            hint="the change is written and staged: mend what the message says, then `git commit`",
        )
    return git.line("rev-parse", "--verify", "HEAD")


def refuse_during_operation(git_dir: str) -> None:
    """Raise `OperationInProgressError` in the middle of a merge, rebase, cherry-pick, revert or bisect."""
    operation = operation_in_progress(git_dir)
    if operation and operation != "a bisect":
        raise OperationInProgressError(
            f"{operation} is in progress in this worktree: no commit is made in the middle of it",
            hint="finish or abort it first, or leave --commit out: the change is then only staged",
        )


def _pathspecs(paths: Sequence[str]) -> bytes:
    # `:(literal)`: a path is a path, whatever characters it has.
    return b"".join(b":(top,literal)" + os.fsencode(path) + b"\0" for path in paths)
