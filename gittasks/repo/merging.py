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
    from collections.abc import Container, Mapping

    from gittasks.repo.git import Git


_MERGE_HOOKS = ("pre-merge-commit", "prepare-commit-msg", "commit-msg")


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

    Raises `MergeRefusedError` after putting everything back, `OperationInProgressError`.
    """
    # Asked again here: what follows may abort a merge, and it must be our own.
    index.refuse_during_operation(git_dir)
    args: tuple[str, ...] = ("-m", _message(branch, into), refs.HEADS + branch)
    tip, into_tip = refs.resolve_commit(git, refs.HEADS + branch), refs.resolve_commit(git, refs.HEADS + into)
    if not refs.is_ancestor(git, into_tip, tip) and staged_paths(git):
        # git makes no merge commit while anything is staged; it does go forward to one that is made already.
        refuse_hooks_and_staged(git, branch, into)
        args = ("--ff-only", _merge_commit(git, into, into_tip, branch, tip))
    done = git.call("merge", "--no-edit", "--no-squash", "--commit", "--quiet", *args, write=True)
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
    commit = _merge_commit(git, into, into_tip, branch, tip)
    refs.move_branch(git, into, new=commit, old=into_tip, reason=f"merge {branch}: Merge made by gittasks")


def staged_paths(git: Git) -> list[str]:
    """The paths whose staged version is not the committed one."""
    return git.fields("diff-index", "--cached", "--name-only", "-z", "--no-renames", "HEAD", "--")


def refuse_hooks_and_staged(git: Git, branch: str, into: str, *, besides: Container[str] = ()) -> None:
    """Raise `MergeRefusedError` where a merge commit needs a hook to run, and staged files keep git from making one.

    `besides` are paths that will not be staged any longer by then.
    """
    staged = [path for path in staged_paths(git) if path not in besides]
    hooks = [name for name in _MERGE_HOOKS if os.access(_hook(git, name), os.X_OK)]
    if staged and hooks:
        raise MergeRefusedError(
            "\n".join(
                [
                    f"{branch} cannot be merged into {into} while something is staged in {git.folder}, "
                    f"because the hook {hooks[0]} wants to see the merge:",
                    *listed([printable(path) for path in staged]),
                ]
            ),
            hint="commit it there first, or unstage it",
        )


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


def _merge_commit(git: Git, into: str, into_tip: str, branch: str, tip: str) -> str:
    """A merge commit, made in the object store alone."""
    trial = try_merge(git, into_tip, tip)
    if trial.conflicts:
        raise conflict(branch, into, trial.conflicts)
    sign = ("-S",) if git.find_line("config", "--type=bool", "commit.gpgsign") == "true" else ()
    parents = ("-p", into_tip, "-p", tip)
    return git.line("commit-tree", *sign, *parents, "-m", _message(branch, into), trial.tree)


def _hook(git: Git, name: str) -> str:
    return os.path.join(git.folder, git.line("rev-parse", "--git-path", f"hooks/{name}"))


def _message(branch: str, into: str) -> str:
    return f"Merge branch '{branch}' into {into}"


def _checked(git: Git, env: Mapping[str, str], *args: str, stdin: bytes = b"") -> str:
    done = git.call(*args, stdin=stdin, write=True, extra_env=env)
    if done.returncode:
        raise failure(args, done)
    return done.stdout.decode().strip()
