"""The index: an append-only journal in which every line is the whole record of one run at that moment.

A line starts with `{"id": "b8k2m1qz", "type": ..., "status": ...`, so readers fold it by slicing bytes and
parse only the lines they show. Readers take no lock and drop a torn last line; writers hold `Folders.lock_file`.
Only a whole index is ever created: where it is missing, it is made again from the private records first.
"""

from __future__ import annotations

import errno
import os
import stat

from gittasks.base.errors import SetupError
from gittasks.base.files import UnsafeFileError, replace_file
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime.folders import MAX_INDEX_BYTES, prepare_outputs
from gittasks.runtime.record import TERMINAL, BadRunError, RunId, format_run, is_run_id, parse_run

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gittasks.runtime.folders import Folders

_HEAD = b'{"id": "'
_AFTER_ID = b'", "type": "'
_STATUS = b'"status": "'
_RUNNING = b'"status": "running"'
_NOT_TOLD = b'"notified": false'
_TOLD = b'"notified": true'
# The status stands before any text that somebody else wrote.
_STATUS_WITHIN = 100
# Two lines a run are its normal life, a third one comes when its end is told.
_BLOAT = 1.5
_SPARE_LINES = 512
_STRANGE = "we did not write this: move it away, the index is then made again"

Lines = dict[bytes, bytes]


class IndexWriteError(SetupError):
    """The index could not be written: the disk is full, read-only or broken."""


class Index(NamedTuple):
    """The index as it was read: the last line of each run by its id (both bytes), in the order of first appearance.

    `line_count` says how many lines there were in all, `is_damaged` whether some of them were garbage.
    """

    lines: Lines
    line_count: int
    is_damaged: bool = False

    @property
    def is_bloated(self) -> bool:
        """Whether so many lines are outdated that compacting pays."""
        return self.line_count > len(self.lines) * _BLOAT + _SPARE_LINES


def load(folders: Folders) -> Lines | None:
    """The last line of each run; `None` where there is no index."""
    index = read_index(folders)
    return None if index is None else index.lines


def read_index(folders: Folders) -> Index | None:
    """The index, folded; `None` where there is none."""
    if not os.path.isdir(folders.ended_folder):
        return None  # no run was ever started in this clone: an index that is there came along with it
    data = _read(folders.index_file)
    return None if data is None else fold(data)


def fold(data: bytes) -> Index:
    """The last whole line of each run. A torn last line is dropped, a garbage line hides no other."""
    lines = data.split(b"\n")
    lines.pop()
    runs = {line[8:16]: line for line in lines}
    for line in runs.values():
        if not (line[:8] == _HEAD and line[16:28] == _AFTER_ID and line[-1:] == b"}"):
            return _fold_carefully(lines)
    if runs and not b"".join(runs).isalnum():
        return _fold_carefully(lines)
    return Index(runs, len(lines))


def _fold_carefully(lines: list[bytes]) -> Index:
    runs: Lines = {}
    garbage = False
    for line in lines:
        key = line[8:16]
        if line[:8] == _HEAD and line[16:28] == _AFTER_ID and line[-1:] == b"}" and key.isalnum():
            runs[key] = line
        elif line:
            garbage = not _fold_odd(line, runs) or garbage
    return Index(runs, len(lines), garbage)


def _fold_odd(line: bytes, runs: Lines) -> bool:
    """A line in another spelling (written by hand, or by another program) counts when it is a run's record."""
    try:
        run = parse_run(line)
    except BadRunError:
        return False
    runs[run.id.encode()] = format_run(run)[:-1]
    return True


def status_of(line: bytes) -> str:
    """The status word of a folded line, without parsing it; empty for garbage."""
    start = line.find(_STATUS, 0, _STATUS_WITHIN) + len(_STATUS)
    return line[start : line.find(b'"', start)].decode("ascii", "replace") if start >= len(_STATUS) else ""


def running(lines: Lines) -> list[bytes]:
    """The ids of all runs in `lines` that have not ended, oldest first."""
    return [key for key, line in lines.items() if _RUNNING in line[:_STATUS_WITHIN]]


def has_ended(line: bytes) -> bool:
    """Whether a folded line is that of a run that has ended."""
    return status_of(line) in TERMINAL


def is_untold(line: bytes) -> bool:
    """Whether a folded line may be that of an ended run whose end was told to nobody yet."""
    return _NOT_TOLD in line and has_ended(line)


def may_belong_to_task(line: bytes, task_id: int, uid: str | None = None) -> bool:
    """Whether a folded line may be that of a run of a task; whoever needs to know parses it."""
    return b'"work_graph_task_id": %d,' % task_id in line or bool(uid and uid.encode() in line)


def append(folders: Folders, lines: bytes) -> None:
    """Add whole lines, all or none; the caller holds the lock. Makes a missing index again first.

    Raises `IndexWriteError`.
    """
    try:
        try:
            fd = _open(folders.index_file)
        except FileNotFoundError:
            rebuild(folders)
            fd = _open(folders.index_file)
        try:
            _append_to(fd, lines)
        finally:
            os.close(fd)
    except OSError as error:
        raise IndexWriteError(
            f"cannot write {folders.index_file}: {error.strerror}",
            hint="nothing is lost: the record is kept in the git directory and comes back by itself",
        ) from None


def _open(path: str) -> int:
    fd = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "is no regular file", path)
    return fd


