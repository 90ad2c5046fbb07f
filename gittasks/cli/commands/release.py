"""`gittasks release`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.cli import parser as cli_parser

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.releasing import Released
    from gittasks.cli.context import Context

HELP = "let a claimed task go, so that others can take it"
EXAMPLE = """
gittasks release 12
gittasks release 12 --remote origin
"""


def configure(parser: ArgumentParser) -> None:
    """The task, for whom, and a remote to tell."""
    parser.add_argument("task", nargs="?", type=cli_parser.task_id, metavar="TASK", help="12 or #12")
    parser.add_argument(
        "--owner", metavar="NAME", help="who lets it go (default: $GITTASKS_OWNER, git's user.name)"
    )
    parser.add_argument(
        "--remote", metavar="NAME", help="tell this remote too (default: the one the claim was told to)"
    )


def run(args: Namespace, ctx: Context) -> int:
    """Drop the claim, and answer with what it was."""
    from gittasks.app.releasing import release

    project = ctx.project()
    task_id = args.task or cli_parser.require_bound(project)
    return _show(ctx, release(project, task_id, owner=args.owner, remote=args.remote))


def _show(ctx: Context, released: Released) -> int:
    for message in released.messages:
        ctx.say(f"gittasks: {message}")
    task, told = released.task, released.publication
    if ctx.json:
        ctx.document(
            {
                "task": task.as_json() if task is not None else {"id": released.task_id},
                "released": released.claim and released.claim.as_json(),
                "givenBack": released.given_back,
                "remote": told and told.as_json(),
            }
        )
        return 0
    words = "is released" if released.claim is not None else "was not claimed here"
    if released.given_back:
        words = "is released, and pending again"
    subject = f": {printable(task.subject)}" if task is not None else ""
    ctx.out(f"#{released.task_id} {words}{subject}")
    return 0
