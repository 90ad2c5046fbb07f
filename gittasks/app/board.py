"""The board: the tasks of this checkout with the work of all other worktrees folded in, as a merge would.

It offers what a `Snapshot` does, and says of each value that is not as here where it comes from.

What another worktree changed since it left us is found by git and cached. The cache holds while nothing there
moved: its head, its `.tasks` folder, the files that it is known to have changed. An edit in place of yet another
file moves none of these; so every read also looks at all files of some worktrees, those looked at longest ago:
all of them while that is at most `_FILES_PER_READ` files, else one worktree each `_ROUND_S` seconds.
"""

from __future__ import annotations

import os
import time
import zlib
from bisect import bisect_left
from operator import attrgetter

from gittasks.app.changes import Changes, parse_version, task_ids, task_path, unreadable
from gittasks.base import cache, files
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import siblings
from gittasks.workgraph import graph, store
from gittasks.workgraph.record import MAX_FILE_BYTES, Problem, Row, Task, TaskId
from gittasks.workgraph.snapshot import list_signatures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from gittasks.app.changes import RawChange
    from gittasks.app.project import Project
    from gittasks.repo.siblings import Sibling
    from gittasks.workgraph.overlay import Overlaid, Version
    from gittasks.workgraph.snapshot import Snapshot

_LAYOUT = "board-3"
_FILES_PER_READ = 5_000
_ROUND_S = 10.0


class _Known(NamedTuple):
    """What is cached of one worktree: `head`, `ours` and their merge `base` are commits, `quick` and `full` say what
    its files were like, `looked_at` is when all of them were looked at (Unix seconds), `changed` are (id, base,
    theirs), `edited` the ids of those that are not as in its own head.
    """

    head: str
    ours: str
    base: str
    quick: tuple[Any, ...]
    full: tuple[Any, ...]
    looked_at: float
    changed: list[RawChange]
    problems: list[tuple[Any, ...]]
    edited: list[int]


_row_id = attrgetter("id")


class Board:
    """A snapshot and what others changed. `overlaid` holds, by id, every task that some other worktree changed.

    `problems` are this checkout's, `elsewhere` those of the other worktrees: they name the worktree with the path.
    """

    def __init__(self, here: Snapshot, overlaid: dict[int, Overlaid], problems: Sequence[Problem]) -> None:
        self.here = here
        self.overlaid = overlaid
        self.problems = here.problems
        self.elsewhere = problems
        self.rows, self.derived = here.rows, here.derived
        self._folded = {task_id: found.task for task_id, found in overlaid.items() if found.task is not None}
        changed = [task_id for task_id, found in overlaid.items() if found.origins]
        if changed and self._lay_over(changed):
            self.derived = graph.derive(self.rows)
        self._by_id: dict[int, Row] | None = None

    def _lay_over(self, changed: list[int]) -> bool:
        """Put the folded rows in their places; answer whether the graph may be another one by that."""
        self.rows = rows = list(self.here.rows)
        graph_changed = False
        for task_id in sorted(changed):
            at = bisect_left(rows, task_id, key=_row_id)
            old = rows[at] if at < len(rows) and rows[at].id == task_id else None
            task = self._folded.get(task_id)
            new = None if task is None else task.row
            graph_changed |= old is None or new is None or graph.touches_graph(old, new)
            rows[at : at + (old is not None)] = [] if new is None else [new]
        return graph_changed

    def find(self, task_id: int) -> Row | None:
        """The row of one task, `None` where no worktree has a readable file of that id."""
        if self._by_id is None:
            self._by_id = {row.id: row for row in self.rows}
        return self._by_id.get(task_id)

    def tasks(self) -> list[Task]:
        """Full records of all tasks, sorted by id."""
        return self.full(self.rows)

    def full(self, rows: list[Row]) -> list[Task]:
        """Full records of `rows`, in their order."""
        here = iter(self.here.full([row for row in rows if row.id not in self._folded]))
        return [self._folded[row.id] if row.id in self._folded else next(here) for row in rows]


