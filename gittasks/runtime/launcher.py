"""Starting supervisors: for a new run, and for one whose supervisor died.

The job goes through a pipe: the environment of a run may hold secrets, which belong in no file and no command line.
"""

from __future__ import annotations

import marshal
import os
import select
import sys

from gittasks.base import clock, proc
from gittasks.base.errors import BusyError, SetupError
from gittasks.base.jsontext import dumps
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import live, record
from gittasks.runtime.record import LETTERS, RunId
from gittasks.runtime.tree import RUN_VARIABLE, SUPERVISOR_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import Run

ACK_TIMEOUT_S = 20.0
_TAKE_TRIES, _TAKE_PAUSE_S = 100, 0.005
_SCRIPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "launch.py")


class NoSupervisorError(SetupError):
    """A run could not be started, for a reason of this machine; nothing was recorded."""


class SilentSupervisorError(BusyError):
    """A supervisor was started but has not said yet what came of it."""


class UnsupportedSystemError(SetupError):
    """Runs need a system with processes as POSIX knows them."""


class Started(NamedTuple):
    """What became of a start: the run, and why its command could not be started (it has `failed` then)."""

    run: Run
    failure: str | None


class Starting:
    """A supervisor that waits for its job. `go` gives it one, `give_up` ends it without a trace."""

    def __init__(self, folders: Folders, run_id: RunId, alive_fd: int, env: Mapping[str, str]) -> None:
        self.run_id = run_id
        self._folders = folders
        job_read, self._job_fd = os.pipe()
        self._ack_fd, ack_write = os.pipe()
        try:
            self._pid = proc.spawn_detached(
                _supervisor_argv(run_id),
                env=_supervisor_env(run_id, env),
                stdin_fd=job_read,
                pass_fds=(alive_fd, ack_write),
            )
        except BaseException:
            os.close(self._job_fd)
            os.close(self._ack_fd)
            live.clear(folders, run_id)
            raise
        finally:
            for fd in (job_read, ack_write, alive_fd):
                os.close(fd)

    def go(
        self,
        run: Run,
        settings: dict[str, Any],
        *,
        argv: Sequence[bytes] = (),
        env: Mapping[bytes, bytes] | None = None,
        cwd: bytes = b"/",
        spec: Mapping[str, Any] | None = None,
        adopt: bool = False,
    ) -> Started:
        """Start the command, or with `adopt` take over the one that runs; answers once that is on record.

        `spec` is what a worker of ours has to do: JSON, without secrets, kept as long as the run lives.

        Raises `NoSupervisorError`, `SilentSupervisorError`.
        """
        job = {
            "adopt": adopt,
            "folders": tuple(self._folders),
            "settings": settings,
            "record": run.as_json(),
            "argv": list(argv),
            "env": dict(env or {}),
            "cwd": cwd,
            "spec": None if spec is None else dumps(dict(spec)).encode(),
        }
        self._send(marshal.dumps(job))
        return self._await_answer()

    def give_up(self) -> None:
        """Let the supervisor end without having started anything."""
        os.close(self._job_fd)
        self._read_answer()
        # The kernel may let go of the lock a moment after the pipe.
        for _ in range(_TAKE_TRIES):
            alive_fd = live.take(self._folders, self.run_id)
            if alive_fd is not None:
                live.clear(self._folders, self.run_id)
                os.close(alive_fd)
                return
            clock.sleep_s(_TAKE_PAUSE_S)

    def _send(self, job: bytes) -> None:
        try:
            view = memoryview(job)
            while view:
                view = view[os.write(self._job_fd, view) :]
        except BrokenPipeError:
            # It died: the missing answer says so.
            pass
        finally:
            os.close(self._job_fd)

    def _await_answer(self) -> Started:
        data = self._read_answer()
        if not data:
            raise NoSupervisorError(
                f"the supervisor of run {self.run_id} died before it started anything",
                hint="a `crash-` file in `gittasks/runs` of the git directory may say why",
            )
        answer = marshal.loads(data)
        if answer["record"] is None:
            raise NoSupervisorError(f"cannot start a run: {answer['failure']}")
        return Started(record.run_of(answer["record"]), answer["failure"])

    def _read_answer(self) -> bytes:
        """What the supervisor says, once that is whole; empty where it ends first. What we started has ended then.

        Its length comes first: who stands by for a supervisor that waits holds the other end too.
        """
        data = b""
        poll = select.poll()
        poll.register(self._ack_fd, select.POLLIN)
        try:
            while poll.poll(ACK_TIMEOUT_S * 1000):
                more = os.read(self._ack_fd, 1 << 16)
                data += more
                length, _, answer = data.partition(b"\n")
                if not more or (length.isdigit() and len(answer) == int(length)):
                    return answer
        finally:
            os.close(self._ack_fd)
            os.waitpid(self._pid, 0)
        raise SilentSupervisorError(
            f"the supervisor of run {self.run_id} has not answered for {ACK_TIMEOUT_S:g} s",
            hint="this machine is very busy; `gittasks runs` says what became of the run",
        )


def begin(folders: Folders, kind: str, env: Mapping[str, str]) -> Starting:
    """Claim an id for a run of type `kind` and start its supervisor, which waits for the job.

    What takes time before the job is known can be done while its interpreter starts. `folders` were prepared.
    Raises `UnsupportedSystemError`, `ProgramMissingError`.
    """
    if not hasattr(os, "posix_spawn"):
        raise UnsupportedSystemError(
            "runs need Linux or macOS", hint="tasks work here, background runs do not"
        )
    run_id, alive_fd = live.claim(folders, LETTERS[kind])
    return Starting(folders, run_id, alive_fd, env)


def take_over(
    folders: Folders, run: Run, settings: dict[str, Any], alive_fd: int, env: Mapping[str, str]
) -> Run:
    """Give a run, whose supervisor died and whose lock we hold in `alive_fd`, a new one. The lock goes along.

    Raises as `Starting.go` does.
    """
    given = {**env, RUN_VARIABLE: run.id} if settings["tends"] else {}
    variables = {os.fsencode(name): os.fsencode(value) for name, value in given.items()}
    return Starting(folders, run.id, alive_fd, env).go(run, settings, env=variables, adopt=True).run


def _supervisor_argv(run_id: RunId) -> list[str]:
    return [sys.executable, "-I", "-S", _SCRIPT, "3", "4", run_id, *_library_folders()]


def _library_folders() -> list[str]:
    """Where `base.identity` finds the library that it needs where there is no `/proc`."""
    if sys.platform == "linux":
        return []
    import psutil

    return [os.path.dirname(os.path.dirname(psutil.__file__))]


def _supervisor_env(run_id: RunId, env: Mapping[str, str]) -> dict[str, str]:
    """The mark comes first: that is where others look for it."""
    kept = {name: env[name] for name in ("PATH", "HOME", "LANG") if name in env}
    return {SUPERVISOR_VARIABLE: run_id, **kept}
