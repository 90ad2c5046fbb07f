"""All tasks of one `.tasks` folder as they are on disk now, from a cache where the files did not change.

The cache is a preview that can be deleted at any time. A file is parsed again when its (mtime, ctime, size, inode)
changed; files younger than the cache by less than two seconds are read again and compared by hash, since a second
write in the same clock tick would look the same (git's "racy" rule). Everything here is on the path of every read
command: plain tuples, `marshal`, no library.

Two files: `tasks-<name>.bin` holds what tables and the graph need, `texts-<name>.bin` descriptions and unknown
fields by content hash, read only when asked for.
"""

from __future__ import annotations

import marshal
import os
import time
from array import array
from bisect import bisect_left
from functools import partial
from itertools import chain
from operator import attrgetter
from types import MappingProxyType

from gittasks.base import cache, files
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph import graph, store
from gittasks.workgraph.record import MAX_FILE_BYTES, BadTaskError, Problem, Row, Task, TaskId

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from gittasks.workgraph.overlay import Overlaid

    # (description, unknown fields)
    Text = tuple[str, tuple[tuple[str, Any], ...]]

# Another layout of the caches needs another word here: old ones are then built anew.
_ROWS_LAYOUT = "rows-5"
_TEXTS_LAYOUT = "texts-5"
_RACY_NS = 2_000_000_000
_SIGNATURE_BYTES = 32  # four 64-bit numbers a file
_DIGEST_BYTES = 16
_COLUMNS = len(Row._fields)
_signature = attrgetter("st_mtime_ns", "st_ctime_ns", "st_size", "st_ino")
# Below this many missing texts, reading the task files again is cheaper than writing the text cache anew.
_FEW_TEXTS = 200


