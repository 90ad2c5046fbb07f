"""What a command wrote, kept within a limit: its first quarter for ever, and then the newest of the rest.

While the run lives, `<id>.txt` holds the first quarter and `tail-<offset>` files in its private folder the newest
rest, a quarter of the limit each, at most three of them. At the end they are joined. Positions count in the stream
of bytes as kept files would hold it had nothing been left out.

All output passes through the supervisor, so the limit is exact on any file system, a full disk never reaches the
command, and a deleted file comes back.
"""

from __future__ import annotations

import os

from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime.folders import prepare_outputs
from gittasks.runtime.live import TAIL

if TYPE_CHECKING:
    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import RunId

DEFAULT_LIMIT_BYTES = 64 << 20
_TAIL_FILES = 3
_GAP_BEGINS, _GAP_ENDS = b"\n[gittasks: ", b" bytes of output left out here]\n"
MAX_GAP_BYTES = len(_GAP_BEGINS) + len(_GAP_ENDS) + 20
_COPY_BYTES = 1 << 16


def head_bytes(limit_bytes: int) -> int:
    """How much from the start of an output is kept for ever; a file of the tail has the same size."""
    return limit_bytes // (_TAIL_FILES + 1)


def gap_mark(left_out_bytes: int) -> bytes:
    """The line that stands where output was left out."""
    return b"%b%d%b" % (_GAP_BEGINS, left_out_bytes, _GAP_ENDS)


def find_gap(data: bytes) -> int:
    """The length of the mark of a gap that `data` begins with; 0 where it begins with none."""
    number, found, _ = data.removeprefix(_GAP_BEGINS).partition(_GAP_ENDS)
    is_mark = found and data.startswith(_GAP_BEGINS) and number.isdigit()
    return len(_GAP_BEGINS) + len(number) + len(_GAP_ENDS) if is_mark else 0


def tail_files(live_folder: str) -> list[tuple[int, str]]:
    """The files of the tail of a live run, oldest first, each with the position it starts at."""
    try:
        names = os.listdir(live_folder)
    except FileNotFoundError:
        return []
    found = [(name[len(TAIL) :], name) for name in names if name.startswith(TAIL)]
    return sorted((int(start), os.path.join(live_folder, name)) for start, name in found if start.isdecimal())


def kept_bytes(folders: Folders, run_id: RunId) -> int:
    """How far the output of a live run is kept on disk: where a writer that starts now would go on."""
    tails = tail_files(folders.live_folder(run_id))
    start, path = tails[-1] if tails else (0, folders.output(run_id))
    try:
        return start + os.stat(path).st_size
    except FileNotFoundError:
        return start


class OutputWriter:
    """The output of one live run; goes on where an earlier writer of the same run stopped.

    `position` is where the next byte goes, `truncated` whether anything was left out or could not be written.
    Where the file cannot be opened at all, `failure` says why, and all that is written is lost.
    """

    def __init__(self, folders: Folders, run_id: RunId, *, limit_bytes: int) -> None:
        self._folders = folders
        self._path = folders.output(run_id)
        self._live_folder = folders.live_folder(run_id)
        self._quarter = head_bytes(limit_bytes)
        self.failure: OSError | None = None
        try:
            self._head = self._open_head()
        except OSError as error:
            self.failure = error
            self._head = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        self._tails = tail_files(self._live_folder)
        self._tail = -1
        self._lost_bytes = 0
        self._ends_line = True
        self.truncated = self.failure is not None
        head_size = os.fstat(self._head).st_size
        if self._tails:
            start, path = self._tails[-1]
            self._tail = _open_append(path)
            self.position = start + os.fstat(self._tail).st_size
        else:
            self.position = min(head_size, self._quarter)

    def write(self, data: bytes) -> None:
        """Keep `data`, or count it as lost where the disk refuses; never raises for that."""
        self._ends_line = data[-1:] == b"\n"
        if os.fstat(self._head).st_nlink == 0:
            self._bring_back()
        if self._lost_bytes:
            mark = b"\n[gittasks: %d bytes could not be written]\n" % self._lost_bytes
            if self._keep(mark) == len(mark):
                self._lost_bytes = 0
        lost = len(data) - (0 if self._lost_bytes else self._keep(data))
        self._lost_bytes += lost
        self.truncated = self.truncated or lost > 0

    def write_line(self, line: bytes) -> None:
        """Keep a line of ours, on a line of its own: what came before may lack its line feed."""
        self.write(line if self._ends_line else b"\n" + line)

    def _keep(self, data: bytes) -> int:
        """Write `data` until the disk refuses; how much of it was written."""
        kept = 0
        try:
            while kept < len(data):
                done = self._write_some(memoryview(data)[kept:])
                kept += done
                self.position += done
        except OSError:
            return kept
        return kept

    def _write_some(self, data: memoryview) -> int:
        if self.position < self._quarter:
            return os.write(self._head, data[: self._quarter - self.position])
        if self._tail < 0 or self.position - self._tails[-1][0] >= self._quarter:
            self._next_tail()
        return os.write(self._tail, data[: self._quarter - (self.position - self._tails[-1][0])])

    def _next_tail(self) -> None:
        path = os.path.join(self._live_folder, f"{TAIL}{self.position}")
        fd = _open_append(path)
        if self._tail >= 0:
            os.close(self._tail)
        self._tail = fd
        self._tails.append((self.position, path))
        if len(self._tails) > _TAIL_FILES:
            os.unlink(self._tails.pop(0)[1])
            self.truncated = True

    def close(self) -> None:
        """Join the tail to the head; whoever does it again after a crash gets the same file."""
        if os.fstat(self._head).st_nlink == 0:
            self._bring_back()
        if self._tails:
            try:
                self._join()
            except OSError:
                self.truncated = True
            os.close(self._tail)
        os.close(self._head)

    def _join(self) -> None:
        os.ftruncate(self._head, self._quarter)
        left_out = self._tails[0][0] - self._quarter
        if left_out > 0:
            self.truncated = True
            os.write(self._head, gap_mark(left_out))
        for _, path in self._tails:
            with open(path, "rb", buffering=0) as tail:
                _copy(tail.fileno(), self._head)

    def _open_head(self) -> int:
        return os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def _bring_back(self) -> None:
        """Somebody deleted the file (`git clean`); the open one still has all that was written."""
        try:
            prepare_outputs(self._folders.outputs)
            fd = self._open_head()
        except (GittasksError, OSError):
            return
        os.lseek(self._head, 0, os.SEEK_SET)
        try:
            _copy(self._head, fd)
        except OSError:
            self.truncated = True
        os.close(self._head)
        self._head = fd


def _open_append(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _copy(source: int, target: int) -> None:
    while data := os.read(source, _COPY_BYTES):
        view = memoryview(data)
        while view:
            view = view[os.write(target, view) :]
