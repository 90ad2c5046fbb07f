"""`gittasks show`."""

from __future__ import annotations

import os

from gittasks.app import reading
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, printable_block
from gittasks.cli import parser as cli_parser
from gittasks.cli.provenance import source_lines, status_words
from gittasks.cli.tables import add_here_option, load_tasks
from gittasks.workgraph.record import COMPLETED

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from gittasks.app.holders import Holding
    from gittasks.app.landed import Landing
    from gittasks.app.project import Project
    from gittasks.app.reading import Tasks
    from gittasks.cli.context import Context
    from gittasks.runtime.record import Run
    from gittasks.workgraph.record import Task

HELP = "show a task, its notes and its runs"
EXAMPLE = """
gittasks show 12
gittasks show 12 --from --remotes
"""


def configure(parser: ArgumentParser) -> None:
    """The task; in a bound worktree it can be left out."""
    parser.add_argument("task", nargs="?", type=cli_parser.task_id, metavar="TASK", help="12 or #12")
    parser.add_argument(
        "--from",
        action="store_true",
        dest="sources",
        help="say from which worktrees and branches the values come that are not as here",
    )
    add_here_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Show the goal and, beside it, its runs: two stores, one view."""
    project = ctx.project()
    snapshot = load_tasks(args, ctx)
    task_id = args.task or cli_parser.require_bound(project)
    task = snapshot.full([reading.require_row(snapshot, task_id)])[0]
    claimed = reading.find_claims(project, [task.row], owner=project.actor)
    record = reading.as_json(snapshot, [task], claimed=claimed)[0]
    runs = _runs(project, task)
    notes = _notes(project, snapshot, task)
    landing = _landing(project, task)
    if ctx.json:
        record["landed"] = landing and landing.of(task.id)
        record["runs"] = [run.as_json() for run in runs]
        record["notes"] = [note.as_json() for note in notes]
        ctx.document({"task": record})
    else:
        lines = _lines(task, record, claimed.get(task.id), status_words(task, landing))
        lines += source_lines(record, sources=args.sources)
        ctx.out("\n".join(lines + _note_lines(notes) + _run_lines(runs)))
    return 0


def _runs(project: Project, task: Task) -> list[Run]:
    from gittasks.runtime.glance import may_have_runs

    if not may_have_runs(project.run_folders, task.id, task.uid):
        return []
    from gittasks.app import runs

    return runs.list_runs(project, task_id=task.id).runs


def _landing(project: Project, task: Task) -> Landing | None:
    if task.status != COMPLETED:
        return None
    from gittasks.app.landed import find_landed

    return find_landed(project, [task.row])


def _notes(project: Project, snapshot: Tasks, task: Task) -> list[Any]:
    found: list[Any] = []
    if os.path.isdir(os.path.join(project.tasks_folder, str(task.id))):
        from gittasks.app.notes import list_notes

        found = list_notes(project, task.id)
    if not snapshot.is_folded:
        return found
    from gittasks.app.other_notes import OtherNotes

    found += OtherNotes(project, snapshot.overlaid).of(task.id)
    return sorted(found, key=lambda note: (note.created, note.path.rpartition("/")[2]))


def _lines(task: Task, record: dict[str, Any], holding: Holding | None, status: str) -> list[str]:
    def names(ids: list[int]) -> str:
        return " ".join(f"#{task_id}" for task_id in ids)

    waits = [f"#{b} (open)" if b in record["openBlockers"] else f"#{b}" for b in task.blocked_by]
    fields = [
        ("status", status + ("  (ready)" if record["ready"] else "")),
        ("priority", f"P{task.priority}"),
        ("owner", task.owner),
        ("claim", _claim_words(holding)),
        ("worktree", task.worktree),
        ("parent", f"#{task.parent}" if task.parent else None),
        ("labels", ", ".join(task.labels)),
        ("waits for", " ".join(waits)),
        ("blocks", names(record["blocks"])),
        ("created", task.created),
        # What an import remembers of its source is for the next import, not for people.
        *((name, str(value)) for name, value in task.extra if name != "imported"),
    ]
    lines = [f"#{task.id}  {printable(task.subject)}"]
    lines += [f"  {printable(name):<10} {printable(value)}" for name, value in fields if value]
    if task.description:
        lines += ["", *(f"  {line}" for line in printable_block(task.description).split("\n"))]
    return lines


def _claim_words(holding: Holding | None) -> str | None:
    if holding is None:
        return None
    from gittasks.app import holders

    return holders.describe(holding)


def _note_lines(notes: list[Any]) -> list[str]:
    lines = ["", "notes"] if notes else []
    for note in notes:
        place = note.path.rpartition(":")[0]
        where = f"  <- {printable(place)}" if place else ""
        lines.append(f"  {printable(note.author)}, {printable(note.created)}{where}")
        lines += [f"    {line}" for line in printable_block(note.text).split("\n")]
    return lines


def _run_lines(runs: list[Run]) -> list[str]:
    if not runs:
        return []
    from gittasks.cli.run_tables import run_lines
    from gittasks.runtime.stalls import stall_of

    lines = ["", "runs"]
    for run, line in zip(runs, run_lines(runs), strict=True):
        stall = stall_of(run)
        lines += [f"  {line}", *(f"    | {printable(text)}" for text in (stall.lines if stall else ()))]
    return lines
