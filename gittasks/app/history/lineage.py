"""What git remembers of one task under one number, and what follows from it: the steps of its life.

A task is known by its uid: followed through a new number (as `gittasks resolve` gives), and past another task that
had the same number. Old versions that cannot be read are named, never in the way.
"""

from __future__ import annotations

import os

from gittasks.app.history.records import (
    CHANGED,
    COMMITTED,
    CREATED,
    REMOVED,
    RENUMBERED,
    STAGED,
    WORKING,
    Entry,
    NoteChange,
)
from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import history as git_history
from gittasks.workgraph import codec, notes_format, store
from gittasks.workgraph.difference import FieldChange, difference
from gittasks.workgraph.record import MAX_FILE_BYTES, BadTaskError, TaskId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.app.project import Project
    from gittasks.repo.git import Git
    from gittasks.repo.history import Change, Commit, Version
    from gittasks.workgraph.record import Task

# Versions to look at for the uid of a task that cannot be read now.
_MOST_BROKEN = 50


class _Side(NamedTuple):
    """A task file in one version: the task, or why it cannot be read; neither where there is no file."""

    task: Task | None = None
    problem: str = ""


class _Step(NamedTuple):
    """What happened to the task file between two versions."""

    kind: str = CHANGED
    changes: tuple[FieldChange, ...] = ()
    problems: tuple[str, ...] = ()


class Origin(NamedTuple):
    """A task under its earlier number, the commit that last had it, and the ids of what the next one took away."""

    task: Task
    commit: str
    contents: set[str]


class Lineage:
    """Reads for one task, as one worktree has it. Owns the contents that were read from git, each once."""

    def __init__(self, project: Project, task_id: TaskId) -> None:
        self._project = project
        self._git: Git = project.git
        self._id = task_id
        self._blobs: dict[str, bytes] = {}

    def follow(self, commits: list[Commit], uid: str, limit: int | None) -> tuple[list[Entry], bool]:
        """The steps that are told by `commits` (all that `commits_of` gave) and by those before them, under earlier
        numbers of the task: at most `limit`; and whether there are more.
        """
        more = limit is not None and len(commits) > limit
        number = self._id
        entries = self.entries(commits[:limit], number, uid)
        while not more and entries and (found := self.renumbered(entries[-1], number, uid)):
            entries[-1], origin = found
            number = origin.task.id
            left = None if limit is None else limit - len(entries)
            commits = self.commits_of([origin.commit], number, left)
            more = left is not None and (left == 0 or len(commits) > left)
            entries += self.entries(commits[:left], number, uid)
        return entries, more

    # -- commits

    def commits_of(self, revisions: Sequence[str], task_id: TaskId, limit: int | None) -> list[Commit]:
        """What changed the files of this number, newest first: one more than `limit`, so that the caller sees whether
        there are more. Contents are read.
        """
        if not revisions or (limit is not None and limit < 1):
            return []
        wanted = None if limit is None else limit + 1
        commits = git_history.commits_of(self._git, revisions, _paths(task_id), limit=wanted)
        self._load([v for c in commits for change in c.changes for v in (*change.old, change.new)])
        return commits

    def entries(self, commits: list[Commit], task_id: TaskId, uid: str) -> list[Entry]:
        """What each commit did to the task, newest first; what another task of the same number did is left out."""
        entries: list[Entry] = []
        readable: Task | None = None
        for commit in reversed(commits):
            step = _Step()
            own = [change for change in commit.changes if change.path == _file(task_id)]
            if own:
                olds = [self._side(old, task_id) for old in own[0].old]
                new = self._side(own[0].new, task_id)
                if _is_stranger(uid, [*olds, new]):
                    continue
                step = _step(olds, new, readable)
                readable = new.task or readable
            notes = tuple(self._note(change) for change in commit.changes if change not in own)
            if notes or step != _Step():
                entries.append(Entry(COMMITTED, step.kind, commit, step.changes, notes, step.problems))
        return entries[::-1]

    def find_uid(self, commits: list[Commit]) -> str:
        """Whose history this is: the task as it is now, else as it was last; empty where nothing tells."""
        own = [change for commit in commits for change in commit.changes if change.path == _file(self._id)]
        versions = [version for change in own[:_MOST_BROKEN] for version in (change.new, *change.old)]
        sides = [self._working_side(), *(self._side(version, self._id) for version in versions)]
        return next((side.task.uid for side in sides if side.task and side.task.uid), "")

    def renumbered(self, entry: Entry, number: TaskId, uid: str) -> tuple[Entry, Origin] | None:
        """An entry that seems to create the task as the step from its earlier number, where it had one."""
        origin = self._origin(entry, uid)
        return None if origin is None else (self._as_step(entry, origin, number), origin)

    def _origin(self, entry: Entry, uid: str) -> Origin | None:
        """Where the task comes from that `entry` seems to create, when its commit took another number away."""
        if entry.kind != CREATED or entry.commit is None or not uid:
            return None
        for parent in entry.commit.parents:
            lost = git_history.lost_files(self._git, entry.commit.oid, parent, store.FOLDER)
            self._load([change.old[0] for change in lost])
            for change in lost:
                side = self._side(change.old[0], _number(change.path))
                if side.task and side.task.uid == uid:
                    return Origin(side.task, parent, {old.oid for gone in lost if (old := gone.old[0])})
        return None

    def _as_step(self, entry: Entry, origin: Origin, task_id: TaskId) -> Entry:
        created = {change.path: change.new for change in entry.commit.changes} if entry.commit else {}
        after = self._side(created.get(_file(task_id)), task_id).task
        moved = {path for path, new in created.items() if new and new.oid in origin.contents}
        notes = tuple(note for note in entry.notes if note.path not in moved)
        return entry._replace(kind=RENUMBERED, changes=difference([origin.task], after), notes=notes)

    # -- what is not committed

    def uncommitted(self, head: str | None) -> list[Entry]:
        """What is not committed in this worktree: in its files, then in its index."""
        paths = _paths(self._id)
        committed = git_history.committed_versions(self._git, head, paths) if head else {}
        staged, conflicts = git_history.staged_versions(self._git, paths)
        self._load([*committed.values(), *staged.values()])
        if _file(self._id) in conflicts:
            problem = f"{_file(self._id)} is in a merge conflict"
            return [Entry(WORKING, CHANGED, None, problems=(problem,))]
        in_head = self._side(committed.get(_file(self._id)), self._id)
        in_index = self._side(staged.get(_file(self._id)), self._id)
        entries = [
            _fresh(WORKING, in_index, self._working_side(), self._working_notes(staged)),
            _fresh(STAGED, in_head, in_index, self._staged_notes(committed, staged)),
        ]
        return [entry for entry in entries if entry]

    def _staged_notes(self, before: dict[str, Version], after: dict[str, Version]) -> list[NoteChange]:
        changed = sorted(
            p for p in {*before, *after} if before.get(p) != after.get(p) and p != _file(self._id)
        )
        return [
            self._note(git_history.Change(path, (before.get(path),), after.get(path))) for path in changed
        ]

    def _working_notes(self, staged: dict[str, Version]) -> list[NoteChange]:
        folder = os.path.join(self._project.tasks_folder, str(self._id))
        on_disk = {f"{store.FOLDER}/{self._id}/{name}" for name in _names(folder)}
        notes = []
        for path in sorted({*on_disk, *staged} - {_file(self._id)}):
            data = self._working_bytes(path) if path in on_disk else None
            old = self._blobs.get(staged[path].oid) if path in staged else None
            if data != old:
                notes.append(_note_change(path, old, data))
        return notes

    def _working_side(self) -> _Side:
        try:
            return _Side(store.read_task(self._project.require_tasks(), self._id))
        except store.UnknownTaskError:
            return _Side()
        except BadTaskError as error:
            return _Side(problem=str(error.problems[0]))

    def _working_bytes(self, path: str) -> bytes | None:
        try:
            return files.read_regular(os.path.join(self._project.top, path), limit_bytes=MAX_FILE_BYTES)
        except (FileNotFoundError, files.UnsafeFileError):
            return None

    # -- contents

    def _load(self, versions: list[Version | None]) -> None:
        oids = {version.oid for version in versions if version and version.is_file} - self._blobs.keys()
        self._blobs.update(git_history.read_blobs(self._git, oids, limit_bytes=MAX_FILE_BYTES))

    def _side(self, version: Version | None, task_id: TaskId | None) -> _Side:
        if version is None or task_id is None:
            return _Side()
        data = self._blobs.get(version.oid)
        if data is None or not version.is_file:
            return _Side(problem=f"{_file(task_id)}: not a regular file, missing in this clone, or too large")
        try:
            return _Side(codec.parse_task(data, _file(task_id), task_id=task_id))
        except BadTaskError as error:
            return _Side(problem=str(error.problems[0]))

    def _note(self, change: Change) -> NoteChange:
        old, new = (version and self._blobs.get(version.oid, b"") for version in (change.old[0], change.new))
        return _note_change(change.path, old, new)


