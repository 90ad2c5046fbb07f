"""Looking at worktrees with what is bound, changed and alive in each; adding, binding, keeping and removing them."""

from __future__ import annotations

from gittasks.app import carrying, events, leaving, memos, planting, sites
from gittasks.app.leaving import Leave, Left
from gittasks.base.errors import GittasksError, RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import refs, removal, worktrees
from gittasks.repo.git import Git, GitError
from gittasks.workgraph import rules, store
from gittasks.workgraph.record import DELETED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from gittasks.app.memos import Memo
    from gittasks.app.planting import Site
    from gittasks.app.project import Project
    from gittasks.repo.worktrees import Worktree
    from gittasks.workgraph.record import Row, Task, TaskId

HERE, GONE, LOCKED, KEPT, UNFINISHED = "here", "gone", "locked", "kept", "unfinished"


class View(NamedTuple):
    """One worktree as people see it. `tasks` are those bound to it, as its own copies say; `dirty` the files with
    changes that no commit has, `None` where git cannot say; `runs` the ids of runs that live in it.
    """

    tree: Worktree
    memo: Memo
    tasks: tuple[Row, ...]
    dirty: tuple[str, ...] | None
    runs: tuple[str, ...]
    is_here: bool

    @property
    def marks(self) -> tuple[str, ...]:
        """Stable words for what is special about it."""
        found = (
            (HERE, self.is_here),
            (GONE, not self.tree.exists),
            (LOCKED, self.tree.locked is not None),
            (KEPT, self.memo.kept),
            (UNFINISHED, self.memo.phase != memos.READY),
        )
        return tuple(word for word, holds in found if holds)


def list_views(project: Project) -> list[View]:
    """All worktrees of the clone, the main one first; a bare repository itself is left out."""
    return [view(project, tree) for tree in sites.all_trees(project) if not tree.is_bare]


def list_names(project: Project) -> list[str]:
    """The names of all worktrees whose files are there."""
    return [str(tree.name) for tree in sites.live_trees(sites.all_trees(project))]


def view(project: Project, tree: Worktree) -> View:
    """One worktree with all that is to be said of it."""
    memo = memos.load(project.checkout.private_dir, str(tree.name))
    is_here = tree.git_dir == project.checkout.git_dir
    if not tree.exists:
        return View(tree, memo, (), None, (), is_here)
    return View(tree, memo, _bound(project, tree), _dirty(project, tree), _runs(project, tree), is_here)


def find(project: Project, name: str | None) -> Worktree:
    """The worktree called `name` or bound to the task `name`; without a name, the one we stand in.

    Raises `UnknownWorktreeError`.
    """
    trees = sites.all_trees(project)
    return sites.require_here(project, trees) if name is None else sites.require_tree(trees, name)


def find_live(project: Project, name: str | None) -> Worktree:
    """Like `find`, and its files are there."""
    return sites.require_live(find(project, name))


def commits_ahead(project: Project, seen: View) -> list[refs.Commit] | None:
    """The commits that its base branch has not; `None` where it has no base."""
    git = sites.anchor(project)
    base = refs.find_tip(git, seen.memo.base) if seen.memo.base else None
    return refs.commits_between(git, base, seen.tree.head) if base and seen.tree.head else None


def add(
    project: Project, name: str, *, task_id: TaskId | None = None, revision: str | None = None
) -> tuple[str, str, list[str]]:
    """Make a worktree with a branch of its own, bound to a task if one is given.

    Answers its full name, its path, and messages for a person.

    Raises what `planting.survey` raises, `UnknownTaskError`; nothing was made then.
    """
    with sites.worktrees_lock(project, "worktree add"):
        trees = sites.all_trees(project)
        name = planting.full_name(project, name)
        memo = memos.load(project.private_folder(), name)
        begun = memo.phase == memos.STARTING and memo.task == task_id and memo.subject is None
        site = planting.survey(project, trees, name, revision=revision, known=memo if begun else None)
        planting.require_free_path(site, trees)
        carried: list[carrying.Carried] = []
        if task_id is not None:
            task = store.read_task(project.require_tasks(), task_id)
            rules.require_open(task)
            carried = carrying.survey(project, task_id, site.start)
            oids = {item.path: item.oid for item in carried}
            site = site._replace(memo=site.memo._replace(task=task_id, uid=task.uid, carried=oids))
        with planting.all_or_nothing(site):
            messages = _plant(site)
            if task_id is not None:
                there = sites.project_at(project, site.path)
                messages += carrying.bring(there, carried)
                messages += _bind_in(there, task_id, name)
        messages += planting.settle(site)
    after = {"path": site.path, "branch": site.branch, "base": site.memo.base}
    events.record(project.private_folder(), "created", worktree=name, task=task_id, after=after)
    return name, site.path, messages


