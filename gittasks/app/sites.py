"""Which worktree a task is worked on in: finding worktrees by name or task, and opening the project there.

The binding is the task's own `worktree` field, as the copy in that very worktree has it. Only looks.
"""

from __future__ import annotations

import os

from gittasks.base import locks
from gittasks.base.errors import NotFoundError, UsageError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable
from gittasks.repo import worktrees
from gittasks.repo.discover import find_checkout
from gittasks.repo.git import Git, scrub
from gittasks.workgraph import store
from gittasks.workgraph.fields import FieldError, check_value
from gittasks.workgraph.record import DELETED, IN_PROGRESS, BadTaskError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager

    from gittasks.app.project import Project
    from gittasks.repo.worktrees import Worktree
    from gittasks.workgraph.record import Task, TaskId

# Making or removing a large worktree takes its time.
LOCK_TIMEOUT_S = 60.0


class UnknownWorktreeError(NotFoundError):
    """No worktree of this clone has this name, and none is on this task."""


class Binding(NamedTuple):
    """A task and the worktree it is bound to, as that worktree's own copy of the task says."""

    tree: Worktree
    task: Task


def worktrees_lock(project: Project, purpose: str) -> AbstractContextManager[None]:
    """Hold what makes, finishes or removes worktrees apart from each other. Raises `LockHeldError`, `GitTooOldError`.

    Not the writers' lock: nobody should wait for a large checkout to add a task. It is taken first, the other inside.
    """
    anchor(project).require_version()
    path = os.path.join(project.private_folder(), "worktrees.lock")
    return locks.hold(path, purpose=purpose, timeout_s=LOCK_TIMEOUT_S)


def anchor(project: Project) -> Git:
    """git commands where no removed worktree pulls the floor away: in the clone's common git folder."""
    return Git(project.checkout.common_dir, scrub(project.env))


def project_at(project: Project, path: str) -> Project:
    """The project of another worktree of the same clone. Raises `NoRepositoryError`."""
    from gittasks.app.project import Project as OtherProject

    return OtherProject(find_checkout(path), scrub(project.env))


def all_trees(project: Project) -> list[Worktree]:
    """The worktrees of the clone; the one we stand in with the path where it really is."""
    trees = worktrees.list_worktrees(anchor(project), project.checkout)
    here = worktrees.find_here(trees, project.checkout)
    return [here if here is not None and tree.git_dir == here.git_dir else tree for tree in trees]


def live_trees(trees: Sequence[Worktree]) -> list[Worktree]:
    """Those whose files are there."""
    return [tree for tree in trees if tree.exists and not tree.is_bare]


def find_binding(trees: Sequence[Worktree], task_id: TaskId) -> Binding | None:
    """The live worktree that a task is bound to: where it is in progress, before where it is not."""
    found = []
    for tree in live_trees(trees):
        try:
            task = store.read_task(os.path.join(tree.path, store.FOLDER), task_id)
        except (store.UnknownTaskError, store.NoTasksError, BadTaskError, OSError):
            continue  # unreadable there: whoever works there is told by every command
        if task.worktree == tree.name and task.status != DELETED:
            found.append(Binding(tree, task))
    found.sort(key=lambda binding: binding.task.status != IN_PROGRESS)
    return found[0] if found else None


def find_tree(trees: Sequence[Worktree], name: str) -> Worktree | None:
    """The worktree of this name, there or gone; the main one where a linked one has taken its name too."""
    return next((tree for tree in trees if tree.name == name), None)


def is_name(name: str) -> bool:
    """Whether a worktree of ours could be called that."""
    try:
        return bool(check_value("worktree", name) == name)
    except FieldError:
        return False


def require_tree(trees: Sequence[Worktree], name: str) -> Worktree:
    """The worktree called `name`, or bound to the task `name` (`12` or `#12`). Raises `UnknownWorktreeError`."""
    from gittasks.workgraph.record import TaskId

    tree = find_tree(trees, name)
    digits = name.removeprefix("#")
    if tree is None and digits.isascii() and digits.isdigit() and len(digits) <= 9:
        binding = find_binding(trees, TaskId(int(digits)))
        if binding is not None:
            return binding.tree
        raise UnknownWorktreeError(
            f"#{int(digits)} is bound to no worktree", hint=f"`gittasks start {int(digits)}` makes one for it"
        )
    if tree is None:
        raise UnknownWorktreeError(
            f"there is no worktree {printable(name[:60])!r}", hint="`gittasks worktree list` names them"
        )
    return tree


def require_live(tree: Worktree) -> Worktree:
    """`tree`, when its files are there. Raises `UnknownWorktreeError`."""
    if tree.exists and not tree.is_bare:
        return tree
    raise UnknownWorktreeError(
        f"the worktree {tree.name} is gone: {tree.path} does not hold it",
        hint="`gittasks start` on its task makes it again; moved by hand: `git worktree repair NEW-PATH`",
    )


def require_here(project: Project, trees: Sequence[Worktree]) -> Worktree:
    """The worktree we stand in. Raises `UsageError` in a bare repository."""
    for tree in live_trees(trees):
        if tree.git_dir == project.checkout.git_dir:
            return tree
    raise UsageError("no worktree named, and none around us", hint="`gittasks worktree list` names them")
