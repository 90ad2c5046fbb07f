"""A project with a scripted agent in its settings, trusted."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from gittasks.app import runs, trust, writing
from gittasks.app.agents import starting
from gittasks.app.agents.starting import Call, Called
from gittasks.app.project import Project, open_project
from gittasks.app.run_start import Order
from gittasks.runtime.record import Run
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.record import TaskId
from tests.conftest import git

SCRIPT = Path(__file__).with_name("scripted.py")
_COMMAND = json.dumps([sys.executable, "-I", str(SCRIPT)])
_RESUME = json.dumps([sys.executable, "-I", str(SCRIPT), "tells", "{session}"])
SETTINGS = f"""\
agents:
  scripted:
    command: {_COMMAND}
    prompt: stdin
    resume: {_RESUME}
    events:
    - when: {{type: hello}}
      session: session
    - when: {{type: use}}
      doing: [tool, input.path]
    - when: {{type: say}}
      message: text
    - when: {{type: stop}}
      failed: error
"""
CHECKS = "checks:\n  there: [test, -f, new.txt]\n  quick: 'true'\n"


def furnish(
    repo: Path,
    *subjects: str,
    settings: str = SETTINGS,
    trusted: bool = True,
    env: dict[str, str] | None = None,
) -> Project:
    """`repo` with these tasks and settings, committed; `env` is all that its runs get."""
    project = open_project(str(repo), env=env or dict(os.environ))
    os.mkdir(project.tasks_folder)
    Path(project.tasks_folder, "config.yaml").write_text(settings)
    writing.add_tasks(project, [Draft(subject) for subject in subjects or ("Write it",)])
    git(repo, "add", ".tasks")
    git(repo, "commit", "-q", "-m", "plan")
    if trusted:
        trust.grant(project, trust.trust_state(project).sha256)
    return project


def call(project: Project, task: int, *arguments: str, order: Order | None = None, **options: Any) -> Called:
    """Start the scripted agent; `arguments` say what it does."""
    chosen = Call(agent=options.pop("agent", "scripted"), arguments=arguments)._replace(**options)
    called = starting.start_agent(project, TaskId(task), chosen, order or Order())
    assert called.started.failure is None
    return called


def end(project: Project, *called: Called, patience_s: float = 45.0) -> list[Run]:
    """The runs once they have ended, in this order."""
    ended, over = runs.wait_runs(project, [one.started.run.id for one in called], timeout_s=patience_s)
    assert over, ended
    return ended


def facts(run: Run) -> dict[str, Any]:
    """What the record of an agent's run has besides."""
    return dict(dict(run.extra)["agent"])


def output(project: Project, run: Run) -> bytes:
    return b"".join(runs.read_output(project, run))
