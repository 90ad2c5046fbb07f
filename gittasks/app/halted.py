"""A merge that stopped, gathered: the index stages, the commits of both sides, and the worktree as it is."""

from __future__ import annotations

import contextlib
import os

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import history, stages
from gittasks.workgraph import file_merge, renumber, store
from gittasks.workgraph.matched import World
from gittasks.workgraph.record import CONFLICT, MAX_FILE_BYTES, BadTaskError, TaskId
from gittasks.workgraph.text_merge import parse_markers

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittasks.app.project import Project
    from gittasks.repo.git import Git
    from gittasks.repo.stages import Sides, Unmerged
    from gittasks.workgraph.file_merge import Version
    from gittasks.workgraph.record import Row, Task
    from gittasks.workgraph.snapshot import Snapshot

    # Path from the worktree's root -> git's version of the file.
    Tree = dict[str, history.Version]


class Unreadable(NamedTuple):
    """A file to be settled of which a side is no task: what each side holds (`None`: nothing), and what is wrong.

    `finished` is the task in the worktree, where a person made one of it.
    """

    task_id: TaskId
    ours: bytes | None
    theirs: bytes | None
    problem: str
    finished: Task | None = None


class Halted(NamedTuple):
    """What there is to settle. `notes` are the paths of the notes of base, ours and theirs.

    `other_paths` are unmerged files that hold no task, `loose` ids of files with conflict markers that git takes for
    merged. `is_remembered` says that it is a rebase which ended before HEAD moved again.
    """

    sides: Sides
    world: World
    unreadable: tuple[Unreadable, ...]
    notes: tuple[frozenset[str], frozenset[str], frozenset[str]]
    other_paths: Mapping[str, Unmerged]
    loose: frozenset[TaskId]
    is_remembered: bool = False

    @property
    def is_under_way(self) -> bool:
        """Whether git, or somebody who left conflict markers, has not ended it."""
        return bool(self.sides.operation or self.world.unmerged or self.unreadable or self.other_paths)

    @property
    def is_over(self) -> bool:
        """Whether git has ended it, and this looks back."""
        return self.world.is_over


def read_halted(project: Project, *, is_remembered: bool = True) -> Halted:
    """Gather it all: a handful of git processes, and one parse for each file that is not the same on all sides.

    With `is_remembered` a rebase that nobody looked into comes before what HEAD is now. Raises `NoTasksError`,
    `GitError`.
    """
    git, snapshot = project.git, project.snapshot()
    unmerged = stages.read_unmerged(git)
    sides = stages.find_sides(git, project.checkout.git_dir, unmerged)
    is_halted = bool(unmerged or sides.operation)
    ends = None if is_halted or not is_remembered else _read_memo(project)
    finished, is_last = (None, False) if is_halted else _finished(project, ends)
    sides = finished or sides
    stopped = {task_id: entry for path, entry in unmerged.items() if (task_id := _task_id(path)) is not None}
    loose = _marked_ids(snapshot) - stopped.keys()
    trees: tuple[Tree, Tree, Tree] = ({}, {}, {})
    if unmerged or sides.theirs.commit:
        trees = _trees(git, sides, unmerged)
    replayed = _replayed_ids(git, trees[1]) if is_last else set()
    texts = _read_differing(git, trees, {*stopped, *loose, *replayed})
    if sides.theirs.commit is None:
        for task_id in loose:
            _take_apart(project, task_id, texts)
    reader = _Reader(texts)
    base, ours, theirs = (reader.read_all(side) for side in range(3))
    for task_id in reader.bad:
        for readable in (base, ours, theirs):
            readable.pop(task_id, None)
    to_settle = {*stopped, *loose} - reader.bad.keys()
    rows = {row.id: row for row in snapshot.rows}
    in_question = _ids_in_question((base, ours, theirs), rows)
    # A rebase in which all numbers are clear, and always were, went as its commits say.
    is_exact = is_last and bool(in_question or ends)
    if is_exact:
        in_question |= {*base, *ours, *theirs}
    world = World(
        base,
        ours,
        theirs,
        frozenset(to_settle),
        here=_read_here(project, to_settle | in_question),
        rows=rows,
        is_only_base=sides.is_only_base,
        is_over=finished is not None,
        is_exact=is_exact,
    )
    return Halted(
        sides,
        world,
        reader.unreadable(project, {*stopped, *loose}),
        (_note_paths(trees[0]), _note_paths(trees[1]), _note_paths(trees[2])),
        {path: entry for path, entry in unmerged.items() if _task_id(path) is None},
        frozenset(loose),
        is_remembered=ends is not None and not is_last,
    )


