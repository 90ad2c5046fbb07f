"""The guard of one run: a small detached process that outlives the terminal and whoever started the run.

It gets its job through a pipe (the environment may hold secrets: it never reaches a file or a command line), starts
the command once its record is on disk, passes its output on, stops its tree when asked or late, and records the end.
While the guard lives it is the only writer of the run's record. It imports no library, and everything before
the command starts: an upgrade of the package in the middle of a long run must not break its end.
"""

from __future__ import annotations

import contextlib
import marshal
import os

from gittasks.base import clock, identity
from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import (
    attempts,
    bell,
    child,
    detach,
    live,
    probe,
    record,
    report,
    settings,
    tending,
    turn,
)
from gittasks.runtime.child import Command
from gittasks.runtime.folders import Folders
from gittasks.runtime.ledger import Ledger
from gittasks.runtime.output import OutputWriter
from gittasks.runtime.streams import Keyboard, Streams
from gittasks.runtime.watch import Signals, Watch, Watched

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

    from gittasks.runtime.record import Ending
    from gittasks.runtime.watch import Outcome


def main(*, alive_fd: int, ack_fd: int) -> NoReturn:
    """Do the job that stands in stdin (see `launcher`); never returns."""
    detach.leave_parent((alive_fd, ack_fd))
    data = detach.read_job()
    if not data:
        os._exit(1)
    job: dict[str, Any] = marshal.loads(data)
    detach.let_go_of_terminal()
    guard = Guard(job, alive_fd=alive_fd, ack_fd=ack_fd)
    try:
        if job["adopt"]:
            guard.adopt(job.pop("env"))
        else:
            # Taken out of the job: a guard that starts its command but once does not keep its secrets.
            guard.start(Command(job.pop("argv"), job.pop("env"), job.pop("cwd")), job.pop("spec"))
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
        self._bell_fd = -1
        run = record.run_of(job["record"])
        self._leader: identity.Process | None = None
        # Kept only where it may have to be started again.
        self._command: Command | None = None
        # What a command that tends something is started with again.
        self._env: dict[bytes, bytes] = {}
        self._attempt_began = 0.0
        self._is_child = False
        self._gets_orphans = False
        self._signals = Signals()
        self._writer = OutputWriter(self._folders, run.id, limit_bytes=int(self._settings["limit_bytes"]))
        self._ledger = Ledger(self._folders, run, self._settings, self._writer, ack_fd=ack_fd)
        self._streams = Streams(
            self._folders,
            run.id,
            terminal=bool(self._settings["terminal"]),
            takes_input=bool(self._settings["takes_input"]),
        )

    def start(self, command: Command, spec: bytes | None) -> None:
        """Start the command once its turn has come, or record why it cannot be started; tell whoever waits for it."""
        self._keep_env(command.env)
        retries = int(self._settings["retries"])
        self._ledger.run = self._ledger.run._replace(start_time=clock.now_s())
        if retries:
            self._ledger.run = self._ledger.run._replace(attempt=1, retries=retries)
        try:
            if self._writer.failure is not None:
                raise self._writer.failure
            live.open_up(self._folders, self._ledger.run, self._settings, spec)
            self._bell_fd = bell.hang(self._folders, self._ledger.run.id)
            self._streams.prepare()
            self._await_turn()
            self._launch(command)
        except (GittasksError, OSError) as error:
            self._give_up(error)
        self._command = command if retries else None
        self._ledger.answer(None)

    def adopt(self, env: dict[bytes, bytes]) -> None:
        """Take over from a guard that died: its command runs on, or has left something running, or tends something.

        `env` is what a command that tends something is started with again.
        """
        self._keep_env(env)
        self._leader = identity.parse_process(self._ledger.run.process)
        self._attempt_began = self._ledger.run.start_time
        with contextlib.suppress(GittasksError, OSError):
            self._bell_fd = bell.hang(self._folders, self._ledger.run.id)
        self._streams.adopt()
        if self._settings["deadline"] is None:
            settings.set_deadline(self._settings)
        with contextlib.suppress(GittasksError, OSError):
            self._ledger.write(supervisor=identity.this_process().as_json())
        self._ledger.answer(None)

    def watch(self) -> None:
        """Watch the command to its end, start it again as often as was asked for, and record how it went."""
        while True:
            watch = self._watch()
            outcome = watch.until_over()
            if self._settings["tends"]:
                self._note_output(outcome)
                self._tend()
                self._record_tended()
                return
            said = report.read_report(self._folders, self._ledger.run.id)
            ending = report.judge(self._judge(outcome), said)
            if self._is_child:  # of a command that we took over nobody knows
                self._ledger.count(outcome)
            self._ledger.run = report.lay_over(self._ledger.run, said)
            if self._command is None or outcome.left or not attempts.may_try_again(self._ledger.run, ending):
                break
            self._try_again(self._command, ending, outcome)
        self._record_outcome(outcome, ending, said)
        if self._settings["leave_children"]:
            # The run is over for everybody else.
            os.close(self._alive_fd)
            if self._bell_fd >= 0:
                os.close(self._bell_fd)
            self._streams.let_go()
            watch.discard_rest()

    def note_crash(self, error: BaseException) -> None:
        """Leave the trace of a bug where `doctor` and people find it; the run is taken over by the next command."""
        import traceback

        with open(
            self._folders.crash_file(self._ledger.run.id), "w", encoding="utf-8", errors="backslashreplace"
        ) as file:
            file.writelines(traceback.format_exception(error))

    # -- waiting for the turn

    def _await_turn(self) -> None:
        """Wait for other runs and for slots; ends the run where it is killed, or must not start."""
        mine = self._turn(self._settings)
        verdict = mine.has_come()
        if verdict is None:
            verdict = self._queue(mine, mine.waits_for)
            if not verdict.killed and verdict.refused is None:
                self._ask_anew()
        if verdict.killed:
            self._ledger.end(
                record.KILLED, record.NOT_STARTED, message="stopped before its command was started"
            )
        elif verdict.refused is not None:
            self._ledger.end(record.FAILED, record.NOT_STARTED, message=verdict.refused)
            self._ledger.answer(verdict.refused)
        else:
            return
        os._exit(0)

    def _ask_anew(self) -> None:
        """What was found out when the run was put in the queue may have changed while it waited."""
        for field, argv in self._settings["after_wait"].items():
            answer = probe.ask(argv, env=os.environ)
            self._ledger.run = record.change(self._ledger.run, dirty=None, **{field: answer})

    def _turn(self, waits: dict[str, Any]) -> turn.Turn:
        return turn.Turn(self._folders, self._ledger.run.id, waits, self._signals, self._bell_fd)

    def _queue(self, mine: turn.Turn, message: str, *, not_before: float = 0.0) -> turn.Verdict:
        """Sleep until the turn has come. Who has started the run is let go; an understudy stands by."""
        say_fd = turn.stand_by()
        # In another process than before: first it says who it is, then it heeds what was asked till then.
        me = identity.this_process().as_json()
        self._ledger.write(phase=record.QUEUED, message=message, process=None, supervisor=me)
        self._ledger.answer(None)
        self._signals.asked = True
        verdict = mine.wait(not_before=not_before)
        turn.dismiss(say_fd)
        return verdict

    # -- attempts

    def _launch(self, command: Command) -> None:
        """Start the command. Ends the run where there is no such command; raises `OSError`, `GittasksError`."""
        self._gets_orphans = detach.become_subreaper()
        waiting = self._fork(command)
        try:
            self._leader = identity.find_process(waiting.pid)
            if settings.set_deadline(self._settings):
                live.rewrite_settings(self._folders, self._ledger.run.id, self._settings)
            self._attempt_began = clock.now_s()
            is_first = (self._ledger.run.attempt or 1) == 1
            self._ledger.write(
                phase=record.ACTIVE,
                message=None,
                start_time=self._attempt_began if is_first else self._ledger.run.start_time,
                process=self._leader and self._leader.as_json(),
                supervisor=identity.this_process().as_json(),
            )
            if self._ledger.run.attempt is not None:
                self._writer.write_line(attempts.mark(self._ledger.run))
        except (GittasksError, OSError):
            child.discard(waiting)
            raise
        failure = child.release(waiting)
        if failure is not None:
            os.waitpid(waiting.pid, 0)
            self._ledger.end(record.FAILED, record.NOT_STARTED, message=failure, process=None)
            self._ledger.answer(failure)
            os._exit(0)
        self._is_child = True

    def _fork(self, command: Command) -> child.Child:
        ends = self._streams.open()
        mine = (self._alive_fd, self._ledger.ack_fd, self._bell_fd)
        holds_sigterm = bool(self._settings["tends"])
        waiting = child.fork_command(command, ends, close_fds=mine, holds_sigterm=holds_sigterm)
        self._streams.hand_over(ends)
        return waiting

    def _try_again(self, command: Command, ending: Ending, outcome: Outcome) -> None:
        """Note how an attempt ended, pause, and start the next one."""
        number = self._ledger.run.attempt or 1
        tried = attempts.noted(
            self._ledger.run, ending, start_time=self._attempt_began, end_time=outcome.end_time
        )
        message = attempts.describe(self._ledger.run, ending)
        report.forget(self._folders, self._ledger.run.id)
        self._streams.close()
        self._ledger.run = self._ledger.run._replace(
            attempts=tried, last_output_time=outcome.last_output_time
        )
        due = clock.monotonic_s() + attempts.pause_s(float(self._settings["backoff_s"]), number)
        try:
            verdict = self._queue(self._turn(settings.NOTHING_TO_WAIT_FOR), message, not_before=due)
            if verdict.killed:
                message = f"stopped after attempt {number}"
                self._ledger.end(record.KILLED, ending.reason, message=message, **ending.code)
                os._exit(0)
            self._ledger.run = self._ledger.run._replace(attempt=number + 1)
            self._launch(command)
        except (GittasksError, OSError) as error:
            self._give_up(error)

    def _watch(self) -> Watch:
        assert self._leader is not None
        watched = Watched(
            self._ledger.run.id,
            self._leader,
            self._is_child,
            self._gets_orphans,
            self._settings["deadline"],
            float(self._settings["timeout_grace_s"]),
            bool(self._settings["leave_children"]),
            lambda: live.read_stop(self._folders, self._ledger.run.id),
            bool(self._settings["tends"]),
        )
        types = self._settings["terminal"] and self._streams.typed_fd >= 0
        return Watch(
            watched,
            self._signals,
            pipe_fd=self._streams.output_fd,
            writer=self._writer,
            on_stopping=self._note_stopping,
            keyboard=Keyboard(self._streams.typed_fd, self._streams.output_fd) if types else None,
        )

    # -- commands that tend something elsewhere

    def _tend(self) -> None:
        """Start a command that tends something again until there is an outcome."""
        pause_s, deaths = tending.FIRST_PAUSE_S, 0
        while tending.read_outcome(self._folders, self._ledger.run.id) is None:
            if live.read_stop(self._folders, self._ledger.run.id) is not None:
                deaths += 1
                if deaths > tending.MAX_DEATHS:
                    break
            self._signals.wait(pause_s)
            pause_s = min(pause_s * 2, tending.LAST_PAUSE_S)
            if self._start_again():
                self._note_output(self._watch().until_over())

    def _start_again(self) -> bool:
        """Start the command that goes on tending; whether that could be done, and it is on record."""
        argv = [os.fsencode(word) for word in tending.command(str(self._settings["tends"]))]
        self._gets_orphans = detach.become_subreaper()
        try:
            waiting = self._fork(Command(argv, self._env, os.fsencode(self._folders.private)))
        except OSError:
            return False
        try:
            leader = identity.find_process(waiting.pid)
            self._ledger.write(
                process=leader and leader.as_json(), supervisor=identity.this_process().as_json()
            )
        except (GittasksError, OSError):
            child.discard(waiting)
            return False
        self._leader, self._is_child = leader, True
        return child.release(waiting) is None

    def _note_output(self, outcome: Outcome) -> None:
        last = outcome.last_output_time or self._ledger.run.last_output_time
        self._ledger.run = self._ledger.run._replace(last_output_time=last)

    def _keep_env(self, env: Mapping[bytes, bytes]) -> None:
        if self._settings["tends"]:
            self._env = {
                name: value for name, value in env.items() if name != tending.FIRST_VARIABLE.encode()
            }

    def _record_tended(self) -> None:
        """What a command that tends something says of its end is the end."""
        self._ledger.run = report.lay_over(
            self._ledger.run, report.read_report(self._folders, self._ledger.run.id)
        )
        outcome = tending.read_outcome(self._folders, self._ledger.run.id) or tending.UNVERIFIED_OUTCOME
        self._ledger.end(
            outcome.status,
            outcome.reason,
            end_time=outcome.end_time,
            exit_code=outcome.exit_code,
            signal=outcome.signal,
            message=outcome.message,
            usage=outcome.usage,
        )

    # -- the end

    def _judge(self, outcome: Outcome) -> Ending:
        return record.judge(
            exit_code=outcome.exit_code,
            signal=outcome.signal,
            stopped_for=outcome.stopped_for,
            out_of_memory=self._settings["oom_kills"] not in (None, settings.count_oom_kills()),
        )

    def _record_outcome(self, outcome: Outcome, ending: Ending, said: report.Report) -> None:
        message = record.MESSAGES.get(ending.reason, self._ledger.run.message)
        if ending.status == record.KILLED and not self._is_child:
            message = record.TAKEN_OVER
        if outcome.left:
            message = f"could not be stopped: {', '.join(outcome.left)}"
        answers = {field: probe.ask(argv, env=os.environ) for field, argv in self._settings["at_end"].items()}
        self._ledger.end(
            ending.status,
            ending.reason,
            end_time=outcome.end_time,
            message=message,
            last_output_time=outcome.last_output_time or self._ledger.run.last_output_time,
            **ending.code,
            **(answers | {name: said[name] for name in answers if name in said}),
        )

    def _note_stopping(self) -> None:
        # A full disk keeps nobody from stopping what fills it.
        with contextlib.suppress(GittasksError, OSError):
            self._ledger.write(phase=record.STOPPING)

    def _give_up(self, error: GittasksError | OSError) -> NoReturn:
        """Nothing was started. Where nothing was recorded either, say why, and leave no trace."""
        text = error.message if isinstance(error, GittasksError) else f"{error.filename}: {error.strerror}"
        if self._ledger.has_answered:
            self._ledger.end(record.FAILED, record.NOT_STARTED, message=f"cannot start: {text}", process=None)
            os._exit(0)
        self._ledger.strike()
        self._ledger.answer(text, started=False)
        os._exit(1)
