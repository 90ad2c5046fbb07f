"""Making a worktree, step by step: memo, branch, folder, included files. Each step can be killed and run again.

`start` and `worktree add` both plant; what a task gets there on top is theirs.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from gittasks.app import memos, sites
from gittasks.base import files
from gittasks.base.errors import GittasksError, RefusedError
from gittasks.base.ids import new_base36
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import include, refs, removal, worktrees
from gittasks.repo.discover import main_top
from gittasks.repo.git import Git, GitError
from gittasks.workgraph import config
from gittasks.workgraph.fields import FieldError, check_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from gittasks.app.memos import Memo
    from gittasks.app.project import Project
    from gittasks.repo.worktrees import Worktree

BRANCH_PREFIX = "wt/"


class TakenError(RefusedError):
    """The name, branch or folder belongs to something else."""


class NoCommitError(RefusedError):
    """A worktree starts from a commit, and there is none yet."""


class Site(NamedTuple):
    """A worktree to be made, or made half: its memo, the root it lies under, its path and branch, where it starts."""

    project: Project
    memo: Memo
    root: str
    path: str
    branch: str
    start: str


class _Before(NamedTuple):
    """What was there before a worktree was made: its memo, whether it had a branch, whether git listed it."""

    memo: Memo | None
    has_branch: bool
    has_tree: bool


def survey(
    project: Project, trees: Sequence[Worktree], name: str, *, revision: str | None, known: Memo | None = None
) -> Site:
    """Look whether a worktree with the full name `name` can be made from `revision` (default: what is checked out
    here), and how.

    `known` is the memo of an earlier try: what it left is taken up again. Touches nothing. Raises `TakenError`,
    `PathTakenError`, `NoCommitError`, `UnknownRevisionError`, `FieldError`, `BadRefNameError`.
    """
    name = _checked(name)
    git = sites.anchor(project)
    branch = refs.check_branch_name(git, BRANCH_PREFIX + name)
    base, commit = _base(project, revision, known)
    root, path = place(project, name)
    tip = refs.find_tip(git, branch)
    _refuse_taken_name(trees, name, branch, path, ours=known is not None)
    if tip is not None and known is None and (tip != commit or worktrees.find_by_branch(list(trees), branch)):
        raise TakenError(
            f"the branch {branch} is there already, and is not this task's",
            hint="choose another name: --worktree NAME",
        )
    memo = (known or memos.Memo(name))._replace(
        name=name, branch=branch, base=base, base_commit=commit, path=path, phase=memos.STARTING
    )
    return Site(project, memo, root, path, branch, tip or commit)


def full_name(project: Project, name: str) -> str:
    """The name that git will give a worktree that a person calls `name`: its folder's, as the template makes it."""
    template = config.load_config(project.tasks_folder).worktree_path
    return os.path.basename(template).replace("{name}", _checked(name))


def place(project: Project, name: str) -> tuple[str, str]:
    """The root that worktrees lie under, and the path for the one whose full name is `name`."""
    common = project.checkout.common_dir
    folder = os.path.dirname(config.load_config(project.tasks_folder).worktree_path)
    top = project.top if not project.checkout.is_linked else main_top(common)
    if top is None:
        # A bare repository has its worktrees around it; `.worktrees` would only hide them.
        top = os.path.dirname(common)
        folder = "" if folder == ".worktrees" else folder
    return top, os.path.join(top, folder, name)


def remember(site: Site) -> list[str]:
    """Write the memo: from here on, what is found half-made is known to be ours."""
    memos.save(site.project.private_folder(), site.memo)
    return []


def hide(site: Site) -> list[str]:
    """Have git ignore the worktrees' folder."""
    relative = os.path.relpath(site.path, site.root)
    pattern = "/.worktrees/" if relative.startswith(".worktrees/") else f"/{relative}/"
    top = main_top(site.project.checkout.common_dir)
    if top is not None and os.path.isdir(top):
        worktrees.exclude(
            Git(top, sites.anchor(site.project).env), site.project.checkout.common_dir, pattern, relative
        )
    return []


def make_branch(site: Site) -> list[str]:
    """Create the branch, unless an earlier try did."""
    git = sites.anchor(site.project)
    if refs.find_tip(git, site.branch) is None:
        refs.create_branch(git, site.branch, site.start)
    return []


def make_folder(site: Site) -> list[str]:
    """Add the worktree; what is left of one that went away or was never finished is cleared first."""
    project, git = site.project, sites.anchor(site.project)
    tree = sites.find_tree(sites.all_trees(project), site.memo.name)
    if tree is not None and tree.half_made:
        worktrees.require_settled(tree.path)
        tree = sites.find_tree(sites.all_trees(project), site.memo.name)
    if tree is not None and tree.half_made:
        _clear_half_made(project, git, tree)
        tree = None
    if tree is not None and tree.exists:
        return []
    if tree is not None:
        removal.unregister(git, tree)
    worktrees.clear_unborn(project.checkout.common_dir, site.path)
    warning = worktrees.add(git, site.path, site.branch)
    made = sites.find_tree(sites.all_trees(project), site.memo.name)
    if made is None or not made.exists:
        raise worktrees.BrokenWorktreeError(
            f"{site.path}: git made the worktree under another name, or not at all"
        )
    return [warning] if warning else []


