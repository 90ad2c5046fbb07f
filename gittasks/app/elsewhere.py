"""What the other worktrees of the clone changed of the tasks since they left us: found by git, and cached.

The cache holds while nothing there moved: its head, its `.tasks` folder, the files that it is known to hold
otherwise. An edit in place of yet another file moves none of these. So every read also looks at all files of some
worktrees, those looked at longest ago: all of them while that is at most `_FILES_PER_READ` files. In larger stores
git is asked instead, which looks faster, for one worktree each `_ROUND_S` seconds.
"""

from __future__ import annotations

import os
import time
import zlib

from gittasks.app.changes import Changes, parse_version, task_ids, task_path, unreadable
from gittasks.base import cache, files
from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import siblings
from gittasks.workgraph import store
from gittasks.workgraph.record import MAX_FILE_BYTES, TaskId
from gittasks.workgraph.snapshot import list_signatures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from typing import Any

    from gittasks.app.changes import RawChange
    from gittasks.app.project import Project
    from gittasks.repo.siblings import Sibling

_LAYOUT = "board-5"
_FILES_PER_READ = 2_000
_ROUND_S = 10.0


class _Known(NamedTuple):
    """What is cached of one worktree: `head`, `ours` and their merge `base` are commits, `looked_at` is when git
    answered, or all files were looked at (Unix seconds).

    `watched` are ids, `quick` says what their files and the folder were like, `full` what all files were like (empty:
    nobody looked). `committed` maps the files that its commits changed to the object ids of their versions in `base`,
    `blobs` ids to contents of such versions. `changed` are (id, base, theirs), `edited` the ids of those that are not
    as in its own head.
    """

    head: str
    ours: str
    base: str
    looked_at: float
    watched: list[int]
    quick: list[tuple[int, ...]]
    full: tuple[Any, ...]
    committed: dict[str, str | None]
    blobs: dict[str, bytes]
    changed: list[RawChange]
    problems: list[tuple[Any, ...]]
    edited: list[int]


def load_worktree_changes(project: Project, others: Sequence[Sibling], tasks: int) -> dict[str, Changes]:
    """Name of each of the worktrees `others` to what it changed. `tasks` is about how many tasks a worktree has.

    Raises `GitError`.
    """
    path = os.path.join(project.cache_folder, f"board-{project.checkout.name}.bin")
    loaded = cache.load_cache(path, _LAYOUT)
    known, alone, round_at = loaded if isinstance(loaded, tuple) else ({}, ((), ()), 0.0)
    reader = _Reader(project, known, round_at, tasks)
    found = {other.name: entry for other in others if (entry := _look(reader, other)) is not None}
    heads = tuple(sorted({entry.head for entry in found.values() if entry.head}))
    now_alone = alone if alone[0] == heads else (heads, _independent(project, heads))
    if reader.moved or known.keys() != found.keys() or now_alone is not alone:
        content = ({name: tuple(entry) for name, entry in found.items()}, now_alone, reader.round_at)
        cache.save_cache(path, _LAYOUT, content)
    return {
        name: Changes(_own_changes(name, found, now_alone[1]), entry.problems)
        for name, entry in found.items()
    }


def _look(reader: _Reader, other: Sibling) -> _Known | None:
    """What a worktree changed; `None` where it went away while it was looked at."""
    try:
        return reader.look(other)
    except GittasksError:
        if os.path.isdir(other.top) and os.path.isdir(other.git_dir):
            raise
        return None