def _append_to(fd: int, lines: bytes) -> None:
    size = os.fstat(fd).st_size
    if size and os.pread(fd, 1, size - 1) != b"\n":
        # A writer was killed in the middle of a line: end it, so that it spoils no other.
        lines = b"\n" + lines
    try:
        written = os.write(fd, lines)
    except OSError:
        os.ftruncate(fd, size)
        raise
    if written < len(lines):
        os.ftruncate(fd, size)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def rebuild(folders: Folders) -> Lines:
    """Make the index again from the records that are private to the clone; the caller holds the lock."""
    prepare_outputs(folders.outputs)
    runs = private_lines(folders)
    _replace(folders, runs)
    return runs


def compact(folders: Folders, *, drop: Iterable[RunId] = ()) -> Lines:
    """Rewrite the index with one line a run, without those in `drop`, and with any that it had lost.

    The caller holds the lock, and has deleted the private records of what is dropped.
    """
    runs = load(folders)
    if runs is None:
        return rebuild(folders)
    for run_id in drop:
        runs.pop(run_id.encode(), None)
    runs |= private_lines(folders, known=runs)
    _replace(folders, runs)
    _trim_told(folders, runs)
    return runs


def append_ended(folders: Folders, run_ids: Iterable[RunId]) -> Lines:
    """The last lines of these ended runs, appended where the index does not know yet; the caller holds the lock."""
    known = load(folders) or {}
    missed: Lines = {}
    for run_id in run_ids:
        line = known.get(run_id.encode(), b"")
        if not has_ended(line) and (kept := restored(folders, run_id)) is not None:
            missed[run_id.encode()] = kept
    if missed:
        append(folders, b"".join(line + b"\n" for line in missed.values()))
    told = {run_id.encode() for run_id in run_ids}
    return {key: line for key, line in (known | missed).items() if key in told}


def restored(folders: Folders, run_id: RunId) -> bytes | None:
    """The private last record of a run that has ended, as a line of the index without its line feed."""
    line = _read(folders.ended_file(run_id))
    if line is None:
        return None
    return _mark_told(line.rstrip(b"\n"), read_told(folders))


def read_told(folders: Folders) -> frozenset[bytes]:
    """The ids of runs whose end was told."""
    return frozenset((_read(folders.told_file) or b"").split(b"\n"))


def note_told(folders: Folders, run_ids: Iterable[RunId]) -> None:
    """Remember, outside the index too, that the end of these runs was told; the caller holds the lock."""
    fd = os.open(
        folders.told_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600
    )
    try:
        os.write(fd, "".join(f"{run_id}\n" for run_id in run_ids).encode())
    finally:
        os.close(fd)


def forget_told(folders: Folders, run_ids: Iterable[RunId]) -> None:
    """Take back what `note_told` remembers of these runs; the caller holds the lock."""
    left = read_told(folders) - {run_id.encode() for run_id in run_ids} - {b""}
    replace_file(folders.told_file, b"".join(run_id + b"\n" for run_id in sorted(left)), mode=0o600)


def _trim_told(folders: Folders, runs: Lines) -> None:
    told = [run_id for run_id in read_told(folders) if run_id in runs]
    if told:
        replace_file(folders.told_file, b"\n".join(told) + b"\n", mode=0o600)


def has_private_records(folders: Folders) -> bool:
    """Whether any run has left a record in the git directory."""
    return bool(_list(folders.ended_folder) or _list(folders.live_folders))


def private_lines(folders: Folders, *, known: Iterable[bytes] = ()) -> Lines:
    """The lines of all runs that are not in `known`, by what the git directory keeps of them; oldest first."""
    names = {
        name.removesuffix(".json"): folders.ended_file(RunId(name[:-5]))
        for name in _list(folders.ended_folder)
    }
    for name in _list(folders.live_folders):
        names.setdefault(name, os.path.join(folders.live_folders, name, "record.json"))
    told = read_told(folders)
    skip = frozenset(known)
    runs: Lines = {}
    for name, path in names.items():
        if name.encode() in skip or not is_run_id(name):
            continue
        line = (_read(path) or b"").rstrip(b"\n")
        if line:
            runs[name.encode()] = _mark_told(line, told)
    return dict(sorted(runs.items(), key=lambda item: _start_of(item[1])))


def _mark_told(line: bytes, told: frozenset[bytes]) -> bytes:
    return line.replace(_NOT_TOLD, _TOLD, 1) if line[8:16] in told else line


def _replace(folders: Folders, runs: Lines) -> None:
    replace_file(folders.index_file, b"".join(line + b"\n" for line in runs.values()), mode=0o600)


def _start_of(line: bytes) -> float:
    _, _, rest = line.partition(b'"start_time": ')
    try:
        return float(rest.partition(b",")[0])
    except ValueError:
        return 0.0


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []


def _read(path: str) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise UnsafeFileError(f"{path}: is a symbolic link: expected a regular file") from None
        raise
    with open(fd, "rb", buffering=0) as file:
        info = os.fstat(fd)
        if not stat.S_ISREG(info.st_mode) or info.st_size > MAX_INDEX_BYTES:
            raise UnsafeFileError(
                f"{path}: is no regular file of at most {MAX_INDEX_BYTES} bytes", hint=_STRANGE
            )
        return file.read() or b""
