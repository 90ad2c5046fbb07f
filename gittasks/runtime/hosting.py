"""Runs that live in a thread of somebody's program, not in a process of their own.

Such a run has no supervisor: the host holds the lock of its live folder, writes its record and its output, and ends
it. When the host dies the lock is free and the process proven dead, so the next command ends the run as lost. Nobody
ever signals the host: a request to stop lies in the live folder, and the host looks for it.
"""

from __future__ import annotations

import os
import threading

from gittasks.base import clock, identity
from gittasks.base.errors import GittasksError
from gittasks.base.files import remove_cache
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import announcing, live, record, report
from gittasks.runtime.folders import prepare
from gittasks.runtime.output import DEFAULT_LIMIT_BYTES, OutputWriter
from gittasks.runtime.record import ACTIVE, IN_PROCESS_TEAMMATE, LETTERS, Run
from gittasks.runtime.settings import settings_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import RunId

_FINISH_TRIES, _FINISH_RETRY_S = 5, 0.2


class HostedRun:
    """One run of this process. `end` ends it; all methods can be called by any thread."""

    def __init__(
        self, folders: Folders, describe: Callable[[RunId], tuple[Run, dict[str, Any] | None]]
    ) -> None:
        """Start it: `describe` answers its record for an id, and what is to be started at its end (`on_end`).

        Raises `UnsafeFolderError`, `NoFolderError`, `DiskError`, `OSError`; nothing is left then.
        """
        prepare(folders)
        self._folders = folders
        self._lock = threading.Lock()
        run_id, self._alive_fd = live.claim(folders, LETTERS[IN_PROCESS_TEAMMATE])
        try:
            run, on_end = describe(run_id)
            self._settings = settings_of(
                limit_bytes=DEFAULT_LIMIT_BYTES,
                timeout_s=None,
                leave_children=False,
                at_end={},
                on_end=on_end,
            )
            self._run = run._replace(
                phase=ACTIVE,
                start_time=clock.now_s(),
                output_file=folders.shown_output(run_id),
                process=identity.this_process().as_json(),
            )
            live.open_up(folders, self._run, self._settings)
            self._writer = OutputWriter(folders, run_id, limit_bytes=DEFAULT_LIMIT_BYTES)
            live.write_record(folders, self._run)
        except BaseException:
            live.clear(folders, run_id)
            remove_cache(folders.output(run_id))
            os.close(self._alive_fd)
            raise
        self._last_output_time: float | None = None
        keep_from_children(self._alive_fd)

    @property
    def id(self) -> RunId:
        """The run's id."""
        return self._run.id

    @property
    def run(self) -> Run:
        """The record as this process knows it."""
        return self._run

    def write(self, data: bytes) -> None:
        """Append to its output; what comes after its end is dropped."""
        with self._lock:
            if self._run.is_live:
                self._writer.write(data)
                self._last_output_time = clock.now_s()

    def report(self, *, progress: Any = None, message: str | None = None) -> None:
        """Say how far it is; see `report.write_report`."""
        with self._lock:
            if self._run.is_live:
                report.write_report(self._folders, self.id, progress=progress, message=message)

    def is_asked_to_stop(self) -> bool:
        """Whether somebody outside asked for its end."""
        try:
            return live.read_stop(self._folders, self.id) is not None
        except (FileNotFoundError, NotADirectoryError):
            return False

    def end(self, status: str, *, message: str | None = None, exit_code: int | None = None) -> Run:
        """Record its end, once; a disk that refuses leaves it to be found lost once this process is gone."""
        with self._lock:
            if not self._run.is_live:
                return self._run
            self._writer.close()
            self._run = record.end(
                report.lay_over(self._run, report.read_report(self._folders, self.id)),
                status=status,
                reason=record.EXIT,
                end_time=clock.now_s(),
                exit_code=exit_code,
                message=message,
                last_output_time=self._last_output_time,
                output_bytes=self._writer.position,
                truncated=self._writer.truncated,
            )
            try:
                self._finish()
            finally:
                close(self._alive_fd)
            return self._run

    def _finish(self) -> None:
        for _ in range(_FINISH_TRIES):
            try:
                live.finish(self._folders, self._run)
            except FileNotFoundError:
                # The private folder is gone, and with it whatever could be recorded.
                return
            except (GittasksError, OSError):
                clock.sleep_s(_FINISH_RETRY_S)
            else:
                announcing.announce(self.id, self._settings)
                return


_kept: set[int] = set()


def keep_from_children(fd: int) -> None:
    """Close the lock `fd` in whatever this process forks: there it would outlive the process that it stands for."""
    _kept.add(fd)


def close(fd: int) -> None:
    """Close a descriptor that was given to `keep_from_children`."""
    _kept.discard(fd)
    os.close(fd)


def _after_fork() -> None:
    while _kept:
        os.close(_kept.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