def _independent(project: Project, heads: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `heads` that no other one holds already."""
    from gittasks.repo.remote import independent

    return tuple(sorted(independent(project.git, heads)))


def _own_changes(name: str, found: Mapping[str, _Known], alone: Sequence[str]) -> list[RawChange]:
    """What a worktree changed, without versions that another one has outgrown: those are no second opinion.

    A version that is as in the worktree's head is outgrown where another head holds that one, and where another
    worktree at the same head has edited it since.
    """
    entry = found[name]
    if not entry.changed:
        return []
    others = [other for key, other in found.items() if other.head == entry.head and key != name]
    edited = {task_id for other in others for task_id in other.edited}
    is_outgrown = bool(entry.head) and entry.head not in alone
    return [
        change
        for change in entry.changed
        if change[0] in entry.edited or not (is_outgrown or change[0] in edited)
    ]


class _Reader:
    """Looks at one worktree after the other. `moved` tells whether the cache has to be written, `round_at` when a
    worktree was last looked at because it was its turn.
    """

    def __init__(self, project: Project, known: dict[str, Any], round_at: float, tasks: int) -> None:
        self._project = project
        self._known = {name: _Known(*entry) for name, entry in known.items()}
        self._now = time.time()
        self._ours: str | None = None
        self._ahead_of: dict[str, bool] = {}
        self.moved = False
        self.round_at = round_at
        at_once = _FILES_PER_READ // max(tasks, 1)
        self._by_files = at_once > 0
        if not self._by_files and not 0 <= self._now - round_at < _ROUND_S:
            at_once, self.round_at = 1, self._now
        oldest = sorted(self._known, key=lambda name: self._known[name].looked_at)
        self._due = frozenset(oldest[:at_once])

    def look(self, sibling: Sibling) -> _Known:
        """What `sibling` changed, from the cache where nothing moved."""
        head = siblings.read_head(sibling.git_dir, self._project.checkout.common_dir) or ""
        known = self._still_known(sibling, head)
        if known is not None and _quick(sibling, known.watched) == known.quick:
            if sibling.name not in self._due:
                return known
            if self._by_files and _full(sibling) == known.full:
                # Only when: the cache need not be written for that where everything is looked at anyway.
                self.moved = self.moved or self._now - known.looked_at > _ROUND_S
                return known._replace(looked_at=self._now)
        self.moved = True
        return self._ask_git(sibling, known)

    def _still_known(self, sibling: Sibling, head: str) -> _Known | None:
        """What is known, if it still holds for these heads: a commit here seldom moves what we have in common."""
        known = self._known.get(sibling.name)
        ours = self._head_here()
        if known is None or not head or known.head != head:
            return None
        if known.ours != ours:
            from gittasks.repo import differences

            if not ours or not (
                self._is_ahead_of(known.ours)
                or differences.merge_base(self._project.git, ours, head) == known.base
            ):
                return None
            self.moved = True
            known = known._replace(ours=ours)
        return known

    def _is_ahead_of(self, ours: str) -> bool:
        """Whether our head is `ours` and commits of our own: then nothing has more in common with it than before."""
        if ours not in self._ahead_of:
            from gittasks.repo import differences

            heads = {known.head for known in self._known.values() if known.head}
            self._ahead_of[ours] = differences.is_only_ahead(
                self._project.git, ours, self._head_here(), sorted(heads)
            )
        return self._ahead_of[ours]

    def _head_here(self) -> str:
        if self._ours is None:
            checkout = self._project.checkout
            self._ours = siblings.read_head(checkout.git_dir, checkout.common_dir) or ""
        return self._ours

    def _ask_git(self, sibling: Sibling, known: _Known | None) -> _Known:
        """What `sibling` changed. What its commits changed is `known` where heads did not move."""
        from gittasks.repo import differences, history
        from gittasks.repo.git import Git, scrub

        git = Git(sibling.top, scrub(self._project.env))
        common = self._project.checkout.common_dir
        # What the files are like is looked at before they are read: who writes meanwhile is seen the next time.
        full = _full(sibling) if self._by_files else ()
        folder = _quick(sibling, [])
        # The head after the edits: one that is committed meanwhile is found twice, and not missed.
        edits = differences.edited_files(git, store.FOLDER)
        head = siblings.read_head(sibling.git_dir, common) or ""
        theirs = head or siblings.require_head(git, sibling.git_dir, common)
        here = self._head_here() or siblings.require_head(
            self._project.git, self._project.checkout.git_dir, common
        )
        if theirs is None or here is None:  # no commit yet on one side: nothing in common
            return _Known("", "", "", self._now, [], [], full, {}, {}, [], [], [])
        if known is not None and known.head == head:
            base, committed, blobs = known.base, known.committed, known.blobs
        else:
            base = differences.merge_base(git, here, theirs)
            commits = differences.changed_in_commit(git, base, theirs, store.FOLDER)
            paths = map(task_path, task_ids(commits))
            committed, blobs = {path: commits[path].old for path in paths}, {}
        olds = edits | committed
        ids: list[int] = [*task_ids(olds)]
        quick = folder + _quick(sibling, ids)[1:]
        oids = {oid for task_id in ids if (oid := olds[task_path(task_id)])}
        blobs = {oid: data for oid, data in blobs.items() if oid in oids}
        blobs |= self._as_here(olds, oids - blobs.keys())
        blobs |= history.read_blobs(git, oids - blobs.keys(), limit_bytes=MAX_FILE_BYTES)
        before = {task_id: blobs.get(olds[task_path(task_id)] or "") for task_id in ids}
        changes = _read_changes(sibling, before)
        edited: list[int] = [*task_ids(edits)]
        ours = self._head_here()
        return _Known(head, ours, base, self._now, ids, quick, full, committed, blobs, *changes, edited)

    def _as_here(self, olds: Mapping[str, str | None], wanted: AbstractSet[str]) -> dict[str, bytes]:
        """The blobs among `wanted` that our own files are: mostly all of them, and no git is needed for those."""
        if not wanted:
            return {}
        from gittasks.repo.committed import blob_id

        found = {}
        for task_id in task_ids(olds):
            oid = olds[task_path(task_id)]
            if oid and oid in wanted:
                path = os.path.join(self._project.tasks_folder, store.file_name(task_id))
                data = _read_own(path)
                if data is not None and blob_id(data, oid) == oid:
                    found[oid] = data
        return found


def _read_own(path: str) -> bytes | None:
    try:
        return files.read_regular(path, limit_bytes=MAX_FILE_BYTES)
    except (OSError, files.UnsafeFileError):
        return None  # whoever asks is told by git, or by our own snapshot


def _read_changes(sibling: Sibling, before: Mapping[int, bytes | None]) -> Changes:
    """What the worktree has otherwise than `before`, which maps ids to contents (`None`: not there)."""
    found = Changes([], [])
    for task_id, old_data in before.items():
        data = _read(sibling, task_id, found.problems)
        if data == old_data:
            continue
        new = parse_version(data, TaskId(task_id), sibling.name, found.problems)
        if new is not None or not os.path.lexists(os.path.join(sibling.top, task_path(task_id))):
            old = parse_version(old_data, TaskId(task_id), sibling.name, [])
            found.changed.append((task_id, old and tuple(old), new and tuple(new)))
    return found


def _quick(sibling: Sibling, ids: Sequence[int]) -> list[tuple[int, ...]]:
    """What is cheap to see of a worktree: its folder of tasks, and these files in it."""
    folder = os.path.join(sibling.top, store.FOLDER)
    names = ["", *(store.file_name(TaskId(task_id)) for task_id in ids)]
    return [_signature(os.path.join(folder, name)) for name in names]


def _signature(path: str) -> tuple[int, ...]:
    try:
        info = os.lstat(path)
    except OSError:
        return ()
    return info.st_mtime_ns, info.st_ctime_ns, info.st_size, info.st_ino


def _full(sibling: Sibling) -> tuple[Any, ...]:
    """What all task files of a worktree look like."""
    try:
        names, signatures = list_signatures(os.path.join(sibling.top, store.FOLDER))
    except OSError:
        return ()
    return len(names), zlib.crc32("\0".join(names).encode("utf-8", "surrogateescape")), zlib.crc32(signatures)


def _read(sibling: Sibling, task_id: int, problems: list[tuple[Any, ...]]) -> bytes | None:
    path = os.path.join(sibling.top, task_path(task_id))
    try:
        return files.read_regular(path, limit_bytes=MAX_FILE_BYTES)
    except FileNotFoundError:
        return None
    except (OSError, files.UnsafeFileError) as error:
        what = (
            error.message.removeprefix(path + ": ")
            if isinstance(error, files.UnsafeFileError)
            else str(error)
        )
        problems.append(unreadable(TaskId(task_id), sibling.name, what))
        return None
