"""What a monitor looks at. A source answers `Look`s: what was seen, and which conditions that fulfils."""

from __future__ import annotations

import os
import select
import stat

from gittasks.app.monitoring import spec as words
from gittasks.app.monitoring.bounds import Lines, Pattern, as_event
from gittasks.app.monitoring.looks import Answers, Look
from gittasks.base import proc
from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime.record import COMPLETED

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Protocol

    from gittasks.app.monitoring.spec import Watch
    from gittasks.app.project import Project

    class Source(Protocol):
        """Something that can be looked at. `is_over` tells that there is nothing more to see, and never will be."""

        is_over: bool

        def look(self) -> list[Look]:
            """What was seen since the last look; never blocks for long."""


_READ_BYTES = 1 << 16
_MOST_READS = 16
_STREAM_WAIT_S = 0.2


def open_source(project: Project, watch: Watch) -> Source:
    """The source that `watch` names."""
    pattern = Pattern(watch.pattern, is_regex=watch.is_regex) if watch.pattern else None
    if watch.source == words.COMMAND:
        return CommandSource(watch, pattern, project.env)
    if watch.source == words.STREAM:
        return StreamSource(watch, pattern, project.env)
    if watch.source == words.URL:
        from gittasks.app.monitoring.web import UrlSource

        return UrlSource(watch, pattern)
    if watch.source == words.FILE:
        return FileSource(watch.target)
    if watch.source == words.LOG:
        return LogSource(watch, pattern)
    return RunSource(project, watch.target) if watch.source == words.RUN else RefSource(project, watch.target)


class CommandSource:
    """A command that is called at each look."""

    is_over = False

    def __init__(self, watch: Watch, pattern: Pattern | None, env: Mapping[str, str]) -> None:
        self._watch = watch
        self._env = env
        self._answers = Answers(pattern)

    def look(self) -> list[Look]:
        """Call it, and wait for its end."""
        try:
            done = proc.run_bounded(self._watch.argv, env=self._env, timeout_s=self._watch.look_timeout_s)
        except proc.ProgramMissingError as error:
            return [self._answers.judge(error.message, b"", is_ok=False)]
        if done.returncode is None:
            return [
                self._answers.judge(
                    f"took longer than {self._watch.look_timeout_s:g} s", done.output, is_ok=False
                )
            ]
        state = (
            "ok"
            if done.returncode == 0
            else f"failed ({'exit' if done.returncode > 0 else 'signal'} {abs(done.returncode)})"
        )
        return [self._answers.judge(state, done.output, is_ok=done.returncode == 0)]


class Filtered:
    """Lines as looks: all of them, or those that match."""

    def __init__(self, pattern: Pattern | None) -> None:
        self._pattern = pattern
        self._lines = Lines()

    def feed(self, data: bytes) -> list[Look]:
        """The looks that `data` comes to."""
        return self._judge(self._lines.feed(data))

    def close(self) -> list[Look]:
        """That of a last line without line feed."""
        return self._judge(self._lines.close())

    def _judge(self, lines: list[str]) -> list[Look]:
        if self._pattern is None:
            return [Look(as_event(line)) for line in lines if line.strip()]
        looks = []
        for line in lines:
            if self._pattern.finds(line):
                looks.append(Look(as_event(line), frozenset((words.MATCHES,))))
            elif self._pattern.is_slow:
                self._pattern.is_slow = False
                looks.append(Look("the pattern takes too long for a line"))
        return looks


class StreamSource:
    """One command whose lines come as they are written; `is_over` once it has ended and all was read."""

    def __init__(self, watch: Watch, pattern: Pattern | None, env: Mapping[str, str]) -> None:
        self.is_over = False
        self._filtered = Filtered(pattern)
        self._process = proc.start(watch.argv, env=env)
        assert self._process.stdout is not None
        self._fd = self._process.stdout.fileno()
        os.set_blocking(self._fd, False)

    def look(self) -> list[Look]:
        """The lines that have come; waits a moment for the first."""
        looks: list[Look] = []
        for _ in range(_MOST_READS):
            # Asked first: what it has written is in the pipe when it has ended.
            code = self._process.poll()
            waits = _STREAM_WAIT_S if not looks and code is None else 0
            if not select.select([self._fd], [], [], waits)[0]:
                # A child that keeps the pipe open is not waited for.
                return looks if code is None else [*looks, *self._end(code)]
            data = os.read(self._fd, _READ_BYTES)
            if not data:
                return [*looks, *self._end(self._process.wait())]
            looks += self._filtered.feed(data)
        return looks

    def _end(self, code: int) -> list[Look]:
        self.is_over = True
        if self._process.stdout is not None:
            self._process.stdout.close()
        state = "ended" if code == 0 else f"ended with {'exit code' if code > 0 else 'signal'} {abs(code)}"
        ended = Look(state, frozenset((words.ENDS,)), code if code >= 0 else 128 - code)
        return [*self._filtered.close(), ended]


