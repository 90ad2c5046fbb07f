"""The guard of one run: a small detached process that outlives the terminal and whoever started the run.

It gets its job through a pipe (the environment may hold secrets: it never reaches a file or a command line), starts
the command once its record is on disk, passes its output on, stops its tree when asked or late, and records the end.
While the guard lives it is the only writer of the run's record. It imports no library, and everything before
the command starts: an upgrade of the package in the middle of a long run must not break its end.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import marshal
import os
import signal
import sys

from gittasks.base import clock, identity
from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import announcing, child, live, probe, record, report, settings, tending
from gittasks.runtime.folders import Folders
from gittasks.runtime.output import OutputWriter
from gittasks.runtime.watch import Signals, Watch, Watched

if TYPE_CHECKING:
    from typing import Any, NoReturn

    from gittasks.runtime.watch import Outcome

_PR_SET_CHILD_SUBREAPER = 36
_PIPE_BYTES = 1 << 18
_FINISH_TRIES = 60
_FINISH_RETRY_S = 1.0
_IGNORED = (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGPIPE, signal.SIGTSTP, signal.SIGXFSZ)


def main(*, alive_fd: int, ack_fd: int) -> NoReturn:
    """Do the job that stands in stdin (see `launcher`); never returns."""
    if os.fork():
        # Whoever started us waits for this process only, so the guard is nobody's zombie.
        os._exit(0)
    os.setsid()
    for fd in (alive_fd, ack_fd):
        os.set_inheritable(fd, False)
    # Whatever else a shell left open for its commands (a lock, a pipe) must not be held for the length of a run.
    os.closerange(max(alive_fd, ack_fd) + 1, os.sysconf("SC_OPEN_MAX"))
    data = _read_all(0)
    if not data:
        os._exit(1)
    job: dict[str, Any] = marshal.loads(data)
    _let_go_of_terminal()
    guard = Guard(job, alive_fd=alive_fd, ack_fd=ack_fd)
    try:
        if job["adopt"]:
            guard.adopt(job.pop("env"))
        else:
            # Taken out of the job: the guard itself does not keep the secrets of the environment.
            guard.start(job.pop("argv"), job.pop("env"), job.pop("cwd"), job.pop("spec"))
        guard.watch()
    except BaseException as error:
        guard.note_crash(error)
        os._exit(1)
    os._exit(0)


class Guard:
    """One run and its guard. `start` or `adopt`, then `watch`."""

    def __init__(self, job: dict[str, Any], *, alive_fd: int, ack_fd: int) -> None:
        self._folders = Folders(*job["folders"])
        self._settings: dict[str, Any] = job["settings"]
        self._alive_fd = alive_fd
        self._ack_fd = ack_fd
        self._run = record.run_of(job["record"])
        self._leader: identity.Process | None = None
        self._is_child = False
        self._gets_orphans = False
        self._pipe_fd = -1
        # What a command that tends something is started with again.
        self._env: dict[bytes, bytes] = {}
        self._signals = Signals()
        self._writer = OutputWriter(
            self._folders, self._run.id, limit_bytes=int(self._settings["limit_bytes"])
        )

    def start(self, argv: list[bytes], env: dict[bytes, bytes], cwd: bytes, spec: bytes | None) -> None:
        """Start the command, or record why it cannot be started; tell whoever waits for it."""
        self._gets_orphans = _become_subreaper()
        self._keep_env(env)
        try:
            live.open_up(self._folders, self._run, self._settings, spec)
            command_end = self._make_pipe()
            waiting = child.fork_command(
                argv,
                env=env,
                cwd=cwd,
                output_fd=command_end,
                close_fds=(self._alive_fd, self._ack_fd),
                holds_sigterm=bool(self._settings["tends"]),
            )
        except (GittasksError, OSError) as error:
            self._give_up(error)
        try:
            self._leader = identity.find_process(waiting.pid)
            self._write(
                phase=record.ACTIVE,
                start_time=clock.now_s(),
                process=self._leader and self._leader.as_json(),
                supervisor=identity.this_process().as_json(),
            )
        except (GittasksError, OSError) as error:
            child.discard(waiting)
            self._give_up(error)
        os.close(command_end)
        failure = child.release(waiting)
        if failure is not None:
            os.waitpid(waiting.pid, 0)
            self._end(record.FAILED, record.NOT_STARTED, message=failure, process=None)
            self._acknowledge(failure)
            os._exit(0)
        self._is_child = True
        self._acknowledge(None)

    def adopt(self, env: dict[bytes, bytes]) -> None:
        """Take over from a guard that died: its command runs on, or has left something running, or tends something.

        `env` is what a command that tends something is started with again.
        """
        self._keep_env(env)
        self._leader = identity.parse_process(self._run.process)
        path = os.path.join(self._folders.live_folder(self._run.id), live.PIPE)
        with contextlib.suppress(FileNotFoundError):
            self._pipe_fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with contextlib.suppress(GittasksError, OSError):
            self._write(supervisor=identity.this_process().as_json())
        self._acknowledge(None)

    def watch(self) -> None:
        """Watch the command to its end and record it."""
        watch = self._watch()
        outcome = watch.until_over()
        if self._settings["tends"]:
            outcome = self._tend(outcome)
        self._record_outcome(outcome)
        if self._settings["leave_children"]:
            os.close(self._alive_fd)
            watch.discard_rest()

    def _watch(self) -> Watch:
        assert self._leader is not None
        watched = Watched(
            self._run.id,
            self._leader,
            self._is_child,
            self._gets_orphans,
            self._settings["deadline"],
            float(self._settings["timeout_grace_s"]),
            bool(self._settings["leave_children"]),
            lambda: live.read_stop(self._folders, self._run.id),
            bool(self._settings["tends"]),
        )
        return Watch(
            watched,
            self._signals,
            pipe_fd=self._pipe_fd,
            writer=self._writer,
            on_stopping=self._note_stopping,
        )

    def _tend(self, outcome: Outcome) -> Outcome:
        """Start a command that tends something again until there is an outcome; how the last one ended."""
        pause_s, deaths = tending.FIRST_PAUSE_S, 0
        while tending.read_outcome(self._folders, self._run.id) is None:
            if live.read_stop(self._folders, self._run.id) is not None:
                deaths += 1
                if deaths > tending.MAX_DEATHS:
                    break
            self._signals.wait(pause_s)
            pause_s = min(pause_s * 2, tending.LAST_PAUSE_S)
            if self._start_again():
                outcome = self._watch().until_over()
        return outcome

    def _start_again(self) -> bool:
        """Start the command that goes on tending; whether that could be done, and it is on record."""
        argv = [os.fsencode(word) for word in tending.command(str(self._settings["tends"]))]
        cwd = os.fsencode(self._folders.private)
        self._gets_orphans = _become_subreaper()
        try:
            command_end = self._make_pipe()
            waiting = child.fork_command(
                argv,
                env=self._env,
                cwd=cwd,
                output_fd=command_end,
                close_fds=(self._alive_fd,),
                holds_sigterm=True,
            )
        except OSError:
            return False
        os.close(command_end)
        try:
            leader = identity.find_process(waiting.pid)
            self._write(process=leader and leader.as_json(), supervisor=identity.this_process().as_json())
        except (GittasksError, OSError):
            child.discard(waiting)
            return False
        self._leader, self._is_child = leader, True
        return child.release(waiting) is None

    def _keep_env(self, env: dict[bytes, bytes]) -> None:
        if self._settings["tends"]:
            self._env = {
                name: value for name, value in env.items() if name != tending.FIRST_VARIABLE.encode()
            }

    def note_crash(self, error: BaseException) -> None:
        """Leave the trace of a bug where `doctor` and people find it; the run is taken over by the next command."""
        import traceback

        with open(
            self._folders.crash_file(self._run.id), "w", encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.writelines(traceback.format_exception(error))

    def _record_outcome(self, outcome: Outcome) -> None:
        if self._settings["tends"]:
            self._record_tended()
            return
        ending = record.judge(
            exit_code=outcome.exit_code,
            signal=outcome.signal,
            stopped_for=outcome.stopped_for,
            out_of_memory=self._settings["oom_kills"] not in (None, settings.count_oom_kills()),
        )
        said = report.read_report(self._folders, self._run.id)
        self._run = report.lay_over(self._run, said)
        ending = report.judge(ending, said)
        message = record.MESSAGES.get(ending.reason, self._run.message)
        if outcome.left:
            message = f"could not be stopped: {', '.join(outcome.left)}"
        answers = {field: probe.ask(argv, env=os.environ) for field, argv in self._settings["at_end"].items()}
        measured = {"cpu_s": outcome.cpu_s, "peak_memory_bytes": outcome.peak_bytes}
        self._end(
            ending.status,
            ending.reason,
            end_time=outcome.end_time,
            exit_code=ending.exit_code,
            signal=ending.signal,
            message=message,
            last_output_time=outcome.last_output_time or self._run.last_output_time,
            usage=(self._run.usage or {}) | measured if self._is_child else self._run.usage,
            **(answers | {name: said[name] for name in answers if name in said}),
        )

    def _record_tended(self) -> None:
        """What a command that tends something says of its end is the end."""
        self._run = report.lay_over(self._run, report.read_report(self._folders, self._run.id))
        outcome = tending.read_outcome(self._folders, self._run.id) or tending.UNVERIFIED_OUTCOME
        self._end(
            outcome.status,
            outcome.reason,
            end_time=outcome.end_time,
            exit_code=outcome.exit_code,
            signal=outcome.signal,
            message=outcome.message,
            usage=outcome.usage,
        )

    def _end(self, status: str, reason: str, *, end_time: float | None = None, **facts: Any) -> None:
        self._writer.close()
        self._run = record.end(
            self._run,
            status=status,
            reason=reason,
            end_time=clock.now_s() if end_time is None else end_time,
            output_bytes=self._writer.position,
            truncated=self._writer.truncated,
            **facts,
        )
        for _ in range(_FINISH_TRIES):
            try:
                live.finish(self._folders, self._run)
            except FileNotFoundError:
                raise
            except OSError:
                # A disk that is full to the last byte: room may come.
                clock.sleep_s(_FINISH_RETRY_S)
            else:
                announcing.announce(self._run.id, self._settings)
                return

    def _write(self, **changes: Any) -> None:
        self._run = record.change(self._run, **changes)
        live.write_record(self._folders, self._run)

    def _note_stopping(self) -> None:
        # A full disk keeps nobody from stopping what fills it.
        with contextlib.suppress(GittasksError, OSError):
            self._write(phase=record.STOPPING)

    def _make_pipe(self) -> int:
        """The pipe for the output: our end is kept, the command's is answered.

        The command's end can be read too, so a write never fails for want of a reader: when this guard is killed, the
        command waits in its next write until another guard takes over, instead of dying of SIGPIPE.
        """
        path = os.path.join(self._folders.live_folder(self._run.id), live.PIPE)
        try:
            os.mkfifo(path, 0o600)
        except FileExistsError:
            # The pipe of the command before, which nobody writes to any more.
            pass
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
            # A file system without named pipes.
            self._pipe_fd, command_end = os.pipe()
            os.set_blocking(self._pipe_fd, False)
            return command_end
        self._pipe_fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            # Where this user's pipes are at their limit, the usual size does it too.
            with contextlib.suppress(OSError):
                fcntl.fcntl(self._pipe_fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)

    def _give_up(self, error: GittasksError | OSError) -> NoReturn:
        """Nothing was started, so nothing is recorded: say why, and leave no trace."""
        text = error.message if isinstance(error, GittasksError) else f"{error.filename}: {error.strerror}"
        self._writer.close()
        live.clear(self._folders, self._run.id)
        os.unlink(self._folders.output(self._run.id))
        self._acknowledge(text, started=False)
        os._exit(1)

    def _acknowledge(self, failure: str | None, *, started: bool = True) -> None:
        answer = {"record": self._run.as_json() if started else None, "failure": failure}
        # Where whoever asked was killed, the run goes on without him.
        with contextlib.suppress(OSError):
            os.write(self._ack_fd, marshal.dumps(answer))
        os.close(self._ack_fd)


def _read_all(fd: int) -> bytes:
    data = b""
    while more := os.read(fd, 1 << 16):
        data += more
    return data


def _let_go_of_terminal() -> None:
    for number in _IGNORED:
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    # A guard must not keep a folder from being removed, or a disk from being unmounted.
    os.chdir("/")


def _become_subreaper() -> bool:
    """Let the orphans of the command become our children (prctl(2)); whether they will: elsewhere they cannot."""
    if sys.platform != "linux":
        return False
    import ctypes

    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
