"""The worker of a workflow: starts each step when it can start, sees how it ends, until there is nothing left.

It remembers nothing that the index does not know: a step's run names its step, so whoever goes on after this worker
was killed finds what is done and what is alive. Children have supervisors of their own and outlive it.
"""

from __future__ import annotations

import os
import signal

from gittasks.app import runs
from gittasks.app.workflows import children, steps
from gittasks.base import flock
from gittasks.base.durations import format_duration
from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import count, printable
from gittasks.runtime import live
from gittasks.runtime.record import COMPLETED, RunId
from gittasks.runtime.waiting import Patience
from gittasks.workgraph.workflow.filling import make_plan
from gittasks.workgraph.workflow.parsing import parse_workflow
from gittasks.workgraph.workflow.schedule import BROKEN, DONE, SKIPPED, STOPPED, Schedule

if TYPE_CHECKING:
    from typing import Any

    from gittasks.app.worker import Worker
    from gittasks.runtime.record import Run
    from gittasks.workgraph.workflow.definition import Plan, Planned

EXIT_FAILED, EXIT_BUSY, EXIT_STOPPED = 1, 4, 143
# What the children get of the time until our own SIGKILL, and what they get where nobody said how long that is.
_STOP_MARGIN_S, _LEAST_GRACE_S, _USUAL_GRACE_S = 1.5, 0.5, 3.0
_LAST_LINES = 5
_SHOWN_KEYS = 5


def work(worker: Worker) -> int:
    """Do the workflow that the spec of this run holds, and answer its exit code."""
    name = str(worker.spec["workflow"])
    workflow = parse_workflow(str(worker.spec["text"]).encode(), name, name)
    engine = Engine(worker, make_plan(workflow, worker.spec["inputs"]))
    resumes = [str(run_id) for run_id in worker.spec["resumes"]]
    if not resumes:
        return engine.run()
    # The record of the first run is there as long as anything of this workflow is: its lock tells two resumers apart.
    fd = os.open(worker.folders.ended_file(RunId(resumes[0])), os.O_RDONLY | os.O_CLOEXEC)
    if not flock.try_lock(fd):
        engine.tell(f"another run goes on with {resumes[-1]} already")
        return EXIT_BUSY
    engine.take_up(resumes)
    return engine.run()


