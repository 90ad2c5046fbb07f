"""The record of one run as its guard keeps it, written while it lives and once at its end; and who waits to hear."""

from __future__ import annotations

import contextlib
import marshal
import os

from gittasks.base import clock
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import announcing, live, record

if TYPE_CHECKING:
    from typing import Any

    from gittasks.runtime.folders import Folders
    from gittasks.runtime.output import OutputWriter
    from gittasks.runtime.record import Run
    from gittasks.runtime.watch import Outcome

_FINISH_TRIES = 60
_FINISH_RETRY_S = 1.0


class Ledger:
    """`run` is the record as it is known now; what only memory knows of it yet may be replaced there."""

    def __init__(
        self, folders: Folders, run: Run, settings: dict[str, Any], writer: OutputWriter, *, ack_fd: int
    ) -> None:
        self.run = run
        self.ack_fd = ack_fd
        self._folders = folders
        self._settings = settings
        self._writer = writer
        self._usage: dict[str, Any] = {}

    @property
    def has_answered(self) -> bool:
        """Whether whoever has started the run was told what came of it: then it is on record."""
        return self.ack_fd < 0

    def write(self, **changes: Any) -> None:
        """Change the record of a run that lives, on disk and for the index. Raises `DiskError`."""
        self.run = record.change(self.run, **changes)
        live.write_record(self._folders, self.run)

    def count(self, outcome: Outcome) -> None:
        """Add up what all attempts used."""
        self._usage = {
            "cpu_s": round(self._usage.get("cpu_s", 0.0) + outcome.cpu_s, 3),
            "peak_memory_bytes": max(self._usage.get("peak_memory_bytes", 0), outcome.peak_bytes),
        }

    def end(self, status: str, reason: str, *, end_time: float | None = None, **facts: Any) -> None:
        """Record the end, and have it announced; a full disk is waited for as long as a minute."""
        self._writer.close()
        facts.setdefault("usage", ((self.run.usage or {}) | self._usage) or None)
        self.run = record.end(
            self.run,
            status=status,
            reason=reason,
            end_time=clock.now_s() if end_time is None else end_time,
            output_bytes=self._writer.position,
            truncated=self._writer.truncated,
            **facts,
        )
        for _ in range(_FINISH_TRIES):
            try:
                live.finish(self._folders, self.run)
            except FileNotFoundError:
                raise
            except OSError:
                # A disk that is full to the last byte: room may come.
                clock.sleep_s(_FINISH_RETRY_S)
            else:
                announcing.announce(self.run.id, self._settings)
                return

    def strike(self) -> None:
        """Leave no trace of a run of which nothing was started and nothing recorded."""
        self._writer.close()
        live.clear(self._folders, self.run.id)
        with contextlib.suppress(OSError):
            os.unlink(self._folders.output(self.run.id))

    def answer(self, failure: str | None, *, started: bool = True) -> None:
        """Answer whoever has started the run, and waits; later answers have nobody to hear them."""
        if self.has_answered:
            return
        answer = marshal.dumps({"record": self.run.as_json() if started else None, "failure": failure})
        # Where whoever asked was killed, the run goes on without him.
        with contextlib.suppress(OSError):
            os.write(self.ack_fd, b"%d\n" % len(answer) + answer)
        os.close(self.ack_fd)
        self.ack_fd = -1
