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
import sys
import time
import zlib
from array import array
from functools import partial

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph import graph, store
from gittasks.workgraph.record import MAX_FILE_BYTES, BadTaskError, Problem, Row, Task, TaskId

if TYPE_CHECKING:
    from typing import Any

    # (description, unknown fields)
    Text = tuple[str, tuple[tuple[str, Any], ...]]

# Another layout of the cache needs another number here: an old cache is then built anew.
_LAYOUT = 2
_MAGIC = f"gittasks tasks {_LAYOUT} {sys.hexversion:x} {sys.byteorder}\n".encode()
_MAX_CACHE_BYTES = 1 << 30
_RACY_NS = 2_000_000_000
_SIGNATURE_BYTES = 32  # four 64-bit numbers a file
_DIGEST_BYTES = 16
# Below this many missing texts, reading the task files again is cheaper than writing the text cache anew.
_FEW_TEXTS = 200


class _State:
    """What the cache file holds: as few objects as possible, since loading them is what a read waits for.

    `listing` are the names in the folder, in its order, joined by NUL; `others` those that are no task files.
    `signatures` has 32 bytes for each task file in that order. `columns` are the rows, sorted by id, transposed;
    `digests` has 16 bytes for each row. `bad` maps the name of an unreadable file to (digest, problems).
    """

    __slots__ = ("bad", "columns", "derived", "digests", "listing", "others", "racy", "signatures")

    def __init__(self) -> None:
        self.listing = ""
        self.others: list[str] = []
        self.signatures = b""
        self.columns: list[tuple[Any, ...]] = []
        self.digests = b""
        self.bad: dict[str, tuple[bytes, list[tuple[Any, ...]]]] = {}
        self.derived: tuple[Any, ...] = tuple(graph.derive([]))
        self.racy: list[str] = []

    def dump(self) -> bytes:
        return marshal.dumps(tuple(getattr(self, name) for name in self.__slots__))

    def load(self, content: tuple[Any, ...]) -> None:
        for name, value in zip(self.__slots__, content, strict=True):
            setattr(self, name, value)

    def rows(self) -> list[Row]:
        return list(map(partial(tuple.__new__, Row), zip(*self.columns, strict=True)))

    def files(self) -> list[str]:
        names = self.listing.split("\0") if self.listing else []
        return _without(names, self.others)

    def hashes(self) -> list[bytes]:
        return _chunks(self.digests, _DIGEST_BYTES)


class Snapshot:
    """The tasks of one worktree. `rows` are sorted by id; `problems` names every file that could not be read."""

    def __init__(self, folder: str, state: _State, texts_path: str) -> None:
        self._folder = folder
        self._state = state
        self._texts_path = texts_path
        self._texts: dict[bytes, Text] | None = None
        self.rows = state.rows()
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
            loaded = _load(self._texts_path)
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
    content = _load(cache_path)
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
            _bring_up_to_date(state, seen, cache_path, texts_path)
    finally:
        os.close(fd)
    return Snapshot(folder, state, texts_path)


def _without(names: list[str], others: list[str]) -> list[str]:
    if not others:
        return names
    unwanted = frozenset(others)
    return [name for name in names if name not in unwanted]


def _signatures(names: list[str], fd: int) -> tuple[list[str], bytes, int]:
    """The names that are still there, (mtime, ctime, size, inode) of each, and the newest mtime."""
    flat: list[int] = []
    extend = flat.extend
    lstat = os.stat
    try:
        for name in names:
            info = lstat(name, dir_fd=fd, follow_symlinks=False)
            extend((info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino))
    except FileNotFoundError:
        present = [name for name in names if _is_there(name, fd)]
        return _signatures(present, fd)
    newest_ns = max(flat[::4], default=0)
    try:
        return names, array("q", flat).tobytes(), newest_ns
    except OverflowError:  # a file system that uses all 64 bits of an inode number
        return names, array("q", [number & 0x7FFF_FFFF_FFFF_FFFF for number in flat]).tobytes(), newest_ns


