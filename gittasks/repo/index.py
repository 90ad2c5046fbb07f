"""git's index and the commits made for the user: exactly the named paths, everything else untouched."""

from __future__ import annotations

import os
import time

from gittasks.base.errors import BusyError, RefusedError
from gittasks.base.proc import ProgramMissingError
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo.git import GitError, failure, is_lock_held

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.repo.git import Git

# Somebody else's git command holds index.lock for moments; longer than this and we say so instead of waiting.
INDEX_WAIT_S = 3.0
_POLL_S = 0.02
_MAX_ARGS = 500
_SHOWN = 3
_IGNORED = "The following paths are ignored by one of your .gitignore files:"

_OPERATIONS = (
    ("MERGE_HEAD", "a merge"),
    ("rebase-merge", "a rebase"),
    ("rebase-apply", "a rebase or `git am`"),
    ("CHERRY_PICK_HEAD", "a cherry-pick"),
    ("REVERT_HEAD", "a revert"),
    ("sequencer", "a cherry-pick or revert of several commits"),
    ("SQUASH_MSG", "a squash merge"),
    ("BISECT_LOG", "a bisect"),
)


class OperationInProgressError(RefusedError):
    """A commit now would end up inside somebody's merge, rebase or cherry-pick."""


class IndexLockedError(BusyError):
    """Another git command holds git's index, or one that was killed left its lock; the files are written."""


class NeverCommittedError(RefusedError):
    """git was told not to look at these files, so no commit can hold them."""


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
    try:
        _stage(git, paths, outcome="written, but not staged")
    except ProgramMissingError as error:
        return f"written, but not staged: {error.message}"
    except (GitError, IndexLockedError, NeverCommittedError) as error:
        return f"{error.message}; {error.hint}" if error.hint else error.message
    return None


def commit_paths(git: Git, git_dir: str, paths: Sequence[str], message: str) -> str | None:
    """Stage and commit exactly `paths` as they are on disk; answer the commit's id, `None` where nothing changed.

    `git commit --only` does it: a temporary index from HEAD and these paths, the user's hooks and signing, and
    whatever else was staged stays staged. Raises `OperationInProgressError`, `IndexLockedError`,
    `NeverCommittedError`, `GitError` (a hook said no).
    """
    refuse_during_operation(git_dir)
    present = [path for path in paths if os.path.lexists(os.path.join(git.folder, path))]
    _stage(git, present, outcome="written, but neither staged nor committed")
    if not git.output("status", "--porcelain", "-z", "--", *paths[:_MAX_ARGS]):
        _refuse_unseen(git, paths)
        return None
    args = ("commit", "--only", "--quiet", "-m", message, "--pathspec-from-file=-", "--pathspec-file-nul")
    done = git.call(*args, stdin=_pathspecs(paths), write=True)
    if done.returncode:
        stderr = done.stderr.decode("utf-8", "replace").strip()
        # Where it is gone, a hook met the lock of this very commit: trying again would not help.
        if is_lock_held(stderr) and os.path.lexists(os.path.join(git_dir, "index.lock")):
            error = failure(args, done)
            raise IndexLockedError(f"written and staged, but not committed: {error.message}", hint=error.hint)
        raise GitError(
            f"git commit said no; nothing was committed: {stderr}",
            returncode=done.returncode,
            stderr=stderr,
            hint="the change is written and staged: mend what the message says, then `git commit`",
        )
    return git.line("rev-parse", "--verify", "HEAD")


def refuse_commit(git: Git, git_dir: str, paths: Sequence[str], *, folder: str) -> None:
    """Raise, before anything is written, where no commit could hold `paths` or it would end up in a merge.

    `folder`: where no path may be in conflict. Raises `OperationInProgressError`, `NeverCommittedError`.
    """
    from gittasks.repo.stages import read_unmerged

    refuse_during_operation(git_dir)
    unmerged = sorted(path for path in read_unmerged(git) if path.startswith(f"{folder}/"))
    if unmerged:
        raise OperationInProgressError(
            f"{', '.join(unmerged[:_SHOWN])}: in conflict in this worktree: no commit is made in the middle of it",
            hint="`gittasks resolve` settles task files; without --commit a change is only staged",
        )
    if paths and (ignored := _ignored(git, paths)):
        raise NeverCommittedError(
            f"{', '.join(ignored[:_SHOWN])}: ignored by git, so no commit could hold it; nothing was written",
            hint=f"`git check-ignore -v {ignored[0]}` names the rule; without --commit a task is only written",
        )


def _ignored(git: Git, paths: Sequence[str]) -> list[str]:
    """Those of `paths` that git leaves out. What is tracked is not ignored, whatever rule there is."""
    done = git.call(
        "check-ignore", "-z", "--stdin", stdin=b"".join(os.fsencode(path) + b"\0" for path in paths)
    )
    return os.fsdecode(done.stdout).split("\0")[:-1]


def _stage(git: Git, paths: Sequence[str], *, outcome: str) -> None:
    """Put `paths` into the index.

    Raises `IndexLockedError`, `NeverCommittedError` (ignored) and `GitError`, which begin with `outcome`.
    """
    args = ("add", "--sparse", "--pathspec-from-file=-", "--pathspec-file-nul")
    deadline = time.monotonic() + INDEX_WAIT_S
    while True:
        done = git.call(*args, stdin=_pathspecs(paths), write=True)
        if done.returncode == 0:
            return
        error = failure(args, done)
        if error.stderr.startswith(_IGNORED):
            _refuse_ignored(git, paths, outcome)
            return
        message = f"{outcome}: {error.message}"
        if not is_lock_held(error.stderr):
            raise GitError(message, returncode=error.returncode, stderr=error.stderr, hint=error.hint)
        if time.monotonic() > deadline:
            raise IndexLockedError(message, hint=error.hint)
        time.sleep(_POLL_S)


def _refuse_ignored(git: Git, paths: Sequence[str], outcome: str) -> None:
    """Raise where git did not add some of `paths`: it also complains of a tracked one in a folder that is ignored."""
    ignored = _ignored(git, paths)
    if ignored:
        raise NeverCommittedError(
            f"{outcome}: {', '.join(ignored[:_SHOWN])}: ignored by git",
            hint=f"`git check-ignore -v {ignored[0]}` names the rule",
        )


def _refuse_unseen(git: Git, paths: Sequence[str]) -> None:
    """Raise where git sees no change of a file since it was told not to look (git-update-index(1))."""
    tagged = git.fields("ls-files", "-z", "-v", "--", *paths[:_MAX_ARGS])
    unseen = [path for tag, _, path in (line.partition(" ") for line in tagged) if tag.islower()]
    if unseen:
        raise NeverCommittedError(
            f"written, but not committed: git takes {', '.join(unseen[:_SHOWN])} for unchanged, as it was told to",
            hint=f"`git update-index --no-assume-unchanged {unseen[0]}` lets it look again",
        )


def refuse_during_operation(git_dir: str) -> None:
    """Raise `OperationInProgressError` in the middle of a merge, rebase, cherry-pick, revert or bisect."""
    operation = operation_in_progress(git_dir)
    if operation and operation != "a bisect":
        raise OperationInProgressError(
            f"{operation} is in progress in this worktree: no commit is made in the middle of it",
            hint="finish or abort it first; without --commit a change is only staged",
        )


def _pathspecs(paths: Sequence[str]) -> bytes:
    # `:(literal)`: a path is a path, whatever characters it has.
    return b"".join(b":(top,literal)" + os.fsencode(path) + b"\0" for path in paths)
