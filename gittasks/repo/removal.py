"""Removing a linked worktree without losing work.

The rules: it must still be this worktree; never a locked one; no other worktree inside it; submodules fail closed;
changed and untracked files are looked for right before and once more after it went out of reach of all; where the
folder is gone, it may have been moved by hand, and what is staged goes with the entry; it is renamed into a trash
folder in the git directory and deleted there; only its own entry is unregistered (`git worktree prune` would take its
siblings that are merely absent).
"""

from __future__ import annotations

import errno
import os
import shutil
import stat

from gittasks.base import files
from gittasks.base.errors import RefusedError
from gittasks.base.ids import new_base36
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import listed, printable
from gittasks.repo import index
from gittasks.repo.git import Git, failure
from gittasks.repo.worktrees import Worktree, holds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from gittasks.repo.refs import Commit


class KeptWorktreeError(RefusedError):
    """A worktree was not removed; `outcome` is one stable word for why, the rest what would have been lost."""

    def __init__(
        self,
        message: str,
        *,
        outcome: str,
        files: Sequence[str] = (),
        commits: Sequence[Commit] = (),
        hint: str | None = None,
    ) -> None:
        named = listed([printable(path) for path in files])
        named += listed([f"{commit.oid[:12]} {printable(commit.subject)}" for commit in commits])
        super().__init__("\n".join([message, *named]), hint=hint)
        self.outcome = outcome
        self.files = tuple(files)
        self.commits = tuple(commits)

    @property
    def details(self) -> Mapping[str, Any]:
        """What a JSON document says besides the message."""
        return {
            "outcome": self.outcome,
            "files": list(self.files),
            "commits": [commit.oid for commit in self.commits],
        }


def refuse_unsafe(tree: Worktree, trees: Sequence[Worktree], env: Mapping[str, str], *, force: bool) -> None:
    """Raise `KeptWorktreeError` where removing `tree` is never right, whatever its files are."""
    name = tree.name or tree.path
    if not tree.is_linked:
        raise KeptWorktreeError(f"{name} is the main worktree: it cannot be removed", outcome="refused_main")
    if tree.locked is not None:
        reason = f" ({printable(tree.locked)})" if tree.locked else ""
        raise KeptWorktreeError(
            f"the worktree {name} is locked{reason}: it is never removed",
            outcome="refused_locked",
            hint=f"`git worktree unlock` takes the lock away: {tree.path}",
        )
    if not os.path.lexists(tree.path):
        _refuse_operation(tree, force=force)
        return
    if os.path.islink(tree.path) or not holds(tree.path, tree.git_dir):
        raise KeptWorktreeError(
            f"{tree.path} no longer holds the worktree {name}: something else stands there",
            outcome="refused_foreign",
            hint="look at it; if the worktree was moved, `git worktree repair NEW-PATH` mends its entry",
        )
    inside = [other.path for other in trees if other.path.startswith(tree.path + os.sep)]
    if inside:
        raise KeptWorktreeError(
            f"other worktrees lie inside {tree.path}:",
            outcome="refused_nested",
            files=inside,
            hint="move or remove them first",
        )
    _refuse_submodules(tree, Git(tree.path, env), force=force)
    _refuse_operation(tree, force=force)


def dirty_files(git: Git, *where: str) -> list[str]:
    """The paths with changes that no commit has: staged, changed, deleted, in conflict or untracked; sorted.

    Also files that git was told not to look at (`--assume-unchanged`, `--skip-worktree`) and that differ.
    `where` are options for git that say where repository and files are.
    """
    options = ("--untracked-files=all", "--no-renames", "--ignore-submodules=none")
    entries = git.fields(*where, "status", "--porcelain", "-z", *options)
    changed = {entry[3:] for entry in entries} | _unwatched(git, where)
    # What a killed writer of ours left is nobody's work: the file it was to become says the same.
    return sorted(path for path in changed if not files.is_leftover(path))


def staged_files(git: Git, tree: Worktree) -> list[str] | None:
    """The paths that the index of a worktree, whose folder may be gone, has otherwise than its HEAD; sorted.

    `None` where git cannot say.
    """
    if not os.path.lexists(os.path.join(tree.git_dir, "index")):
        return []
    there = git._replace(fixed={"GIT_DIR": tree.git_dir})
    options = ("--cached", "--name-only", "-z", "--no-renames", "--ignore-submodules=none")
    done = there.call("diff-index", *options, "HEAD", "--")
    if done.returncode:
        return None
    return sorted(os.fsdecode(path) for path in done.stdout.split(b"\0") if path)


