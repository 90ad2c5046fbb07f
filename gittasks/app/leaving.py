"""Taking a worktree away, with its branch where that is safe: what `finish` and `worktree remove` share.

First everything is looked at and nothing touched; then each step can be killed and the whole run again.
"""

from __future__ import annotations

import os

from gittasks.app import memos, sites
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import count
from gittasks.repo import refs, removal, worktrees
from gittasks.repo.git import Git
from gittasks.repo.removal import KeptWorktreeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.app.memos import Memo
    from gittasks.app.project import Project
    from gittasks.repo.refs import Commit
    from gittasks.repo.worktrees import Worktree

REMOVED = "removed"
RETAINED_UNMERGED = "retained_unmerged"
RETAINED_CHECKED_OUT = "retained_checked_out"
RETAINED_BASE = "retained_base"


class Leave(NamedTuple):
    """A worktree to be taken away. `tree` is `None` where git has forgotten it already. `base` is the branch that its
    work should be in. `safe` are the files whose contents are kept elsewhere.
    """

    project: Project
    tree: Worktree | None
    memo: Memo
    branch: str | None
    base: str | None
    force: bool
    safe: frozenset[str] = frozenset()


class Left(NamedTuple):
    """What became of it: `outcome` is one stable word, then what was lost because of `force`."""

    outcome: str
    lost_files: tuple[str, ...] = ()
    lost_commits: tuple[Commit, ...] = ()
    messages: tuple[str, ...] = ()


def branch_of(tree: Worktree | None, memo: Memo) -> str | None:
    """The branch that a worktree's work is on, there or gone; `None` for a detached HEAD, whose commits go with it.

    Where git has forgotten the worktree, the branch that it was made with.
    """
    return memo.branch if tree is None else tree.branch


def refuse(leave: Leave, trees: Sequence[Worktree]) -> None:
    """Raise `KeptWorktreeError` where taking it away would lose something, or is not ours to do."""
    tree = leave.tree
    if tree is None:
        return
    if leave.memo.kept and not leave.force:
        raise KeptWorktreeError(
            f"the worktree {leave.memo.name} is marked as kept",
            outcome="refused_kept",
            hint=f"`gittasks worktree keep --off {leave.memo.name}` takes the mark away; --force removes it anyway",
        )
    removal.refuse_unsafe(tree, trees, sites.anchor(leave.project).env, force=leave.force)
    if tree.exists:
        refuse_live_runs(leave.project, tree)
        _Losses(leave).refuse_dirty(removal.dirty_files(Git(tree.path, sites.anchor(leave.project).env)))
    elif not leave.force:
        refuse_staged(leave.project, tree)


def refuse_staged(project: Project, tree: Worktree, *, besides: str | None = None) -> None:
    """Raise `KeptWorktreeError` where the index of a worktree that is gone holds what no commit has.

    Only its entry makes a folder that was moved by hand a worktree again, and the index goes with it. `besides` is a
    folder whose files do not count.
    """
    staged = removal.staged_files(sites.anchor(project), tree)
    paths = [path for path in staged or () if besides is None or not path.startswith(f"{besides}/")]
    if staged is not None and not paths:
        return
    what = (
        "git cannot say what is staged in it"
        if staged is None
        else f"staged in it, and in no commit, {'is' if len(paths) == 1 else 'are'} {count(len(paths), 'file')}:"
    )
    raise KeptWorktreeError(
        f"the worktree {tree.name} is gone from {tree.path}, and {what}",
        outcome="refused_gone",
        files=paths,
        hint="moved by hand: `git worktree repair NEW-PATH` mends that; deleted: --force gives up what was staged",
    )


def refuse_live_runs(project: Project, tree: Worktree) -> None:
    """Raise `KeptWorktreeError` while a run lives in the worktree: its floor would go away."""
    from gittasks.app.runs import live_runs_in

    runs = live_runs_in(project, tree.path)
    if runs:
        names = ", ".join(run.id for run in runs[:10])
        raise KeptWorktreeError(
            f"runs are alive in {tree.path}: {names}" + (" and more" if len(runs) > 10 else ""),
            outcome="refused_live_runs",
            hint="`gittasks wait` for them, or `gittasks kill` them first",
        )


