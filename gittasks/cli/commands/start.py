"""`gittasks start`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.cli import parser as cli_parser

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.starting import Started
    from gittasks.cli.context import Context
    from gittasks.workgraph.record import TaskId

HELP = "take a task into its own worktree"
EXAMPLE = """
cd "$(gittasks start 12)"
gittasks start "fix the login" --worktree login
gittasks start 12 --here
"""


def configure(parser: ArgumentParser) -> None:
    """The task, or the subject of a new one, and where it is worked on."""
    parser.add_argument(
        "task",
        type=_task_or_subject,
        metavar="TASK|SUBJECT",
        help="12 or #12; anything else is a new task's subject",
    )
    parser.add_argument("--worktree", metavar="NAME", help="name of the worktree (default: id and subject)")
    parser.add_argument("--here", action="store_true", help="work in this checkout, without a new worktree")
    parser.add_argument("--base", metavar="REV", help="start from this commit (default: what is checked out)")
    parser.add_argument(
        "--owner", metavar="NAME", help="who takes it (default: $GITTASKS_OWNER, git's user.name)"
    )
    parser.add_argument(
        "--force",
        action="store_true",
        help="also a task that is blocked, another's, or staged in a worktree that is gone",
    )


def run(args: Namespace, ctx: Context) -> int:
    """Start it and print the worktree's path."""
    from gittasks.app import starting
    from gittasks.cli.answers import wants_auto_commit
    from gittasks.workgraph.config import load_config

    project = ctx.project()
    options = starting.Options(
        worktree=args.worktree,
        here=args.here,
        base=args.base,
        owner=args.owner,
        force=args.force,
        # A new worktree is in the middle of nothing, whatever this one is.
        commit=wants_auto_commit(ctx) if args.here else load_config(project.tasks_folder).commit == "auto",
    )
    if isinstance(args.task, str):
        started = starting.start_new(project, args.task, options)
    else:
        started = starting.start_task(project, args.task, options)
    return _show(ctx, started)


def _task_or_subject(text: str) -> TaskId | str:
    return cli_parser.task_id(text) if text.removeprefix("#").isdecimal() else text


def _show(ctx: Context, started: Started) -> int:
    from gittasks.app.overlaps import find_overlaps
    from gittasks.cli.overlap_lines import overlap_lines

    for message in started.messages:
        ctx.say(f"gittasks: {message}")
    # A new worktree has changed nothing yet: who starts one is told what the others are about to run into.
    overlaps = find_overlaps(ctx.project(), None if started.created else started.name)
    for line in overlap_lines(overlaps):
        ctx.say(line)
    if ctx.json:
        place = {"name": started.name, "path": started.path, "branch": started.branch, "base": started.base}
        facts = {"task": started.task.as_json(), "worktree": place, "created": started.created}
        ctx.document(facts | overlaps.as_json())
        return 0
    words = "started" if started.created else "was started already"
    ctx.say(f"#{started.task.id} {words}: {started.task.subject}")
    ctx.out_path(started.path)
    return 0
