"""Taking a task into its own worktree. Every step can be killed and the whole run again: it then goes on."""

from __future__ import annotations

import unicodedata
from contextlib import contextmanager

from gittasks.app import carrying, events, ids, memos, planting, sites, start_refusals
from gittasks.base import clock
from gittasks.base.errors import GittasksError, UsageError
from gittasks.base.ids import new_uid
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import refs
from gittasks.repo.git import GitError
from gittasks.workgraph import codec, rules, store
from gittasks.workgraph.fields import check_value
from gittasks.workgraph.record import (
    COMPLETED,
    IN_PROGRESS,
    BadTaskError,
    Task,
    TaskId,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from gittasks.app.memos import Memo
    from gittasks.app.planting import Site
    from gittasks.app.project import Project
    from gittasks.app.sites import Binding
    from gittasks.repo.worktrees import Worktree

MAX_SLUG = 40


class Options(NamedTuple):
    """How to start: `worktree` names it (default: id and subject), `here` takes this checkout instead, `base` is what
    to start from, `force` takes a task that is blocked or another's, `commit` commits the binding, `offline` leaves
    it to `sync` to tell a remote.
    """

    worktree: str | None = None
    here: bool = False
    base: str | None = None
    owner: str | None = None
    force: bool = False
    commit: bool = False
    offline: bool = False


class Started(NamedTuple):
    """A task and the worktree it is worked on in; `created` where this call made or bound it.

    `base` is the branch that the work goes back to. `messages` are for a person.
    """

    task: Task
    name: str
    path: str
    branch: str | None
    base: str | None
    created: bool
    messages: tuple[str, ...] = ()


class Plan(NamedTuple):
    """All that the steps need: the worktree to be, who takes the task, what is carried, a task not yet there."""

    site: Site
    owner: str
    options: Options
    carried: tuple[carrying.Carried, ...] = ()
    new: Task | None = None

    @property
    def task_id(self) -> TaskId:
        """The task's id."""
        return TaskId(self.site.memo.task or 0)


def start_task(project: Project, task_id: TaskId, options: Options) -> Started:
    """Start an existing task, or answer where it is started already.

    Raises `BlockedError`, `StartedElsewhereError`, `NotAllowedError`, `UnknownTaskError`, `TakenError`,
    `PathTakenError`, `UncommittedTaskError`, `KeptWorktreeError` (its worktree is gone, and work with it),
    `UsageError`, `LockHeldError`; nothing was changed then.
    """
    _refuse_mixed(options)
    with sites.worktrees_lock(project, "start"):
        trees = sites.all_trees(project)
        owner = project.actor(options.owner)
        binding = sites.find_binding(trees, task_id)
        if binding is not None:
            return _go_on(project, binding, owner, options)
        task = store.read_task(project.require_tasks(), task_id)
        rules.require_open(task)
        start_refusals.refuse_others(task, owner, force=options.force)
        start_refusals.refuse_blocked(project, task_id, force=options.force)
        if options.here:
            return _start_here(project, sites.require_here(project, trees), task, owner, options)
        plan = plan_task(project, trees, task, owner, options)
        with _claimed(project, task, owner, plan.site.memo.name, options) as messages:
            return _run(plan, messages)


def start_new(project: Project, subject: str, options: Options) -> Started:
    """Add a task in the new worktree (with `here`: in this one) and start it.

    Raises what `start_task` raises, `FieldError` for a subject that is none.
    """
    _refuse_mixed(options)
    subject = str(check_value("subject", subject))
    project.require_tasks()
    with sites.worktrees_lock(project, "start"):
        trees = sites.all_trees(project)
        owner = project.actor(options.owner)
        if options.here:
            tree = sites.require_here(project, trees)
            task = _new_task(project, _reserve(project), new_uid(), subject, owner, str(tree.name))
            with _claimed(project, task, owner, str(tree.name), options) as messages:
                messages += _write_new(project, task, commit=options.commit)
            return _started_here(project, tree, task, messages)
        plan = plan_new(project, trees, subject, owner, options)
        memo = plan.site.memo
        with _claimed(project, Task(plan.task_id, memo.uid), owner, memo.name, options) as messages:
            return _run(plan, messages)


def plan_task(project: Project, trees: Sequence[Worktree], task: Task, owner: str, options: Options) -> Plan:
    """Look at everything that could speak against it. Touches nothing."""
    known = _known(project, task, options)
    name = (
        known.name if known is not None else _full_name(project, options, default_name(task.id, task.subject))
    )
    if known is None and (memo := _branch_of(project, task, name)) is not None:
        known = memo
    site = planting.survey(project, trees, name, revision=options.base, known=known)
    planting.require_free_path(site, trees)
    start_refusals.refuse_losses(site, trees, force=options.force)
    carried = carrying.survey(project, task.id, site.start)
    if store.FOLDER + "/" + store.file_name(task.id) not in {item.path for item in carried}:
        start_refusals.refuse_copy(site, task, owner, force=options.force)
    memo = site.memo._replace(
        task=task.id, uid=task.uid, carried={**site.memo.carried, **{item.path: item.oid for item in carried}}
    )
    return Plan(site._replace(memo=memo), owner, options, tuple(carried))


def plan_new(project: Project, trees: Sequence[Worktree], subject: str, owner: str, options: Options) -> Plan:
    """The same for a task that is not there yet; only its number is used up."""
    begun = [memo for memo in memos.load_all(project.private_folder()) if memo.subject == subject]
    known = next((memo for memo in begun if _is_named(project, memo.name, options)), None)
    if known is None:
        # Once with no number, so that nothing is used up where it is refused.
        name = _full_name(project, options, default_name(0, subject))
        planting.survey(project, trees, name, revision=options.base)
        task_id, uid = _reserve(project), new_uid()
    else:
        task_id, uid = TaskId(known.task or 0), known.uid
    name = known.name if known is not None else _full_name(project, options, default_name(task_id, subject))
    site = planting.survey(project, trees, name, revision=options.base, known=known)
    planting.require_free_path(site, trees)
    memo = site.memo._replace(task=task_id, uid=uid, subject=subject)
    new = _new_task(project, task_id, uid, subject, owner, name)
    return Plan(site._replace(memo=memo), owner, options, new=new)


def default_name(task_id: int, subject: str) -> str:
    """`12-fix-the-login`: at most 40 characters of ASCII."""
    plain = unicodedata.normalize("NFKD", subject).encode("ascii", "ignore").decode().lower()
    words = "".join(char if char.isalnum() else " " for char in plain).split()
    return "-".join((str(task_id), *words))[:MAX_SLUG].rstrip("-")


def carry(plan: Plan) -> list[str]:
    """Bring what is not committed where the worktree starts; or the new task."""
    site = sites.project_at(plan.site.project, plan.site.path)
    if plan.new is not None:
        return list(_write_new(site, plan.new, commit=plan.options.commit))
    messages = carrying.bring(site, plan.carried)
    if plan.carried:
        messages.insert(
            0,
            f"#{plan.task_id} is not committed like that on {plan.site.memo.base or 'its base'}: "
            "it was carried over into the worktree, staged there",
        )
    return messages


def bind(plan: Plan) -> list[str]:
    """Set status, owner and worktree in the new worktree's copy, staged there."""
    from gittasks.app import writing

    site = sites.project_at(plan.site.project, plan.site.path)
    name = plan.site.memo.name
    decide = _taking(plan.owner, name, force=plan.options.force)
    written = writing.edit_task(site, plan.task_id, decide, purpose="start", commit=plan.options.commit)
    return list(written.warnings)


def tell(plan: Plan) -> list[str]:
    """Mark it ready, and remember the event."""
    messages = planting.settle(plan.site)
    memo = plan.site.memo
    after = {"path": plan.site.path, "branch": plan.site.branch, "base": memo.base, "owner": plan.owner}
    private = plan.site.project.private_folder()
    events.record(private, "created", worktree=memo.name, task=plan.task_id, after=after)
    events.record(private, "bound", worktree=memo.name, task=plan.task_id, after={"status": IN_PROGRESS})
    return messages


STEPS: tuple[Callable[[Plan], list[str]], ...] = (
    lambda plan: planting.remember(plan.site),
    lambda plan: planting.hide(plan.site),
    lambda plan: planting.make_branch(plan.site),
    lambda plan: planting.make_folder(plan.site),
    lambda plan: planting.bring_included(plan.site),
    carry,
    bind,
    tell,
)


def _run(plan: Plan, messages: list[str]) -> Started:
    site, memo = plan.site, plan.site.memo
    with planting.all_or_nothing(site):
        for step in STEPS:
            messages += step(plan)
    task = store.read_task(sites.project_at(site.project, site.path).tasks_folder, plan.task_id)
    return Started(task, memo.name, site.path, site.branch, memo.base, True, tuple(messages))


@contextmanager
def _claimed(project: Project, task: Task, owner: str, name: str, options: Options) -> Iterator[list[str]]:
    """Claim the task for the worktree `name`, before anything is made; answers messages for a person.

    What is refused inside takes the claim back. Raises `ClaimHeldError`.
    """
    from gittasks.app import claiming

    new = claiming.draft(project, task, owner)._replace(worktree=name)
    reason = "start --force" if options.force else None
    acquired = claiming.acquire(project, task, new, steal=reason, adopt=lambda claim: True)
    told: tuple[str, ...] = ()
    if not options.offline:
        _, told = claiming.tell_remote(project, task, acquired, steal=options.force)
    try:
        yield [*claiming.messages_of(acquired), *told]
    except GitError:
        raise  # it is written, and goes on with the next try
    except GittasksError:
        claiming.undo(project, task.id, acquired)
        raise


def _refuse_mixed(options: Options) -> None:
    if options.here and (options.worktree or options.base):
        raise UsageError("--here takes this checkout as it is: it goes with neither --worktree nor --base")


def _go_on(project: Project, binding: Binding, owner: str, options: Options) -> Started:
    """Where the task has a worktree already: answer it when it is ours, take it up when nobody works there."""
    tree, task = binding
    name = str(tree.name)
    enter = f"`gittasks worktree enter {task.id}` prints the way there"
    if not _is_named(project, name, options) or (options.here and tree.git_dir != project.checkout.git_dir):
        raise start_refusals.StartedElsewhereError(
            f"#{task.id} is worked on in the worktree {name}: {tree.path}", hint=enter
        )
    if task.owner not in (None, owner) and not options.force:
        raise start_refusals.StartedElsewhereError(
            f"#{task.id} is worked on by {task.owner} in the worktree {name}: {tree.path}",
            hint=f"{enter}; --force takes it over",
        )
    if task.status == COMPLETED:
        raise start_refusals.StartedElsewhereError(
            f"#{task.id} is completed in the worktree {name}: {tree.path}",
            hint=f"`gittasks finish {task.id}` brings it home; `gittasks reopen {task.id}` there takes it up again",
        )
    private = project.private_folder()
    memo = memos.load(private, name)
    messages: tuple[str, ...] = ()
    takes = task.status != IN_PROGRESS or task.owner != owner
    if takes:
        from gittasks.app import writing

        start_refusals.refuse_blocked(project, task.id, force=options.force)
        site = sites.project_at(project, tree.path)
        decide = _taking(owner, name, force=options.force)
        with _claimed(project, task, owner, name, options) as said:
            written = writing.edit_task(site, task.id, decide, purpose="start", commit=options.commit)
        messages = (*said, *written.warnings)
        task = store.read_task(site.tasks_folder, task.id)
        events.record(
            private, "bound", worktree=name, task=task.id, after={"status": task.status, "owner": owner}
        )
    if memo.phase == memos.STARTING:
        memos.save(private, memo._replace(phase=memos.READY, subject=None))
    return Started(task, name, tree.path, tree.branch, memo.base, takes, messages)


def _start_here(project: Project, tree: Worktree, task: Task, owner: str, options: Options) -> Started:
    from gittasks.app import writing

    decide = _taking(owner, str(tree.name), force=options.force)
    with _claimed(project, task, owner, str(tree.name), options) as messages:
        messages += writing.edit_task(
            project, task.id, decide, purpose="start", commit=options.commit
        ).warnings
    return _started_here(project, tree, store.read_task(project.tasks_folder, task.id), messages)


def _started_here(project: Project, tree: Worktree, task: Task, messages: Sequence[str]) -> Started:
    private = project.private_folder()
    name = str(tree.name)
    memo = memos.load(private, name)
    if tree.is_linked:
        memo = memo._replace(
            task=task.id, uid=task.uid, branch=tree.branch, path=tree.path, phase=memos.READY
        )
        memos.save(private, memo)
    events.record(private, "bound", worktree=name, task=task.id, after={"status": task.status, "here": True})
    return Started(task, name, tree.path, tree.branch, memo.base, True, tuple(messages))


def _taking(owner: str, name: str, *, force: bool) -> Any:
    def decide(task: Task) -> Mapping[str, Any]:
        return rules.take(task._replace(owner=None) if force else task, owner, worktree=name)

    return decide


def _full_name(project: Project, options: Options, default: str) -> str:
    return planting.full_name(project, default if options.worktree is None else options.worktree)


def _is_named(project: Project, name: str, options: Options) -> bool:
    """Whether `--worktree`, if it is given, means this one; by its full name or the one it was asked for with."""
    return options.worktree in (None, name) or _full_name(project, options, "") == name


def _known(project: Project, task: Task, options: Options) -> Memo | None:
    """The memo of a worktree that was begun for this very task, or that went away."""
    for memo in memos.load_all(project.private_folder()):
        ours = memo.task == task.id and memo.uid == task.uid
        if (
            ours
            and memo.branch == planting.BRANCH_PREFIX + memo.name
            and _is_named(project, memo.name, options)
        ):
            return memo
    return None


def _branch_of(project: Project, task: Task, name: str) -> Memo | None:
    """A memo for a branch that nothing is remembered of, where its copy of the task says that it is the task's."""
    tip = (
        refs.find_tip(sites.anchor(project), planting.BRANCH_PREFIX + name)
        if check_value("worktree", name)
        else None
    )
    try:
        there = start_refusals.copy_at(project, tip, task.id) if tip else None
    except BadTaskError:
        return None
    is_ours = there is not None and (there.uid, there.worktree) == (task.uid, name)
    return memos.Memo(name, task.id, task.uid) if is_ours else None


def _reserve(project: Project) -> TaskId:
    with project.lock("start"):
        return TaskId(ids.reserve(project, 1))


def _new_task(project: Project, task_id: TaskId, uid: str, subject: str, owner: str, name: str) -> Task:
    return Task(
        task_id, uid, subject, status=IN_PROGRESS, owner=owner, worktree=name, created=clock.now_utc()
    )


def _write_new(site: Project, task: Task, *, commit: bool) -> tuple[str, ...]:
    from gittasks.app import writing

    carrying.make_tasks_folder(site)
    with site.lock("start"):
        try:
            store.read_file(site.tasks_folder, task.id)
            return ()
        except store.UnknownTaskError:
            pass
        write = store.FileWrite(store.file_name(task.id), codec.format_task(task), True)
        message = f"Start task #{task.id}: {task.subject}"
        return writing.apply(site, [write], ids=(task.id,), message=message, commit=commit).warnings
