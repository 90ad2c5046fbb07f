"""Looking at everything that could speak against finishing a task, before anything is touched."""

from __future__ import annotations

from gittasks.app import homing, leaving, memos, merging, sites
from gittasks.app.leaving import Leave
from gittasks.base.errors import NotFoundError, RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import index, refs, worktrees
from gittasks.workgraph import store
from gittasks.workgraph.record import CLOSED, COMPLETED, TaskId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.app.memos import Memo
    from gittasks.app.project import Project
    from gittasks.repo.worktrees import Worktree
    from gittasks.workgraph.record import Task

MERGE, KEEP, REMOVE = "merge", "keep", "remove"
HOWS = (MERGE, KEEP, REMOVE)


class NotStartedError(NotFoundError):
    """The task is bound to no worktree: there is nothing to finish."""


class CannotFinishError(RefusedError):
    """The worktree cannot be finished in this way."""


class Options(NamedTuple):
    """How to finish: one of `HOWS`. `into` is the branch to merge into (default: where it started), `message` is for
    the commit that completes the task. `force` loses what would be lost, but never silently.
    """

    how: str
    into: str | None = None
    force: bool = False
    checks: bool = True
    message: str | None = None


class Plan(NamedTuple):
    """What the steps need. `site` is the project in the worktree, `None` once that is gone; `task` the copy there.
    `home` is another checkout, for a task that is completed there.
    """

    project: Project
    options: Options
    task_id: TaskId
    leave: Leave
    site: Project | None
    task: Task | None
    home: Project | None


def require_task(project: Project) -> TaskId:
    """The task of the worktree we stand in, open or finished half-way. Raises `NotStartedError`."""
    bound: int | None = project.bound_task()
    if bound is None:
        bound = memos.load(project.checkout.private_dir, project.checkout.name).task
    if bound is None:
        raise NotStartedError(
            "which task? this worktree is on no task, or on several", hint="name it: 12 or #12"
        )
    return TaskId(bound)


def survey(project: Project, task_id: TaskId, options: Options) -> Plan | None:
    """Look at everything that could speak against it, and touch nothing; `None` where all is done already."""
    trees = sites.all_trees(project)
    binding = sites.find_binding(trees, task_id)
    if binding is None:
        return _survey_without(project, trees, task_id, options)
    tree = binding.tree
    if options.how != KEEP and not tree.is_linked:
        raise CannotFinishError(
            f"#{task_id} is worked on in the main worktree: there is nothing to {options.how}",
            hint="--keep completes it, and commits its task file",
        )
    memo = memos.load(project.checkout.private_dir, str(tree.name))
    base = _base(project, trees, memo, tree.branch, options)
    leave = Leave(project, tree, memo, tree.branch, base, options.force)
    site = sites.project_at(project, tree.path)
    plan = Plan(project, options, task_id, leave, site, binding.task, None)
    leaving.refuse_live_runs(project, tree)
    if options.how == KEEP:
        index.refuse_during_operation(site.checkout.git_dir)
        return plan
    return _survey_removal(plan, trees)


def _survey_without(
    project: Project, trees: Sequence[Worktree], task_id: TaskId, options: Options
) -> Plan | None:
    """A task that no live worktree is on: left half-way, finished, its worktree gone, or never started."""
    memo = next((memo for memo in memos.load_all(project.checkout.private_dir) if memo.task == task_id), None)
    if memo is None:
        _refuse_unstarted(project, task_id)
        return None
    tree = sites.find_tree(trees, memo.name)
    if tree is not None and tree.exists:
        # Where its copy cannot be read, that is what is wrong.
        store.read_task(sites.project_at(project, tree.path).tasks_folder, task_id)
        raise NotStartedError(
            f"#{task_id} is no longer bound to the worktree {memo.name}",
            hint=f"`gittasks worktree bind {memo.name} {task_id}` binds it again",
        )
    branch = leaving.branch_of(tree, memo)
    base = _base(project, trees, memo, branch, options)
    leave = Leave(project, tree, memo, branch, base, options.force)
    if memo.phase == memos.LEAVING:
        return Plan(project, options, task_id, leave, None, None, None)
    if memo.branch is None or refs.find_tip(sites.anchor(project), memo.branch) is None:
        _refuse_unstarted(project, task_id)
        return None
    if options.how != REMOVE:
        raise NotStartedError(
            f"the worktree {memo.name} of #{task_id} is gone; its branch {memo.branch} is not",
            hint=f"`gittasks start {task_id}` makes it again, then finish it; --remove gives it up",
        )
    leaving.refuse_unmerged(leave)  # first: who forces the rest should have seen these
    leaving.refuse(leave, trees)
    return Plan(project, options, task_id, leave, None, None, project)


