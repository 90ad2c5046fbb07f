"""What the index says of workflows and their steps: the records of runs are all the memory that a workflow has.

The run of a workflow names the workflow and its inputs, and the run that it goes on with. The run of a step has the
workflow's run as its parent, and says which step of the plan it is, with the mark of what it does.
"""

from __future__ import annotations

from gittasks.app.runs import run_folders
from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import store
from gittasks.runtime.record import WORKFLOW, is_run_id

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from gittasks.app.project import Project
    from gittasks.runtime.record import Run
    from gittasks.workgraph.workflow.definition import Planned

STEP, MARK = "step", "step_mark"


class NoWorkflowRunError(UsageError):
    """A run is not one of a workflow."""


def step_facts(planned: Planned) -> dict[str, str]:
    """What the record of a step's run says of it."""
    return {STEP: planned.key, MARK: planned.mark}


def step_of(run: Run) -> tuple[str, str]:
    """The key and the mark of the step that a run is for; empty where it is for none."""
    facts = dict(run.extra)
    return str(facts.get(STEP, "")), str(facts.get(MARK, ""))


def workflow_of(run: Run) -> tuple[str, Mapping[str, str]]:
    """The name and the inputs of the workflow that `run` is one of. Raises `NoWorkflowRunError`."""
    facts = dict(run.extra)
    name, inputs = facts.get("workflow"), facts.get("inputs")
    if run.type != WORKFLOW or not isinstance(name, str) or not isinstance(inputs, dict):
        raise NoWorkflowRunError(f"run {run.id} is no workflow")
    return name, {str(key): str(value) for key, value in inputs.items()}


def resumed_from(run: Run) -> list[str]:
    """The runs that `run` went on with, oldest first."""
    found = dict(run.extra).get("resumes")
    return (
        [word for word in found if isinstance(word, str) and is_run_id(word)]
        if isinstance(found, list)
        else []
    )


def step_runs(project: Project, workflow_runs: Collection[str]) -> list[Run]:
    """The runs of all steps of these runs of a workflow, oldest first."""
    lines = store.load(run_folders(project), project.env)
    marks = [f'"{run_id}"'.encode() for run_id in workflow_runs]
    runs = store.parse(line for line in lines.values() if any(mark in line for mark in marks))
    return [run for run in runs if run.parent in workflow_runs and step_of(run)[0]]
