"""Task files: bytes to `record.Task` and back (design 4.1). Pure: paths are names for error messages only.

The parts: `fields` knows what each field may hold, `canonical` and `yamldoc` read, `scalars` quotes, `splice` edits.
"""

from __future__ import annotations

from gittasks.base.errors import InvalidError
from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph.canonical import parse_canonical
from gittasks.workgraph.extras import check_extra
from gittasks.workgraph.fields import BY_NAME, TABLE, check_value, relation_errors
from gittasks.workgraph.record import FIELDS, MAX_FILE_BYTES, Task
from gittasks.workgraph.scalars import format_block, format_scalar, format_text

if TYPE_CHECKING:
    from typing import Any

    from gittasks.workgraph.fields import Field


class OversizeError(InvalidError):
    """The values would make a task file that is larger than one may be."""


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
    task = check_task(task)
    parts = [_format_field(BY_NAME[name], task) for name in FIELDS]
    if task.written_blocks:
        parts.append(_format_field(BY_NAME["blocks"], task))
    parts += (
        _format_lines(format_scalar(name, flow=True), *format_block(value, 0)) for name, value in task.extra
    )
    return require_size(("\n\n".join(parts) + "\n").encode())


def check_task(task: Task) -> Task:
    """`task` with every value normalised; raises `FieldError` for the first one that is not allowed."""
    values = {
        field.attribute: check_value(field.attribute, getattr(task, field.attribute)) for field in TABLE
    }
    checked = Task(**values, extra=tuple((name, check_extra(name, value)) for name, value in task.extra))
    for error in relation_errors(checked):
        raise error
    return checked


def require_size(data: bytes) -> bytes:
    """`data`, if a task file may be that large; raises `OversizeError`."""
    if len(data) > MAX_FILE_BYTES:
        raise OversizeError(f"the task file would have {len(data)} bytes: expected at most {MAX_FILE_BYTES}")
    return data


def format_value(field: Field, value: Any, indent: int = 0) -> tuple[str, list[str]]:
    """`value` after `name:`, as (text on that line, lines below it); `indent` is the column of the name."""
    if field.kind == "text":
        return format_text(value, indent)
    if field.kind == "time":
        # Plain, as design 4.1 has it; we read no dates, and a reader that does gets the right one.
        return value, []
    if field.kind == "uid":
        return format_scalar(value) if value else "", []
    return format_block(value, indent)


def _format_field(field: Field, task: Task) -> str:
    return _format_lines(field.name, *format_value(field, getattr(task, field.attribute)))


def _format_lines(name: str, text: str, below: list[str]) -> str:
    return "\n".join((f"{name}: {text}" if text else f"{name}:", *below))
