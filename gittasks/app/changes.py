"""What another place (a worktree, a remote-tracking branch) changed of the tasks, read for the board.

Light: the board reads it on every call. Problems name the place with the path, since the path alone would point here.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph import store
from gittasks.workgraph.record import BadTaskError, Problem, Task, TaskId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    # (id, base, theirs), both sides as plain tuples: what a cache file can hold.
    RawChange = tuple[int, tuple[Any, ...] | None, tuple[Any, ...] | None]

_MAX_CHANGED = 2_000


class Changes(NamedTuple):
    """The tasks that a place holds otherwise than the commit it has in common with us, and what it holds broken."""

    changed: list[RawChange]
    problems: list[tuple[Any, ...]]


def task_ids(paths: Iterable[str]) -> list[TaskId]:
    """The ids of the task files among `paths`, sorted; whole folders of foreign files are not read."""
    prefix = store.FOLDER + "/"
    names = [path[len(prefix) :] for path in paths if path.startswith(prefix)]
    ids = [task_id for name in names if (task_id := store.parse_file_name(name)) is not None]
    return sorted(ids)[:_MAX_CHANGED]


def task_path(task_id: int) -> str:
    """A task's file, from the root of its worktree."""
    return f"{store.FOLDER}/{store.file_name(TaskId(task_id))}"


def parse_version(
    data: bytes | None, task_id: TaskId, source: str, problems: list[tuple[Any, ...]]
) -> Task | None:
    """The task that a file of the place `source` says; `None` without one, and for one that goes to `problems`."""
    if data is None:
        return None
    from gittasks.workgraph import codec

    try:
        return codec.parse_task(data, f"{source}:{task_path(task_id)}", task_id=task_id)
    except BadTaskError as error:
        problems.extend(tuple(problem) for problem in error.problems)
        return None


def unreadable(task_id: TaskId, source: str, what: str) -> tuple[Any, ...]:
    """The problem with a file of the place `source` that is no regular file."""
    return tuple(Problem(f"{source}:{task_path(task_id)}", 0, "", what, kind="file"))
