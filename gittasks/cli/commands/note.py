"""`gittasks note`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.cli import parser as cli_parser
from gittasks.cli.answers import add_commit_option, wants_commit

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "add a note to a task"
EXAMPLE = """
gittasks note 12 "The old cookie is still read by the mobile client."
git diff --stat | gittasks note 12 -
"""


def configure(parser: ArgumentParser) -> None:
    """The task, which can be left out in a bound worktree, and the text."""
    parser.add_argument("task", nargs="?", type=cli_parser.task_id, metavar="TASK", help="12 or #12")
    parser.add_argument("text", metavar="TEXT", help="the note, in Markdown; - reads it from standard input")
    parser.add_argument("--author", metavar="NAME", help="who writes (default: you)")
    add_commit_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Write the note into a file of its own, and answer with its path."""
    from gittasks.app.notes import add_note

    project = ctx.project()
    task_id = args.task or cli_parser.require_bound(project)
    text = ctx.stdin.read() if args.text == "-" else args.text
    written = add_note(project, task_id, text, author=args.author, commit=wants_commit(args, ctx))
    for warning in written.warnings:
        ctx.say(f"gittasks: {warning}")
    if ctx.json:
        ctx.document({"task": task_id, "path": written.changed[0], "commit": written.commit})
    else:
        ctx.out(f"#{task_id} noted: {printable(written.changed[0])}")
    return 0
