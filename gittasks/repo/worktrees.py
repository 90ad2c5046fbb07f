"""The worktrees of a clone as git knows them: listing, finding, adding.

Understands worktrees that plain git made, moved or locked, and ones that went away under git's hands. Knows nothing
of tasks. Removing is in `removal`, what new worktrees get from the old one in `include`.
"""

from __future__ import annotations

import os
import shlex

from gittasks.base.errors import BusyError, RefusedError, SetupError
from gittasks.base.files import first_line, read_start
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import discover, exclusion, refs
from gittasks.repo.discover import MAIN_NAME
from gittasks.repo.git import failure
from gittasks.repo.layout import require_readable_worktrees

if TYPE_CHECKING:
    from gittasks.repo.git import Git

_MAX_LINK_BYTES = 1 << 14
_INITIALIZING = "initializing"
# What git has written of a worktree by then, at most.
_UNBORN = frozenset(("locked", "gitdir"))


class PathTakenError(RefusedError):
    """Something else stands where the worktree would go."""


class StillAddingError(BusyError):
    """Another git process is making this very worktree."""


class BrokenWorktreeError(SetupError):
    """git made the worktree, but it cannot be used."""


class Worktree(NamedTuple):
    """One worktree as `git worktree list` has it.

    `name` is the name of git's own folder for it, `main` for the main one, `None` for a bare repository, which has
    no files checked out. `path` is as git has it registered. `git_dir` is private to the worktree. `locked` and
    `prunable` hold the reason (may be empty), `None` where it is not. `exists`: the folder is there and still holds
    this very worktree. `is_unclear`: git could not read what it has checked out.
    """

    name: str | None
    path: str
    git_dir: str
    head: str | None
    branch: str | None
    locked: str | None
    prunable: str | None
    is_linked: bool
    exists: bool
    is_unclear: bool = False

    @property
    def is_bare(self) -> bool:
        """Whether this is the bare repository itself."""
        return self.name is None

    @property
    def half_made(self) -> bool:
        """Whether a `git worktree add` is at work on it, or was killed."""
        return self.locked == _INITIALIZING


def list_worktrees(git: Git, checkout: discover.Checkout) -> list[Worktree]:
    """All worktrees of the clone, the main one (or the bare repository) first. Raises `GitError`."""
    require_readable_worktrees(checkout.common_dir)
    output = _ask(git, checkout.common_dir)
    names = _registered(checkout.common_dir)
    found = []
    for number, record in enumerate(output.split(b"\0\0")):
        facts = dict(_fact(line) for line in record.split(b"\0") if line)
        if "worktree" not in facts:
            continue
        if number == 0:
            found.append(_main(git, facts, checkout))
        elif (name := names.get(facts["worktree"])) is not None:
            found.append(_linked(facts, name, checkout))
    return found


def _ask(git: Git, common_dir: str) -> bytes:
    done = git.call("worktree", "list", "--porcelain", "-z")
    if done.returncode == 0:
        return done.stdout
    error = failure(("worktree", "list"), done)
    admin = os.path.join(common_dir, "worktrees")
    for name in os.listdir(admin) if os.path.isdir(admin) else ():
        # git wrote this file last before it died, and cannot list any worktree since.
        if first_line(os.path.join(admin, name, "commondir")) == "":
            half = os.path.dirname(first_line(os.path.join(admin, name, "gitdir")) or "")
            error.hint = (
                f"a `git worktree add` was killed half-way: delete {half} and {os.path.join(admin, name)}"
            )
    raise error


def find_here(trees: list[Worktree], checkout: discover.Checkout) -> Worktree | None:
    """The worktree that `checkout` is, with the path where it really is; `None` in a bare repository."""
    for tree in trees:
        if tree.git_dir == checkout.git_dir and checkout.top is not None:
            return tree._replace(path=checkout.top, exists=True)
    return None


