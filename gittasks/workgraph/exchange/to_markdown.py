"""Writing a checklist for people: by status, most urgent first, with who does it and what it waits for. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from gittasks.base.text import printable
from gittasks.workgraph.record import CLOSED, COMPLETED, DEFAULT_PRIORITY, DELETED, IN_PROGRESS, PENDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittasks.workgraph.record import Task

_GROUPS = ((IN_PROGRESS, "In progress"), (PENDING, "Pending"), (COMPLETED, "Completed"))
_MARKS = re.compile(r"[\\`*_\[\]<>&|~]")


def format_markdown(tasks: Sequence[Task], everything: Iterable[Task]) -> str:
    """The checklist, deleted tasks left out; `everything` holds those too that `tasks` may wait for."""
    by_id: dict[int, Task] = {task.id: task for task in everything}
    living = [task for task in tasks if task.status != DELETED]
    parts = ["# Tasks", _summary(living)]
    for status, title in _GROUPS:
        group = sorted(
            (task for task in living if task.status == status), key=lambda task: (task.priority, task.id)
        )
        if group:
            items = "\n".join(line for task in group for line in _item(task, by_id))
            parts.append(f"## {title} ({len(group)})\n\n{items}")
    return "\n\n".join(parts) + "\n"


def escape(text: str) -> str:
    """`text` on one line, as Markdown shows it letter for letter."""
    return _MARKS.sub(r"\\\g<0>", printable(text))


def _summary(living: Sequence[Task]) -> str:
    done = sum(1 for task in living if task.status == COMPLETED)
    return f"{done} of {len(living)} done."


def _item(task: Task, by_id: Mapping[int, Task]) -> list[str]:
    words = [f"priority {task.priority}"] if task.priority != DEFAULT_PRIORITY else []
    words += [escape(task.owner)] if task.owner else []
    words += [f"part of #{task.parent}"] if task.parent else []
    about = f" ({', '.join(words)})" if words else ""
    labels = "".join(f" `{printable(label).replace('`', chr(39))}`" for label in task.labels)
    box = "x" if task.status == COMPLETED else " "
    lines = [f"- [{box}] #{task.id} {escape(task.subject)}{about}{labels}"]
    waits = [blocker for blocker in task.blocked_by if _is_open(by_id.get(blocker))]
    if task.status not in CLOSED and waits:
        lines.append("  - waits for " + ", ".join(f"#{blocker}" for blocker in waits))
    return lines


def _is_open(task: Task | None) -> bool:
    return task is None or task.status not in CLOSED
