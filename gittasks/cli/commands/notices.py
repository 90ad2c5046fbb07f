"""`gittasks notices`."""

from __future__ import annotations

from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli.run_tables import run_lines

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context
    from gittasks.runtime.record import Run

HELP = "tell of each finished run, once"
EXAMPLE = """
gittasks notices
gittasks notices --follow
"""


def configure(parser: ArgumentParser) -> None:
    """Whether to only look, or to go on telling."""
    parser.add_argument("--peek", action="store_true", help="show them without counting them as told")
    parser.add_argument("--follow", action="store_true", help="go on, and tell of each run when it ends")


def run(args: Namespace, ctx: Context) -> int:
    """Show the runs that ended and that nobody was told of yet; at most one reader gets each."""
    from gittasks.app import runs

    project = ctx.project()
    if args.peek and args.follow:
        raise UsageError("--peek looks once, --follow tells: choose one")
    look = runs.peek_notices if args.peek else runs.drain_notices
    if not args.follow:
        _tell(ctx, look(project))
        return 0
    for ended in runs.follow_notices(project):
        _tell(ctx, ended)
    return 0


def _tell(ctx: Context, ended: list[Run]) -> None:
    if ctx.json:
        ctx.document({"notices": [run.as_json() for run in ended]})
    elif ended:
        ctx.out("\n".join(run_lines(ended)))
    else:
        ctx.say("nothing new")
    ctx.stdout.flush()
