"""Starting a run: what the command gets, what its record says of the task, the worktree and the commit.

The supervisor's interpreter starts while git is asked; the job is handed over when both are done.
"""

from __future__ import annotations

import os

from gittasks.app import run_settings
from gittasks.app.runs import find_uid, run_folders
from gittasks.base.errors import GittasksError, UsageError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import shorten
from gittasks.repo.discover import NoRepositoryError, find_checkout
from gittasks.repo.places import ask_head, parse_head
from gittasks.runtime import folders as run_folder_files
from gittasks.runtime import launcher
from gittasks.runtime.attempts import DEFAULT_BACKOFF_S
from gittasks.runtime.output import DEFAULT_LIMIT_BYTES
from gittasks.runtime.record import (
    LOCAL_AGENT,
    LOCAL_BASH,
    QUEUED,
    REMOTE_AGENT,
    Run,
    describe_command,
    is_run_id,
)
from gittasks.runtime.settings import settings_of
from gittasks.runtime.tree import RUN_VARIABLE, SUPERVISOR_VARIABLE
from gittasks.workgraph import store

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.base.proc import Question
    from gittasks.repo.discover import Checkout
    from gittasks.runtime.launcher import Started
    from gittasks.workgraph.record import TaskId

SHELL = ("/bin/sh", "-c")
TASK_VARIABLE = "GITTASKS_TASK_ID"
_MAX_DESCRIPTION = 200
# Where silence is a sign, unless it was said of the very run: a monitor has nothing to say for hours.
_TALKATIVE = frozenset((LOCAL_BASH, LOCAL_AGENT, REMOTE_AGENT))
# Of a run's own terminal, where whoever starts it has none: what every program knows.
_TERM = "xterm"


class Order(NamedTuple):
    """What to run. `argv` is taken as it is; relative to `cwd` (absolute; default: the project's folder).

    `env` is added to the project's environment; it may hold secrets, which reach no file. Without a `task_id` the
    task bound to this worktree is taken, if there is one. `leave_children` lets what the command leaves running live
    on. `spec` (JSON, no secrets) is for commands that are a worker of ours: see `app.worker`.
    Such a worker may have its run `shown` as another command. With `tends`, its name, the run is what the worker
    tends, and not the worker itself (see `runtime.tending`).

    `notice` is how important its end is (one of `record.PRIORITIES`; default: by how it ends). `stall_after_s` is how
    long it may write nothing before it is shown as stalled (default: what the configuration says).
    `extra` are fields of the record that only this type of run has.
    The command starts once all runs of `after` have ended, each as it must (a condition of `runtime.turn`), and then
    when of each of `slots` fewer runs than its number hold it; until then the run is queued. `timeout_s` counts from
    there, for each attempt: of a command that fails there are `retries` more, the first after `backoff_s` seconds,
    and each pause is twice the one before. `terminal` gives it one of its own, `takes_input` an input that
    `send_input` fills.
    """

    argv: tuple[str, ...] = ()
    task_id: TaskId | None = None
    name: str | None = None
    cwd: str | None = None
    env: Mapping[str, str] = {}
    timeout_s: float | None = None
    owner: str | None = None
    limit_bytes: int = DEFAULT_LIMIT_BYTES
    leave_children: bool = False
    spec: Mapping[str, Any] | None = None
    notice: str | None = None
    stall_after_s: float | None = None
    extra: Mapping[str, Any] = {}
    shown: tuple[str, ...] = ()
    tends: str | None = None
    after: Mapping[str, str] = {}
    slots: Mapping[str, int] = {}
    retries: int = 0
    backoff_s: float = DEFAULT_BACKOFF_S
    terminal: bool = False
    takes_input: bool = False


def start_run(project: Project, order: Order, *, kind: str = LOCAL_BASH) -> Started:
    """Start a run in the background and answer its record; its command runs, or `failure` says why it cannot.

    Raises `UsageError`, `UnknownTaskError`, `NoSupervisorError`, `UnsafeFolderError`, `NoFolderError` and what else
    keeps a run from being recorded; nothing was started then.
    """
    if not order.argv or not order.argv[0]:
        raise UsageError("nothing to run", hint="gittasks run -- COMMAND...")
    if order.task_id is not None:
        _require_task(project, order.task_id)
    if order.after or order.slots:
        _check_waits(project, order)
    cwd = os.path.abspath(order.cwd or project.checkout.top or project.checkout.git_dir)
    checkout = _checkout_of(project, cwd)
    folders = run_folders(project)
    run_folder_files.prepare(folders)
    starting = launcher.begin(folders, kind, project.env)
    try:
        run = _record(project, order, Run(starting.run_id, kind, phase=QUEUED), cwd, checkout)
        run = run._replace(output_file=folders.shown_output(starting.run_id))
    except BaseException:
        starting.give_up()
        raise
    config = run_settings.load_settings(project)
    if run.stall_after_s is None and kind in _TALKATIVE:
        run = run._replace(stall_after_s=config.stall_after)
    settings = settings_of(
        limit_bytes=order.limit_bytes,
        timeout_s=None if order.tends else order.timeout_s,
        leave_children=order.leave_children,
        at_end={} if order.tends else _questions(checkout, "commit_after"),
        after_wait=_questions(checkout, "commit_before"),
        on_end=run_settings.announcement_of(project, config, starting.run_id),
        tends=order.tends,
        after=order.after,
        slots=order.slots,
        retries=order.retries,
        backoff_s=order.backoff_s,
        terminal=order.terminal,
        takes_input=order.takes_input or order.terminal,
    )
    argv = [os.fsencode(word) for word in order.argv]
    env = _environment(project, order, run)
    return starting.go(run, settings, argv=argv, env=env, cwd=os.fsencode(cwd), spec=order.spec)


