"""How commands that change tasks answer, and the options they share."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.app.writing import Written
    from gittasks.cli.context import Context


def add_commit_option(parser: ArgumentParser) -> None:
    """`--commit`: changes are staged by default."""
    parser.add_argument(
        "--commit",
        action="store_true",
        help="commit the change too (exactly these task files; default: stage it)",
    )


def wants_commit(args: Any, project: Project) -> bool:
    """Whether a commit is asked for, by `--commit` or by `commit: auto` in the project's configuration."""
    if args.commit:
        return True
    from gittasks.workgraph.config import load_config

    return load_config(project.tasks_folder).commit == "auto"


def show_written(ctx: Context, written: Written, verb: str, **more: Any) -> int:
    """Answer with the changed tasks (`#12 completed: subject`, or a document), warn, and answer the exit code."""
    from gittasks.workgraph import store

    project = ctx.project()
    tasks = [store.read_task(project.tasks_folder, task_id) for task_id in written.ids]
    for warning in written.warnings:
        ctx.say(f"gittasks: {warning}")
    if ctx.json:
        records = [task.as_json() for task in tasks]
        answer: dict[str, Any] = {"task": records[0]} if len(records) == 1 else {"tasks": records}
        ctx.document(answer | {"changed": bool(written.changed), "commit": written.commit} | more)
        return 0
    words = verb if written.changed else f"was {verb} already"
    for task in tasks:
        ctx.out(f"#{task.id} {words}: {printable(task.subject)}")
    return 0
