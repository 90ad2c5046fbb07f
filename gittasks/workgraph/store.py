"""Task files on disk: reading one, and writing some, all or nothing. Callers of a write hold the writers' lock.

Several files are written through a redo journal: their contents are on disk before the first file changes, so a
writer that is killed half-way is finished by the next one.
"""

from __future__ import annotations

import os

from gittasks.base import files
from gittasks.base.errors import InvalidError, NotFoundError, RefusedError, SetupError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.record import MAX_FILE_BYTES, BadTaskError, Problem, TaskId

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gittasks.workgraph.record import Task

FOLDER = ".tasks"
MAX_JOURNAL_BYTES = 1 << 28


class NoTasksError(SetupError):
    """This repository is no gittasks project yet, or its `.tasks` is no folder, or not checked out."""


class UnknownTaskError(NotFoundError):
    """No task has the id `task_id` here."""

    def __init__(self, task_id: int, message: str | None = None, *, hint: str | None = None) -> None:
        super().__init__(
            message or f"no task #{task_id} here",
            hint=hint or "`gittasks list --all` shows all tasks of this worktree",
        )
        self.task_id = task_id


class EditedMeanwhileError(RefusedError):
    """A file changed between an interrupted write and its completion."""


class FileWrite(NamedTuple):
    """One file to write: `name` relative to the `.tasks` folder; `create` where it must not exist yet."""

    name: str
    data: bytes
    create: bool


def file_name(task_id: TaskId) -> str:
    """The name of a task's file inside `.tasks`."""
    return f"{task_id}.yaml"


def parse_file_name(name: str) -> TaskId | None:
    """The id that a file name stands for, `None` where it is no task file's name."""
    digits = name[:-5]
    if name.endswith(".yaml") and digits.isdecimal() and digits.isascii():
        return TaskId(int(digits)) if digits[0] != "0" and len(digits) <= 9 else None
    return None


def is_task_path(name: object) -> bool:
    """Whether `name`, relative to `.tasks`, is a path that we give: of a task, a note, settings or attributes."""
    if not isinstance(name, str) or "\0" in name:
        return False
    head, slash, rest = name.partition("/")
    if not slash:
        return parse_file_name(name) is not None or name in ("config.yaml", ".gitattributes")
    is_id = parse_file_name(head + ".yaml") is not None
    return is_id and rest.endswith(".md") and "/" not in rest and not rest.startswith(".")


def require_folder(folder: str) -> str:
    """`folder` (a `.tasks`) when it is a real folder. Raises `NoTasksError`, also for a symbolic link."""
    if os.path.islink(folder):
        raise NoTasksError(
            f"{folder} is a symbolic link", hint="tasks live in the repository itself: make it a folder"
        )
    if not os.path.isdir(folder):
        raise NoTasksError(
            f"no tasks here: {folder} does not exist", hint="`gittasks init` makes this repository a project"
        )
    return folder


def read_task(folder: str, task_id: TaskId) -> Task:
    """One task from its file. Raises `UnknownTaskError`, `BadTaskError`."""
    from gittasks.workgraph import codec

    return codec.parse_task(read_file(folder, task_id), f"{FOLDER}/{file_name(task_id)}", task_id=task_id)


def read_file(folder: str, task_id: TaskId) -> bytes:
    """The bytes of one task's file. Raises `UnknownTaskError`, `BadTaskError` (not a regular file, too large)."""
    require_folder(folder)
    path = os.path.join(folder, file_name(task_id))
    try:
        return files.read_regular(path, limit_bytes=MAX_FILE_BYTES)
    except FileNotFoundError:
        raise UnknownTaskError(task_id) from None
    except files.UnsafeFileError as error:
        what = error.message.removeprefix(path + ": ")
        raise BadTaskError([Problem(f"{FOLDER}/{file_name(task_id)}", 0, "", what, kind="file")]) from None


