"""The run of an agent: it claims the task, starts the program, hears what it says, and looks at what it did.

Everything is imported before the program starts: an upgrade in the middle of a long run must not break its end. What
the program prints goes on to the run's output byte for byte. When somebody stops the run the supervisor tells every
process of it, the agent too: here nothing more is begun, and its end is waited for.
"""

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import sys

from gittasks.app import checks as all_checks
from gittasks.app import claiming
from gittasks.app.agents import choosing
from gittasks.app.agents.deeds import Deeds, look_at_work, put_in_words
from gittasks.app.agents.listening import Listener
from gittasks.app.agents.starting import may_replace
from gittasks.base import clock, proc
from gittasks.base.errors import GittasksError
from gittasks.base.files import replace_file
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, shorten
from gittasks.repo import refs
from gittasks.repo.git import Git, scrub
from gittasks.runtime.tree import RUN_VARIABLE
from gittasks.workgraph.agents import ARGUMENT, FILE_MARK, PROMPT_MARK, STDIN, rule_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from gittasks.app.checks import Failure
    from gittasks.app.worker import Worker

# As a shell says it: ended by a signal, a program that is not there.
_SIGNAL_EXIT, _MISSING_EXIT, _FAILED_EXIT = 128, 127, 1
_PROMPT_FILE = "prompt.md"
_READ_BYTES = 1 << 16
_DRAIN_READS = 64
_REPORT_EVERY_S = 0.5
_MAX_MESSAGE = 400


def work(worker: Worker) -> int:
    """Do what `starting` ordered; the exit code is the agent's own, or 1 where it did not do what it says."""
    wakes = _Wakes()
    agent = _Agent(worker, wakes)
    agent.report()
    with _claimed(worker):
        code = agent.run()
    if code < 0:
        # As the agent ended: the supervisor tells a kill for want of memory from any other by the signal.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        with contextlib.suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    return code if code >= 0 else _SIGNAL_EXIT - code


@contextlib.contextmanager
def _claimed(worker: Worker) -> Iterator[None]:
    """Hold the task for this run: when it dies, whoever asks finds the claim abandoned. Raises `ClaimHeldError`."""
    project, spec = worker.project, worker.spec
    env = {RUN_VARIABLE: spec["parent"]} if spec["parent"] else {}
    try:
        task = claiming.require_task(project, spec["task"])
        new = claiming.draft(project, task, spec["owner"])
        held = claiming.acquire(project, task, new, adopt=lambda claim: may_replace(env, claim))
    except GittasksError as error:
        worker.report(message=error.message)
        raise
    try:
        yield
    finally:
        # What the owner had before is his again: a worktree to look at, and a task that is still in progress.
        try:
            claiming.undo(project, task.id, held)
        except GittasksError as error:
            _say(f"the claim on #{task.id} stays: {error.message}")


class _Wakes:
    """SIGCHLD and SIGTERM, made readable at `fd`; `is_stopping` once somebody asked for the end."""

    def __init__(self) -> None:
        self.is_stopping = False
        self.fd, write_fd = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(write_fd, False)
        signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.signal(signal.SIGTERM, self._stop)

    def clear(self) -> None:
        """Empty `fd`: what woke us is about to be looked at."""
        with contextlib.suppress(BlockingIOError):
            os.read(self.fd, _READ_BYTES)

    def _stop(self, number: int, frame: object) -> None:
        self.is_stopping = True


