"""Where the values of a task come from, on a terminal: other worktrees and branches, and the default branch."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, shorten

if TYPE_CHECKING:
    from typing import Any

    from gittasks.app.landed import Landing
    from gittasks.workgraph.record import Task

_WIDTH = 60


def status_words(task: Task, landing: Landing | None) -> str:
    """`completed, landed`, `completed, not landed on main`; the bare status where nothing can be said."""
    landed = landing.of(task.id) if landing is not None else None
    if landing is None or landed is None:
        return task.status
    return f"{task.status}, landed" if landed else f"{task.status}, not landed on {landing.branch}"


def source_lines(record: dict[str, Any], *, sources: bool) -> list[str]:
    """What places disagree on, each with its value; with `sources` also where each folded value comes from.

    `record` is the task's JSON, with `from` and `conflicts`.
    """
    lines = []
    for conflict in record["conflicts"]:
        lines += ["", f"conflict: {printable(conflict['field'])}"]
        lines += [f"  {printable(item['from'])}: {_value(item['value'])}" for item in conflict["values"]]
    if sources:
        found = record["from"]
        lines += ["", "from" if found else "from here alone"]
        lines += [f"  {printable(name):<12} {printable(', '.join(places))}" for name, places in found.items()]
    return lines


def _value(value: Any) -> str:
    if value is None or value in ("", ()):
        return "nothing"
    words = ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
    return shorten(printable(words), _WIDTH)
