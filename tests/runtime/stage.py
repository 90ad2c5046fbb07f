"""A clone's folders for runs, without git: real supervisors, real commands, and a look for what they left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from gittasks.base import identity
from gittasks.base.ids import new_uid
from gittasks.runtime import journal, launcher, live, store, waiting
from gittasks.runtime.folders import Folders, prepare
from gittasks.runtime.record import LOCAL_BASH, Run, RunId, describe_command, parse_run
from gittasks.runtime.settings import settings_of
from gittasks.runtime.tree import RUN_VARIABLE, SUPERVISOR_VARIABLE

PATIENCE_S = 15.0
MARK = "GITTASKS_STAGE"


def until(happened: Callable[[], object], what: str = "") -> None:
    """Look again and again until `happened`; what has not happened for a long time never will."""
    deadline = time.monotonic() + PATIENCE_S
    while not happened():
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s in vain {what}"
        time.sleep(0.005)


def remains() -> list[int]:
    """The pids of all live processes that have this test's own HOME: commands, supervisors, the program itself."""
    mark = f"\0HOME={os.environ['HOME']}\0".encode()
    return [
        pid
        for pid in identity.all_pids()
        if mark in b"\0" + identity.read_environ(pid)
        and (stat := identity.read_stat(pid)) is not None
        and not stat.has_ended
    ]


@contextlib.contextmanager
def nothing_remains() -> Iterator[None]:
    """Whatever is started inside must have ended soon after; what has not is killed, and reported."""
    try:
        yield
        until(lambda: not remains(), "for all processes to end")
    finally:
        for pid in remains():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Stage:
    """Start runs, hurt them, look at them."""

    def __init__(self, top: Path) -> None:
        private = top / ".git" / "gittasks"
        private.mkdir(parents=True)
        self.top = top
        self.folders = Folders(str(top / ".task_outputs"), str(private), ".task_outputs")
        prepare(self.folders)
        self.mark = f"{MARK}={new_uid()}"
        self.started: list[RunId] = []

    @property
    def env(self) -> dict[str, str]:
        name, _, value = self.mark.partition("=")
        return {**os.environ, name: value}

    def begin(
        self,
        *argv: str,
        cwd: str | None = None,
        limit_bytes: int = 1 << 20,
        timeout_s: float | None = None,
        grace_s: float = 5.0,
        leave_children: bool = False,
        at_end: dict[str, list[str]] | None = None,
        task_id: int | None = None,
        env: dict[str, str] | None = None,
        **more: Any,
    ) -> launcher.Started:
        """Start a run; `more` are further settings of it."""
        starting = launcher.begin(self.folders, LOCAL_BASH, os.environ)
        self.started.append(starting.run_id)
        words = tuple(os.fsencode(word) for word in argv)
        run = Run(
            starting.run_id,
            description=" ".join(argv),
            command=describe_command(words),
            cwd=cwd or str(self.top),
            output_file=self.folders.shown_output(starting.run_id),
            work_graph_task_id=task_id,
            timeout_s=timeout_s,
        )
        settings = settings_of(
            limit_bytes=limit_bytes,
            timeout_s=timeout_s,
            timeout_grace_s=grace_s,
            leave_children=leave_children,
            at_end=at_end or {},
            **more,
        )
        variables = {**self.env, RUN_VARIABLE: starting.run_id, **(env or {})}
        return starting.go(
            run,
            settings,
            argv=words,
            env={os.fsencode(name): os.fsencode(value) for name, value in variables.items()},
            cwd=os.fsencode(cwd or str(self.top)),
        )

    def start(self, *argv: str, **how: Any) -> Run:
        """A run whose command was started."""
        started = self.begin(*argv, **how)
        assert started.failure is None, started.failure
        return started.run

    def shell(self, script: str, **how: Any) -> Run:
        return self.start("sh", "-c", script, **how)

    def end(self, run: Run) -> Run:
        """The run once it has ended."""
        assert waiting.wait(self.folders, [run.id], self.env, timeout_s=PATIENCE_S), self.now(run)
        ended = self.now(run)
        assert not ended.is_live, ended
        return ended

    def now(self, run: Run) -> Run:
        """The run as any command would see it now."""
        return parse_run(store.load(self.folders, self.env)[run.id.encode()])

    def index(self) -> journal.Lines:
        return journal.load(self.folders) or {}

    def output(self, run: Run) -> bytes:
        return Path(self.folders.output(run.id)).read_bytes()

    def until_output(self, run: Run, text: bytes) -> None:
        path = Path(self.folders.output(run.id))
        until(lambda: path.exists() and text in path.read_bytes(), f"for {text!r} in the output")

    def supervisor(self, run: Run) -> identity.Process:
        record = live.read_part(self.folders, run.id, live.RECORD)
        assert record is not None
        found = identity.parse_process(parse_run(record).supervisor)
        assert found is not None
        return found

    def leader(self, run: Run) -> identity.Process:
        found = identity.parse_process(run.process)
        assert found is not None
        return found

    def kill9(self, process: identity.Process) -> None:
        """SIGKILL, and wait until the process is gone."""
        assert identity.state_of(process) == identity.ALIVE
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: identity.state_of(process) == identity.DEAD, "for a killed process to be gone")

    def alive(self) -> list[int]:
        """The pids of all commands, and all they started, on this stage."""
        return [pid for pid in identity.all_pids() if self._is_ours(pid, self.mark)]

    def supervisors(self) -> list[int]:
        marks = [f"{SUPERVISOR_VARIABLE}={run_id}" for run_id in self.started]
        return [pid for pid in identity.all_pids() if any(self._is_ours(pid, mark) for mark in marks)]

    def clear(self) -> list[int]:
        """End whatever is still there; answer what commands had left behind."""
        left = self.alive()
        for pid in left + self.supervisors():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return left

    def _is_ours(self, pid: int, mark: str) -> bool:
        stat = identity.read_stat(pid)
        if stat is None or stat.has_ended:
            return False
        return f"\0{mark}\0".encode() in b"\0" + identity.read_environ(pid)