class _Agent:
    """One agent's program, from its start to what it left."""

    def __init__(self, worker: Worker, wakes: _Wakes) -> None:
        self._worker = worker
        self._spec = worker.spec
        self._wakes = wakes
        self._git = Git(worker.project.top, scrub(worker.project.env))
        self._listener = Listener(
            [rule_of(rule) for rule in worker.spec["events"]], session=worker.spec["session"]
        )
        self._reported_at = 0.0
        self._reported: tuple[Any, ...] = ()

    def run(self) -> int:
        """Run the program and the checks, say what came of it, and answer the exit code (a signal: negative)."""
        if self._wakes.is_stopping:
            return -signal.SIGTERM
        before = refs.find_head(self._git)
        try:
            process = self._start()
        except (GittasksError, OSError) as error:
            return self._give_up(error)
        with process.stdout:
            code = self._hear(process.stdout.fileno(), process.poll)
        deeds = look_at_work(self._git, before)._replace(code=code, failed=self._listener.failed)
        failure = (
            self._check() if code == 0 and deeds.failed is None and not self._wakes.is_stopping else None
        )
        passed = None if self._wakes.is_stopping or code or deeds.failed else failure is None
        deeds = deeds._replace(checks=tuple(self._spec["checks"]), passed=passed, failed_check=failure)
        self.report(deeds)
        return _FAILED_EXIT if code == 0 and (failure is not None or deeds.failed is not None) else code

    def report(self, deeds: Deeds | None = None) -> None:
        """Say how far it is; with `deeds`, what became of it all."""
        heard, name = self._listener, self._spec["name"]
        facts: dict[str, Any] = {"name": name, "steps": heard.steps, "said": heard.message}
        message = heard.message
        if deeds is not None:
            facts |= deeds.as_json()
            message = put_in_words(printable(name), deeds, heard.message)
        self._tell(_progress(heard), message, **{choosing.FIELD: facts})

    def _tell(self, progress: str | None, message: str | None, **more: Any) -> None:
        line = None if message is None else shorten(" ".join(message.split()), _MAX_MESSAGE)
        self._worker.report(progress=progress, message=line, session=self._listener.session, **more)

    def _give_up(self, error: GittasksError | OSError) -> int:
        what = error.message if isinstance(error, GittasksError) else str(error.strerror)
        message = f"cannot start {printable(self._spec['name'])}: {what}"
        self._worker.report(message=message)
        _say(message)
        return _MISSING_EXIT

    def _start(self) -> Any:
        """Start the program: a `Popen`. Raises `ProgramMissingError`, `DiskError`, `OSError`."""
        spec, project = self._spec, self._worker.project
        prompt_file = os.path.join(self._worker.folders.live_folder(self._worker.run_id), _PROMPT_FILE)
        replace_file(prompt_file, spec["prompt"].encode("utf-8", "replace"), mode=0o600)
        marks = {FILE_MARK: prompt_file}
        if spec["way"] == ARGUMENT:
            marks[PROMPT_MARK] = spec["prompt"]
        argv = [_fill(word, marks) for word in spec["argv"]]
        stdin_fd = os.open(prompt_file if spec["way"] == STDIN else os.devnull, os.O_RDONLY)
        try:
            return proc.start(argv, env=project.env, cwd=project.top, stdin_fd=stdin_fd, apart=True)
        finally:
            os.close(stdin_fd)

    def _hear(self, stdout_fd: int, find_end: Callable[[], int | None]) -> int:
        """Hear the program to its end; how it ended, as `subprocess` gives it."""
        os.set_blocking(stdout_fd, False)
        poll = select.poll()
        poll.register(self._wakes.fd, select.POLLIN)
        poll.register(stdout_fd, select.POLLIN)
        while (code := find_end()) is None:
            for fd, _ in poll.poll(self._delay_ms()):
                if fd == self._wakes.fd:
                    self._wakes.clear()
                elif self._pass_on(fd) == 0:
                    poll.unregister(fd)
            self._report_when_due()
        # What it left running may hold the pipe for ever, and is stopped when this run is over.
        for _ in range(_DRAIN_READS):
            if not self._pass_on(stdout_fd):
                break
        return code

    def _pass_on(self, fd: int) -> int | None:
        """Move some of its output to ours; how many bytes, 0 at the end, `None` where there is nothing now."""
        try:
            data = os.read(fd, _READ_BYTES)
        except BlockingIOError:
            return None
        self._worker.output.write(data)
        self._worker.output.flush()
        self._listener.hear(data)
        return len(data)

    def _state(self) -> tuple[Any, ...]:
        heard = self._listener
        return heard.session, heard.message, heard.doing, heard.steps

    def _report_when_due(self) -> None:
        now = clock.monotonic_s()
        if now - self._reported_at >= _REPORT_EVERY_S and (state := self._state()) != self._reported:
            self._reported_at, self._reported = now, state
            self.report()

    def _delay_ms(self) -> int | None:
        """Until what was heard is to be told; `None` when all was told."""
        if self._state() == self._reported:
            return None
        due = self._reported_at + _REPORT_EVERY_S - clock.monotonic_s()
        return max(int(due * 1000) + 1, 0)

    def _check(self) -> Failure | None:
        """The first check that fails."""
        spec, project = self._spec, self._worker.project

        def tell(text: str) -> None:
            _say(text)
            self._tell(printable(text), None)

        return next(all_checks.failing(project, spec["checks"], tell), None) if spec["checks"] else None


def _progress(heard: Listener) -> str | None:
    doing = heard.doing
    if doing is None:
        return None
    return f"{heard.steps}: {doing}" if heard.steps else doing


def _fill(word: str, marks: dict[str, str]) -> str:
    for mark, value in marks.items():
        if mark in word:
            # Once: what the prompt holds is no mark.
            return word.replace(mark, value)
    return word


def _say(text: str) -> None:
    """A line of ours in the run's output."""
    sys.stderr.write(f"gittasks: {printable(text)}\n")
    sys.stderr.flush()
