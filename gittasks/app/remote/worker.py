"""The worker of a `remote_agent`: tends, from here, a run that lives on another machine.

It may be killed on any line and started again: a first worker starts the run there, any later one only finds it again
by its id. What it cannot know, because the host does not answer, changes nothing: the run is `stale` until it does.
"""

from __future__ import annotations

import json
import os

from gittasks.app.remote.engine import (
    ENDED,
    NOT_STARTED,
    UNKNOWN,
    Ending,
    HostError,
    Job,
    Output,
    TakenError,
    UnreachableError,
)
from gittasks.app.remote.position import Positions
from gittasks.app.remote.ssh import Host, SshEngine
from gittasks.app.remote.stopping import StopAskedError, StopRequests
from gittasks.base import clock, files
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import count
from gittasks.repo import shipping
from gittasks.repo.git import Git
from gittasks.runtime import live, record, tending
from gittasks.runtime.tending import Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gittasks.app.remote.engine import Engine, Result
    from gittasks.app.worker import Worker

# There once the run may have been started: before, nothing can have been.
_SENT = "sent"
_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.5, 30.0
_ASK_AGAIN_S = 2.0
_USAGE = ("cpu_s", "peak_memory_bytes")
_MAX_MESSAGE = 1000
_MAX_CODE = 255
_MAX_AMOUNT = 2.0**60


class _GivenUpError(Exception):
    """Nobody wants to wait any longer for a host that does not answer."""


def work(worker: Worker) -> int:
    """Tend the run to its end, and leave its outcome for the supervisor."""
    env = dict(worker.project.env)
    first = env.pop(tending.FIRST_VARIABLE, None)
    spec = worker.spec
    host = Host(**spec["host"])
    folder = worker.folders.live_folder(worker.run_id)
    engine = SshEngine(host, folder=folder, object_format=spec["object_format"], env=env)
    job = Job(job_id=worker.run_id, **spec["job"])
    tender = _Tender(worker, engine, host.name, job, is_dirty=bool(spec["is_dirty"]))
    try:
        tender.tend(
            None if first is None else json.loads(first), spec["whereabouts"], keep=bool(spec["keep"])
        )
    finally:
        engine.close()
    return 0