def write(folder: str, writes: Sequence[FileWrite], *, journal: str) -> None:
    """Write all of `writes` into `folder`, or none of them.

    One file is replaced in one step; more go through the redo journal at path `journal`. Raises `DiskError`, and
    `FileExistsError` where a file to create is there already (then nothing was written).
    """
    for parent in {folder, *(_parent(folder, item) for item in writes)}:
        files.remove_leftovers(parent)
    if len(writes) == 1:
        _write_one(folder, writes[0])
        files.sync_folder(_parent(folder, writes[0]))
        return
    import json

    for item in writes:
        if item.create and os.path.lexists(os.path.join(folder, item.name)):
            raise FileExistsError(os.path.join(folder, item.name))
    entries = [[item.name, item.data.decode(), _current(folder, item), item.create] for item in writes]
    document = json.dumps({"folder": folder, "writes": entries}, ensure_ascii=False)
    data = document.encode()
    if len(data) > MAX_JOURNAL_BYTES:
        raise InvalidError(
            f"{len(data)} bytes at once: expected at most {MAX_JOURNAL_BYTES}", hint="bring them in in parts"
        )
    files.replace_file(journal, data)
    files.sync_folder(os.path.dirname(journal))
    _write_each(folder, writes)
    os.unlink(journal)


def recover(journal: str, *, is_ours: Callable[[str], bool]) -> int:
    """Finish the write that a killed process left in `journal`; answer how many files it holds, 0 without one.

    `is_ours` says of a folder whether it is the `.tasks` of a worktree of this clone: an unpacked archive may bring
    a journal along, and nothing is written anywhere else, or under any other name than we give.

    Raises `EditedMeanwhileError` where somebody changed one of its files since, `InvalidError` for a journal that
    cannot be read or is not ours (it is kept).
    """
    try:
        data = files.read_regular(journal, limit_bytes=MAX_JOURNAL_BYTES)
    except FileNotFoundError:
        return 0
    import json

    try:
        document = json.loads(data)
        folder = document["folder"]
        entries = [
            (FileWrite(name, text.encode(), create), old) for name, text, old, create in document["writes"]
        ]
        foreign = [item.name for item, _ in entries if not is_task_path(item.name)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidError(
            f"{journal}: cannot be read: {str(error)[:200]}",
            hint="it holds an interrupted write: look into it, then move it away",
        ) from None
    if foreign or not isinstance(folder, str) or (os.path.lexists(folder) and not is_ours(folder)):
        raise InvalidError(
            f"{journal}: is to write {foreign[0] if foreign else 'in'} {folder!r}, where no tasks of this clone are",
            hint="we did not write this: look at where this clone came from, then move the file away",
        )
    if not os.path.isdir(folder):  # the worktree went away, and the half-written files with it
        os.unlink(journal)
        return 0
    for item, old in entries:
        now = _current(folder, item)
        if now != old and now != item.data.decode():
            raise EditedMeanwhileError(
                f"{os.path.join(folder, item.name)} changed since a write of it was interrupted",
                hint=f"compare it with {journal}, which holds what was to be written, then move that file away",
            )
    _write_each(folder, [FileWrite(item.name, item.data, False) for item, _ in entries])
    os.unlink(journal)
    return len(entries)


def _write_each(folder: str, writes: Sequence[FileWrite]) -> None:
    parents = set()
    for item in writes:
        _write_one(folder, item)
        parents.add(_parent(folder, item))
    for parent in parents:
        files.sync_folder(parent)


def _write_one(folder: str, item: FileWrite) -> None:
    path = os.path.join(folder, item.name)
    parent = _parent(folder, item)
    if parent != folder:
        _make_folder(parent)
    if item.create:
        files.create_file(path, item.data)
    else:
        files.replace_file(path, item.data)


def _make_folder(path: str) -> None:
    try:
        os.mkdir(path)
    except FileExistsError:
        if os.path.islink(path) or not os.path.isdir(path):
            raise InvalidError(f"{path}: expected a folder for notes, found something else") from None


def _parent(folder: str, item: FileWrite) -> str:
    return os.path.dirname(os.path.join(folder, item.name))


def _current(folder: str, item: FileWrite) -> str | None:
    try:
        data = files.read_regular(os.path.join(folder, item.name), limit_bytes=MAX_FILE_BYTES)
    except FileNotFoundError:
        return None
    return data.decode("utf-8", "surrogateescape")