def load_board(project: Project, *, remotes: bool | None = None) -> Board | Snapshot:
    """The board of this checkout; just its snapshot where nothing else has tasks.

    `remotes` lays remote-tracking branches over it too (`None`: if the settings say so).
    """
    here = project.snapshot()
    others = siblings.find_siblings(project.checkout)
    found: dict[str, Changes] = {}
    with_tasks = [other for other in others if _has_tasks(other)]
    if with_tasks:
        found |= _look_at_worktrees(project, with_tasks, len(here.rows))
    from gittasks.app import remotes as remote_branches

    if remote_branches.wants_remotes(project) if remotes is None else remotes:
        found |= remote_branches.load_remote_changes(project, others)
    return _fold(project, here, found) if found else here


def _look_at_worktrees(project: Project, others: list[Sibling], tasks: int) -> dict[str, Changes]:
    path = os.path.join(project.cache_folder, f"board-{project.checkout.name}.bin")
    loaded = cache.load_cache(path, _LAYOUT)
    known, alone = loaded if isinstance(loaded, tuple) else ({}, ((), ()))
    reader = _Reader(project, known, tasks)
    found = {other.name: reader.look(other) for other in others}
    heads = tuple(sorted({entry.head for entry in found.values() if entry.head}))
    now_alone = alone if alone[0] == heads else (heads, _independent(project, heads))
    if reader.moved or known.keys() != found.keys() or now_alone is not alone:
        cache.save_cache(path, _LAYOUT, ({name: tuple(entry) for name, entry in found.items()}, now_alone))
    return {
        name: Changes(_own_changes(name, found, now_alone[1]), entry.problems)
        for name, entry in found.items()
    }


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
    others = [other for key, other in found.items() if key != name and other.head == entry.head]
    edited = {task_id for other in others for task_id in other.edited}
    is_outgrown = bool(entry.head) and entry.head not in alone
    return [
        change
        for change in entry.changed
        if change[0] in entry.edited or not (is_outgrown or change[0] in edited)
    ]


def _has_tasks(sibling: Sibling) -> bool:
    return os.path.isdir(os.path.join(sibling.top, store.FOLDER))


class _Reader:
    """Looks at one worktree after the other; `moved` tells whether the cache has to be written."""

    def __init__(self, project: Project, known: dict[str, Any], tasks: int) -> None:
        self._project = project
        self._known = {name: _Known(*entry) for name, entry in known.items()}
        self._now = time.time()
        self._due = self._choose_due(tasks)
        self._ours: str | None = None
        self.moved = False

    def _choose_due(self, tasks: int) -> set[str]:
        """The worktrees whose files are all looked at now."""
        oldest = sorted(self._known, key=lambda name: self._known[name].looked_at)
        if not oldest:
            return set()
        affordable = _FILES_PER_READ // max(tasks, 1)
        if affordable == 0 and not 0 <= self._now - self._known[oldest[0]].looked_at < _ROUND_S:
            affordable = 1
        return set(oldest[:affordable])

    def look(self, sibling: Sibling) -> _Known:
        """What `sibling` changed, from the cache where nothing moved."""
        common = self._project.checkout.common_dir
        head = siblings.read_head(sibling.git_dir, common) or ""
        ours = self._head_here()
        known = self._still_known(sibling, head, ours)
        if known is not None:
            quick = _quick(sibling, known.changed)
            if quick == known.quick:
                if sibling.name not in self._due:
                    return known
                full = _full(sibling)
                if full == known.full:
                    # Only when: the cache need not be written for that where everything is looked at anyway.
                    self.moved = self.moved or self._now - known.looked_at > _ROUND_S
                    return known._replace(looked_at=self._now)
        self.moved = True
        return self._ask_git(sibling, head, ours)

    def _still_known(self, sibling: Sibling, head: str, ours: str) -> _Known | None:
        """What is known, if it still holds for these heads: a commit here seldom moves what we have in common."""
        known = self._known.get(sibling.name)
        if known is None or not head or known.head != head:
            return None
        if known.ours != ours:
            from gittasks.repo import differences

            if not ours or differences.merge_base(self._project.git, ours, head) != known.base:
                return None
            self.moved = True
            known = known._replace(ours=ours)
        return known

    def _head_here(self) -> str:
        if self._ours is None:
            checkout = self._project.checkout
            self._ours = siblings.read_head(checkout.git_dir, checkout.common_dir) or ""
        return self._ours

    def _ask_git(self, sibling: Sibling, head: str, ours: str) -> _Known:
        from gittasks.repo import differences
        from gittasks.repo.git import Git, scrub

        git = Git(sibling.top, scrub(self._project.env))
        common = self._project.checkout.common_dir
        theirs = head or siblings.require_head(git, sibling.git_dir, common)
        here = ours or siblings.require_head(self._project.git, self._project.checkout.git_dir, common)
        full = _full(sibling)
        if theirs is None or here is None:  # no commit yet on one side: nothing in common
            return _Known(head, ours, "", (), full, self._now, [], [], [])
        base = differences.merge_base(git, here, theirs)
        paths = differences.changed_in_worktree(git, base, store.FOLDER)
        ids = task_ids(paths)
        before = differences.read_files(git, base, [task_path(task_id) for task_id in ids])
        problems: list[tuple[Any, ...]] = []
        changed: list[RawChange] = []
        for task_id in ids:
            old = parse_version(before.get(task_path(task_id)), task_id, sibling.name, [])
            new = parse_version(
                _read(sibling.top, task_id, problems, sibling.name), task_id, sibling.name, problems
            )
            if new is not None or not _exists(sibling.top, task_id):
                changed.append((task_id, old and tuple(old), new and tuple(new)))
        edited = ids
        if ids and base != theirs:
            edited = task_ids(differences.changed_in_worktree(git, theirs, store.FOLDER))
        quick = _quick(sibling, changed)
        return _Known(head, ours, base, quick, full, self._now, changed, problems, list(edited))


