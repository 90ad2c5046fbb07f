"""Task files: bytes to `record.Task` and back (design 4.1). Pure: paths are names for error messages only.

The parts: `fields` and `extras` know what a field may hold, `canonical` and `yamldoc` read, `scalars` and `entries`
write, `layout` and `splice` edit. A read loads no more of them than it needs.
"""

from __future__ import annotations

from gittasks.base.errors import InvalidError
from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.canonical import parse_canonical
from gittasks.workgraph.record import FIELDS, MAX_FILE_BYTES, BadTaskError, Task

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gittasks.workgraph.fields import FieldError
    from gittasks.workgraph.layout import Document
    from gittasks.workgraph.splice import Change

_BOM = "\ufeff"
_EXTRA = "extra:"
# As the value of `extra:NAME`: take that unknown field out. (None is a value: an empty field.)
REMOVED: Any = object()


class OversizeError(InvalidError):
    """The values would make a task file that is larger than one may be."""


class SpliceError(Exception):
    """An edited file would not say what it should: a bug in here, caught before anything was written."""


def parse_task(data: bytes, path: str, *, task_id: int) -> Task:
    """The task that the file `path` with the content `data` says; `task_id` is the id in its name.

    Missing fields have their defaults. Raises `record.BadTaskError` with every problem found.
    """
    task = parse_canonical(data, task_id)
    if task is not None:
        return task
    from gittasks.workgraph.yamldoc import read_document

    return read_document(data, path, task_id).task


def format_task(task: Task) -> bytes:
    """The canonical file of `task`: all fields in order, one blank line between two, unknown fields last.

    Values are normalised first. Raises `FieldError` for one that is not allowed, `OversizeError`.
    """
    from gittasks.workgraph.entries import format_entry, format_value
    from gittasks.workgraph.fields import BY_NAME

    task = check_task(task)
    values = [(name, getattr(task, BY_NAME[name].attribute)) for name in FIELDS]
    if task.written_blocks:
        values.append(("blocks", task.written_blocks))
    entries = [format_entry(name, *format_value(name, value)) for name, value in (*values, *task.extra)]
    return _require_size(("\n\n".join(entries) + "\n").encode())


def edit_task(data: bytes, path: str, *, task_id: int, changes: Mapping[str, Any]) -> bytes:
    """`data` with `changes` made: only the lines of the changed fields differ, and none where nothing changes.

    The keys are attributes of `record.Task` (not `extra`; `written_blocks` may only become empty), or
    `extra:NAME` for one unknown field (`REMOVED` takes it out). Raises `record.BadTaskError` where `data` is no
    task, `FieldError` for a key that is none and for a value that is not allowed, `OversizeError`.
    """
    from gittasks.workgraph.splice import splice

    document = _read(data, path, task_id)
    wanted = _with_changes(document.task, changes)
    edits = _edits(document.task, wanted)
    if not edits:
        return data
    bom = _BOM if data.startswith(_BOM.encode()) else ""
    for warily in (False, True):
        edited = _require_size((bom + splice(document.layout, edits, warily=warily)).encode())
        if _says(edited, wanted):
            return edited
    raise SpliceError(f"{path}: the edit of {', '.join(sorted(changes))} came out wrong; nothing was written")


def check_task(task: Task) -> Task:
    """`task` with every value normalised; raises `FieldError` for the first one that is not allowed."""
    from gittasks.workgraph.extras import check_extra
    from gittasks.workgraph.fields import TABLE, check_value, relation_errors

    values = {
        field.attribute: check_value(field.attribute, getattr(task, field.attribute)) for field in TABLE
    }
    checked = Task(**values, extra=tuple((name, check_extra(name, value)) for name, value in task.extra))
    for error in relation_errors(checked):
        raise error
    return checked


def _read(data: bytes, path: str, task_id: int) -> Document:
    from gittasks.workgraph.layout import Document, layout_of_lines

    task = parse_canonical(data, task_id)
    if task is not None:
        return Document(task, layout_of_lines(data.decode()))
    from gittasks.workgraph.yamldoc import read_document

    return read_document(data, path, task_id)


def _with_changes(task: Task, changes: Mapping[str, Any]) -> Task:
    from gittasks.workgraph.extras import check_extra
    from gittasks.workgraph.fields import BY_ATTRIBUTE, check_value, relation_errors

    values: dict[str, Any] = {}
    extra = dict(task.extra)
    for key, value in changes.items():
        if key.startswith(_EXTRA):
            name = key.removeprefix(_EXTRA)
            if value is REMOVED:
                extra.pop(name, None)
            else:
                extra[name] = check_extra(name, value)
        elif key not in BY_ATTRIBUTE or (key == "written_blocks" and value):
            raise _unknown_field(key)
        else:
            values[key] = check_value(key, value)
    changed = task._replace(**values, extra=tuple(extra.items()))
    for error in relation_errors(changed):
        raise error
    return changed


def _unknown_field(name: str) -> FieldError:
    from gittasks.workgraph.fields import BY_ATTRIBUTE, FieldError

    if name in ("blocks", "written_blocks"):
        return FieldError(name, "cannot be set", "expected `blocked_by` on the task that waits")
    names = [attribute for attribute in BY_ATTRIBUTE if attribute not in ("id", "uid", "written_blocks")]
    expected = f"expected one of {', '.join(names)}, or `{_EXTRA}NAME` for a field of your own"
    return FieldError(name, "is no field of a task", expected)


def _edits(old: Task, new: Task) -> list[Change]:
    """What to change in the file; a value that it has already is not touched."""
    from gittasks.workgraph.fields import TABLE
    from gittasks.workgraph.splice import Change

    edits = []
    for field in TABLE:
        value = getattr(new, field.attribute)
        if value != getattr(old, field.attribute):
            edits.append(Change(field.name, value, is_removal=field.name == "blocks"))
    # 1, 1.0 and true are equal in Python, and three things in a file.
    before = {name: repr(value) for name, value in old.extra}
    edits += (Change(name, value) for name, value in new.extra if before.get(name) != repr(value))
    edits += (Change(name, None, is_removal=True) for name in before if name not in dict(new.extra))
    return edits


def _says(data: bytes, wanted: Task) -> bool:
    try:
        return repr(parse_task(data, "", task_id=wanted.id)) == repr(wanted)
    except BadTaskError:
        return False


def _require_size(data: bytes) -> bytes:
    if len(data) > MAX_FILE_BYTES:
        raise OversizeError(f"the task file would have {len(data)} bytes: expected at most {MAX_FILE_BYTES}")
    return data
