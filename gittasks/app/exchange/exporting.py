"""Export: all tasks with their notes, as a text for another program or for people."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, NamedTuple

from gittasks.app import notes
from gittasks.base.errors import UsageError
from gittasks.workgraph.drafts import NoteDraft
from gittasks.workgraph.exchange.records import Full
from gittasks.workgraph.record import CLOSED

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.workgraph.record import Problem, Task

EXPORTS = {
    "json": "everything, notes included: `import json` reads it back",
    "csv": "a table for spreadsheets, one task a row: `import csv` reads it back",
    "beads": "JSON lines of beads: `bd import` and `import beads` read it",
    "markdown": "a checklist for people, grouped by status",
}
SCHEMA = 1


class Exported(NamedTuple):
    """The text, the number of tasks in it, and what could not be read and is therefore missing."""

    text: str
    tasks: int
    problems: tuple[Problem, ...]


def export_tasks(project: Project, kind: str, *, only_open: bool = False) -> Exported:
    """All tasks of this worktree as a text of the `kind`; `only_open` leaves out completed and deleted ones.

    Raises `UsageError` for an unknown kind, `NoTasksError`.
    """
    if kind not in EXPORTS:
        raise UsageError(f"unknown kind {kind!r}", hint=f"known are {', '.join(EXPORTS)}")
    snapshot = project.snapshot()
    everything = snapshot.tasks()
    shown = [task for task in everything if not only_open or task.status not in CLOSED]
    problems = list(snapshot.problems)
    with_notes = set(os.listdir(project.tasks_folder)) if kind in ("json", "beads") else set()
    tasks = [_with_notes(project, task, with_notes, problems) for task in shown]
    return Exported(_format(kind, tasks, everything), len(tasks), tuple(problems))


def _with_notes(project: Project, task: Task, folders: set[str], problems: list[Problem]) -> Full:
    if str(task.id) not in folders:
        return Full(task)
    found, bad = notes.read_notes(project, task.id)
    problems += bad
    return Full(task, tuple(NoteDraft(note.author, note.created, note.text) for note in found))


def _format(kind: str, tasks: list[Full], everything: list[Task]) -> str:
    if kind == "json":
        from gittasks.workgraph.exchange.to_json import format_json

        return format_json(tasks, schema=SCHEMA)
    if kind == "csv":
        from gittasks.workgraph.exchange.to_csv import format_csv

        return format_csv(tasks)
    if kind == "beads":
        from gittasks.workgraph.exchange.to_beads import format_beads

        return format_beads(tasks, everything)
    from gittasks.workgraph.exchange.to_markdown import format_markdown

    return format_markdown([full.task for full in tasks], everything)
