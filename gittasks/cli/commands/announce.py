"""`gittasks announce`: what a supervisor starts once its run has ended; people do not call it."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "run the configured command `on_finish` for a run that has ended"
EXAMPLE = "gittasks announce b8k2m1qz"


def configure(parser: ArgumentParser) -> None:
    """The run."""
    parser.add_argument("run", metavar="RUN", help="the id of a run that has ended")


def run(args: Namespace, ctx: Context) -> int:
    """Run it; that it is not trusted or fails is no matter of the run's."""
    from gittasks.app import on_finish, runs

    project = ctx.project()
    found = runs.find_run(project, args.run)
    if not found.is_live:
        on_finish.announce(project, found)
    return 0
