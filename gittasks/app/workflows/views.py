"""How a workflow looks, or one run of it: every step of the plan, what it waits for, what became of it."""

from __future__ import annotations

from gittasks.app.runs import run_folders
from gittasks.app.workflows import children, files
from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import live
from gittasks.workgraph.workflow.filling import make_plan
from gittasks.workgraph.workflow.parsing import parse_workflow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.runtime.record import Run
    from gittasks.workgraph.workflow.definition import Plan, Planned, Workflow


class StepView(NamedTuple):
    """One planned step: what it needs by key, and its latest run, where it has one.

    `is_skipped`: it has none, and never will have in this run of the workflow, which is over.
    """

    planned: Planned
    needs: tuple[str, ...]
    run: Run | None
    is_skipped: bool = False

    @property
    def status(self) -> str | None:
        """That of its run, or `skipped`; `None` where its turn has not come."""
        if self.run is not None:
            return self.run.status
        return "skipped" if self.is_skipped else None

    def as_json(self) -> dict[str, Any]:
        """The step as `workflow graph --json` shows it."""
        step = self.planned.step
        return {
            "key": self.planned.key,
            "step": step.name,
            "kind": step.kind,
            "needs": list(self.needs),
            "if": step.condition or None,
            "matrix": dict(self.planned.matrix),
            "status": self.status,
            "run": self.run and self.run.id,
        }


class View(NamedTuple):
    """A workflow, or one run of it, with its steps in an order in which they can be done."""

    workflow: Workflow
    run: Run | None
    steps: tuple[StepView, ...]


def view_workflow(project: Project, name: str) -> View:
    """The workflow called `name`, with inputs that were not given shown as their names.

    Raises `UnknownWorkflowError`, `BadWorkflowError`.
    """
    workflow = files.load_workflow(project, name).workflow
    assert workflow is not None
    given = {key: f"${{{{ inputs.{key} }}}}" for key, default in workflow.inputs.items() if default is None}
    return View(workflow, None, _steps(make_plan(workflow, given), {}))


def view_run(project: Project, run: Run) -> View:
    """One run of a workflow, with what it went on from: as it was started, or once it is over, as its file is now.

    Raises `NoWorkflowRunError`, `UnknownWorkflowError`, `BadWorkflowError`, `BadInputsError`.
    """
    name, inputs = children.workflow_of(run)
    plan = make_plan(_workflow_of(project, run, name), inputs)
    runs = children.step_runs(project, [*children.resumed_from(run), run.id])
    by_key = {children.step_of(step)[0]: step for step in runs}
    return View(plan.workflow, run, _steps(plan, by_key, is_over=not run.is_live))


def _workflow_of(project: Project, run: Run, name: str) -> Workflow:
    try:
        text = str(live.read_spec(run_folders(project), run.id)["text"])
    except (GittasksError, KeyError):
        workflow = files.load_workflow(project, name).workflow
        assert workflow is not None
        return workflow
    return parse_workflow(text.encode(), name, name)


def _steps(plan: Plan, runs: Mapping[str, Run], *, is_over: bool = False) -> tuple[StepView, ...]:
    keys = {
        step.name: tuple(planned.key for planned in plan.variants(step.name)) for step in plan.workflow.steps
    }
    return tuple(
        StepView(
            planned,
            tuple(key for need in planned.step.needs for key in keys[need]),
            runs.get(planned.key),
            is_over and planned.key not in runs,
        )
        for planned in plan.steps
    )
