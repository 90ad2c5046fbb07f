"""One task with two files in a worktree, as a merge of lines leaves it where two branches gave it a number each.

They are merged like two sides of any merge, under the lower number, so that every clone comes to the same.
"""

from __future__ import annotations

from gittasks.app.halted import Halted
from gittasks.app.note_moves import note_paths
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo.stages import Side, Sides
from gittasks.workgraph import resolution, store
from gittasks.workgraph.file_merge import Version, read_version, renumbered, write_as
from gittasks.workgraph.matched import World, plain

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from gittasks.app.project import Project
    from gittasks.workgraph.record import Row, TaskId


def read_double(
    project: Project, merge: Halted, known: Container[tuple[TaskId, TaskId]]
) -> tuple[Halted, tuple[TaskId, TaskId]] | None:
    """Two files of one task as the sides of a merge, the one with the lower number ours; and these numbers.

    `merge` is what git ended last: what it came from is the base. Pairs in `known` are passed over; `None` for none.
    """
    snapshot = project.snapshot()
    pair = next((pair for pair in _pairs(snapshot.rows) if pair not in known), None)
    if pair is None:
        return None
    low, high = pair
    rows = {row.id: row for row in snapshot.rows}
    wanted = [low, high, *(row.id for row in snapshot.rows if _names(row, high) and row.id not in pair)]
    versions = {task_id: _read(project, task_id) for task_id in wanted}
    versions |= {task_id: _without(versions[task_id], pair) for task_id in pair}
    others = {task_id: version for task_id, version in versions.items() if task_id not in pair}
    base = _base(merge, rows[low].uid, low)
    world = World(
        others | ({low: base} if base else {}),
        others | {low: versions[low]},
        others | {high: versions[high]},
        frozenset(),
        {task_id: version.data for task_id, version in versions.items()},
        rows,
        is_only_base=False,
        is_fold=True,
    )
    sides = Sides("fold", Side(f"#{low}", None), Side(f"#{high}", None), None)
    notes = (frozenset[str](), note_paths(project.top, low), note_paths(project.top, high))
    return Halted(sides, world, (), notes, {}, frozenset()), pair


def _pairs(rows: Iterable[Row]) -> list[tuple[TaskId, TaskId]]:
    """The numbers of tasks that have more than one: the lowest, with each other one."""
    lowest: dict[str, TaskId] = {}
    found = []
    for row in sorted(rows, key=lambda row: row.id):
        low = lowest.setdefault(row.uid, row.id)
        if row.uid and low != row.id:
            found.append((low, row.id))
    return sorted(found)


def _names(row: Row, number: TaskId) -> bool:
    return number == row.parent or number in row.blocked_by or number in row.written_blocks


def _read(project: Project, task_id: TaskId) -> Version:
    return read_version(plain(store.read_file(project.tasks_folder, task_id)), "", task_id=task_id)


def _without(version: Version, pair: Container[TaskId]) -> Version:
    """The version of a file that may name the other one: no task waits for itself, or is its own parent."""
    task = version.task
    alone = task._replace(
        parent=None if task.parent in pair else task.parent,
        blocked_by=tuple(known for known in task.blocked_by if known not in pair),
        written_blocks=tuple(known for known in task.written_blocks if known not in pair),
    )
    return Version(write_as(version.data, "", task, alone), alone)


def _base(merge: Halted, uid: str, number: TaskId) -> Version | None:
    """The version of the task that both sides of `merge` come from, under `number`."""
    for version in merge.world.base.values():
        if version.task.uid == uid and "uid" not in version.unknown:
            moved = renumbered(version, "", resolution.base_moves(merge.world))
            return renumbered(moved, "", {moved.task.id: number})
    return None
