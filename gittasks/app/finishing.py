"""Completing a task and taking its worktree home: merged, kept, or removed.

First a survey that looks at everything and touches nothing; then the checks, if there are any, and the survey again;
then the steps. Each step looks whether it was done already: the whole can be killed anywhere and run again.
"""

from __future__ import annotations

from gittasks.app import checks, claiming, events, holders, leaving, memos, merging, sites
from gittasks.app.finish_survey import KEEP, MERGE, REMOVE, Options, Plan, home_writes, require_task, survey
from gittasks.base.errors import GittasksError, RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import index
from gittasks.workgraph import rules, store
from gittasks.workgraph.record import COMPLETED

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gittasks.app.leaving import Left
    from gittasks.app.project import Project
    from gittasks.repo.refs import Commit
    from gittasks.workgraph.record import Task, TaskId

KEPT = "kept"
ALREADY_FINISHED = "already_finished"


class Finished(NamedTuple):
    """What became of a task and its worktree. `outcome` is one stable word; `commit` completed the task;
    `merged`: the branch is in `base` now.
    """

    outcome: str
    task: Task | None
    task_id: TaskId
    name: str | None = None
    path: str | None = None
    branch: str | None = None
    base: str | None = None
    commit: str | None = None
    merged: bool = False
    lost_files: tuple[str, ...] = ()
    lost_commits: tuple[Commit, ...] = ()
    messages: tuple[str, ...] = ()


class Told(NamedTuple):
    """What one step has to say."""

    commit: str | None = None
    left: Left | None = None
    messages: tuple[str, ...] = ()


def finish(
    project: Project,
    task_id: TaskId | None,
    options: Options,
    tell: Callable[[str], None] = lambda text: None,
) -> Finished:
    """Finish a task (default: the one of this worktree). `tell` hears what goes on.

    Raises `KeptWorktreeError` (something would be lost; its `outcome` says what), `MergeRefusedError`,
    `CheckFailedError`, `UntrustedError`, `TwoVersionsError`, `CannotFinishError`, `NotStartedError`, `LockHeldError`.
    """
    if task_id is None:
        task_id = require_task(project)
    try:
        return _finish(project, task_id, options, tell)
    except GittasksError as error:
        facts = {"how": options.how, "why": error.details.get("outcome", type(error).__name__)}
        event = "refused" if isinstance(error, RefusedError) else "failed"
        events.record(
            project.private_folder(), event, worktree=project.checkout.name, task=task_id, after=facts
        )
        raise


def complete(plan: Plan) -> Told:
    """Complete the task in the worktree's copy."""
    from gittasks.app import writing

    if plan.site is None:
        return Told()
    return Told(
        messages=writing.edit_task(plan.site, plan.task_id, rules.complete, purpose="complete").warnings
    )


def commit(plan: Plan) -> Told:
    """Commit all changed task files of the worktree on its branch."""
    if plan.site is None or plan.task is None:
        return Told()
    paths = merging.changed_task_files(plan.site)
    if not paths:
        return Told()
    message = plan.options.message or f"Complete #{plan.task_id}: {plan.task.subject}"
    return Told(commit=index.commit_paths(plan.site.git, plan.site.checkout.git_dir, paths, message))


def merge(plan: Plan) -> Told:
    """Merge the branch into its base, where that is checked out or where nobody sees it."""
    if plan.site is not None and plan.leave.branch and plan.leave.base:
        merging.merge(plan.project, plan.leave.memo, plan.leave.branch, plan.leave.base)
    return Told()


def complete_at_home(plan: Plan) -> Told:
    """Complete the task in the other checkout, with what its copy in the worktree says."""
    from gittasks.app import writing

    if plan.home is None:
        return Told()
    uid = plan.task.uid if plan.task is not None else ""
    claims = holders.find_local(plan.project, {plan.task_id: uid})
    with plan.home.lock("finish"):
        writes = home_writes(plan, plan.home)
        written = writing.apply(plan.home, writes, ids=(plan.task_id,), message="", commit=False)
    told = (f"#{plan.task_id} is completed in {plan.home.top}, staged there",) if written.changed else ()
    dropped = claiming.drop_claims(plan.home, claims)
    return Told(messages=(*told, *written.warnings, *dropped))


