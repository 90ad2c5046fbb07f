"""Which agent is meant, whether it may run here, and which of its sessions goes on."""

from __future__ import annotations

import os

from gittasks.app import runs, trust
from gittasks.app.agents.listening import is_session
from gittasks.base.errors import BusyError, NotFoundError, UsageError
from gittasks.base.proc import ProgramMissingError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable
from gittasks.runtime.record import LOCAL_AGENT, is_of_task
from gittasks.workgraph.agents import SHIPPED
from gittasks.workgraph.config import load_config

if TYPE_CHECKING:
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.runtime.record import Run
    from gittasks.workgraph.agents import Agent
    from gittasks.workgraph.record import TaskId

# What a run of this type has besides what all have: see `working`.
FIELD = "agent"


class UnknownAgentError(NotFoundError):
    """No agent is called that, neither in the settings nor among those that ship."""


class NoSessionError(NotFoundError):
    """There is no earlier session of an agent to go on with."""


class StillWorkingError(BusyError):
    """The run whose session should go on has not ended."""


class Chosen(NamedTuple):
    """An agent under its name, and the run whose session it goes on with, if it does."""

    name: str
    agent: Agent
    earlier: Run | None = None


def known_names(project: Project) -> list[str]:
    """The names of all agents, sorted: those of the settings and those that ship."""
    return sorted({*load_config(project.tasks_folder).agents, *SHIPPED})


def choose(project: Project, name: str) -> Chosen:
    """The agent called `name`: the settings' own, else the shipped one.

    Raises `UnknownAgentError`; `UntrustedError` where the settings name it and nobody trusted them in this clone.
    """
    if name in load_config(project.require_tasks()).agents:
        return Chosen(name, trust.require_trusted(project).agents[name])
    if name in SHIPPED:
        return Chosen(name, SHIPPED[name])
    known = ", ".join(map(printable, known_names(project)))
    raise UnknownAgentError(
        f"there is no agent {printable(name[:60])!r}: known are {known}",
        hint="`agents` in .tasks/config.yaml names others (docs/agents.md)",
    )


def choose_again(project: Project, task_id: TaskId, name: str | None, prefix: str | None) -> Chosen:
    """The agent of an earlier run of a task, whose session goes on: of the run `prefix`, else of the last one.

    With a `name`, only runs of that agent count. Raises as `choose` does, `NoSessionError`, `StillWorkingError`,
    `UnknownRunError`, `UsageError`.
    """
    earlier = _find_earlier(project, task_id, name, prefix)
    if earlier.is_live:
        raise StillWorkingError(
            f"run {earlier.id} still works on #{task_id}",
            hint=f"`gittasks wait {earlier.id}` waits for its end",
        )
    chosen = choose(project, agent_of(earlier) or "")
    if not chosen.agent.resume:
        raise UsageError(
            f"{printable(chosen.name)} cannot go on with an earlier session",
            hint="`resume` in its template says how (docs/agents.md)",
        )
    if chosen.agent.needs_session and not is_session(earlier.session or ""):
        raise NoSessionError(
            f"run {earlier.id} ended before {printable(chosen.name)} told its session",
            hint="start a new one, without --resume",
        )
    return chosen._replace(earlier=earlier)


def require_program(chosen: Chosen, env: Any) -> None:
    """Raise `ProgramMissingError` where the agent's program is not on PATH; a path is left to who starts it."""
    import shutil

    program = chosen.agent.command[0]
    if os.path.dirname(program) or shutil.which(program, path=env.get("PATH", os.defpath)) is not None:
        return
    cure = f": {chosen.agent.cure}" if chosen.agent.cure else ""
    raise ProgramMissingError(
        f"{printable(chosen.name)} needs the program {printable(program)}, which is not on PATH",
        hint=f"install it{cure}",
    )


def agent_of(run: Run) -> str | None:
    """The name of the agent that a run is of, where its record says so."""
    facts = dict(run.extra).get(FIELD)
    name = facts.get("name") if isinstance(facts, dict) else None
    return name if isinstance(name, str) else None


def _find_earlier(project: Project, task_id: TaskId, name: str | None, prefix: str | None) -> Run:
    if prefix is not None:
        run = runs.find_run(project, prefix)
        if agent_of(run) is None or not is_of_task(run, task_id, runs.find_uid(project, task_id)):
            raise UsageError(f"run {run.id} is none of an agent on #{task_id}")
        if name not in (None, agent_of(run)):
            raise UsageError(
                f"run {run.id} is of {printable(str(agent_of(run)))}, not of {printable(str(name))}"
            )
        return run
    found = [
        run
        for run in runs.list_runs(project, task_id=task_id).runs
        if run.type == LOCAL_AGENT and agent_of(run) is not None and name in (None, agent_of(run))
    ]
    if not found:
        whose = f"of {printable(name)} " if name else ""
        raise NoSessionError(
            f"no earlier run {whose}on #{task_id} is known", hint="start one, without --resume"
        )
    return found[-1]
