"""Bringing cached rows up to date: parse the files that changed, derive the graph anew where that is needed.

Only imported when something changed. A first read after a checkout comes through here with every file, one after
`git switch` with a hundred of them: both are what a person waits for.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph import graph, store
from gittasks.workgraph.record import MAX_FILE_BYTES, BadTaskError, Problem, Row, Task, TaskId
from gittasks.workgraph.row_cache import COLUMNS, DIGEST_BYTES, chunks, digest, save_texts

if TYPE_CHECKING:
    from typing import Any

    from gittasks.workgraph.row_cache import RowCache, Text

_FEW_CHANGED = 200
_RACY_NS = 2_000_000_000
_SIGNATURE_BYTES = 32  # four 64-bit numbers a file
# Below this many missing texts, reading the task files again is cheaper than writing the text cache anew.
FEW_TEXTS = 200


class Seen(NamedTuple):
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


def refresh(state: RowCache, seen: Seen, folder: str, worktree: str) -> list[Row]:
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
        state.set_derived(graph.derive(rows))
    now = (seen.listing, seen.signatures, sorted({*seen.racy(), *update.unread()}))
    if update.changed or now != (state.listing, state.signatures, state.racy):
        state.listing, state.signatures, state.racy = now
        state.others = seen.others
        state.save(folder, worktree)
    if len(update.texts) > FEW_TEXTS and len(update.texts) * 2 > len(rows):
        save_texts(folder, worktree, update.texts, state.hashes())
    return rows


def read_few(state: RowCache, seen: Seen) -> dict[TaskId, Row | None] | None:
    """The rows that changed since `state` was saved, by id, `None` for one that is gone or cannot be read.

    `state` stays as it is. Where so much changed that it should be brought up to date instead, nothing is read and
    the answer is `None`.
    """
    old_files = state.files()
    suspects = _suspects(state, old_files, seen)
    if len(suspects) > _FEW_CHANGED:
        return None
    gone = set(old_files).difference(seen.files) if seen.files != old_files else ()
    changed: dict[TaskId, Row | None] = {_id_of(name): None for name in gone}
    for name in suspects:
        parsed = _read_one(name, seen.fd, None)
        assert parsed is not None
        changed[_id_of(name)] = None if parsed[1] is None else Row._make(parsed[1][:COLUMNS])
    return changed


class _Update:
    """Files that changed, collected and then put into a state at once."""

    def __init__(self, state: RowCache) -> None:
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
        known = bad[name][0] if name in bad else None if at is None else self._state.digest_at(at)
        parsed = _read_one(name, fd, known)
        if parsed is None:
            return
        found, task, problems = parsed
        if task is None and bad.get(name) == (found, problems):
            return
        self.drop(name)
        if task is None:
            bad[name] = (found, problems)
        else:
            self._gone.discard(task.id)
            self._put[task.id] = (self._share(task), found)
            self.texts[found] = (task.description, task.extra)

    def unread(self) -> list[str]:
        """The files that could not even be opened: nothing in them need change for the next read to succeed."""
        return [name for name, (found, _) in self._state.bad.items() if not found]

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
        for task_id, (row, now) in self._put.items():
            at = places[task_id]
            assert at is not None
            old = self._rows[at]
            columns.update(number for number, value in enumerate(row) if value != old[number])
            self.graph_changed = self.graph_changed or graph.touches_graph(old, row)
            self._rows[at] = row
            digests[at * DIGEST_BYTES : (at + 1) * DIGEST_BYTES] = now
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
        self._state.columns = [b""] * COLUMNS
        self._state.set_rows(self._rows, set(range(COLUMNS)))
        self.graph_changed = True

    def _find(self, task_id: TaskId) -> int | None:
        at = bisect_left(self._ids, task_id)
        return at if at < len(self._ids) and self._ids[at] == task_id else None

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


def _suspects(state: RowCache, old_files: list[str], seen: Seen) -> list[str]:
    """The files whose signature is new, and those too young to be sure of."""
    racy = frozenset(state.racy)
    old, new = state.signatures, seen.signatures
    if seen.files != old_files:
        get = dict(zip(old_files, chunks(old, _SIGNATURE_BYTES), strict=True)).get
        pairs = zip(seen.files, chunks(new, _SIGNATURE_BYTES), strict=True)
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


def _id_of(name: str) -> TaskId:
    return TaskId(int(name[:-5]))


def _read_one(
    name: str, fd: int, known: bytes | None
) -> tuple[bytes, Task | None, list[tuple[Any, ...]]] | None:
    """One file's hash and what it says, or why it cannot be read; `None` where its hash is the `known` one."""
    from gittasks.workgraph import codec

    path = f"{store.FOLDER}/{name}"
    try:
        data = files.read_regular(name, limit_bytes=MAX_FILE_BYTES, dir_fd=fd)
    except files.UnsafeFileError as error:
        return b"", None, [tuple(Problem(path, 0, "", error.message.removeprefix(name + ": "), kind="file"))]
    except OSError as error:
        return b"", None, [tuple(Problem(path, 0, "", f"cannot be read: {error.strerror}", kind="file"))]
    found = digest(data)
    if found == known:
        return None
    try:
        return found, codec.parse_task(data, path, task_id=_id_of(name)), []
    except BadTaskError as error:
        return found, None, [tuple(problem) for problem in error.problems]