def find_by_branch(trees: list[Worktree], branch: str) -> Worktree | None:
    """The worktree that has `branch` checked out, or is in the middle of rebasing or bisecting it.

    Raises `BrokenWorktreeError` where that cannot be told: a branch moved under a checkout would hide its edits.
    """
    for tree in trees:
        if not tree.is_bare and (tree.branch == branch or _is_busy_with(tree.git_dir, branch)):
            return tree
    unclear = next((tree for tree in trees if tree.is_unclear and tree.exists and not tree.half_made), None)
    if unclear is not None:
        raise BrokenWorktreeError(
            f"git cannot tell whether {unclear.path} has {branch} checked out",
            hint=f"try again; or mend its HEAD: `git -C {shlex.quote(unclear.path)} status` says what is wrong",
        )
    return None


def holds(path: str, git_dir: str) -> bool:
    """Whether the folder at `path` still is the linked worktree of `git_dir`: each points to the other."""
    dot_git = os.path.join(path, ".git")
    link = _read_link(dot_git)
    if link is None or not link.startswith("gitdir: ") or os.path.islink(dot_git):
        return False
    forth = os.path.realpath(os.path.join(path, link[len("gitdir: ") :]))
    back = _read_link(os.path.join(git_dir, "gitdir"))
    return (
        forth == os.path.realpath(git_dir)
        and back is not None
        and os.path.realpath(os.path.join(git_dir, back)) == os.path.realpath(dot_git)
    )


def add(git: Git, tree_path: str, branch: str) -> str | None:
    """Make a worktree at `tree_path` with the existing `branch` checked out; answer `None`, or what to warn of.

    The caller holds the worktrees' lock: parallel adds race. Raises `GitError`.
    """
    # No --no-track: the branch is there already, and nothing is set up to be tracked.
    done = git.call("worktree", "add", "--quiet", "--", tree_path, branch, write=True)
    if done.returncode == 0:
        return None
    error = failure(("worktree", "add"), done)
    if os.path.isfile(os.path.join(tree_path, ".git")) and not _is_half_made(tree_path):
        # The post-checkout hook runs last: the worktree is whole, and git answers with the hook's exit code.
        return f"the worktree is made, but git's hook or checkout complained: {error.stderr[-500:]}"
    raise error


def _is_half_made(tree_path: str) -> bool:
    """Whether git died before the worktree was whole: it takes its mark away before it runs hooks."""
    link = (_read_link(os.path.join(tree_path, ".git")) or "").removeprefix("gitdir: ")
    return _read_link(os.path.join(tree_path, link, "locked")) == _INITIALIZING


def require_settled(path: str) -> None:
    """Raise `StillAddingError` while a `git worktree add` of a worktree at `path` is alive."""
    import psutil

    for process in psutil.process_iter(["name", "cmdline"]):
        words = process.info["cmdline"] or []
        if "worktree" in words and "add" in words and path in words:
            raise StillAddingError(
                f"git (process {process.pid}) is still making {path}", hint="wait for it, and try again"
            )


def clear_unborn(common_dir: str, path: str) -> None:
    """Take away what a killed `git worktree add` of `path` noted before it noted where the worktree is.

    git lists no such worktree, and would give the next one another name. Raises `StillAddingError`.
    """
    admin = os.path.join(common_dir, "worktrees", os.path.basename(path))
    if os.path.islink(admin) or not os.path.isdir(admin) or first_line(os.path.join(admin, "gitdir")):
        return
    with os.scandir(admin) as entries:
        begun = list(entries)
    if any(entry.name not in _UNBORN or not entry.is_file(follow_symlinks=False) for entry in begun):
        return
    require_settled(path)
    for entry in begun:
        os.unlink(entry.path)
    os.rmdir(admin)


def require_free(path: str, root: str) -> None:
    """Raise `PathTakenError` unless `path` can become a worktree: nothing there, no link on the way from `root`."""
    parent = os.path.dirname(path)
    if os.path.realpath(parent) != os.path.normpath(
        os.path.join(os.path.realpath(root), os.path.relpath(parent, root))
    ):
        raise PathTakenError(
            f"{parent} leads elsewhere through a symbolic link",
            hint="set worktree_path in .tasks/config.yaml",
        )
    if os.path.lexists(path) and (os.path.islink(path) or not os.path.isdir(path) or os.listdir(path)):
        raise PathTakenError(
            f"{path} is there already, and is no worktree of this task",
            hint="choose another name: --worktree NAME",
        )