def bring_included(site: Site) -> list[str]:
    """Copy what `.worktreeinclude` names."""
    source = site.root if os.path.lexists(os.path.join(site.root, ".git")) else site.project.top
    try:
        paths = include.included_files(Git(source, sites.anchor(site.project).env))
    except files.UnsafeFileError as error:
        return [f"nothing is copied: {error.message}"]
    failed = include.copy_files(paths, source, site.path)
    return [f"{include.NAME}: {path} was not copied" for path in failed]


def settle(site: Site) -> list[str]:
    """Mark the worktree as ready."""
    private = site.project.private_folder()
    memos.save(private, memos.load(private, site.memo.name)._replace(phase=memos.READY, subject=None))
    return []


@contextmanager
def all_or_nothing(site: Site) -> Iterator[None]:
    """Take away what the steps inside made that was not there before, where one of them refuses.

    What git left half-made when it failed (`GitError`) stays: the next try goes on with it.
    """
    before = _look(site)
    try:
        yield
    except GitError:
        raise
    except GittasksError:
        _take_back(site, before)
        raise


def _look(site: Site) -> _Before:
    private, name = site.project.checkout.private_dir, site.memo.name
    return _Before(
        memo=next((memo for memo in memos.load_all(private) if memo.name == name), None),
        has_branch=refs.find_tip(sites.anchor(site.project), site.branch) is not None,
        has_tree=sites.find_tree(sites.all_trees(site.project), name) is not None,
    )


def _take_back(site: Site, before: _Before) -> None:
    project, git = site.project, sites.anchor(site.project)
    tree = None if before.has_tree else sites.find_tree(sites.all_trees(project), site.memo.name)
    if tree is not None:
        trash = os.path.join(project.private_folder(), "trash")
        removal.remove(git, tree, trash, refuse_dirty=lambda files: None, force=True)
        project.drop_caches(site.memo.name)
    if not before.has_branch and refs.find_tip(git, site.branch) == site.start:
        refs.delete_branch(git, site.branch, site.start)
    if before.memo is None:
        memos.forget(project.private_folder(), site.memo.name)
    else:
        memos.save(project.private_folder(), before.memo)


def _checked(name: str) -> str:
    checked = check_value("worktree", name)
    if checked is None:
        raise FieldError("worktree", "is empty", "expected a name")
    return str(checked)


def _base(project: Project, revision: str | None, known: Memo | None) -> tuple[str | None, str]:
    """The branch to go back to, and the commit to start from."""
    if revision is None and known is not None and known.base_commit:
        return known.base, known.base_commit
    git = project.git
    if revision is not None:
        return refs.find_base_branch(git, revision), refs.resolve_commit(git, revision)
    commit = refs.find_head(git)
    if commit is None:
        raise NoCommitError(
            "this repository has no commit yet, and a worktree starts from one", hint="make the first commit"
        )
    return refs.find_current_branch(git), commit


def _refuse_taken_name(trees: Sequence[Worktree], name: str, branch: str, path: str, *, ours: bool) -> None:
    tree = sites.find_tree(trees, name)
    other = next((tree for tree in trees if tree.name != name and tree.path == path), None)
    if other is not None:
        raise TakenError(
            f"git knows {path} as the worktree {other.name}", hint="choose another name: --worktree NAME"
        )
    if tree is None:
        return
    if not ours or tree.path != path or tree.branch not in (branch, None):
        raise TakenError(
            f"there is a worktree {name} already, at {tree.path}, and it is not this task's",
            hint="choose another name with --worktree NAME, or work in that one: `gittasks start TASK --here`",
        )
    if not tree.exists and tree.locked is not None and not tree.half_made:
        raise TakenError(
            f"the worktree {name} is locked and not there now: {tree.path}",
            hint="bring it back (a drive that is not mounted?), or `git worktree unlock` it",
        )


def require_free_path(site: Site, trees: Sequence[Worktree]) -> None:
    """Raise `PathTakenError` where something else than this very worktree stands at its path."""
    tree = sites.find_tree(trees, site.memo.name)
    if tree is None or not (tree.exists or tree.half_made):
        worktrees.require_free(site.path, site.root)


def _clear_half_made(project: Project, git: Git, tree: Worktree) -> None:
    """Take away what a killed `git worktree add` left: nobody was ever told of it."""
    trash = os.path.join(project.private_folder(), "trash")
    os.makedirs(trash, exist_ok=True)
    if os.path.lexists(tree.path):
        os.rename(tree.path, os.path.join(trash, f"{tree.name}.{new_base36(6)}"))
    git.call("worktree", "unlock", tree.path, write=True)
    removal.unregister(git, tree)
    removal.empty_trash(trash)