def _fold(project: Project, here: Snapshot, found: Mapping[str, Changes]) -> Board:
    if not any(entry.changed or entry.problems for entry in found.values()):
        return Board(here, {}, ())
    from gittasks.workgraph.overlay import Version, overlay

    versions: dict[int, list[Version]] = {}
    for name, entry in found.items():
        for task_id, old, new in entry.changed:
            version = Version(name, Task(*old) if old else None, Task(*new) if new else None)
            versions.setdefault(task_id, []).append(version)
    overlaid = {
        task_id: overlay(_task_here(project, here, task_id), several) for task_id, several in versions.items()
    }
    problems = [Problem(*problem) for entry in found.values() for problem in entry.problems]
    return Board(here, overlaid, [*problems, *_strangers(overlaid)])


def _task_here(project: Project, here: Snapshot, task_id: int) -> Task | None:
    return None if here.find(task_id) is None else store.read_task(project.tasks_folder, TaskId(task_id))


def _strangers(overlaid: dict[int, Overlaid]) -> list[Problem]:
    return [
        Problem(
            f"{source}:{task_path(task_id)}",
            0,
            "uid",
            f"is another task with the same id: {task.subject!r}",
            "`gittasks resolve` gives one of them a new id when the two meet in a merge",
            kind="id",
        )
        for task_id, found in sorted(overlaid.items())
        for source, task in found.strangers
    ]


def _quick(sibling: Sibling, changed: list[RawChange]) -> tuple[Any, ...]:
    """What is cheap to see of a worktree: its folder, and the files it is known to have changed."""
    folder = os.path.join(sibling.top, store.FOLDER)
    names = ["", *(store.file_name(TaskId(task_id)) for task_id, _, _ in changed)]
    return tuple(_signature(os.path.join(folder, name)) for name in names)


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


def _exists(top: str, task_id: int) -> bool:
    return os.path.lexists(os.path.join(top, task_path(task_id)))


def _read(top: str, task_id: int, problems: list[tuple[Any, ...]], source: str) -> bytes | None:
    path = os.path.join(top, task_path(task_id))
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
        problems.append(unreadable(TaskId(task_id), source, what))
        return None