class FileSource:
    """Whether a file is there, and as it was."""

    is_over = False

    def __init__(self, path: str) -> None:
        self._path = path
        self._last: object = self

    def look(self) -> list[Look]:
        """One look at it."""
        try:
            info = os.stat(self._path)
        except OSError:
            state: object = None
            text, fulfils = "is not there", {words.GONE}
        else:
            state = (info.st_ino, info.st_size, info.st_mtime_ns)
            text, fulfils = f"is there, {info.st_size} bytes", {words.EXISTS}
        if self._last not in (self, state):
            fulfils.add(words.CHANGES)
        self._last = state
        return [Look(text, frozenset(fulfils))]


class LogSource:
    """The lines that are appended to a file, also when it is truncated, or another one takes its place."""

    is_over = False

    def __init__(self, watch: Watch, pattern: Pattern | None) -> None:
        self._path = watch.target
        self._pattern = pattern
        self._filtered = Filtered(pattern)
        self._fd = -1
        self._at = 0
        self._is_missing = False
        self._open(at_end=not watch.from_start)

    def look(self) -> list[Look]:
        """The new lines."""
        looks: list[Look] = []
        if self._fd >= 0:
            looks += self._read()
        elif self._open(at_end=False):
            looks += [Look("is there"), *self._read()]
        if self._fd >= 0 and self._is_another():
            # What was written to the old one before it was moved away was read above, and is read to its end.
            looks += [*self._read(), *self._filtered.close()]
            os.close(self._fd)
            self._fd = -1
            if self._open(at_end=False):
                looks += [Look("was replaced"), *self._read()]
            else:
                looks.append(Look("is not there any more"))
        return looks

    def _open(self, *, at_end: bool) -> bool:
        try:
            fd = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            return False
        self._fd = fd
        self._at = os.fstat(fd).st_size if at_end else 0
        self._filtered = Filtered(self._pattern)
        return True

    def _read(self) -> list[Look]:
        looks: list[Look] = []
        if os.fstat(self._fd).st_size < self._at:
            looks += [*self._filtered.close(), Look("was truncated")]
            self._at = 0
        for _ in range(_MOST_READS):
            data = os.pread(self._fd, _READ_BYTES, self._at)
            if not data:
                break
            self._at += len(data)
            looks += self._filtered.feed(data)
        return looks

    def _is_another(self) -> bool:
        try:
            there = os.stat(self._path)
        except OSError:
            return True
        here = os.fstat(self._fd)
        return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)


class RunSource:
    """A run of this clone, until it has ended."""

    def __init__(self, project: Project, run_id: str) -> None:
        self.is_over = False
        self._project = project
        self._run_id = run_id

    def look(self) -> list[Look]:
        """How it stands."""
        from gittasks.app import runs

        try:
            run = runs.find_run(self._project, self._run_id)
        except GittasksError as error:
            self.is_over = True
            return [Look(as_event(error.message))]
        if run.is_live:
            said = f": {run.message}" if run.message else ""
            return [Look(as_event(f"{run.status}{f' ({run.phase})' if run.phase else ''}{said}"))]
        self.is_over = True
        verdict = words.OK if run.status == COMPLETED else words.FAILS
        reason = f" ({run.reason})" if run.reason and run.status != COMPLETED else ""
        return [Look(as_event(run.status + reason), frozenset((words.ENDS, verdict)))]


class RefSource:
    """Where a ref of this repository points; asked of git, without any network."""

    is_over = False

    def __init__(self, project: Project, ref: str) -> None:
        from gittasks.app.holders import git_of

        self._git = git_of(project)
        self._ref = ref
        self._last: str | None = None
        self._was_asked = False

    def look(self) -> list[Look]:
        """One look at it."""
        found = self._git.find_line("rev-parse", "--verify", "--quiet", "--end-of-options", self._ref)
        fulfils = {words.GONE if found is None else words.EXISTS}
        if self._was_asked and found != self._last:
            fulfils.add(words.CHANGES)
        self._was_asked, self._last = True, found
        return [Look("is not there" if found is None else f"is at {found}", frozenset(fulfils))]
