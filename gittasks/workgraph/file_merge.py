"""Merging task files as texts: `merge` says what the result is, this keeps what people wrote around it. Pure.

Comments and quoting of both sides survive where a merge by lines gives the right task; where it does not, ours'
file is edited.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph import codec
from gittasks.workgraph.merge import ALL_FIELDS, Merged, merge3, settle_as, take_ours, take_theirs
from gittasks.workgraph.record import BadTaskError, Task, TaskId
from gittasks.workgraph.renumber import translate
from gittasks.workgraph.text_merge import MARKER_SIZE, merge_text, parse_markers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Version(NamedTuple):
    """One version of a task: its file, what that says, and for a base the attributes it cannot be trusted in."""

    data: bytes
    task: Task
    unknown: frozenset[str] = frozenset()


class MergedFile(NamedTuple):
    """A merge of files: `data` says `merged.task`."""

    data: bytes
    merged: Merged


def read_version(data: bytes, path: str, *, task_id: TaskId) -> Version:
    """A side's file. Raises `BadTaskError`."""
    return Version(data, codec.parse_task(data, path, task_id=task_id))


def try_read(data: bytes, task_id: TaskId) -> Task | None:
    """The task that a file says, `None` where it says none."""
    try:
        return codec.parse_task(data, "", task_id=task_id)
    except BadTaskError:
        return None


def own_id(data: bytes) -> TaskId | None:
    """The id in a file, which git may have moved to another name; `None` where there is none at first sight."""
    for line in data.split(b"\n"):
        name, _, value = line.partition(b":")
        if name == b"id" and value.strip().isdigit():
            return TaskId(int(value))
    return None


def read_base(data: bytes, path: str, *, task_id: TaskId) -> Version:
    """The file that both sides come from. One that cannot be read says nothing, and is no error.

    A base that git merged itself (two branches that merged each other) may hold conflict markers: it says as much as
    both its sides agree on.
    """
    try:
        return read_version(data, path, task_id=task_id)
    except BadTaskError:
        marked = parse_markers(data.decode("utf-8", "replace"))
    nothing = Version(data, Task(task_id), ALL_FIELDS)
    if marked is None:
        return nothing
    try:
        one = codec.parse_task(marked.ours.encode(), path, task_id=task_id)
        other = codec.parse_task(marked.theirs.encode(), path, task_id=task_id)
    except BadTaskError:
        return nothing
    return Version(data, one, _differing(one, other))


def renumbered(version: Version, path: str, moves: Mapping[TaskId, TaskId]) -> Version:
    """The version with its id and references as `moves` renumber them. `path` is the file it was read from."""
    task = translate(version.task, moves)
    if task == version.task:
        return version
    if version.unknown:
        return version._replace(task=task)
    return Version(write_as(version.data, path, version.task, task), task)


def merge_versions(base: Version | None, ours: Version, theirs: Version, path: str) -> MergedFile:
    """Merge two versions of one task, which have the same id; `None` for a base where both sides added it."""
    unknown = base.unknown if base else frozenset()
    merged = merge3(base.task if base else None, ours.task, theirs.task, unknown=unknown)
    before = None if base is None or unknown else base.data.decode()
    by_lines = merge_text(before, ours.data.decode(), theirs.data.decode()).ours.encode()
    if _says(by_lines, merged.task):
        return MergedFile(by_lines, merged)
    return MergedFile(write_as(ours.data, path, ours.task, merged.task), merged)


def expected_task(
    base: Version | None, ours: Version | None, theirs: Version | None, decided: Task
) -> Task | None:
    """What two versions come to, with conflicts ended as in `decided`; of one side alone, that. `None` for none."""
    if ours is None or theirs is None:
        survivor = ours or theirs
        return survivor.task if survivor else None
    unknown = base.unknown if base else frozenset()
    return settle_as(merge3(base.task if base else None, ours.task, theirs.task, unknown=unknown), decided)


def write_as(data: bytes, path: str, old: Task, new: Task) -> bytes:
    """The file `data`, which says `old`, made to say `new`: edited, or where an edit cannot say it, written anew."""
    changes: dict[str, Any] = {
        name: value
        for name, value in new._asdict().items()
        if name != "extra" and value != getattr(old, name)
    }
    changes |= {f"extra:{name}": value for name, value in new.extra}
    # Taking an unknown field out, and putting hand-written `blocks` in, is more than an edit of fields can do.
    if {name for name, _ in old.extra} <= {name for name, _ in new.extra} and not changes.get(
        "written_blocks"
    ):
        return codec.edit_task(data, path, task_id=old.id, changes=changes)
    return codec.format_task(new)


def mark_conflicts(file: MergedFile, path: str, *, ours: str, theirs: str, size: int = MARKER_SIZE) -> bytes:
    """The merged file with conflict markers around the lines of the fields in conflict, and around nothing else."""
    merged = file.merged
    mine = write_as(file.data, path, merged.task, take_ours(merged))
    other = write_as(mine, path, take_ours(merged), take_theirs(merged))
    return (
        merge_text(None, mine.decode(), other.decode()).marked(ours=ours, theirs=theirs, size=size).encode()
    )


def _says(data: bytes, task: Task) -> bool:
    found = try_read(data, task.id)
    # 1, 1.0 and true are equal in Python, and three things in a file.
    return repr(found) == repr(task)


def _differing(one: Task, other: Task) -> frozenset[str]:
    names = (name for name in Task._fields if repr(getattr(one, name)) != repr(getattr(other, name)))
    return frozenset(names)
