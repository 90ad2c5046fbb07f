"""Checks of the durable layer: task files, notes, references, cycles, bindings, settings."""

from __future__ import annotations

import os

from gittasks.app import notes
from gittasks.app.doctor.findings import ERROR, INFO, WARNING, Finding, Scene
from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.workgraph import config as configs
from gittasks.workgraph import store
from gittasks.workgraph.graph import cycles
from gittasks.workgraph.record import CLOSED, CONFLICT, DELETED, IN_PROGRESS
from gittasks.workgraph.workflow import definition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gittasks.app.reading import Tasks
    from gittasks.workgraph.record import Problem, Row

# What else may lie in `.tasks` without a word: git's own files, and what explains the folder to people.
_WELCOME = frozenset(
    (
        configs.CONFIG_NAME,
        definition.FOLDER,
        ".gitattributes",
        ".gitignore",
        ".gitkeep",
        "README",
        "README.md",
    )
)
# Fields that only a run has. In a task they would be wrong a minute later, and conflict in every merge.
_RUN_FIELDS = frozenset(
    (
        "pid",
        "process",
        "output_file",
        "exit_code",
        "notified",
        "start_time",
        "end_time",
        "work_graph_task_id",
        "phase",
    )
)


def bad_files(scene: Scene) -> Iterator[Finding]:
    """Task files that cannot be read, one finding a reason."""
    for problem in scene.snapshot.problems:
        where = f"{problem.path}:{problem.line}" if problem.line else problem.path
        what = ": ".join(part for part in (problem.field, problem.message, problem.expected) if part)
        if problem.kind == CONFLICT:
            cure = "`gittasks resolve` merges it field by field, and asks where both sides changed one"
            yield Finding(ERROR, "conflict-marks", where, what, cure)
        else:
            cure = f"mend it by hand, or take it back from git: `git log -- {problem.path}`"
            yield Finding(ERROR, "bad-file", where, what, cure)


def strange_names(scene: Scene) -> Iterator[Finding]:
    """Entries of `.tasks` that are neither tasks, notes nor settings."""
    folder = scene.project.tasks_folder
    for name in sorted(os.listdir(folder)):
        path = f"{store.FOLDER}/{name}"
        if store.parse_file_name(name) or name in _WELCOME:
            continue
        if name.isdecimal() and os.path.isdir(os.path.join(folder, name)):
            yield from _notes(scene, name, path)
        elif name.endswith(files.TEMP_SUFFIX):
            yield _leftover(path)
        elif name.lower().endswith((".yaml", ".yml")):
            what = "looks like a task, but its name is not `<id>.yaml`: nobody reads it"
            cure = "rename it to its id with `.yaml`, or move it out of this folder"
            yield Finding(ERROR, "strange-name", path, what, cure)
        else:
            yield Finding(WARNING, "strange-file", path, "is not ours", "move it out of this folder")


def _notes(scene: Scene, name: str, path: str) -> Iterator[Finding]:
    task_id = store.parse_file_name(f"{name}.yaml")
    if task_id is None:
        cure = "rename it to the id of its task"
        yield Finding(WARNING, "strange-name", path, "is no folder of notes: ids have no leading zero", cure)
        return
    if not os.path.lexists(os.path.join(scene.project.tasks_folder, store.file_name(task_id))):
        cure = f"take the task back (`git log -- {path}.yaml`), or move the notes away"
        yield Finding(WARNING, "orphan-notes", path, f"there is no task #{task_id}", cure)
    for problem in notes.read_notes(scene.project, task_id)[1]:
        cure = "move it out of this folder"
        yield Finding(WARNING, "bad-note", problem.path, f"{problem.message}: {problem.expected}", cure)
    for entry in sorted(_listing(os.path.join(scene.project.tasks_folder, name))):
        if entry.endswith(files.TEMP_SUFFIX):
            yield _leftover(f"{path}/{entry}")


def _leftover(path: str) -> Finding:
    what = "left behind by a writer that was killed"
    return Finding(WARNING, "leftover", path, what, "`gittasks doctor --fix` deletes it", fixable=True)


def _listing(folder: str) -> list[str]:
    return [] if os.path.islink(folder) else os.listdir(folder)


