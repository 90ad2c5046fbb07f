"""Writing the document of `export json`: everything a task says and every note, as `import json` reads it. Pure."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gittasks.workgraph.exchange.records import Full


def format_json(tasks: Iterable[Full], *, schema: int) -> str:
    """One document with the tasks as their files say them, unknown fields included, each with its `notes`.

    One line a task: that is quick, and shows in a diff which tasks changed.
    """
    lines = ",\n".join(json.dumps(_task(full), ensure_ascii=False) for full in tasks)
    return f'{{"schema": {schema}, "tasks": [\n{lines}\n]}}\n'


def _task(full: Full) -> dict[str, Any]:
    record = full.task.as_json()
    if "notes" in record:  # an unknown field of that name makes room
        record["notes_"] = record.pop("notes")
    return record | {"notes": [note._asdict() for note in full.notes]}
