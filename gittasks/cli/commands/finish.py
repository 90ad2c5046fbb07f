"""`gittasks finish`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.cli import parser as cli_parser
from gittasks.cli.removed import show_lost, words

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.finishing import Finished
    from gittasks.cli.context import Context

HELP = "complete a task and merge, keep or remove its worktree"
EXAMPLE = """
gittasks finish 12 --merge
gittasks finish --keep -m "Sign tokens instead of cookies"
"""


def configure(parser: ArgumentParser) -> None:
    """The task and what becomes of its worktree."""
    cli_parser.add_bound_task(parser)
    how = parser.add_mutually_exclusive_group(required=True)
    for name, text in (
        ("merge", "commit the task, merge its branch, remove worktree and branch"),
        ("keep", "commit the task, leave worktree and branch"),
        ("remove", "merge nothing: only where no work would be lost"),
    ):
        how.add_argument(f"--{name}", dest="how", action="store_const", const=name, help=text)
    parser.add_argument("--into", metavar="BRANCH", help="merge into this branch (default: where it started)")
    parser.add_argument(
        "--force", action="store_true", help="lose uncommitted and unmerged work, and list it"
    )
    parser.add_argument(
        "--no-checks", dest="checks", action="store_false", help="leave the configured checks out"
    )
    parser.add_argument(
        "-m", dest="message", metavar="MESSAGE", help="for the commit that completes the task"
    )


def run(args: Namespace, ctx: Context) -> int:
    """Finish it and say what became of the worktree."""
    from gittasks.app.finish_survey import Options
    from gittasks.app.finishing import finish

    options = Options(args.how, into=args.into, force=args.force, checks=args.checks, message=args.message)
    return _show(ctx, finish(ctx.project(), args.task, options, ctx.say))


def _show(ctx: Context, finished: Finished) -> int:
    for message in finished.messages:
        ctx.say(f"gittasks: {message}")
    if ctx.json:
        ctx.document(_document(finished))
        return 0
    subject = f": {printable(finished.task.subject)}" if finished.task is not None else ""
    ctx.out(f"#{finished.task_id} is completed{subject}")
    if finished.merged:
        ctx.out(printable(f"{finished.branch} is merged into {finished.base}"))
    ctx.out(words(finished.outcome, name=finished.name, branch=finished.branch, base=finished.base))
    show_lost(ctx, finished.lost_files, finished.lost_commits, finished.path)
    return 0


def _document(finished: Finished) -> dict[str, object]:
    place = {"name": finished.name, "path": finished.path, "branch": finished.branch, "base": finished.base}
    return {
        "task": finished.task.as_json() if finished.task is not None else {"id": finished.task_id},
        "outcome": finished.outcome,
        "merged": finished.merged,
        "worktree": place,
        "commit": finished.commit,
        "lost": {
            "files": list(finished.lost_files),
            "commits": [commit.oid for commit in finished.lost_commits],
        },
    }
