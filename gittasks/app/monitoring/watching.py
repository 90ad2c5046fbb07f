"""The worker of a monitor: looks, writes what it sees, tells of it, and ends when the condition holds.

It completes (exit code 0) when the condition came to hold; it fails (1, or as its stream did) when it never can.
"""

from __future__ import annotations

import contextlib
import signal

from gittasks.app.monitoring.sources import open_source
from gittasks.app.monitoring.spec import ENDS, STREAM, of_spec
from gittasks.app.monitoring.telling import Teller
from gittasks.base import clock, proc
from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import count
from gittasks.runtime import events

if TYPE_CHECKING:
    from types import FrameType

    from gittasks.app.monitoring.looks import Look
    from gittasks.app.monitoring.sources import Source
    from gittasks.app.monitoring.spec import Watch
    from gittasks.app.worker import Worker
    from gittasks.runtime.events import Event

_REPORT_S = 0.5
_NAP_S = 0.2


class _StoppedError(Exception):
    """Somebody asked this monitor to stop."""


def watch_until(worker: Worker) -> int:
    """Watch what the run's spec says, and answer the exit code that the run is to have."""
    watch = of_spec(worker.spec)
    signal.signal(signal.SIGTERM, _stop)
    diary = Diary(worker, watch)
    try:
        code = _watch(worker, watch, diary)
    except _StoppedError:
        code = 128 + signal.SIGTERM
    except proc.ProgramMissingError as error:
        diary.say(error.message)
        code = 127
    diary.close()
    return code


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _StoppedError


def _watch(worker: Worker, watch: Watch, diary: Diary) -> int:
    source = open_source(worker.project, watch)
    while True:
        look_again = clock.monotonic_s() + watch.every_s
        for look in source.look():
            diary.see(look)
            if watch.until in look.fulfils:
                return _code(watch, look)
        if source.is_over:
            return _code_of_end(source, diary)
        diary.pass_time()
        while (left_s := look_again - clock.monotonic_s()) > 0:
            clock.sleep_s(min(left_s, _NAP_S))
            diary.pass_time()


def _code(watch: Watch, look: Look) -> int:
    """A stream that was watched until its end ended as it did; any other condition that holds is what was wanted."""
    return look.code or 0 if watch.source == STREAM and watch.until == ENDS else 0


def _code_of_end(source: Source, diary: Diary) -> int:
    """Nothing more can come, and the condition does not hold."""
    diary.say("it is over, and what was waited for did not come")
    return 1


class Diary:
    """What a monitor has seen: written to its output (same events fold), reported, and told of in time."""

    def __init__(self, worker: Worker, watch: Watch) -> None:
        self._worker = worker
        self._teller = Teller(notify=watch.notify, debounce_s=watch.debounce_s, publish=self._publish)
        self._text: str | None = None
        self._times = 0
        self._total = 0
        self._report_at = 0.0
        self._is_reported = True

    def see(self, look: Look) -> None:
        """Take one look in."""
        now_s, at = clock.now_s(), clock.monotonic_s()
        self._total += 1
        if look.text == self._text:
            self._times += 1
        else:
            self._finish_line()
            self._text, self._times = look.text, 1
            self._write(f"{clock.format_utc(now_s)} {look.text}")
        self._is_reported = False
        self._teller.see(look.text, now_s=now_s, at=at)
        self.pass_time()

    def pass_time(self) -> None:
        """Do what is due: tell, report."""
        at = clock.monotonic_s()
        self._tell(at)
        if not self._is_reported and at >= self._report_at:
            self._report(at)

    def say(self, text: str) -> None:
        """Write a line of our own."""
        self._finish_line()
        self._text = None
        self._write(f"{clock.now_utc()} {text}")
        self._worker.report(message=text, events=self._total)
        self._is_reported = True

    def close(self) -> None:
        """Write, tell and report what is left."""
        self._finish_line()
        at = clock.monotonic_s()
        self._tell(at, finally_=True)
        if not self._is_reported:
            self._report(at)

    def _tell(self, at: float, *, finally_: bool = False) -> None:
        # Somebody sits on the lock, or the disk is full: they are kept, and told the next time.
        with contextlib.suppress(GittasksError, OSError):
            self._teller.tell(at, finally_=finally_)

    def _publish(self, seen: list[Event]) -> None:
        events.publish(self._worker.folders, self._worker.run_id, seen)

    def _report(self, at: float) -> None:
        self._report_at = at + _REPORT_S
        self._is_reported = True
        self._worker.report(
            message=f"{count(self._total, 'event')}, the last: {self._text}", events=self._total
        )

    def _finish_line(self) -> None:
        if self._times > 1:
            self._write(f"{clock.now_utc()} (the same, {self._times} times in all)")
        self._times = 0

    def _write(self, line: str) -> None:
        self._worker.output.write(line.encode("utf-8", "backslashreplace") + b"\n")
        self._worker.output.flush()