def exclude(git: Git, common_dir: str, pattern: str, sample: str) -> bool:
    """Have git ignore `pattern` in this clone unless it ignores the path `sample` already; whether it was added."""
    if git.success("check-ignore", "--quiet", "--", sample):
        return False
    return exclusion.add_pattern(common_dir, pattern)


def default_branch(git: Git, trees: list[Worktree], checkout: discover.Checkout) -> str | None:
    """The branch that work usually goes to: what the main worktree (or the bare repository) has as its HEAD."""
    main = trees[0] if trees else None
    if main is not None and main.branch is not None:
        return main.branch
    name = git.find_line("--git-dir", checkout.common_dir, "symbolic-ref", "--quiet", "HEAD")
    branch = (name or "").removeprefix(refs.HEADS)
    return branch if branch and refs.find_tip(git, branch) else None


def _fact(line: bytes) -> tuple[str, str]:
    key, _, value = os.fsdecode(line).partition(" ")
    return key, value


def _main(git: Git, facts: dict[str, str], checkout: discover.Checkout) -> Worktree:
    # For a submodule or a separate git folder git answers with the git folder itself: we look closer.
    top = discover.main_top(checkout.common_dir) if checkout.is_linked else checkout.top
    name = None if top is None else MAIN_NAME
    if top is not None and "bare" in facts:
        # Files beside a bare repository, as GIT_WORK_TREE or --work-tree names them: git leaves out what they are at.
        here = f"--git-dir={checkout.common_dir}"
        head = git.find_line(here, "rev-parse", "--quiet", "--verify", "HEAD^{commit}")
        branch = git.find_line(here, "symbolic-ref", "--quiet", "HEAD")
        facts |= {key: value for key, value in (("HEAD", head), ("branch", branch)) if value is not None}
    return _worktree(
        facts, name, top or checkout.common_dir, checkout.common_dir, is_linked=False, exists=True
    )


def _linked(facts: dict[str, str], name: str, checkout: discover.Checkout) -> Worktree:
    git_dir = os.path.join(checkout.common_dir, "worktrees", name)
    path = facts["worktree"]
    return _worktree(facts, name, path, git_dir, is_linked=True, exists=holds(path, git_dir))


def _worktree(
    facts: dict[str, str], name: str | None, path: str, git_dir: str, *, is_linked: bool, exists: bool
) -> Worktree:
    branch = facts.get("branch")
    return Worktree(
        name=name,
        path=path,
        git_dir=git_dir,
        head=facts.get("HEAD"),
        branch=branch.removeprefix(refs.HEADS) if branch else None,
        locked=facts.get("locked"),
        prunable=facts.get("prunable"),
        is_linked=is_linked,
        exists=exists,
        is_unclear=not {"branch", "detached", "bare"} & facts.keys(),
    )


def _registered(common_dir: str) -> dict[str, str]:
    """The path of each linked worktree, spelled as git lists it, to the name of git's folder for it."""
    admin = os.path.join(common_dir, "worktrees")
    found = {}
    for name in sorted(os.listdir(admin)) if os.path.isdir(admin) else ():
        link = _read_link(os.path.join(admin, name, "gitdir"))
        if link is not None:
            if not os.path.isabs(link):
                link = os.path.realpath(os.path.join(admin, name, link))
            found[link.removesuffix("/.git")] = name
    return found


def _read_link(path: str) -> str | None:
    data = read_start(path, _MAX_LINK_BYTES)
    return None if data is None else os.fsdecode(data.strip())


def _is_busy_with(git_dir: str, branch: str) -> bool:
    for name in ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START"):
        if _read_link(os.path.join(git_dir, name)) in (branch, refs.HEADS + branch):
            return True
    return False