def identities(scene: Scene) -> Iterator[Finding]:
    """Tasks without uid or creation time, and uids that two files have."""
    owners: dict[str, list[Row]] = {}
    for row in scene.snapshot.rows:
        path = _path(row)
        if row.uid:
            owners.setdefault(row.uid, []).append(row)
        else:
            cure = "`gittasks doctor --fix` gives it one"
            what = f"has no uid: it cannot be told from another #{row.id} of another clone"
            yield Finding(WARNING, "no-uid", path, what, cure, fixable=True)
        if not row.created:
            cure = "`gittasks doctor --fix` takes the time from git"
            yield Finding(WARNING, "no-created", path, "does not say when it was created", cure, fixable=True)
    for uid, rows in owners.items():
        if len(rows) > 1:
            paths = ", ".join(map(_path, rows))
            cure = (
                "`gittasks resolve` makes them one task; if one is a copy made by hand, delete its `uid:` line "
                "instead, then `gittasks doctor --fix`"
            )
            yield Finding(ERROR, "same-uid", paths, f"have the same uid {uid}", cure)


def misplaced_edges(scene: Scene) -> Iterator[Finding]:
    """`blocks:` written by hand: edges on the wrong side."""
    for row in scene.snapshot.rows:
        lost = [b for b in row.written_blocks if scene.snapshot.find(b) is None]
        names = ", ".join(f"#{task_id}" for task_id in lost or row.written_blocks)
        if lost:
            cure = f"mend or take back {names}, or delete it from `blocks:`"
            yield Finding(
                ERROR,
                "dangling-blocks",
                _path(row),
                f"blocks: {names} cannot be read or does not exist",
                cure,
            )
        elif row.written_blocks:
            what = f"blocks {names} from the wrong side: an edge stands on the task that waits"
            cure = "`gittasks doctor --fix` moves it"
            yield Finding(WARNING, "misplaced-edge", _path(row), what, cure, fixable=True)


def references(scene: Scene) -> Iterator[Finding]:
    """Blockers and parents that do not exist here."""
    for task_id, missing in sorted(scene.snapshot.derived.missing.items()):
        row = scene.snapshot.find(task_id)
        for blocker in missing:
            if row is not None and blocker in row.blocked_by:
                cure = f"mend or take back #{blocker}, or `gittasks unblock {task_id} --on {blocker}`"
                what = f"waits for #{blocker}, which cannot be read or does not exist here"
                yield Finding(ERROR, "dangling-blocker", f"{store.FOLDER}/{task_id}.yaml", what, cure)
    for row in scene.snapshot.rows:
        if row.parent is not None and row.status != DELETED and scene.snapshot.find(row.parent) is None:
            cure = f"mend or take back #{row.parent}, or `gittasks edit {row.id} --clear parent`"
            what = f"its parent #{row.parent} cannot be read or does not exist here"
            yield Finding(ERROR, "dangling-parent", _path(row), what, cure)


def circles(scene: Scene) -> Iterator[Finding]:
    """Tasks that wait for each other, or are each other's parents: a merge can make them, and the board shows now
    those that it would make.
    """
    board = scene.project.board()
    for cycle, place in _circles(scene, board, cycles.find_cycles, "blockedBy"):
        cure = f"take one edge away, as in `gittasks unblock {cycle[0]} --on {cycle[1]}`{place}"
        yield Finding(
            ERROR, "cycle", _way(cycle), "these tasks wait for each other: none is ever ready", cure
        )
    for cycle, place in _circles(scene, board, cycles.find_parent_cycles, "parent"):
        cure = f"take one parent away, as in `gittasks edit {cycle[0]} --clear parent`{place}"
        yield Finding(ERROR, "parent-cycle", _way(cycle), "these tasks are each other's parents", cure)


def _circles(
    scene: Scene, board: Tasks, find: Callable[[Sequence[Row]], tuple[tuple[int, ...], ...]], field: str
) -> Iterator[tuple[tuple[int, ...], str]]:
    """The cycles here, then those of the board alone: turned so that the first edge comes from another worktree, with
    words that name it.
    """
    here = find(scene.snapshot.rows)
    yield from ((cycle, "") for cycle in here)
    known = {task_id for cycle in here for task_id in cycle}
    for cycle in find(board.rows):
        if known.isdisjoint(cycle):
            places = {task_id: _place(board, task_id, field) for task_id in cycle}
            first = next((at for at, task_id in enumerate(cycle[:-1]) if places[task_id]), 0)
            turned = (*cycle[first:-1], *cycle[: first + 1])
            yield turned, places[turned[0]]


