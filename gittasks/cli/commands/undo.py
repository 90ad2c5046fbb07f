"""`gittasks undo`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, shorten
from gittasks.cli.answers import add_commit_option, wants_commit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context
    from gittasks.workgraph.difference import FieldChange

HELP = "take back the last edit of tasks in this worktree; again: the one before"
EXAMPLE = "gittasks undo"
_WIDTH = 60


def configure(parser: ArgumentParser) -> None:
    """Whether to commit."""
    add_commit_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Take it back and say what that changed."""
    from gittasks.app.undoing import undo

    project = ctx.project()
    done = undo(project, commit=wants_commit(args, ctx))
    written = done.written
    if ctx.json:
        tasks = [
            {"id": task_id, "changes": [change.as_json() for change in changes]}
            for task_id, changes in done.changes
        ]
        ctx.document(
            {
                "undone": {"id": done.edit.id, "time": done.edit.time, "message": done.edit.message},
                "tasks": tasks,
                "removed": list(done.removed),
                "commit": written.commit,
                "warnings": list(written.warnings),
            }
        )
        return 0
    for warning in written.warnings:
        ctx.say(f"gittasks: {warning}")
    ctx.out(printable(f"taken back: {done.edit.message}"))
    for task_id, changes in done.changes:
        ctx.out(printable(f"#{task_id} {', '.join(map(_words, changes))}"))
    for path in done.removed:
        ctx.out(printable(f"removed {path}"))
    return 0


def _words(change: FieldChange) -> str:
    if change.field == "description":
        return "description"
    old, new = (
        "(empty)" if value is None else shorten(str(value), _WIDTH) for value in (change.old, change.new)
    )
    return f"{change.field}: {old} -> {new}"
