"""`gittasks worker`: what supervisors start for runs that are more than somebody's command. Not for people."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "do the work of a run; called by gittasks itself"
EXAMPLE = "gittasks worker monitor"


def configure(parser: ArgumentParser) -> None:
    """The kind of worker; the run is in the environment, what to do in its private folder."""
    parser.add_argument("kind", metavar="KIND", help="which of our own workers")


def run(args: Namespace, ctx: Context) -> int:
    """Work, and end with the exit code that the run is to have."""
    from gittasks.app import worker

    return worker.work(ctx.project(), args.kind, ctx.stdout.buffer)
