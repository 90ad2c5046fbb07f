"""How commands that change tasks answer, and the options they share."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from typing import Any

    from gittasks.app.writing import Written
    from gittasks.cli.context import Context


def add_commit_option(parser: ArgumentParser) -> None:
    """`--commit`: changes are staged by default."""
    parser.add_argument(
        "--commit",
        action="store_true",
        help="commit the change too (exactly these task files; default: stage it)",
    )


def wants_commit(args: Any, ctx: Context) -> bool:
    """Whether to commit, by `--commit` or by `commit: auto` in the settings; says why a setting is not followed."""
    return bool(args.commit) or wants_auto_commit(ctx)


def wants_auto_commit(ctx: Context) -> bool:
    """Whether `commit: auto` in the settings commits what is changed in this worktree; says why not."""
    from gittasks.app import auto_commit

    automatic = auto_commit.decide(ctx.project())
    if automatic.warning is not None:
        ctx.say(f"gittasks: {automatic.warning}")
    return automatic.commit


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
