"""`gittasks wait`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.cli.durations import duration
from gittasks.cli.run_tables import run_lines
from gittasks.runtime.record import COMPLETED

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "wait until runs end (exit code 1 when one did not complete, 4 when the time was up)"
EXAMPLE = "gittasks wait b8k2 b9x1 --timeout 10m"

EXIT_TIME_UP = 4


def configure(parser: ArgumentParser) -> None:
    """The runs, and how long."""
    parser.add_argument("run", nargs="+", metavar="RUN", help="the id of a run, or how it begins")
    parser.add_argument(
        "--timeout", type=duration, metavar="TIME", help="wait so long at most: 90, 10m, 1h30m"
    )


def run(args: Namespace, ctx: Context) -> int:
    """Show how the runs ended."""
    from gittasks.app import runs

    project = ctx.project()
    wanted = [found.id for found in runs.find_runs(project, args.run)]
    ended, all_ended = runs.wait_runs(project, wanted, timeout_s=args.timeout)
    if ctx.json:
        ctx.document({"runs": [run.as_json() for run in ended]})
    else:
        ctx.out("\n".join(run_lines(ended)))
    if not all_ended:
        ctx.say("the time is up; what still runs goes on")
        return EXIT_TIME_UP
    return 0 if all(run.status == COMPLETED for run in ended) else 1