def _step(olds: list[_Side], new: _Side, readable: Task | None) -> _Step:
    """One step; an old version that cannot be read counts as `readable`, the last one that could."""
    if new.problem:
        return _Step(problems=(f"cannot be read in this version: {new.problem}",))
    befores = [readable if old.problem else old.task for old in olds]
    problems = ("the version before this one cannot be read",) if any(old.problem for old in olds) else ()
    if new.task is None:
        return _Step(REMOVED, problems=problems)
    is_new = not any(old.task or old.problem for old in olds)
    return _Step(CREATED if is_new else CHANGED, difference(befores, new.task), problems)


def _fresh(where: str, old: _Side, new: _Side, notes: list[NoteChange]) -> Entry | None:
    # A version that cannot be read is told of once, by who made it so.
    same = old == new or (old.problem and new.problem)
    step = _Step() if same else _step([old], new, None)
    if step == _Step() and not notes:
        return None  # nothing, or the same fields written differently
    return Entry(where, step.kind, None, step.changes, tuple(notes), step.problems)


def _is_stranger(uid: str, sides: list[_Side]) -> bool:
    """Whether these versions all belong to another task that has, or had, the same number."""
    uids = {side.task.uid for side in sides if side.task}
    return bool(uid and uids) and uid not in uids and "" not in uids


def _note_change(path: str, old: bytes | None, new: bytes | None) -> NoteChange:
    kind = "added" if old is None else "removed" if new is None else "changed"
    note = notes_format.parse_note(new if new is not None else old or b"", path)
    return NoteChange(kind, path, note.author, "" if new is None else note.text)


def _file(task_id: TaskId) -> str:
    return f"{store.FOLDER}/{store.file_name(task_id)}"


def _number(path: str) -> TaskId | None:
    return store.parse_file_name(path.removeprefix(store.FOLDER + "/"))


def _paths(task_id: TaskId) -> tuple[str, str]:
    return _file(task_id), f"{store.FOLDER}/{task_id}"


def _names(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
