"""Writing the document of `export json`: everything a task says and every note, as `import json` reads it. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gittasks.workgraph.exchange.records import Full


def tasks_as_json(tasks: Iterable[Full]) -> list[dict[str, Any]]:
    """The tasks as their files say them, unknown fields included, each with its `notes`."""
    return [_task(full) for full in tasks]


def _task(full: Full) -> dict[str, Any]:
    record = full.task.as_json()
    if "notes" in record:  # an unknown field of that name makes room
        record["notes_"] = record.pop("notes")
    return record | {"notes": [note._asdict() for note in full.notes]}
