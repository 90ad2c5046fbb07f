"""Starting the run of one step: a command, an agent, a monitor, a command on another machine."""

from __future__ import annotations

import os

from gittasks.app import run_start
from gittasks.app.workflows.children import step_facts
from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.record import TaskId

if TYPE_CHECKING:
    from gittasks.app.run_start import Order
    from gittasks.app.worker import Worker
    from gittasks.runtime.record import Run
    from gittasks.workgraph.workflow.definition import Planned


def start_step(worker: Worker, planned: Planned) -> Run:
    """Start the run of a step, in the folder and for the task of the workflow's own run.

    Raises `GittasksError` where there is no run now. A command that cannot be started is a run that failed.
    """
    return run_start.start_run(worker.project, _order(worker, planned)).run


def _order(worker: Worker, planned: Planned) -> Order:
    step, work = planned.step, planned.work
    task = worker.project.env.get(run_start.TASK_VARIABLE, "")
    return run_start.Order(
        argv=("/bin/sh", "-c", work) if isinstance(work, str) else tuple(work),
        task_id=TaskId(int(task)) if task.isdecimal() else None,
        name=planned.key,
        cwd=os.path.join(os.getcwd(), planned.cwd or "."),
        env=dict(planned.env),
        timeout_s=step.timeout_s,
        extra=step_facts(planned),
    )