class _State:
    """What the cache file holds: as few objects as possible, since loading them is what a read waits for.

    `listing` are the names in the folder, in its order, joined by NUL; `others` those that are no task files.
    `signatures` has 32 bytes for each task file in that order. `columns` are the rows, sorted by id, transposed,
    each column marshalled by itself: one that did not change is not marshalled again. `digests` has 16 bytes for
    each row. `bad` maps the name of an unreadable file to (digest, problems).
    """

    __slots__ = ("bad", "columns", "derived", "digests", "listing", "others", "racy", "signatures")

    def __init__(self) -> None:
        self.listing = ""
        self.others: list[str] = []
        self.signatures = b""
        self.columns: list[bytes] = []
        self.digests = b""
        self.bad: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {}
        self.derived: tuple[Any, ...] = tuple(graph.derive([]))
        self.racy: list[str] = []

    def dump(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def load(self, content: tuple[Any, ...]) -> None:
        for name, value in zip(self.__slots__, content, strict=True):
            setattr(self, name, value)

    def rows(self) -> list[Row]:
        columns = map(marshal.loads, self.columns)
        return list(map(partial(tuple.__new__, Row), zip(*columns, strict=True)))

    def set_rows(self, rows: list[Row], changed: set[int]) -> None:
        """Marshal the columns whose numbers are `changed`."""
        for number in changed:
            self.columns[number : number + 1] = [marshal.dumps([row[number] for row in rows])]

    def files(self) -> list[str]:
        names = self.listing.split("\0") if self.listing else []
        return _without(names, self.others)

    def hashes(self) -> list[bytes]:
        return _chunks(self.digests, _DIGEST_BYTES)


class Snapshot:
    """The tasks of one worktree. `rows` are sorted by id; `problems` names every file that could not be read.

    `overlaid` and `elsewhere` are what a `Board` has to say of other worktrees; here, nothing.
    """

    overlaid: Mapping[int, Overlaid] = MappingProxyType({})
    elsewhere: Sequence[Problem] = ()

    def __init__(self, folder: str, state: _State, rows: list[Row], texts_path: str) -> None:
        self._folder = folder
        self._state = state
        self._texts_path = texts_path
        self._texts: dict[bytes, Text] | None = None
        self.rows = rows
        self.derived = graph.Derived(*state.derived)
        self.problems = [Problem(*problem) for name in sorted(state.bad) for problem in state.bad[name][1]]
        self._by_id: dict[int, Row] | None = None

    def find(self, task_id: int) -> Row | None:
        """The row of one task, `None` where there is no readable file of that id."""
        if self._by_id is None:
            self._by_id = {row.id: row for row in self.rows}
        return self._by_id.get(task_id)

    def tasks(self) -> list[Task]:
        """Full records of all tasks, sorted by id."""
        return self.full(self.rows)

    def full(self, rows: list[Row]) -> list[Task]:
        """Full records of `rows`, in their order."""
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
        if missing > _FEW_TEXTS:
            _save_texts(self._texts_path, texts, self._state.hashes())
        return found

    def _load_texts(self) -> dict[bytes, Text]:
        if self._texts is None:
            loaded = cache.load_cache(self._texts_path, _TEXTS_LAYOUT)
            self._texts = loaded if isinstance(loaded, dict) else {}
        return self._texts

    def _read_text(self, row: Row) -> Text:
        task = store.read_task(self._folder, row.id)
        return task.description, task.extra


class _Seen(NamedTuple):
    """What a look at the folder found: all its names, the task files among them, their signatures."""

    fd: int
    listing: str
    others: list[str]
    files: list[str]
    signatures: bytes
    newest_ns: int
    taken_ns: int

    def racy(self) -> list[str]:
        """The files too young to be sure of: a second write in the same clock tick would look the same."""
        limit = self.taken_ns - _RACY_NS
        if self.newest_ns <= limit:
            return []
        numbers = array("q")
        numbers.frombytes(self.signatures)
        return [name for name, mtime_ns in zip(self.files, numbers[::4], strict=True) if mtime_ns > limit]


def load_snapshot(folder: str, cache_folder: str, name: str) -> Snapshot:
    """The tasks in `folder`; the caches of worktree `name` lie in `cache_folder` and are brought up to date.

    A cache that cannot be written is no error. Raises `OSError` where the folder itself cannot be read.
    """
    cache_path = os.path.join(cache_folder, f"tasks-{name}.bin")
    texts_path = os.path.join(cache_folder, f"texts-{name}.bin")
    state = _State()
    content = cache.load_cache(cache_path, _ROWS_LAYOUT)
    if isinstance(content, tuple) and len(content) == len(_State.__slots__):
        state.load(content)
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        names = os.listdir(fd)
        listing, others = "\0".join(names), state.others
        if listing != state.listing:
            others = [name for name in names if store.parse_file_name(name) is None]
        taken_ns = time.time_ns()
        present, signatures, newest_ns = _signatures(_without(names, others), fd)
        unchanged = listing == state.listing and signatures == state.signatures
        if not unchanged or state.racy:
            seen = _Seen(fd, listing, others, present, signatures, newest_ns, taken_ns)
            rows = _bring_up_to_date(state, seen, cache_path, texts_path)
        else:
            rows = state.rows()
    finally:
        os.close(fd)
    return Snapshot(folder, state, rows, texts_path)


def list_signatures(folder: str) -> tuple[list[str], bytes]:
    """The task files in `folder` and what they look like from outside; equal answers mean that nothing changed.

    Raises `OSError` where the folder cannot be read.
    """
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        names = [name for name in os.listdir(fd) if store.parse_file_name(name) is not None]
        return _signatures(names, fd)[:2]
    finally:
        os.close(fd)


def _without(names: list[str], others: list[str]) -> list[str]:
    if not others:
        return names
    unwanted = frozenset(others)
    return [name for name in names if name not in unwanted]


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


def _bring_up_to_date(state: _State, seen: _Seen, cache_path: str, texts_path: str) -> list[Row]:
    """Parse what changed, put it into `state`, save it; answer all rows."""
    old_files = state.files()
    update = _Update(state)
    if seen.files != old_files:
        for name in set(old_files).difference(seen.files):
            update.drop(name)
    for name in _suspects(state, old_files, seen):
        update.read(name, seen.fd)
    rows = update.apply()
    if update.graph_changed:
        state.derived = tuple(graph.derive(rows))
    now = (seen.listing, seen.signatures, seen.racy())
    if update.changed or now != (state.listing, state.signatures, state.racy):
        state.listing, state.signatures, state.racy = now
        state.others = seen.others
        cache.save_cache(cache_path, _ROWS_LAYOUT, state.dump())
    if len(update.texts) > _FEW_TEXTS and len(update.texts) * 2 > len(rows):
        _save_texts(texts_path, update.texts, state.hashes())
    return rows


class _Update:
    """Files that changed, collected and then put into a state at once."""

    def __init__(self, state: _State) -> None:
        self.texts: dict[bytes, Text] = {}
        self.changed = False
        self.graph_changed = False
        self._state = state
        self._rows = state.rows()
        self._ids = [row.id for row in self._rows]
        self._put: dict[TaskId, tuple[Row, bytes]] = {}
        self._gone: set[TaskId] = set()
        self._same: dict[Any, Any] = {}

    def drop(self, name: str) -> None:
        """Forget a file."""
        self._state.bad.pop(name, None)
        self._gone.add(_id_of(name))
        self.changed = True

    def read(self, name: str, fd: int) -> None:
        """Read a file again and take in what it says, if that is not what is known already."""
        bad = self._state.bad
        at = self._find(_id_of(name))
        known = bad[name][0] if name in bad else None if at is None else self._digest(at)
        parsed = _read_one(name, fd, known)
        if parsed is None:
            return
        digest, task, problems = parsed
        self.drop(name)
        if task is None:
            bad[name] = (digest, problems)
        else:
            self._gone.discard(task.id)
            self._put[task.id] = (self._share(task), digest)
            self.texts[digest] = (task.description, task.extra)

    def apply(self) -> list[Row]:
        """Put everything into the state; answer the rows, sorted by id."""
        if not self.changed:
            return self._rows
        places = {task_id: self._find(task_id) for task_id in self._put}
        if None in places.values() or any(self._find(task_id) is not None for task_id in self._gone):
            self._rebuild()
        else:
            self._replace(places)
        return self._rows

    def _replace(self, places: dict[TaskId, int | None]) -> None:
        """The same tasks, some of them changed."""
        digests = bytearray(self._state.digests)
        columns: set[int] = set()
        for task_id, (row, digest) in self._put.items():
            at = places[task_id]
            assert at is not None
            old = self._rows[at]
            columns.update(number for number, value in enumerate(row) if value != old[number])
            self.graph_changed = self.graph_changed or graph.touches_graph(old, row)
            self._rows[at] = row
            digests[at * _DIGEST_BYTES : (at + 1) * _DIGEST_BYTES] = digest
        self._state.digests = bytes(digests)
        self._state.set_rows(self._rows, columns)

    def _rebuild(self) -> None:
        """Tasks came or went."""
        merged = dict(zip(self._ids, zip(self._rows, self._state.hashes(), strict=True), strict=True))
        merged.update(self._put)
        for task_id in self._gone:
            merged.pop(task_id, None)
        ordered = [merged[task_id] for task_id in sorted(merged)]
        self._rows = [row for row, _ in ordered]
        self._state.digests = b"".join([digest for _, digest in ordered])
        self._state.columns = [b""] * _COLUMNS
        self._state.set_rows(self._rows, set(range(_COLUMNS)))
        self.graph_changed = True

    def _find(self, task_id: TaskId) -> int | None:
        at = bisect_left(self._ids, task_id)
        return at if at < len(self._ids) and self._ids[at] == task_id else None

    def _digest(self, at: int) -> bytes:
        return self._state.digests[at * _DIGEST_BYTES : (at + 1) * _DIGEST_BYTES]

    def _share(self, task: Task) -> Row:
        """The row of `task`, equal values of different tasks being one object: `marshal` then loads them once."""
        same = self._same.setdefault
        task_id, uid, subject, status, owner, worktree, parent, priority, labels, blockers, created, wrong = (
            task[:12]
        )
        labels = same(labels, tuple(same(label, label) for label in labels))
        return Row(
            task_id,
            uid,
            subject,
            same(status, status),
            same(owner, owner),
            same(worktree, worktree),
            parent,
            priority,
            labels,
            blockers,
            same(created, created),
            wrong,
        )


def _suspects(state: _State, old_files: list[str], seen: _Seen) -> list[str]:
    """The files whose signature is new, and those too young to be sure of."""
    racy = frozenset(state.racy)
    old, new = state.signatures, seen.signatures
    if seen.files != old_files:
        get = dict(zip(old_files, _chunks(old, _SIGNATURE_BYTES), strict=True)).get
        pairs = zip(seen.files, _chunks(new, _SIGNATURE_BYTES), strict=True)
        return [name for name, chunk in pairs if get(name) != chunk or name in racy]
    # The same names: eight files at a time, since most did not change.
    found = []
    for at in range(0, len(new), _SIGNATURE_BYTES * 8):
        if old[at : at + _SIGNATURE_BYTES * 8] != new[at : at + _SIGNATURE_BYTES * 8]:
            first = at // _SIGNATURE_BYTES
            for index, name in enumerate(seen.files[first : first + 8], first):
                start = index * _SIGNATURE_BYTES
                if old[start : start + _SIGNATURE_BYTES] != new[start : start + _SIGNATURE_BYTES]:
                    found.append(name)
    return [*found, *racy.difference(found)]


def _chunks(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _id_of(name: str) -> TaskId:
    return TaskId(int(name[:-5]))


def _read_one(
    name: str, fd: int, known: bytes | None
) -> tuple[bytes, Task | None, list[tuple[Any, ...]]] | None:
    """One file's hash and what it says, or why it cannot be read; `None` where its hash is the `known` one."""
    try:
        from _blake2 import blake2b  # what hashlib offers, without loading OpenSSL: 3 ms
    except ImportError:
        from hashlib import blake2b

    from gittasks.workgraph import codec

    path = f"{store.FOLDER}/{name}"
    try:
        data = files.read_regular(name, limit_bytes=MAX_FILE_BYTES, dir_fd=fd)
    except files.UnsafeFileError as error:
        return b"", None, [tuple(Problem(path, 0, "", error.message.removeprefix(name + ": "), kind="file"))]
    except OSError as error:
        return b"", None, [tuple(Problem(path, 0, "", f"cannot be read: {error.strerror}", kind="file"))]
    digest = blake2b(data, digest_size=_DIGEST_BYTES).digest()
    if digest == known:
        return None
    try:
        return digest, codec.parse_task(data, path, task_id=_id_of(name)), []
    except BadTaskError as error:
        return digest, None, [tuple(problem) for problem in error.problems]


def _save_texts(path: str, texts: dict[bytes, Text], hashes: list[bytes]) -> None:
    """Save the texts that are still in use."""
    used = set(hashes)
    cache.save_cache(path, _TEXTS_LAYOUT, {digest: text for digest, text in texts.items() if digest in used})
