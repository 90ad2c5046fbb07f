"""Workers: commands of ours that do the work of a run whose type is more than somebody's command.

A monitor, a workflow, an agent whose progress is read: each is a loop in a process under the same supervisor as any
command, so it is killed, timed, capped and mourned like one. What it has to do is its run's `spec`; what it prints is
the run's output; how far it is, `Worker.report` says; its exit code is the run's.
"""

from __future__ import annotations

import sys

from gittasks.app.run_start import start_run
from gittasks.app.runs import run_folders
from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import live, tending
from gittasks.runtime.record import RunId, is_run_id
from gittasks.runtime.tree import RUN_VARIABLE

if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from gittasks.app.project import Project
    from gittasks.app.run_start import Order
    from gittasks.runtime.folders import Folders
    from gittasks.runtime.launcher import Started

# kind -> (module, function): `function(worker) -> exit code`. A type of run adds its line.
KINDS: dict[str, tuple[str, str]] = {
    "agent": ("gittasks.app.agents.working", "work"),
    "remote": ("gittasks.app.remote.worker", "work"),
    "workflow": ("gittasks.app.workflows.engine", "work"),
    "monitor": ("gittasks.app.monitoring.watching", "watch_until"),
}


class NoWorkerError(UsageError):
    """A worker was called by hand, or by a kind that does not exist."""


class Worker(NamedTuple):
    """What a worker gets: its project (that of the folder it works in), its run, what to do, where to write.

    `output` is the run's output: bytes, to be flushed as they should be seen.
    """

    project: Project
    folders: Folders
    run_id: RunId
    spec: dict[str, Any]
    output: BinaryIO

    def report(self, *, progress: Any = None, message: str | None = None, **more: Any) -> None:
        """Say how far the run is; see `runtime.report.write_report`."""
        from gittasks.runtime.report import write_report

        write_report(self.folders, self.run_id, progress=progress, message=message, **more)


def start_worker(project: Project, worker: str, order: Order, *, kind: str) -> Started:
    """Start a run of type `kind` whose command is our own worker called `worker`, with `order.spec` to do.

    Raises as `start_run` does.
    """
    argv = tuple(tending.command(worker))
    return start_run(project, order._replace(argv=argv, spec=order.spec or {}), kind=kind)


def work(project: Project, worker: str, output: BinaryIO) -> int:
    """Do what the spec of this very run says, and answer the exit code. Raises `NoWorkerError`, `NoSpecError`."""
    run_id = project.env.get(RUN_VARIABLE, "")
    if worker not in KINDS or not is_run_id(run_id):
        raise NoWorkerError(
            f"there is no worker {worker[:40]!r} to call here", hint="gittasks starts workers by itself"
        )
    folders = run_folders(project)
    module, function = KINDS[worker]
    __import__(module)
    spec = live.read_spec(folders, RunId(run_id))
    return int(getattr(sys.modules[module], function)(Worker(project, folders, RunId(run_id), spec, output)))