def bind(project: Project, name: str, task_id: TaskId) -> list[str]:
    """Bind a task to an existing worktree, in that worktree's copy; messages for a person."""
    with sites.worktrees_lock(project, "worktree bind"):
        trees = sites.all_trees(project)
        tree = sites.require_live(sites.require_tree(trees, name))
        other = sites.find_binding(trees, task_id)
        if other is not None and other.tree.name != tree.name:
            raise RefusedError(
                f"#{task_id} is bound to the worktree {other.tree.name}: {other.tree.path}",
                hint=f"finish it there, or `gittasks edit {task_id} --worktree ''` there",
            )
        there = sites.project_at(project, tree.path)
        carried = (
            carrying.survey(project, task_id, tree.head) if tree.head and not _is_same(project, tree) else []
        )
        messages = carrying.bring(there, carried)
        task = store.read_task(there.tasks_folder, task_id)
        before = {"worktree": task.worktree}
        messages += _bind_in(there, task_id, str(tree.name))
        private = project.private_folder()
        if tree.is_linked:
            memo = memos.load(private, str(tree.name))
            carried_oids = {**memo.carried, **{item.path: item.oid for item in carried}}
            memos.save(
                private, memo._replace(task=task_id, uid=task.uid, path=tree.path, carried=carried_oids)
            )
    events.record(
        private, "bound", worktree=tree.name, task=task_id, before=before, after={"worktree": tree.name}
    )
    return messages


def keep(project: Project, name: str, *, kept: bool) -> str:
    """Mark a worktree as kept, or no longer; answer its name. Nothing removes a kept one without force."""
    with sites.worktrees_lock(project, "worktree keep"):
        tree = find(project, name)
        private = project.private_folder()
        memo = memos.load(private, str(tree.name))
        memos.save(private, memo._replace(kept=kept, path=tree.path))
    events.record(
        private, "kept", worktree=tree.name, task=memo.task, before={"kept": memo.kept}, after={"kept": kept}
    )
    return str(tree.name)


def remove(project: Project, name: str, *, force: bool) -> tuple[Leave, Left]:
    """Remove a worktree, and its branch where all of it is in its base branch or the default one.

    Under `force` changed and untracked files and commits on no branch are lost, and answered. A branch is never lost.
    Raises `KeptWorktreeError`, `UnknownWorktreeError`.
    """
    try:
        with sites.worktrees_lock(project, "worktree remove"):
            leave, left = _remove(project, name, force=force)
    except GittasksError as error:
        facts = {"why": error.details.get("outcome", type(error).__name__)}
        events.record(project.checkout.private_dir, "refused", worktree=name, after=facts)
        raise
    before = {"path": leave.tree.path if leave.tree else leave.memo.path, "branch": leave.branch}
    lost = {"lost_files": list(left.lost_files), "lost_commits": [commit.oid for commit in left.lost_commits]}
    private = project.private_folder()
    events.record(
        private,
        "removed",
        worktree=leave.memo.name,
        task=leave.memo.task,
        before=before,
        after={"outcome": left.outcome, **lost},
    )
    return leave, left


def _remove(project: Project, name: str, *, force: bool) -> tuple[Leave, Left]:
    trees = sites.all_trees(project)
    private = project.private_folder()
    memo = memos.load(private, name) if sites.is_name(name) else memos.Memo(name)
    # Git may have forgotten it already, in an earlier try that was killed.
    tree = (
        None
        if memo.phase == memos.LEAVING and sites.find_tree(trees, name) is None
        else sites.require_tree(trees, name)
    )
    if tree is not None:
        memo = memos.load(private, str(tree.name))
    git = sites.anchor(project)
    branch = leaving.branch_of(tree, memo)
    base = memo.base if memo.base and refs.find_tip(git, memo.base) else None
    leave = Leave(
        project, tree, memo, branch, base or worktrees.default_branch(git, trees, project.checkout), force
    )
    leaving.refuse(leave, trees)
    if branch is None:
        leaving.refuse_unmerged(leave)
    left = leaving.take_away(leave)
    dropped = leaving.drop_branch(leave)
    memos.forget(private, memo.name)
    return leave, left._replace(outcome=dropped.outcome)


def _plant(site: Site) -> list[str]:
    messages: list[str] = []
    for step in (
        planting.remember,
        planting.hide,
        planting.make_branch,
        planting.make_folder,
        planting.bring_included,
    ):
        messages += step(site)
    return messages


def _bind_in(there: Project, task_id: TaskId, name: str) -> list[str]:
    from gittasks.app import writing

    def decide(task: Task) -> Mapping[str, Any]:
        rules.require_open(task)
        return {"worktree": name}

    return list(writing.edit_task(there, task_id, decide, purpose="bind").warnings)


def _is_same(project: Project, tree: Worktree) -> bool:
    return tree.git_dir == project.checkout.git_dir


def _bound(project: Project, tree: Worktree) -> tuple[Row, ...]:
    try:
        rows: Sequence[Row] = sites.project_at(project, tree.path).snapshot().rows
    except (GittasksError, OSError):
        return ()
    return tuple(row for row in rows if row.worktree == tree.name and row.status != DELETED)


def _dirty(project: Project, tree: Worktree) -> tuple[str, ...] | None:
    try:
        return tuple(removal.dirty_files(Git(tree.path, sites.anchor(project).env)))
    except GitError:
        return None


def _runs(project: Project, tree: Worktree) -> tuple[str, ...]:
    from gittasks.app.runs import live_runs_in

    return tuple(run.id for run in live_runs_in(project, tree.path))
