"""Taking the next task: chosen and marked under one lock, so that two who ask at once get two tasks."""

from __future__ import annotations

from gittasks.app import reading, writing
from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph import rules
from gittasks.workgraph.record import PENDING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.workgraph.record import Task


class _LostRaceError(Exception):
    """Somebody took the candidate between our look and our lock."""


def take_next(project: Project, *, owner: str) -> writing.Written:
    """Take the best ready task for `owner` and answer it. Raises `NothingReadyError`."""

    def decide(task: Task) -> Mapping[str, Any]:
        if task.status != PENDING or task.owner not in (None, owner):
            raise _LostRaceError
        return rules.take(task, owner)

    while True:
        row = reading.next_row(project.snapshot(), owner=lambda: owner)
        try:
            return writing.edit_task(project, row.id, decide, purpose="take")
        except _LostRaceError:
            continue