def remove(
    git: Git,
    tree: Worktree,
    trash: str,
    *,
    refuse_dirty: Callable[[Sequence[str]], None],
    force: bool = False,
) -> str | None:
    """Remove `tree`, whose rules `refuse_unsafe` has checked; answer `None`, or where its files are still left.

    `git` must stand outside it. `refuse_dirty` gets the dirty files, right before and once more after the rename,
    and raises to stop: everything is then as it was. Can be killed anywhere and run again. Raises `GitError`.
    """
    if not os.path.lexists(tree.path):
        unregister(git, tree)
        return None
    refuse_dirty(dirty_files(Git(tree.path, git.env)))
    os.makedirs(trash, exist_ok=True)
    aside = os.path.join(trash, f"{tree.name}.{new_base36(6)}")
    try:
        os.rename(tree.path, aside)
    except OSError as error:
        if error.errno not in (errno.EXDEV, errno.EBUSY, errno.EACCES, errno.EPERM):
            raise
        _remove_by_git(git, tree, force=force)
        return None
    try:
        # Nobody reaches it by its path any more: what is clean now stays clean.
        refuse_dirty(dirty_files(Git(aside, git.env), "--git-dir", tree.git_dir, "--work-tree", aside))
    except BaseException:
        os.rename(aside, tree.path)
        raise
    unregister(git, tree)
    return None if delete_tree(aside) else aside


def unregister(git: Git, tree: Worktree) -> None:
    """Take the entry of a worktree whose folder is gone out of git's list, and no other. Raises `GitError`."""
    done = git.call("worktree", "remove", "--", tree.path, write=True)
    if done.returncode and os.path.isdir(tree.git_dir):
        raise failure(("worktree", "remove"), done)


def empty_trash(trash: str) -> None:
    """Delete what killed removals left in the trash; the caller holds the worktrees' lock."""
    # A link would lead us to somebody's files.
    is_folder = os.path.isdir(trash) and not os.path.islink(trash)
    for name in os.listdir(trash) if is_folder else ():
        delete_tree(os.path.join(trash, name))


def delete_tree(path: str) -> bool:
    """Delete a folder, read-only parts as well, or a file; answer whether it is gone."""
    if not os.path.isdir(path) or os.path.islink(path):
        os.unlink(path)
        return True
    shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        for folder, names, _ in os.walk(path):
            for name in (".", *names):
                inner = os.path.join(folder, name)
                if not os.path.islink(inner):
                    os.chmod(inner, stat.S_IRWXU)
        shutil.rmtree(path, ignore_errors=True)
    return not os.path.lexists(path)


def _refuse_operation(tree: Worktree, *, force: bool) -> None:
    operation = index.operation_in_progress(tree.git_dir)
    if operation and not force:
        raise KeptWorktreeError(
            f"{operation} is in progress in {tree.path}",
            outcome="refused_operation",
            hint="finish or abort it first",
        )


def _refuse_submodules(tree: Worktree, git: Git, *, force: bool) -> None:
    entries = git.fields("ls-files", "-z", "--stage")
    modules = [entry.split("\t", 1)[1] for entry in entries if entry.startswith("160000 ")]
    populated = [path for path in modules if os.path.lexists(os.path.join(tree.path, path, ".git"))]
    if populated:
        raise KeptWorktreeError(
            f"{tree.path} has submodules checked out, whose own work cannot be seen from here:",
            outcome="refused_submodules",
            files=populated,
            hint="push what is in them, then `git submodule deinit` them in that worktree",
        )
    kept = os.path.join(tree.git_dir, "modules")
    if os.path.isdir(kept) and os.listdir(kept) and not force:
        raise KeptWorktreeError(
            f"{kept} holds repositories of submodules that go with the worktree",
            outcome="refused_submodules",
            hint="make sure that their commits are pushed; --force removes them",
        )


def _unwatched(git: Git, where: tuple[str, ...]) -> set[str]:
    """Files on disk that differ from the index and that git was told not to look at."""
    marked = [
        entry for entry in git.fields(*where, "ls-files", "-v", "-z") if entry[0] == "S" or entry[0].islower()
    ]
    paths = [entry[2:] for entry in marked]
    paths = [path for path in paths if os.path.isfile(os.path.join(git.folder, path)) and "\n" not in path]
    if not paths:
        return set()
    staged = {}
    for entry in git.fields(*where, "ls-files", "-z", "--stage"):
        facts, path = entry.split("\t", 1)
        staged[path] = facts.split()[1]
    now = git.lines(*where, "hash-object", "--stdin-paths", stdin=os.fsencode("\n".join(paths) + "\n"))
    return {path for path, oid in zip(paths, now, strict=True) if staged.get(path) != oid}


def _remove_by_git(git: Git, tree: Worktree, *, force: bool) -> None:
    """Another file system: git deletes file by file, and looks for dirty files itself."""
    options = ("--force",) if force else ()
    git.output("worktree", "remove", *options, "--", tree.path, write=True)