def commits_at_risk(leave: Leave) -> list[Commit]:
    """The commits that this worktree and its branch alone hold, and that `base` does not have in another form."""
    git = sites.anchor(leave.project)
    tip = _tip(leave, git)
    if tip is None or _is_integrated(leave, git, tip):
        return []
    return refs.commits_only_here(git, tip, leave.branch)


def refuse_unmerged(leave: Leave) -> list[Commit]:
    """The commits that go away with it, under `force`; without it, raise `KeptWorktreeError` for any."""
    commits = commits_at_risk(leave)
    if commits and not leave.force:
        where = f"merged into {leave.base} nor pushed" if leave.base else "on another branch nor pushed"
        raise KeptWorktreeError(
            f"neither {where}, {count(len(commits), 'commit')} of {leave.memo.name}:",
            outcome="refused_unmerged",
            commits=commits,
            hint="merge or push them first; --force loses them",
        )
    return commits


def take_away(leave: Leave) -> Left:
    """Remove the worktree's files and its entry. Raises `KeptWorktreeError`, `GitError`; can be run again."""
    private = leave.project.private_folder()
    git = sites.anchor(leave.project)
    trash = os.path.join(private, "trash")
    removal.empty_trash(trash)
    memos.save(private, leave.memo._replace(phase=memos.LEAVING))
    losses = _Losses(leave)
    # Of a branch that decides when the branch goes; commits on none go now.
    lost = commits_at_risk(leave) if leave.branch is None else []
    messages: list[str] = []
    if leave.tree is not None:
        if leave.force and not leave.tree.exists:
            losses.files = removal.staged_files(git, leave.tree) or []
        try:
            rest = removal.remove(
                git,
                leave.tree,
                trash,
                refuse_dirty=losses.refuse_dirty,
                force=leave.force or bool(leave.safe),
            )
        except KeptWorktreeError:
            # It stays after all: what was only begun must not pass for half done with the next command.
            memos.save(private, leave.memo._replace(phase=memos.READY))
            raise
        leave.project.drop_caches(leave.memo.name)
        messages += [f"some files could not be deleted and wait in {rest}"] if rest else []
    return Left(REMOVED, tuple(losses.files), tuple(lost), tuple(messages))


def drop_branch(leave: Leave, *, lose_commits: bool = False) -> Left:
    """Delete the branch where everything on it is elsewhere, or `lose_commits` says so; else say why it stays."""
    git = sites.anchor(leave.project)
    branch = leave.branch
    tip = refs.find_tip(git, branch) if branch else None
    if branch is None or tip is None:
        return Left(REMOVED)
    trees = sites.all_trees(leave.project)
    if worktrees.find_by_branch(trees, branch) is not None:
        return Left(RETAINED_CHECKED_OUT)
    if branch in (leave.base, worktrees.default_branch(git, trees, leave.project.checkout)):
        return Left(RETAINED_BASE)
    integrated = _is_integrated(leave, git, tip)
    if not integrated and not lose_commits:
        return Left(RETAINED_UNMERGED)
    lost = [] if integrated else refs.commits_only_here(git, tip, branch)
    refs.delete_branch(git, branch, tip)
    return Left(REMOVED, lost_commits=tuple(lost))


class _Losses:
    """Decides about dirty files: refuses them, or under `force` notes them down."""

    def __init__(self, leave: Leave) -> None:
        self._leave = leave
        self.files: list[str] = []

    def refuse_dirty(self, files: Sequence[str]) -> None:
        at_risk = [path for path in files if path not in self._leave.safe]
        if at_risk and not self._leave.force:
            raise KeptWorktreeError(
                f"changed or untracked in the worktree {self._leave.memo.name}, {count(len(at_risk), 'file')}:",
                outcome="refused_dirty",
                files=at_risk,
                hint="commit, stash or delete them; --force loses them",
            )
        self.files = at_risk


def _tip(leave: Leave, git: Git) -> str | None:
    if leave.branch is not None:
        return refs.find_tip(git, leave.branch)
    return leave.tree.head if leave.tree is not None else None


def _is_integrated(leave: Leave, git: Git, tip: str) -> bool:
    target = refs.find_tip(git, leave.base) if leave.base else None
    if target is None:
        return False
    return refs.integrated(git, tip, target, started_at=leave.memo.base_commit) is not None