def _place(board: Tasks, task_id: int, field: str) -> str:
    found = board.overlaid.get(task_id)
    origins = found.origins if found is not None else {}
    names = origins.get(field) or origins.get("file") or ()
    return f" in the worktree {', or in '.join(map(printable, names))}" if names else ""


def run_fields(scene: Scene) -> Iterator[Finding]:
    """Facts about a run, written into a task."""
    for task in scene.snapshot.tasks():
        for name in [name for name, _ in task.extra if name in _RUN_FIELDS]:
            what = f"{name}: belongs to a run, not to a task"
            cure = "delete the field; `gittasks runs` knows what is alive"
            yield Finding(WARNING, "run-field", f"{store.FOLDER}/{task.id}.yaml", what, cure)


def bindings(scene: Scene) -> Iterator[Finding]:
    """Tasks in progress without a worktree, or with one that is not in this clone."""
    me = scene.project.actor()
    for row in scene.snapshot.rows:
        if row.status in CLOSED:
            continue
        if row.worktree is None:
            if row.status == IN_PROGRESS:
                cure = f"`gittasks start {row.id}` gives it one; nothing is wrong if you work without"
                yield Finding(INFO, "no-worktree", _path(row), "is in progress without a worktree", cure)
        elif scene.trees and row.worktree not in scene.worktree_names:
            mine = row.owner in (None, me)
            what = f"is bound to the worktree {row.worktree}, which is not in this clone"
            cure = (
                f"`gittasks start {row.id}` makes it, `gittasks edit {row.id} --clear worktree` lets go of it"
            )
            other = f"nothing, where {row.owner} has it in another clone"
            yield Finding(
                WARNING if mine else INFO, "lost-worktree", _path(row), what, cure if mine else other
            )


def settings(scene: Scene) -> Iterator[Finding]:
    """What is wrong in `config.yaml`, and commands in it that nobody has trusted here."""
    from gittasks.app import trust

    try:
        state = trust.trust_state(scene.project)
    except configs.BadConfigError as error:
        yield from (_bad_settings("bad-config", problem) for problem in error.problems)
        return
    for problem in state.config.warnings:
        what = ": ".join(part for part in (problem.field, problem.message, problem.expected) if part)
        yield Finding(
            WARNING, "unknown-setting", f"{problem.path}:{problem.line}", what, "check its spelling"
        )
    if state.state in (trust.UNTRUSTED, trust.CHANGED):
        what = "names commands that do not run in this clone yet"
        yield Finding(
            INFO, "untrusted", f"{store.FOLDER}/{configs.CONFIG_NAME}", what, "`gittasks trust` shows them"
        )


def workflows(scene: Scene) -> Iterator[Finding]:
    """Workflows that are broken, and those that nobody has trusted here."""
    from gittasks.app import trust
    from gittasks.app.workflows.files import list_workflows

    for found in list_workflows(scene.project):
        yield from (_bad_settings("bad-workflow", problem) for problem in found.problems)
        if found.workflow is not None and found.state != trust.TRUSTED:
            what = "does not run in this clone yet"
            yield Finding(INFO, "untrusted", found.path, what, "`gittasks trust` shows it")


CHECKS: tuple[Callable[[Scene], Iterator[Finding]], ...] = (
    bad_files,
    strange_names,
    identities,
    misplaced_edges,
    references,
    circles,
    run_fields,
    bindings,
    settings,
    workflows,
)


def _bad_settings(kind: str, problem: Problem) -> Finding:
    where = f"{problem.path}:{problem.line}" if problem.line else problem.path
    what = ": ".join(part for part in (problem.field, problem.message, problem.expected) if part)
    return Finding(ERROR, kind, where, what, "mend it by hand")


def _path(row: Row) -> str:
    return f"{store.FOLDER}/{row.id}.yaml"


def _way(cycle: tuple[int, ...]) -> str:
    return " -> ".join(f"#{task_id}" for task_id in cycle)
