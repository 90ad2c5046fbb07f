"""Merging a branch into another: tried first without touching anything, then done where the target is checked out.

Knows nothing of tasks.
"""

from __future__ import annotations

import os

from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import listed, printable
from gittasks.repo import index, refs
from gittasks.repo.git import failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.repo.git import Git


class MergeRefusedError(RefusedError):
    """The merge would not be clean, or git or a hook said no; the target is as it was."""


class Trial(NamedTuple):
    """What merging would give: `tree` is the merged tree, `conflicts` the paths that stand against it."""

    tree: str
    conflicts: tuple[str, ...]


def try_merge(git: Git, ours: str, theirs: str) -> Trial:
    """Merge two commits in the object store alone. Raises `GitError` (histories that have nothing in common)."""
    args = ("merge-tree", "--write-tree", "--name-only", "--no-messages", "-z", ours, theirs)
    done = git.call(*args)
    if done.returncode not in (0, 1):
        raise failure(args, done)
    tree, *conflicts = [os.fsdecode(field) for field in done.stdout.split(b"\0") if field]
    return Trial(tree, tuple(sorted(set(conflicts))))


def commit_with(git: Git, commit: str, contents: Mapping[str, bytes], index_file: str) -> str:
    """A commit that nobody refers to: `commit` with `contents` (path to bytes), made in a temporary `index_file`."""
    env = {"GIT_INDEX_FILE": index_file}
    try:
        _checked(git, env, "read-tree", commit)
        entries = b""
        for path, data in contents.items():
            oid = _checked(git, env, "hash-object", "-w", "--stdin", f"--path={path}", stdin=data)
            entries += f"100644 {oid}\t".encode() + os.fsencode(path) + b"\0"
        _checked(git, env, "update-index", "-z", "--index-info", stdin=entries)
        tree = _checked(git, env, "write-tree")
    finally:
        if os.path.lexists(index_file):
            os.unlink(index_file)
    return refs.dangling_commit(git, tree, commit)


def merge_here(git: Git, git_dir: str, branch: str, into: str) -> None:
    """Merge `branch` into the branch `into`, which git's folder has checked out, with the user's hooks and settings.

    Raises `MergeRefusedError` after putting everything back.
    """
    operation = index.operation_in_progress(git_dir)
    if operation is not None:  # asked again here: what follows may abort a merge, and it must be our own
        raise MergeRefusedError(
            f"{operation} is in progress in {git.folder}", hint="finish or abort it first"
        )
    options = ("--no-edit", "--no-squash", "--commit", "--quiet", "-m", _message(branch, into))
    done = git.call("merge", *options, refs.HEADS + branch, write=True)
    if done.returncode == 0:
        return
    if os.path.lexists(os.path.join(git_dir, "MERGE_HEAD")):
        git.call("merge", "--abort", write=True)
    said = (done.stderr + done.stdout).decode("utf-8", "replace").strip()
    raise MergeRefusedError(
        f"{branch} was not merged in {git.folder}; nothing there was changed. git says:\n{said}",
        hint=f"merge it by hand there (`git merge {branch}`), then run the command again",
    )


def merge_unseen(git: Git, *, into: str, into_tip: str, branch: str, tip: str) -> None:
    """Merge `branch` (at `tip`) into the branch `into` (at `into_tip`), which is checked out nowhere.

    Hooks do not run: there are no files for them to look at. Raises `MergeRefusedError`, `RefMovedError`.
    """
    if refs.is_ancestor(git, into_tip, tip):
        refs.move_branch(git, into, new=tip, old=into_tip, reason=f"merge {branch}: Fast-forward")
        return
    trial = try_merge(git, into_tip, tip)
    if trial.conflicts:
        raise conflict(branch, into, trial.conflicts)
    sign = ("-S",) if git.find_line("config", "--type=bool", "commit.gpgsign") == "true" else ()
    parents = ("-p", into_tip, "-p", tip)
    commit = git.line("commit-tree", *sign, *parents, "-m", _message(branch, into), trial.tree)
    refs.move_branch(git, into, new=commit, old=into_tip, reason=f"merge {branch}: Merge made by gittasks")


def conflict(branch: str, into: str, paths: tuple[str, ...]) -> MergeRefusedError:
    """The error for a merge that is not clean."""
    return MergeRefusedError(
        "\n".join(
            [
                f"{branch} does not merge into {into} cleanly; nothing was changed. In conflict:",
                *listed([printable(path) for path in paths]),
            ]
        ),
        hint=f"in the worktree, `git merge {into}` (or rebase) and settle the conflicts, then run the command again",
    )


def _message(branch: str, into: str) -> str:
    return f"Merge branch '{branch}' into {into}"


def _checked(git: Git, env: Mapping[str, str], *args: str, stdin: bytes = b"") -> str:
    done = git.call(*args, stdin=stdin, write=True, extra_env=env)
    if done.returncode:
        raise failure(args, done)
    return done.stdout.decode().strip()