class Engine:
    """One workflow under way. `ended` says how steps ended, `started` which runs are under way."""

    def __init__(self, worker: Worker, plan: Plan) -> None:
        self._worker = worker
        self._plan = plan
        self._schedule = Schedule(plan)
        self._ended: dict[str, str] = {}
        self._started: dict[str, RunId] = {}
        self._is_asked_to_stop = False
        signal.signal(signal.SIGTERM, self._note_stop)

    def take_up(self, resumes: list[str]) -> None:
        """Count what earlier runs of this workflow did: what completed is done, what lives is waited for."""
        marks = {planned.key: planned.mark for planned in self._plan.steps}
        for run in children.step_runs(self._worker.project, resumes):
            key, mark = children.step_of(run)
            if marks.get(key) != mark or key in self._ended:
                continue
            if run.status == COMPLETED:
                self._ended[key] = DONE
                self._started.pop(key, None)
                self.tell(f"{key}: done before ({run.id})")
            elif run.is_live:
                self._started[key] = run.id
                self.tell(f"{key}: is running already ({run.id})")

    def run(self) -> int:
        """Go on until every step has ended or is skipped."""
        patience = Patience(self._worker.folders, self._worker.project.env)
        while True:
            if self._collect():
                patience.hurry()
            if self._is_asked_to_stop:
                return self._stop()
            self._advance()
            if not self._started:
                return self._finish()
            patience.rest(self._started.values())

    def tell(self, text: str) -> None:
        """One line of the run's output, at once."""
        self._worker.output.write(f"{printable(text)}\n".encode())
        self._worker.output.flush()

    def _advance(self) -> None:
        """Start and skip whatever can be; a step that is skipped, or cannot start, may free others."""
        changed = False
        while True:
            following = self._schedule.next(self._ended, self._started)
            for planned in following.skip:
                self._ended[planned.key] = SKIPPED
                self.tell(
                    f"{planned.key}: skipped: {planned.step.condition or 'not all that it needs completed'}"
                )
            room = self._plan.workflow.parallel - len(self._started)
            failed = [not self._start(planned) for planned in following.start[: max(room, 0)]]
            changed = changed or bool(failed or following.skip)
            if not following.skip and not any(failed):
                break
        if changed:
            self._report()

    def _start(self, planned: Planned) -> bool:
        """Start a step's run; whether there is one now."""
        try:
            started = steps.start_step(self._worker, planned)
        except GittasksError as error:
            self._ended[planned.key] = BROKEN
            self.tell(f"{planned.key}: cannot be started: {error.message}")
            return False
        self._started[planned.key] = started.id
        self.tell(f"{planned.key}: started ({started.id})")
        return True

    def _collect(self) -> bool:
        """See which runs have ended; whether any has."""
        folders = self._worker.folders
        over = {key: run_id for key, run_id in self._started.items() if not live.is_live(folders, run_id)}
        if not over:
            return False
        found = {run.id: run for run in runs.current_runs(self._worker.project, list(over.values()))}
        for key, run_id in over.items():
            run = found.get(run_id)
            if run is not None and run.is_live:
                continue
            del self._started[key]
            self._ended[key] = run.status if run is not None else BROKEN
            self._tell_end(key, run_id, run)
        self._report()
        return True

    def _tell_end(self, key: str, run_id: RunId, run: Run | None) -> None:
        if run is None:
            self.tell(f"{key}: its record is gone ({run_id})")
            return
        took = format_duration((run.end_time or run.start_time) - run.start_time)
        how = "" if run.status == COMPLETED else f": {_why(run)}"
        self.tell(f"{key}: {run.status} in {took} ({run_id}){how}")
        if run.status == BROKEN:
            for line in self._last_lines(run):
                self.tell(f"    {line}")

    def _last_lines(self, run: Run) -> list[str]:
        data = b"".join(runs.read_output(self._worker.project, run, last_lines=_LAST_LINES))
        return data[-4096:].decode("utf-8", "replace").splitlines()[-_LAST_LINES:]

    def _report(self) -> None:
        done = len(self._ended)
        going = list(self._started)
        more = f" and {len(going) - _SHOWN_KEYS} more" if len(going) > _SHOWN_KEYS else ""
        words = f"; now {', '.join(going[:_SHOWN_KEYS])}{more}" if going else ""
        progress: dict[str, Any] = {"done": done, "total": len(self._plan.steps)}
        self._worker.report(
            progress=progress, message=f"{done} of {count(len(self._plan.steps), 'step')} over{words}"
        )

    def _stop(self) -> int:
        """Stop the children, then end; their supervisors go on with it should our own end come first."""
        asked = live.read_stop(self._worker.folders, self._worker.run_id)
        grace_s = _USUAL_GRACE_S if asked is None else max(asked - _STOP_MARGIN_S, _LEAST_GRACE_S)
        self.tell(f"asked to stop: stopping {count(len(self._started), 'run')}")
        runs.kill_runs(self._worker.project, list(self._started.values()), grace_s=grace_s)
        self._collect()
        return EXIT_STOPPED

    def _finish(self) -> int:
        forgiven = {planned.key for planned in self._plan.steps if planned.step.may_fail}
        bad = [
            key
            for key, how in self._ended.items()
            if how == STOPPED or (how == BROKEN and key not in forgiven)
        ]
        ends = list(self._ended.values())
        told = ", ".join(
            f"{ends.count(how)} {how}" for how in (DONE, BROKEN, STOPPED, SKIPPED) if how in ends
        )
        self._worker.report(message=f"{told}: {', '.join(bad[:_SHOWN_KEYS])}" if bad else told)
        self.tell(told)
        return EXIT_FAILED if bad else 0

    def _note_stop(self, number: int, frame: object) -> None:
        self._is_asked_to_stop = True


def _why(run: Run) -> str:
    if run.message:
        return run.message
    if run.signal is not None:
        return f"signal {run.signal}"
    return f"exit code {run.exit_code}" if run.exit_code is not None else str(run.reason)
