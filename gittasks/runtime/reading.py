"""Reading what a command wrote: all of it, its last lines, or on and on while it is written."""

from __future__ import annotations

import os

from gittasks.base.files import UnsafeFileError
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import live
from gittasks.runtime.output import (
    DEFAULT_LIMIT_BYTES,
    MAX_GAP_BYTES,
    find_gap,
    gap_mark,
    head_bytes,
    tail_files,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import RunId

_BLOCK = 1 << 16


def read_ended(folders: Folders, run_id: RunId, *, last_lines: int | None = None) -> Iterator[bytes]:
    """The output of a run that has ended, in blocks; of `last_lines` only so many at its end."""
    try:
        fd = _open(folders.output(run_id))
    except FileNotFoundError:
        return iter(())
    offset = 0 if last_lines is None else _start_of_last_lines(fd, last_lines, at_end=True)[0]
    return _blocks(fd, offset)


class LiveReader:
    """The output of a run that lives, read on and on; positions are those of `output.OutputWriter`.

    A file that somebody deleted reads as empty. Where output was left out, a line says so.
    """

    def __init__(self, folders: Folders, run_id: RunId) -> None:
        self._head_path = folders.output(run_id)
        self._live_folder = folders.live_folder(run_id)
        self._quarter = head_bytes(_limit_of(folders, run_id))
        self.position = 0

    def skip_to_last_lines(self, count: int) -> None:
        """Move to the start of the last `count` lines that are there now."""
        at_end = True
        for start, path in reversed(self._parts()):
            try:
                fd = _open(path)
            except FileNotFoundError:
                continue
            try:
                offset, count = _start_of_last_lines(fd, count, at_end=at_end)
            finally:
                os.close(fd)
            self.position = start + offset
            at_end = False
            if count == 0:
                return

    def read_new(self) -> Iterator[bytes]:
        """What was written since the last call, in blocks."""
        for start, path in self._parts():
            try:
                fd = _open(path)
            except FileNotFoundError:
                # A file of the tail that made room for newer ones, or an output that was deleted.
                continue
            if start > self.position:
                yield gap_mark(start - self.position)
                self.position = start
            for block in _blocks(fd, self.position - start, limit=start + self._quarter - self.position):
                self.position += len(block)
                yield block

    def read_rest(self, kept_bytes: int) -> Iterator[bytes]:
        """What is missing now that the run has ended and its tail was joined to the head.

        `kept_bytes` is how much the writer counted in all (`Run.output_bytes`).
        """
        if self.position >= kept_bytes:
            return
        try:
            fd = _open(self._head_path)
        except FileNotFoundError:
            return
        start = self.position
        gap = find_gap(os.pread(fd, MAX_GAP_BYTES, self._quarter))
        if start > self._quarter and gap:
            tail_at = self._quarter + gap
            # Where in the stream the tail begins: it was kept to its very end.
            tail_from = kept_bytes - (os.fstat(fd).st_size - tail_at)
            if tail_from > start:
                yield gap_mark(tail_from - start)
            start = tail_at + max(start - tail_from, 0)
        self.position = kept_bytes
        yield from _blocks(fd, start)

    def _parts(self) -> list[tuple[int, str]]:
        return [(0, self._head_path), *tail_files(self._live_folder)]


def _limit_of(folders: Folders, run_id: RunId) -> int:
    data = live.read_part(folders, run_id, live.SETTINGS)
    if data is None:
        return DEFAULT_LIMIT_BYTES
    import json

    try:
        return int(json.loads(data)["limit_bytes"])
    except (ValueError, TypeError, KeyError):
        return DEFAULT_LIMIT_BYTES


def _open(path: str) -> int:
    """Open a regular file and nothing else: what lies in the folder of outputs may be a stranger's."""
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise UnsafeFileError(f"{path}: {error.strerror}") from None


def _blocks(fd: int, offset: int, *, limit: int | None = None) -> Iterator[bytes]:
    with open(fd, "rb", buffering=0) as file:
        file.seek(offset)
        while block := file.read(_BLOCK if limit is None else max(min(_BLOCK, limit), 0)):
            if limit is not None:
                limit -= len(block)
            yield block


def _start_of_last_lines(fd: int, count: int, *, at_end: bool) -> tuple[int, int]:
    """Where the last `count` lines of a file start, and how many of them must begin before it.

    `at_end` tells that nothing follows the file: its last line feed ends a line then, and begins none.
    """
    end = os.lseek(fd, 0, os.SEEK_END)
    if count <= 0:
        return end, 0
    while end > 0:
        start = max(end - _BLOCK, 0)
        block = os.pread(fd, end - start, start)
        stop = len(block) - (1 if at_end and block.endswith(b"\n") else 0)
        at_end = False
        while (at := block.rfind(b"\n", 0, stop)) >= 0:
            count -= 1
            if count == 0:
                return start + at + 1, 0
            stop = at
        end = start
    return 0, count
