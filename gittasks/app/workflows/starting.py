"""Starting a workflow, and going on with one that came to no good end."""

from __future__ import annotations

from gittasks.app.runs import run_folders
from gittasks.app.worker import start_worker
from gittasks.app.workflows import files
from gittasks.app.workflows.children import resumed_from, workflow_of
from gittasks.app.workflows.steps import check_steps
from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import live
from gittasks.runtime.record import COMPLETED, WORKFLOW
from gittasks.workgraph.record import TaskId
from gittasks.workgraph.workflow.filling import make_plan

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.runtime.launcher import Started
    from gittasks.runtime.record import Run

WORKER = "workflow"


class NothingToResumeError(RefusedError):
    """A workflow cannot be gone on with: it lives, or it came to its end."""


class Request(NamedTuple):
    """How a workflow is to run: the task it is for, who starts it, and how long it may take."""

    task_id: TaskId | None = None
    owner: str | None = None
    timeout_s: float | None = None


def start_workflow(project: Project, name: str, inputs: Mapping[str, str], request: Request) -> Started:
    """Start the workflow called `name` in the background, and answer its run.

    Raises `UntrustedError`, `UnknownWorkflowError`, `BadWorkflowError`, `BadInputsError`, `BadStepError`, and as
    `start_run` does.
    """
    return _start(project, name, inputs, request, resumes=[])


def resume_workflow(project: Project, run: Run, request: Request) -> Started:
    """Go on with a workflow that failed, was killed or lost: a new run, which starts nothing that is done or alive.

    The workflow is read anew: a step that was changed since, or that needs a changed one, is done again.
    Raises `NothingToResumeError`, and as `start_workflow` does.
    """
    name, inputs = workflow_of(run)
    if run.is_live or live.is_live(run_folders(project), run.id):
        raise NothingToResumeError(
            f"run {run.id} lives: it goes on by itself", hint=f"`gittasks logs -f {run.id}` follows it"
        )
    if run.status == COMPLETED:
        raise NothingToResumeError(f"run {run.id} has completed: nothing of it is left to do")
    if request.task_id is None and run.work_graph_task_id is not None:
        request = request._replace(task_id=TaskId(run.work_graph_task_id))
    return _start(project, name, inputs, request, resumes=[*resumed_from(run), run.id])


def _start(
    project: Project, name: str, inputs: Mapping[str, str], request: Request, *, resumes: list[str]
) -> Started:
    from gittasks.app.run_start import Order

    workflow, text = files.require_trusted(project, name)
    plan = make_plan(workflow, inputs)
    check_steps(project, plan)
    known: dict[str, Any] = {"workflow": name, "inputs": dict(plan.inputs), "resumes": resumes}
    order = Order(
        name=f"workflow {name}",
        task_id=request.task_id,
        owner=request.owner,
        timeout_s=request.timeout_s,
        # The text that was trusted: what stands in the file while the workflow runs is another matter.
        spec={**known, "text": text},
        extra=known if resumes else {"workflow": name, "inputs": dict(plan.inputs)},
    )
    return start_worker(project, WORKER, order, kind=WORKFLOW)
