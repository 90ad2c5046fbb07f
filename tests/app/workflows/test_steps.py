"""Steps that are more than a command here, and those that cannot be one."""

from __future__ import annotations

import json
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import runs, trust
from gittasks.app.monitoring.spec import BadMonitorError, Watch
from gittasks.app.project import Project
from gittasks.app.workflows import children, files
from gittasks.app.workflows.monitors import watch_of
from gittasks.app.workflows.starting import Request, start_workflow
from gittasks.app.workflows.steps import BadStepError
from gittasks.runtime.record import Run
from gittasks.workgraph.record import TaskId
from gittasks.workgraph.workflow.definition import BadWorkflowError
from tests.app.agents.place import SCRIPT, furnish
from tests.conftest import git
from tests.runtime.stage import nothing_remains

_COMMAND = json.dumps([sys.executable, "-I", str(SCRIPT), "works"])
SETTINGS = f"agents:\n  worker: {{command: {_COMMAND}, prompt: stdin}}\n"


def start(project: Project, text: str, task: int | None = None) -> Run:
    folder = Path(project.tasks_folder, "workflows")
    folder.mkdir(exist_ok=True)
    (folder / "w.yaml").write_text(textwrap.dedent(text))
    trust.grant(project, None, {"w": files.load_workflow(project, "w").sha256})
    return start_workflow(project, "w", {}, Request(None if task is None else TaskId(task))).run


def ended(project: Project, run: Run) -> tuple[Run, dict[str, Run]]:
    (found,), over = runs.wait_runs(project, [run.id], timeout_s=90)
    assert over
    return found, {children.step_of(step)[0]: step for step in children.step_runs(project, [run.id])}


def test_an_agent_a_monitor_and_a_command_that_is_tried_again(repo: Path) -> None:
    with nothing_remains():
        project = furnish(repo, settings=SETTINGS)
        found, steps = ended(
            project,
            start(
                project,
                """
                steps:
                  work: {agent: worker, prompt: Write new.txt.}
                  watch: {monitor: {file: sign, until: exists, every: 100ms}}
                  sign:
                    needs: work
                    retry: 2
                    backoff: 10ms
                    slots: {one: 1}
                    run: 'test -e once || { touch once; exit 1; }; touch sign'
                """,
                task=1,
            ),
        )
    assert found.status == "completed", b"".join(runs.read_output(project, found)).decode()
    assert {key: (step.type, step.status) for key, step in steps.items()} == {
        "work": ("local_agent", "completed"),
        "watch": ("monitor", "completed"),
        "sign": ("local_bash", "completed"),
    }
    assert steps["sign"].attempt == 2
    assert git(repo, "log", "-1", "--format=%s", f"wt/{steps['work'].worktree}") == "write new.txt"


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("{agent: nobody}", "step s of the workflow w: there is no agent 'nobody'"),
        ("{monitor: {fil: x}}", "step s of the workflow w: 'fil' is unknown"),
        ("{monitor: {file: x, until: matches, match: y}}", "a file cannot be watched until it matches"),
        ("{run: x, on: 'a b'}", "host"),
    ],
)
def test_what_cannot_be_is_said_before_anything_starts(repo: Path, step: str, told: str) -> None:
    project = furnish(repo)
    with pytest.raises((BadStepError, BadWorkflowError), match=told):
        start(project, f"steps:\n  first: {{run: [touch, canary]}}\n  s: {step}\n")
    assert not (repo / "canary").exists()
    assert runs.list_runs(project).runs == []


def test_an_agent_without_a_task_is_a_step_that_failed(repo: Path) -> None:
    with nothing_remains():
        project = furnish(repo, settings=SETTINGS)
        found, steps = ended(project, start(project, "steps: {work: {agent: worker}}"))
    assert (found.status, steps) == ("failed", {})
    assert b"work: cannot be started: an agent needs a task" in b"".join(runs.read_output(project, found))


@pytest.mark.parametrize(
    ("values", "watch"),
    [
        (
            {"command": "make test"},
            Watch("command", argv=("/bin/sh", "-c", "make test"), until="ok", every_s=10.0, notify="end"),
        ),
        (
            {"stream": ["./serve"], "match": "ready", "debounce": "2s"},
            Watch("stream", argv=("./serve",), until="matches", pattern="ready", notify="end", debounce_s=2.0),
        ),
        (
            {"log": "a.log", "regex": "E+", "from_start": True, "every": 1, "look_timeout": "3s", "notify": "each"},
            Watch("log", "a.log", (), "matches", "E+", True, 1.0, "each", look_timeout_s=3.0, from_start=True),
        ),
    ],
)  # fmt: skip
def test_what_a_monitor_says(values: dict[str, Any], watch: Watch) -> None:
    assert watch_of(values) == watch


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"file": "a", "log": "b"},
        {"log": "a", "match": "b", "regex": "c"},
        {"log": "a", "regex": "("},
        {"file": ""},
        {"file": 3},
        {"command": []},
        {"command": ["a\0b"]},
        {"command": " "},
        {"file": "a", "every": "soon"},
        {"file": "a", "every": True},
        {"file": "a", "until": "never ever"},
        {"file": "a", "from_start": True},
        {"log": "a", "from_start": 1},
    ],
)
def test_what_is_no_monitor(values: dict[str, Any]) -> None:
    with pytest.raises(BadMonitorError):
        watch_of(values)