class _Tender:
    """One run on the machine called `host`, and its worker here. `is_dirty`: uncommitted changes went along."""

    def __init__(self, worker: Worker, engine: Engine, host: str, job: Job, *, is_dirty: bool) -> None:
        self._worker = worker
        self._engine = engine
        self._host = host
        self._job = job
        self._is_dirty = is_dirty
        self._sent_file = os.path.join(worker.folders.live_folder(worker.run_id), _SENT)
        self._git_dir = worker.project.checkout.common_dir
        self._stop = StopRequests(asked=self._asked_grace_s() is not None)
        self._positions = Positions(worker.folders, worker.run_id)
        self._stale_since: float | None = None
        self._has_said = True
        self._pause_s = _FIRST_PAUSE_S
        self._ask_at = 0.0
        self._told_grace_s: float | None = None

    def tend(self, env: dict[str, str] | None, whereabouts: Mapping[str, Any], *, keep: bool) -> None:
        """Start it with `env` (`None`: an earlier worker had that), follow it to its end, bring back what it left."""
        try:
            if not os.path.lexists(self._sent_file):
                self._submit(env)
            ending = self._follow()
        except _GivenUpError:
            message = f"given up, for {self._host} did not answer: what may still run there was left alone"
            self._end(Outcome(record.FAILED, record.LOST, message=message))
            return
        except StopAskedError:
            self._end(Outcome(record.KILLED, message="stopped before it was started"))
            return
        except (HostError, UnreachableError, shipping.TransferError) as error:
            hint = f" ({error.hint})" if error.hint else ""
            self._end(Outcome(record.FAILED, record.NOT_STARTED, message=error.message + hint))
            return
        outcome = outcome_of(ending, self._host)
        if ending.what != ENDED:
            self._end(outcome)
            return
        left, is_safe = self._bring_back()
        # Before anything is deleted there: whoever finds it gone there must find it here.
        self._end(outcome._replace(message=f"{outcome.message}; {left}" if outcome.message else left))
        if is_safe and not keep:
            self._clean(whereabouts)

    def _submit(self, env: dict[str, str] | None) -> None:
        """Raises `StopAskedError`, or what else kept the run from being started: it never will be then."""
        with self._stop.break_in():
            if env is None:
                # They reach no file: what the first worker had is gone with it.
                raise HostError(f"its worker was killed before it was started on {self._host}")
            folder = self._worker.folders.live_folder(self._worker.run_id)
            git = Git(folder, self._worker.project.env, {"GIT_DIR": self._git_dir})
            shipping.keep(git, shipping.start_ref(self._job.job_id), self._job.commit)
            self._worker.report(message=f"its commit is shipped to {self._host}")
            self._engine.ship(self._git_dir, self._job)
        files.create_file(self._sent_file, b"", mode=0o600)
        files.sync_folder(folder)
        try:
            self._engine.submit(self._job, env)
        except UnreachableError as error:
            # Whether it was started there is told by whoever can look.
            self._note_stale(error)

    def _follow(self) -> Ending:
        while True:
            try:
                for event in self._engine.follow(self._job, self._positions.there, wake_fd=self._stop.fd):
                    self._note_answer()
                    if isinstance(event, Ending):
                        return event
                    if isinstance(event, Output):
                        self._write(event)
                    self._pass_on_stop()
            except TakenError:
                raise
            except (UnreachableError, HostError) as error:
                self._note_stale(error)
            self._rest()

    def _write(self, event: Output) -> None:
        self._positions.move(len(event.data), event.position)
        self._worker.output.write(event.data)
        self._worker.output.flush()

    def _pass_on_stop(self) -> None:
        """Ask the host to stop the run, where somebody asked here, and again where the host did not hear it."""
        self._stop.clear()
        if not self._stop.asked or clock.monotonic_s() < self._ask_at:
            return
        grace_s = self._asked_grace_s()
        if grace_s is None or grace_s == self._told_grace_s:
            return
        self._ask_at = clock.monotonic_s() + _ASK_AGAIN_S
        self._engine.kill(self._job, grace_s)
        self._told_grace_s = grace_s

    def _asked_grace_s(self) -> float | None:
        return live.read_stop(self._worker.folders, self._worker.run_id)

    def _bring_back(self) -> tuple[str, bool]:
        """Fetch what the run left; what to say of it, and whether it is safe here."""
        try:
            result = self._fetch()
        except (HostError, UnreachableError, shipping.TransferError) as error:
            return f"what it left is still on {self._host}: {error.message}", False
        start, ref = shipping.start_ref(self._job.job_id), shipping.result_ref(self._job.job_id)
        self._worker.report(commit_after=result.commit or self._job.commit)
        if result.commit is None:
            return "it changed no files", True
        # git merges nothing over changes that are not committed, and the result holds them too.
        how = f"git diff --binary {start} {ref} | git apply" if self._is_dirty else f"git merge {ref}"
        return f"{count(result.files, 'file')} changed: {how}", True

    def _fetch(self) -> Result:
        while True:
            try:
                return self._engine.fetch(self._git_dir, self._job)
            except UnreachableError as error:
                # Whoever stops a run that has ended there does not want to wait for what it left.
                if self._stop.asked:
                    raise
                self._note_stale(error)
            self._rest()

    def _clean(self, whereabouts: Mapping[str, Any]) -> None:
        try:
            self._engine.clean(self._job)
        except (UnreachableError, HostError):
            # `prune` takes it.
            return
        self._worker.report(remote={**whereabouts, "kept": False})

    def _end(self, outcome: Outcome) -> None:
        tending.write_outcome(self._worker.folders, self._worker.run_id, outcome)

    def _note_stale(self, error: UnreachableError | HostError) -> None:
        if self._stale_since is None:
            self._stale_since = clock.now_s()
        self._has_said = True
        self._worker.report(stale_since=self._stale_since, message=error.message)

    def _note_answer(self) -> None:
        self._pause_s = _FIRST_PAUSE_S
        if self._has_said:
            self._has_said, self._stale_since = False, None
            self._worker.report(message="", stale_since=None)

    def _rest(self) -> None:
        """Pause, ever longer; a request to stop ends the pause."""
        if self._stop.asked and tending.is_given_up(self._worker.folders, self._worker.run_id):
            raise _GivenUpError
        self._stop.wait(self._pause_s)
        self._pause_s = min(self._pause_s * 2, _LAST_PAUSE_S)


def outcome_of(ending: Ending, host: str) -> Outcome:
    """What a host says of a job, as an outcome of its run; nothing that it says is taken unchecked."""
    if ending.what == UNKNOWN:
        message = f"{host} knows nothing of it: it never got there, or was cleared away there"
        return Outcome(record.FAILED, record.LOST, message=message)
    if ending.what == NOT_STARTED:
        return Outcome(record.FAILED, record.NOT_STARTED, message=f"{host}: {ending.message}")
    facts = ending.facts
    reason, said, usage = facts.get("reason"), facts.get("message"), facts.get("usage")
    return Outcome(
        facts["status"],
        reason if reason in record.REASONS else record.UNVERIFIED,
        _number(facts.get("exit_code")),
        _number(facts.get("signal")),
        end_time=clock.now_s() - ending.age_s,
        usage={name: usage[name] for name in _USAGE if _is_amount(usage.get(name))}
        if isinstance(usage, dict)
        else None,
        message=f"{host}: {said}"[:_MAX_MESSAGE] if isinstance(said, str) and said else None,
    )


def _number(value: Any) -> int | None:
    return value if type(value) is int and 0 <= value <= _MAX_CODE else None


def _is_amount(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < _MAX_AMOUNT
