"""`gittasks edit`."""

from __future__ import annotations

from gittasks.base.errors import GittasksError, RefusedError, UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli import parser as cli_parser
from gittasks.cli.answers import add_commit_option, show_written, wants_commit
from gittasks.workgraph.record import MAX_FILE_BYTES

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from gittasks.app.writing import Written
    from gittasks.cli.context import Context
    from gittasks.workgraph.record import Task, TaskId

HELP = "change a task, by options or in your editor"
EXAMPLE = """
gittasks edit 12 --priority 0 --label urgent --clear owner
gittasks edit 12
"""
_ANOTHER_EDITOR = "set EDITOR to the editor you want"
CLEARABLE = {
    "owner": None,
    "worktree": None,
    "parent": None,
    "description": "",
    "labels": (),
    "blockedBy": (),
}


def configure(parser: ArgumentParser) -> None:
    """The task and its new values; without any, the editor that git would use."""
    parser.add_argument("task", nargs="?", type=cli_parser.task_id, metavar="TASK", help="12 or #12")
    parser.add_argument("--subject", metavar="T", help="a new subject")
    parser.add_argument("--status", metavar="S", help="pending, in_progress, completed or deleted")
    parser.add_argument("--owner", metavar="NAME", help="a new owner")
    parser.add_argument("--worktree", metavar="NAME", help="the worktree it is worked on in")
    parser.add_argument(
        "--parent", type=cli_parser.task_id, metavar="N", help="the task that it is a part of"
    )
    parser.add_argument("--priority", type=cli_parser.priority, metavar="0..4", help="0 is the highest")
    parser.add_argument("--label", action="append", default=[], metavar="L", help="a label to add")
    parser.add_argument("--unlabel", action="append", default=[], metavar="L", help="a label to take away")
    parser.add_argument(
        "--blocked-by", type=cli_parser.task_ids, metavar="3,4", help="exactly these blockers"
    )
    parser.add_argument(
        "-d", "--description", metavar="TEXT", help="a new description; - reads it from stdin"
    )
    parser.add_argument(
        "--clear", action="append", default=[], choices=CLEARABLE, metavar="FIELD", help="empty it"
    )
    parser.add_argument(
        "--from",
        dest="source",
        metavar="FILE",
        help="take the whole task file from FILE; of a draft that was kept, what you changed",
    )
    add_commit_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Change the task and answer with it."""
    project = ctx.project()
    task_id = args.task or cli_parser.require_bound(project)
    if args.source is not None:
        written = _from_file(args, ctx, task_id)
    elif _has_values(args):
        from gittasks.app import writing

        text = ctx.stdin.read() if args.description == "-" else args.description
        written = writing.edit_task(
            project,
            task_id,
            lambda task: _changes(args, task, text),
            purpose="edit",
            commit=wants_commit(args, ctx),
        )
    else:
        written = _in_editor(args, ctx, task_id)
    return show_written(ctx, written, "changed" if written.changed else "as it should be")


def _has_values(args: Namespace) -> bool:
    values = (
        args.subject,
        args.status,
        args.owner,
        args.worktree,
        args.parent,
        args.priority,
        args.description,
    )
    lists = (args.label, args.unlabel, args.clear)
    return any(value is not None for value in (*values, args.blocked_by)) or any(lists)


def _changes(args: Namespace, task: Task, description: str | None) -> dict[str, Any]:
    given = {
        "subject": args.subject,
        "status": args.status,
        "owner": args.owner,
        "worktree": args.worktree,
        "parent": args.parent,
        "priority": args.priority,
        "blocked_by": None if args.blocked_by is None else tuple(args.blocked_by),
        "description": description,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    changes |= {"blocked_by" if name == "blockedBy" else name: CLEARABLE[name] for name in args.clear}
    if args.label or args.unlabel:
        labels = changes.get("labels", task.labels)
        changes["labels"] = tuple(sorted({*labels, *args.label} - set(args.unlabel)))
    return changes


def _from_file(args: Namespace, ctx: Context, task_id: TaskId) -> Written:
    from gittasks.app import editing
    from gittasks.base.files import read_regular

    if _has_values(args):
        raise UsageError("--from takes the whole task from the file", hint="leave the other options out")
    path = ctx.path(args.source)
    try:
        text = read_regular(path, limit_bytes=MAX_FILE_BYTES)
    except FileNotFoundError:
        raise UsageError(f"--from {args.source}: no such file") from None
    project = ctx.project()
    begun = editing.find_base(project, task_id, path)
    before = editing.read_text(project, task_id) if begun is None else begun
    commit = wants_commit(args, ctx)
    written = editing.replace_text(project, task_id, text, before=before, commit=commit)
    if begun is not None:
        editing.drop_draft(path)
    return written


def _in_editor(args: Namespace, ctx: Context, task_id: TaskId) -> Written:
    """Edit a copy; what was typed survives every refusal."""
    from gittasks.app import editing
    from gittasks.base import proc

    project = ctx.project()
    draft, before = editing.open_draft(project, task_id)
    editor = project.git.line("var", "GIT_EDITOR")
    # As git runs it: the editor may be a command with options, the path is never parsed by the shell.
    code = proc.run_attached(("sh", "-c", f'{editor} "$@"', editor, draft), cwd=ctx.cwd, env=dict(ctx.env))
    text = _read_draft(draft, editor)
    if code != 0:
        if text == before:
            editing.drop_draft(draft)
        raise RefusedError(
            f"the editor `{editor}` ended with exit code {code}; nothing was changed",
            hint=_ANOTHER_EDITOR if text == before else f"your text is kept in {draft}",
        )
    try:
        written = editing.replace_text(project, task_id, text, before=before, commit=wants_commit(args, ctx))
    except GittasksError as error:
        kept = f"your text is kept: mend {draft}, then `gittasks edit {task_id} --from {draft}`"
        error.hint = f"{error.hint}; {kept}" if error.hint else kept
        raise
    editing.drop_draft(draft)
    return written


def _read_draft(draft: str, editor: str) -> bytes:
    """What the editor left. Raises `RefusedError` where that is no text."""
    from gittasks.app import editing
    from gittasks.base.files import UnsafeFileError, read_regular

    try:
        return read_regular(draft, limit_bytes=MAX_FILE_BYTES)
    except FileNotFoundError:
        editing.drop_draft(draft)
        raise RefusedError(
            f"the editor `{editor}` took the file away; nothing was changed", hint=_ANOTHER_EDITOR
        ) from None
    except (OSError, UnsafeFileError) as error:
        raise RefusedError(
            f"what the editor `{editor}` left cannot be read; nothing was changed: {error}",
            hint=f"look at it: {draft}",
        ) from None