def _is_there(name: str, fd: int) -> bool:
    try:
        os.stat(name, dir_fd=fd, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def _bring_up_to_date(state: _State, seen: _Seen, cache_path: str, texts_path: str) -> None:
    """Parse what changed, put it into `state`, save it."""
    old_files = state.files()
    rows = {row.id: row for row in state.rows()}
    hashes = dict(zip(rows, state.hashes(), strict=True))
    merge = _Merge(rows, hashes, state.bad)
    if seen.files != old_files:
        for name in set(old_files).difference(seen.files):
            merge.drop(name)
    for name in _suspects(state, old_files, seen):
        merge.read(name, seen.fd)
    if merge.changed:
        order = sorted(rows)
        state.columns = list(zip(*[rows[task_id] for task_id in order], strict=True))
        state.digests = b"".join([hashes[task_id] for task_id in order])
    if merge.graph_changed:
        state.derived = tuple(graph.derive([rows[task_id] for task_id in sorted(rows)]))
    racy = seen.racy()
    now = (seen.listing, seen.signatures, racy)
    if merge.changed or now != (state.listing, state.signatures, state.racy):
        state.listing, state.signatures, state.racy = now
        state.others = seen.others
        _save(cache_path, state.dump())
    if len(merge.texts) > _FEW_TEXTS and len(merge.texts) * 2 > len(rows):
        _save_texts(texts_path, merge.texts, state.hashes())


class _Merge:
    """Takes files out of, and new contents into, the rows, hashes and bad files of a state."""

    def __init__(self, rows: dict[TaskId, Row], hashes: dict[TaskId, bytes], bad: dict[str, Any]) -> None:
        self.rows = rows
        self.hashes = hashes
        self.bad = bad
        self.texts: dict[bytes, Text] = {}
        self.changed = False
        self.graph_changed = False

    def drop(self, name: str) -> Row | None:
        """Forget a file; answer the row it had."""
        task_id = _id_of(name)
        old = self.rows.pop(task_id, None)
        self.hashes.pop(task_id, None)
        self.bad.pop(name, None)
        self.changed = self.graph_changed = True
        return old

    def read(self, name: str, fd: int) -> None:
        """Read a file again and take in what it says, if that is not what is known already."""
        known = self.bad[name][0] if name in self.bad else self.hashes.get(_id_of(name))
        parsed = _read_one(name, fd, known)
        if parsed is None:
            return
        before = self.graph_changed
        old = self.drop(name)
        digest, task, problems = parsed
        if task is None:
            self.bad[name] = (digest, problems)
            return
        row = self.rows[task.id] = task.row
        self.hashes[task.id] = digest
        self.texts[digest] = (task.description, task.extra)
        self.graph_changed = before or _touches_graph(old, row)


def _suspects(state: _State, old_files: list[str], seen: _Seen) -> list[str]:
    """The files whose signature is new, and those too young to be sure of."""
    get = dict(zip(old_files, _chunks(state.signatures, _SIGNATURE_BYTES), strict=True)).get
    racy = frozenset(state.racy)
    chunks = _chunks(seen.signatures, _SIGNATURE_BYTES)
    return [
        name for name, chunk in zip(seen.files, chunks, strict=True) if get(name) != chunk or name in racy
    ]


def _chunks(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def _id_of(name: str) -> TaskId:
    return TaskId(int(name[:-5]))


def _read_one(
    name: str, fd: int, known: bytes | None
) -> tuple[bytes, Task | None, list[tuple[Any, ...]]] | None:
    """One file's hash and what it says, or why it cannot be read; `None` where its hash is the `known` one."""
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


def _touches_graph(old: Row | None, new: Row) -> bool:
    return (
        old is None
        or old.status != new.status
        or old.blocked_by != new.blocked_by
        or old.written_blocks != new.written_blocks
    )


def _load(path: str) -> Any:
    """What a cache file holds; `None` where it is missing, another version's, or damaged."""
    try:
        data = files.read_regular(path, limit_bytes=_MAX_CACHE_BYTES)
    except (OSError, files.UnsafeFileError):
        return None
    start = len(_MAGIC) + 4
    if not data.startswith(_MAGIC) or len(data) < start:
        return None
    view = memoryview(data)[start:]
    if int.from_bytes(data[len(_MAGIC) : start], "big") != zlib.crc32(view):
        return None
    try:
        return marshal.loads(view)
    except (ValueError, EOFError, TypeError):
        return None


def _save(path: str, payload: bytes) -> None:
    files.write_cache(path, _MAGIC + zlib.crc32(payload).to_bytes(4, "big") + payload)


def _save_texts(path: str, texts: dict[bytes, Text], hashes: list[bytes]) -> None:
    """Save the texts that are still in use."""
    used = set(hashes)
    _save(path, marshal.dumps({digest: text for digest, text in texts.items() if digest in used}))
