"""`on_finish`: the command of the configuration that runs once a run has ended, when this clone trusts it.

The supervisor starts `gittasks announce RUN`, detached, after the end is on record; that looks at the configuration
again, as it is then. A run that the command itself starts is not announced: nothing goes round in a circle.
"""

from __future__ import annotations

import os

from gittasks.app.run_settings import FINISHED_RUN
from gittasks.app.trust import UntrustedError, require_trusted
from gittasks.base import clock, jsonlines, proc
from gittasks.base.errors import GittasksError
from gittasks.base.jsontext import dumps
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable, shorten
from gittasks.runtime.tree import RUN_VARIABLE, SUPERVISOR_VARIABLE
from gittasks.workgraph.config import BadConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.app.project import Project
    from gittasks.runtime.record import Run

FINISHED_STATUS = "GITTASKS_FINISHED_STATUS"
LOG_NAME = "on_finish.jsonl"
TIMEOUT_S = 60.0
_MAX_LOG_BYTES = 1 << 16
_MAX_OUTPUT_CHARS = 2000


class Failure(NamedTuple):
    """That `on_finish` did not run or failed: for which run, when, why; `path` is the log. Text as it came."""

    run: str
    time: str
    what: str
    path: str


def last_failure(project: Project) -> Failure | None:
    """The last that was kept; `None` where there is none."""
    path = os.path.join(project.checkout.private_dir, LOG_NAME)
    entries = jsonlines.load(path, max_bytes=_MAX_LOG_BYTES)
    if not entries:
        return None
    run, time, what = (str(entries[-1].get(name, "")) for name in ("run", "time", "what"))
    return Failure(run, time, what, path)


def announce(project: Project, run: Run) -> None:
    """Run `on_finish` for an ended run, if the configuration as it is now has it and is trusted.

    Why it did not, or how it failed, is kept for `doctor` and people, in `on_finish.jsonl` of the private folder.
    """
    try:
        command = require_trusted(project).on_finish
        if not command:
            return
        env = _environment(project.env, run)
        record = dumps(run.as_json()).encode("ascii") + b"\n"
        done = proc.run_bounded(command, cwd=project.top, env=env, stdin=record, timeout_s=TIMEOUT_S)
    except (UntrustedError, proc.ProgramMissingError, BadConfigError) as error:
        _remember(project, run, error.message, "")
        return
    output = done.output.decode("utf-8", "backslashreplace")
    if done.returncode is None:
        _remember(project, run, f"took longer than {TIMEOUT_S:g} s and was stopped", output)
    elif done.returncode:
        _remember(project, run, f"ended with {done.returncode}", output)


def _environment(env: Mapping[str, str], run: Run) -> dict[str, str]:
    kept = {name: value for name, value in env.items() if name not in (SUPERVISOR_VARIABLE, RUN_VARIABLE)}
    task = {} if run.work_graph_task_id is None else {"GITTASKS_TASK_ID": str(run.work_graph_task_id)}
    return {**kept, **task, FINISHED_RUN: run.id, FINISHED_STATUS: run.status}


def _remember(project: Project, run: Run, what: str, output: str) -> None:
    entry = {
        "time": clock.now_utc(),
        "run": run.id,
        "what": shorten(printable(what), 300),
        "output": shorten(output, _MAX_OUTPUT_CHARS),
    }
    try:
        with project.lock("on_finish"):
            path = os.path.join(project.private_folder(), LOG_NAME)
            jsonlines.append(path, dumps(entry).encode("ascii") + b"\n", max_bytes=_MAX_LOG_BYTES)
    except (GittasksError, OSError):
        # Nobody is there to be told.
        return
