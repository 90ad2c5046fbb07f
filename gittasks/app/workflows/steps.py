"""Starting the run of one step: a command, here or on another machine, an agent, a monitor."""

from __future__ import annotations

import os

from gittasks.app import run_start
from gittasks.app.workflows.children import step_facts
from gittasks.app.workflows.monitors import watch_of
from gittasks.base.errors import GittasksError, UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime.attempts import DEFAULT_BACKOFF_S
from gittasks.workgraph.record import TaskId
from gittasks.workgraph.workflow.definition import AGENT, MONITOR

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.app.run_start import Order
    from gittasks.app.worker import Worker
    from gittasks.runtime.record import Run
    from gittasks.workgraph.workflow.definition import Plan, Planned


class BadStepError(UsageError):
    """A step cannot be done here: its agent, its host or what it watches is none."""


def check_steps(project: Project, plan: Plan) -> None:
    """Look for what would keep a step from starting, before any does. Raises `BadStepError`."""
    for planned in plan.steps:
        try:
            _check(project, planned)
        except GittasksError as error:
            raise BadStepError(
                f"step {planned.key} of the workflow {plan.workflow.name}: {error.message}", hint=error.hint
            ) from None


def start_step(worker: Worker, planned: Planned) -> Run:
    """Start the run of a step, in the folder and for the task of the workflow's own run.

    Raises `GittasksError` where there is no run now. A command that cannot be started is a run that failed.
    """
    project, order = worker.project, _order(worker, planned)
    if planned.step.kind == MONITOR:
        from gittasks.app.monitoring.starting import start_monitor

        return start_monitor(project, watch_of(planned.work), order).run
    if planned.step.kind == AGENT:
        from gittasks.app.agents.starting import Call, start_agent

        if order.task_id is None:
            raise UsageError("an agent needs a task", hint="gittasks workflow run NAME --task N")
        return start_agent(project, order.task_id, Call(planned.work, wish=planned.prompt), order).started.run
    if planned.step.host is not None:
        from gittasks.app.remote.ordering import find_host, start_remote_run

        return start_remote_run(project, order, find_host(project, planned.step.host)).run
    return run_start.start_run(project, order).run


def _check(project: Project, planned: Planned) -> None:
    if planned.step.kind == MONITOR:
        watch_of(planned.work)
    elif planned.step.kind == AGENT:
        from gittasks.app.agents import choosing

        choosing.require_program(choosing.choose(project, planned.work), project.env)
    elif planned.step.host is not None:
        from gittasks.app.remote.ordering import find_host

        find_host(project, planned.step.host)


def _order(worker: Worker, planned: Planned) -> Order:
    step, work = planned.step, planned.work
    task = worker.project.env.get(run_start.TASK_VARIABLE, "")
    argv = (*run_start.SHELL, work) if isinstance(work, str) else tuple(work)
    return run_start.Order(
        argv=() if step.kind in (AGENT, MONITOR) else argv,
        task_id=TaskId(int(task)) if task.isdecimal() else None,
        name=planned.key,
        cwd=os.path.join(os.getcwd(), planned.cwd or "."),
        env=dict(planned.env),
        timeout_s=step.timeout_s,
        extra=step_facts(planned),
        slots=dict(step.slots),
        retries=step.retries,
        backoff_s=step.backoff_s or DEFAULT_BACKOFF_S,
    )