def remember_rebase(project: Project) -> None:
    """Note the rebase under way: its later commits may merge cleanly and yet name tasks by their old numbers."""
    ends = stages.find_rebase(project.checkout.git_dir)
    if ends is not None:
        files.replace_file(_memo_path(project), "\n".join(ends).encode())


def forget_rebase(project: Project) -> None:
    """The rebase is over, and was looked into."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_memo_path(project))


def _finished(project: Project, remembered: tuple[str, str] | None) -> tuple[Sides | None, bool]:
    """What git ended last, if there may be something wrong about it: a rebase, or the merge that HEAD is.

    And whether HEAD is just what that rebase left. `remembered` is a rebase that may have been built upon.
    """
    git = project.git
    just = stages.find_just_rebased(git)
    ends = just or remembered
    sides = stages.find_rebased(git, *ends) if ends else None
    return (sides, just is not None) if sides else (stages.find_finished(git), False)


def _read_memo(project: Project) -> tuple[str, str] | None:
    with contextlib.suppress(FileNotFoundError, ValueError):
        onto, before = files.read_regular(_memo_path(project), limit_bytes=1024).decode().split("\n")
        return onto, before
    return None


def _memo_path(project: Project) -> str:
    return os.path.join(project.private_folder(), f"rebase-{project.checkout.name}")


class _Reader:
    """Parses the files of three sides; `bad` says what is wrong with an id that some side has no task under."""

    def __init__(self, texts: tuple[dict[TaskId, bytes], ...]) -> None:
        self._texts = texts
        self.bad: dict[TaskId, str] = {}

    def read_all(self, side: int) -> dict[TaskId, Version]:
        """One side's tasks. Of the base (0) nothing is bad: what it does not say is not known."""
        found = {}
        for task_id, data in self._texts[side].items():
            path = f"{store.FOLDER}/{store.file_name(task_id)}"
            try:
                read = file_merge.read_version if side else file_merge.read_base
                found[task_id] = read(data, path, task_id=task_id)
            except BadTaskError as error:
                self.bad[task_id] = error.problems[0].message
        return found

    def unreadable(self, project: Project, wanted: set[TaskId]) -> tuple[Unreadable, ...]:
        """What cannot be settled by fields."""
        here = _read_here(project, wanted & self.bad.keys())
        found = []
        for task_id in sorted(wanted & self.bad.keys()):
            ours, theirs = (side.get(task_id) for side in self._texts[1:])
            data = here.get(task_id)
            is_typed = data is not None and data not in (ours, theirs)
            finished = file_merge.try_read(data, task_id) if data is not None and is_typed else None
            found.append(Unreadable(task_id, ours, theirs, self.bad[task_id], finished))
        return tuple(found)


def _trees(git: Git, sides: Sides, unmerged: Mapping[str, Unmerged]) -> tuple[Tree, Tree, Tree]:
    """The task files and notes of base, ours and theirs."""
    commits = (sides.base, sides.ours.commit, sides.theirs.commit)
    base, ours, theirs = (
        history.committed_versions(git, commit, [store.FOLDER]) if commit else {} for commit in commits
    )
    if sides.theirs.commit is None:
        # A patch, or what git does not remember: what it merged by itself lies in the index.
        theirs = history.staged_versions(git, [store.FOLDER])[0]
        base = dict(ours)
    for path, entry in unmerged.items():
        # Where the commits are known, the stages say less: git may have taken one file for another that was renamed.
        # But a stash came upon what was staged, and of several bases git made one.
        is_from_stages = sides.theirs.commit is None or sides.operation == "stash"
        _put(base, path, entry.base, is_wanted=is_from_stages or not sides.is_only_base)
        _put(ours, path, entry.ours, is_wanted=is_from_stages)
        _put(theirs, path, entry.theirs, is_wanted=is_from_stages)
    return base, ours, theirs


