"""All tasks of one `.tasks` folder as they are on disk now, from a cache where the files did not change.

A file is parsed again when its (mtime, ctime, size, inode) changed; files younger than the cache by less than two
seconds are read again and compared by hash, since a second write in the same clock tick would look the same (git's
"racy" rule). Everything here is on the path of every read command: plain tuples, no library.
"""

from __future__ import annotations

import os
import time
from array import array
from bisect import bisect_left
from functools import partial
from itertools import chain
from operator import attrgetter
from types import MappingProxyType

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph import store
from gittasks.workgraph.record import Problem, Row, Task
from gittasks.workgraph.row_cache import digest, load_rows, load_texts, save_texts, without

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from gittasks.workgraph.overlay import Overlaid
    from gittasks.workgraph.refresh import Seen
    from gittasks.workgraph.row_cache import RowCache, Text

# So few files are read sooner than the texts of all tasks are loaded.
_FEW_ROWS = 20
_row_id = attrgetter("id")
_signature = attrgetter("st_mtime_ns", "st_ctime_ns", "st_size", "st_ino")


class Snapshot:
    """The tasks of one worktree. `rows` are sorted by id; `problems` names every file that could not be read.

    `is_now`: claims, which are of now, concern it. `is_folded`, `overlaid` and `elsewhere` are what a `Board` has to
    say of other worktrees; here, nothing.
    """

    is_folded, is_now = False, True
    overlaid: Mapping[int, Overlaid] = MappingProxyType({})
    elsewhere: Sequence[Problem] = ()

    def __init__(self, folder: str, state: RowCache, rows: list[Row] | None, home: tuple[str, str]) -> None:
        self._folder = folder
        self._state = state
        self._home = home
        self._texts: dict[bytes, Text] | None = None
        self._rows = rows
        self._columns: list[list[Any]] = []
        self.derived = state.derived()
        self.problems = [Problem(*problem) for name in sorted(state.bad) for problem in state.bad[name][1]]

    @property
    def rows(self) -> list[Row]:
        """All tasks, sorted by id. Made when they are first asked for: who wants one task needs no other."""
        if self._rows is None:
            self._rows = self._state.rows()
        return self._rows

    def find(self, task_id: int) -> Row | None:
        """The row of one task, `None` where there is no readable file of that id."""
        if self._rows is None:
            self._columns = self._columns or self._state.lists()
            ids = self._columns[0] if self._columns else []
            at = bisect_left(ids, task_id)
            is_there = at < len(ids) and ids[at] == task_id
            return Row._make([column[at] for column in self._columns]) if is_there else None
        at = bisect_left(self._rows, task_id, key=_row_id)
        return self._rows[at] if at < len(self._rows) and self._rows[at].id == task_id else None

    def tasks(self) -> list[Task]:
        """Full records of all tasks, sorted by id."""
        return self.full(self.rows)

    def full(self, rows: list[Row]) -> list[Task]:
        """Full records of `rows`, in their order."""
        if self._texts is None and len(rows) <= _FEW_ROWS:
            return [Task(*row, *self._read_text(row)) for row in rows]
        from gittasks.workgraph.refresh import FEW_TEXTS

        texts = self._load_texts()
        hashes = dict(zip([row.id for row in self.rows], self._state.hashes(), strict=True))
        missing = 0
        found: list[Task] = []
        for row in rows:
            text = texts.get(hashes[row.id])
            if text is None:
                text = self._read_text(row)
                texts[hashes[row.id]] = text
                missing += 1
            found.append(Task(*row, *text))
        if missing > FEW_TEXTS:
            save_texts(*self._home, texts, self._state.hashes())
        return found

    def digests(self, ids: Sequence[int]) -> tuple[bytes | None, ...]:
        """The content hash of each task's file, `None` where there is no readable file of that id."""
        found: list[bytes | None] = []
        for task_id in ids:
            at = bisect_left(self.rows, task_id, key=_row_id)
            is_there = at < len(self.rows) and self.rows[at].id == task_id
            found.append(self._state.digest_at(at) if is_there else None)
        return tuple(found)

    def stamp(self) -> bytes:
        """A hash of all readable tasks: the same where they are the same."""
        return digest(self._state.columns[0], self._state.digests) if self._state.digests else b""

    def _load_texts(self) -> dict[bytes, Text]:
        if self._texts is None:
            self._texts = load_texts(*self._home)
        return self._texts

    def _read_text(self, row: Row) -> Text:
        task = store.read_task(self._folder, row.id)
        return task.description, task.extra


def load_snapshot(folder: str, cache_folder: str, name: str) -> Snapshot:
    """The tasks in `folder`; the caches of worktree `name` lie in `cache_folder` and are brought up to date.

    A cache that cannot be written is no error. Raises `OSError` where the folder itself cannot be read.
    """
    state, rows = load_state(folder, cache_folder, name)
    return Snapshot(folder, state, rows, (cache_folder, name))


def load_state(folder: str, cache_folder: str, name: str) -> tuple[RowCache, list[Row] | None]:
    """The cache, brought up to date with the files; and its rows, where they were needed for that."""
    state = load_rows(cache_folder, name)
    fd = open_folder(folder)
    try:
        seen = look(state, fd)
        if seen is None:
            return state, None
        from gittasks.workgraph.refresh import refresh

        return state, refresh(state, seen, cache_folder, name)
    finally:
        os.close(fd)


def open_folder(folder: str) -> int:
    """A descriptor of the folder itself, never of one that a link names. Raises `OSError`."""
    return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)


def look(state: RowCache, fd: int) -> Seen | None:
    """What the files in the folder look like now; `None` where `state` is sure to be what they say."""
    names = os.listdir(fd)
    listing, others = "\0".join(names), state.others
    if listing != state.listing:
        known = frozenset(state.files())
        others = [name for name in names if name not in known and store.parse_file_name(name) is None]
    taken_ns = time.time_ns()
    present, signatures, newest_ns = _signatures(without(names, others), fd)
    if listing == state.listing and signatures == state.signatures and not state.racy:
        return None
    from gittasks.workgraph.refresh import Seen

    return Seen(fd, listing, others, present, signatures, newest_ns, taken_ns)


def list_signatures(folder: str) -> tuple[list[str], bytes]:
    """The task files in `folder` and what they look like from outside; equal answers mean that nothing changed.

    Raises `OSError` where the folder cannot be read.
    """
    fd = open_folder(folder)
    try:
        names = [name for name in os.listdir(fd) if store.parse_file_name(name) is not None]
        return _signatures(names, fd)[:2]
    finally:
        os.close(fd)


def _signatures(names: list[str], fd: int) -> tuple[list[str], bytes, int]:
    """The names that are still there, (mtime, ctime, size, inode) of each, and the newest mtime."""
    lstat = partial(os.stat, dir_fd=fd, follow_symlinks=False)
    try:
        # Ten thousand files: the loop itself runs in C, three quarters of the time is the system's.
        numbers = array("q", chain.from_iterable(map(_signature, map(lstat, names))))
    except FileNotFoundError:
        return _signatures([name for name in names if _is_there(name, fd)], fd)
    except OverflowError:  # a file system that uses all 64 bits of an inode number
        flat = chain.from_iterable(map(_signature, map(lstat, names)))
        numbers = array("q", [number & 0x7FFF_FFFF_FFFF_FFFF for number in flat])
    return names, numbers.tobytes(), max(numbers[::4], default=0)


def _is_there(name: str, fd: int) -> bool:
    try:
        os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