def take_away(plan: Plan) -> Told:
    """Remove the worktree."""
    return Told(left=leaving.take_away(plan.leave))


def drop_branch(plan: Plan) -> Told:
    """Delete the branch, where nothing is lost by it."""
    return Told(left=leaving.drop_branch(plan.leave, lose_commits=plan.options.force))


def forget(plan: Plan) -> Told:
    """Forget the worktree: the last step. What started from its branch goes where that went."""
    private = plan.project.private_folder()
    if plan.options.how == MERGE and plan.leave.branch:
        for memo in memos.load_all(private):
            if memo.base == plan.leave.branch:
                memos.save(private, memo._replace(base=plan.leave.base))
    memos.forget(private, plan.leave.memo.name)
    return Told()


STEPS: dict[str, tuple[Callable[[Plan], Told], ...]] = {
    MERGE: (complete, commit, merge, take_away, drop_branch, forget),
    KEEP: (complete, commit),
    REMOVE: (complete_at_home, take_away, drop_branch, forget),
}


def _finish(project: Project, task_id: TaskId, options: Options, tell: Callable[[str], None]) -> Finished:
    with sites.worktrees_lock(project, "finish"):
        plan = survey(project, task_id, options)
        if plan is None or not options.checks or not checks.has_checks(plan.site):
            return _run(project, task_id, plan)
    # They may take long, and nobody should wait for the lock meanwhile.
    checks.run_checks(plan.site, tell)
    with sites.worktrees_lock(project, "finish"):
        return _run(project, task_id, survey(project, task_id, options))


def _run(project: Project, task_id: TaskId, plan: Plan | None) -> Finished:
    if plan is None:
        return Finished(ALREADY_FINISHED, _completed_copy(project, task_id), task_id)
    return _answer(plan, [step(plan) for step in STEPS[plan.options.how]])


def _answer(plan: Plan, told: Sequence[Told]) -> Finished:
    left = [item.left for item in told if item.left is not None]
    leave = plan.leave
    finished = Finished(
        outcome=next((item.outcome for item in left if item.outcome != leaving.REMOVED), _word(plan)),
        task=plan.task._replace(status=COMPLETED)
        if plan.task is not None
        else _completed_copy(plan.project, plan.task_id),
        task_id=plan.task_id,
        name=leave.memo.name,
        path=leave.tree.path if leave.tree is not None else leave.memo.path,
        branch=leave.branch,
        base=leave.base,
        merged=plan.options.how == MERGE,
        commit=next((item.commit for item in told if item.commit), None),
        lost_files=tuple(path for item in left for path in item.lost_files),
        lost_commits=tuple(commit for item in left for commit in item.lost_commits),
        messages=tuple(text for item in told for text in item.messages)
        + tuple(text for item in left for text in item.messages),
    )
    before = {"path": finished.path, "branch": finished.branch}
    after = {
        "outcome": finished.outcome,
        "how": plan.options.how,
        "base": finished.base,
        "lost_files": list(finished.lost_files),
        "lost_commits": [commit.oid for commit in finished.lost_commits],
    }
    private = plan.project.private_folder()
    events.record(private, "finished", worktree=finished.name, task=plan.task_id, before=before, after=after)
    return finished


def _word(plan: Plan) -> str:
    return KEPT if plan.options.how == KEEP else leaving.REMOVED


def _completed_copy(project: Project, task_id: TaskId) -> Task | None:
    if project.checkout.top is None:
        return None
    try:
        return store.read_task(project.tasks_folder, task_id)
    except GittasksError:
        return None