def _replayed_ids(git: Git, onto: Tree) -> set[TaskId]:
    """Tasks that a rebase changed: also those that no side changed, and a commit hit that meant another."""
    head = history.committed_versions(git, "HEAD", [store.FOLDER])
    paths = (path for path, version in head.items() if onto.get(path) != version)
    return {task_id for path in paths if (task_id := _task_id(path)) is not None}


def _put(tree: Tree, path: str, version: history.Version | None, *, is_wanted: bool) -> None:
    if is_wanted and version is not None:
        tree[path] = version
    elif is_wanted:
        tree.pop(path, None)


def _read_differing(
    git: Git, trees: tuple[Tree, Tree, Tree], wanted: set[TaskId]
) -> tuple[dict[TaskId, bytes], ...]:
    """The contents of the task files that are not the same in all three trees, and of the `wanted` ones."""
    chosen: list[dict[TaskId, str]] = [{}, {}, {}]
    for path in {*trees[0], *trees[1], *trees[2]}:
        task_id = _task_id(path)
        versions = [tree.get(path) for tree in trees]
        if task_id is None or (task_id not in wanted and versions[0] == versions[1] == versions[2]):
            continue
        for side, version in zip(chosen, versions, strict=True):
            if version is not None:
                # A link or a submodule has no text; nothing reads as an empty, bad file.
                side[task_id] = version.oid if version.is_file else ""
    oids = {oid for side in chosen for oid in side.values() if oid}
    blobs = history.read_blobs(git, oids, limit_bytes=MAX_FILE_BYTES)
    return tuple({task_id: blobs.get(oid, b"") for task_id, oid in side.items()} for side in chosen)


def _take_apart(project: Project, task_id: TaskId, texts: tuple[dict[TaskId, bytes], ...]) -> None:
    """Where nobody knows the sides any more, the markers in a file hold them."""
    data = store.read_file(project.tasks_folder, task_id)
    marked = parse_markers(data.decode("utf-8", "replace"))
    base, ours, theirs = texts
    base[task_id] = ours[task_id] = theirs[task_id] = data
    if marked is not None:
        ours[task_id], theirs[task_id] = marked.ours.encode(), marked.theirs.encode()
        base[task_id] = b"" if marked.base is None else marked.base.encode()


def _read_here(project: Project, wanted: Iterable[TaskId]) -> dict[TaskId, bytes]:
    found = {}
    for task_id in wanted:
        path = os.path.join(project.tasks_folder, store.file_name(task_id))
        try:
            found[task_id] = files.read_regular(path, limit_bytes=MAX_FILE_BYTES)
        except (FileNotFoundError, files.UnsafeFileError):
            continue
    return found


def _ids_in_question(sides: Sequence[Mapping[TaskId, Version]], rows: Mapping[TaskId, Row]) -> set[TaskId]:
    """Numbers of which it is not clear whose they are, on the sides or in the worktree."""
    known = [{task_id: version.task.uid for task_id, version in side.items()} for side in sides]
    concerned = set().union(*known)
    uids = {uid for side in known for uid in side.values() if uid}
    here = {row.id: row.uid for row in rows.values() if row.id in concerned or row.uid in uids}
    return renumber.doubtful_ids(*known, here)


def _marked_ids(snapshot: Snapshot) -> set[TaskId]:
    paths = (problem.path for problem in snapshot.problems if problem.kind == CONFLICT)
    return {task_id for path in paths if (task_id := _task_id(path)) is not None}


def _task_id(path: str) -> TaskId | None:
    folder, _, name = path.rpartition("/")
    return store.parse_file_name(name) if folder == store.FOLDER else None


def _note_paths(tree: Tree) -> frozenset[str]:
    return frozenset(path for path in tree if path.count("/") == 2)