def _refuse_unstarted(project: Project, task_id: TaskId) -> None:
    if store.read_task(project.require_tasks(), task_id).status != COMPLETED:
        raise NotStartedError(
            f"#{task_id} is worked on in no worktree", hint=f"`gittasks done {task_id}` completes it here"
        )


def _survey_removal(plan: Plan, trees: Sequence[Worktree]) -> Plan:
    """What speaks against merging and removing, or against removing."""
    leave, options = plan.leave, plan.options
    if leave.tree is None or plan.site is None:
        return plan
    _refuse_others(plan, plan.site)
    if options.how == MERGE:
        if leave.branch is None:
            raise CannotFinishError(
                f"{leave.tree.path} is on no branch (detached HEAD): there is nothing to merge",
                hint="`git switch -c NAME` there gives its commits a branch",
            )
        safe = merging.survey(
            plan.project, plan.site, plan.task_id, leave.memo, leave.branch, str(leave.base), trees
        )
        leave = leave._replace(safe=safe)
        leaving.refuse(leave, trees)
        return plan._replace(leave=leave._replace(safe=frozenset()))
    home = _home(plan, trees)
    leave = leave._replace(safe=homing.settled_files(plan.site, plan.task_id))
    plan = plan._replace(leave=leave, home=home)
    leaving.refuse(leave, trees)
    leaving.refuse_unmerged(leave)
    home_writes(plan, home)
    return plan


def _refuse_others(plan: Plan, site: Project) -> None:
    """Raise `CannotFinishError` where other open tasks are worked on in the same worktree."""
    name = site.checkout.name
    rows = [row for row in site.snapshot().rows if row.worktree == name and row.status not in CLOSED]
    others = [f"#{row.id} {row.subject}" for row in rows if row.id != plan.task_id]
    if others and not plan.options.force:
        raise CannotFinishError(
            f"other open tasks are worked on in the worktree {name}: {', '.join(others[:10])}",
            hint="finish with --keep, complete these first, or use --force",
        )


def home_writes(plan: Plan, home: Project) -> list[store.FileWrite]:
    """What `home` gets of the task when nothing is merged. Raises `TwoVersionsError`."""
    leave = plan.leave
    if plan.site is None:
        return homing.completed_here(home, plan.task_id)
    git = sites.anchor(plan.project)
    tip = leave.tree.head if leave.tree is not None else None
    target = refs.find_tip(git, leave.base) if leave.base else None
    base = git.find_line("merge-base", tip, target) if tip and target else tip
    if tip and target and refs.integrated(git, tip, target) is not None:
        base = tip  # what was committed on the branch is in home's history in some form
    return homing.brought_home(
        home, plan.site, plan.task_id, base=base, carried=leave.memo.carried, force=plan.options.force
    )


def _home(plan: Plan, trees: Sequence[Worktree]) -> Project:
    """Where the task is completed: where its base is checked out, else the main worktree, else where we stand."""
    others = [
        tree
        for tree in sites.live_trees(trees)
        if plan.leave.tree is None or tree.git_dir != plan.leave.tree.git_dir
    ]
    for wanted in (
        lambda tree: tree.branch is not None and tree.branch == plan.leave.base,
        lambda tree: not tree.is_linked,
        lambda tree: tree.git_dir == plan.project.checkout.git_dir,
    ):
        found = next((tree for tree in others if wanted(tree)), None)
        if found is not None:
            home = sites.project_at(plan.project, found.path)
            home.require_tasks()
            return home
    raise CannotFinishError(
        f"there is no other checkout to complete #{plan.task_id} in", hint="use --merge or --keep"
    )


def _base(
    project: Project, trees: Sequence[Worktree], memo: Memo, branch: str | None, options: Options
) -> str | None:
    """The branch that the work goes to. Raises `CannotFinishError` where a merge needs one and there is none."""
    git = sites.anchor(project)
    if options.into is not None:
        refs.check_branch_name(git, options.into)
    base = options.into or memo.base or worktrees.default_branch(git, list(trees), project.checkout)
    if options.how == KEEP:
        return base
    if base is not None and refs.find_tip(git, base) is None:
        if options.how == REMOVE and options.into is None:
            base = worktrees.default_branch(git, list(trees), project.checkout)
        else:
            raise CannotFinishError(
                f"the branch {base} to merge into is not there", hint="name another one: --into BRANCH"
            )
    if options.how == MERGE and (base is None or base == branch):
        raise CannotFinishError(
            f"into which branch? nothing says where {branch or memo.name} came from",
            hint="name it: --into BRANCH",
        )
    return base if base != branch else None