def _require_task(project: Project, task_id: TaskId) -> None:
    store.read_task(project.require_tasks(), task_id)


def _check_waits(project: Project, order: Order) -> None:
    from gittasks.app.runs import find_run
    from gittasks.runtime.slots import check_slot
    from gittasks.runtime.turn import CONDITIONS

    for name, limit in order.slots.items():
        check_slot(name, limit)
    for run_id, condition in order.after.items():
        if find_run(project, run_id).id != run_id or condition not in CONDITIONS:
            raise UsageError(f"after {run_id} {condition}: expected a whole id, and {', '.join(CONDITIONS)}")


def _checkout_of(project: Project, cwd: str) -> Checkout | None:
    """The worktree of this clone that the command works in; `None` where it works elsewhere."""
    try:
        found = find_checkout(cwd)
    except NoRepositoryError:
        return None
    return found if found.common_dir == project.checkout.common_dir and found.top is not None else None


def _record(project: Project, order: Order, run: Run, cwd: str, checkout: Checkout | None) -> Run:
    # git looks at all files while we look for the task; nothing of the run itself has begun.
    asked = _ask_head(project, checkout)
    try:
        task_id = order.task_id or _bound_task(project)
        uid = find_uid(project, task_id) if task_id is not None else None
        owner = _owner(project, order.owner)
    finally:
        head = parse_head(asked.answer() if asked is not None else None)
    parent = project.env.get(RUN_VARIABLE, "")
    command = describe_command(tuple(os.fsencode(word) for word in order.shown or order.argv))
    return run._replace(
        name=order.name,
        description=shorten(order.name or _as_typed(command), _MAX_DESCRIPTION),
        work_graph_task_id=task_id,
        work_graph_task_uid=uid or None,
        command=command,
        cwd=_as_text(cwd),
        worktree=checkout.name if checkout is not None and checkout.is_linked else None,
        owner=owner,
        parent=parent if is_run_id(parent) else None,
        timeout_s=order.timeout_s,
        notice=order.notice,
        stall_after_s=order.stall_after_s,
        after=dict(order.after) or None,
        slots=dict(order.slots) or None,
        commit_before=head and head.commit,
        dirty=head and head.dirty,
        extra=tuple(order.extra.items()),
    )


def _ask_head(project: Project, checkout: Checkout | None) -> Question | None:
    """Tasks do not make a worktree dirty: nearly always some edit of theirs waits to go with a commit."""
    if checkout is None or checkout.top is None:
        return None
    from gittasks.repo.git import Git

    return ask_head(Git(checkout.top, project.env), besides=store.FOLDER)


def _bound_task(project: Project) -> TaskId | None:
    if project.checkout.top is None or not os.path.isdir(project.tasks_folder):
        return None
    return project.bound_task()


def _owner(project: Project, name: str | None) -> str | None:
    try:
        return project.actor(name)
    except GittasksError:
        if name is not None:
            raise
        # A name that git or the environment holds is no reason to run nothing.
        return None


def _environment(project: Project, order: Order, run: Run) -> dict[bytes, bytes]:
    from gittasks.repo.git import scrub

    env = scrub(project.env) | dict(order.env)
    env.pop(SUPERVISOR_VARIABLE, None)
    env.pop(TASK_VARIABLE, None)
    env[RUN_VARIABLE] = run.id
    if order.terminal and env.get("TERM", "dumb") == "dumb":
        env["TERM"] = _TERM
    if run.work_graph_task_id is not None:
        env[TASK_VARIABLE] = str(run.work_graph_task_id)
    return {os.fsencode(name): os.fsencode(value) for name, value in env.items()}


def _questions(checkout: Checkout | None, field: str) -> dict[str, list[str]]:
    """What is checked out then: `field` of the record, and the command whose first line it is."""
    if checkout is None or checkout.top is None:
        return {}
    return {field: ["git", "-C", checkout.top, "rev-parse", "--quiet", "--verify", "HEAD"]}


def _as_typed(command: Sequence[str]) -> str:
    import shlex

    if len(command) == 3 and tuple(command[:2]) == SHELL:
        return command[2]

    return shlex.join(command)


def _as_text(path: str) -> str:
    return os.fsencode(path).decode("utf-8", "backslashreplace")
