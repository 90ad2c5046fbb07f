"""`gittasks kill`."""

from __future__ import annotations

from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.cli.durations import duration
from gittasks.cli.run_tables import run_lines
from gittasks.runtime.record import KILLED, REMOTE_AGENT

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "stop runs and all their processes"
EXAMPLE = "gittasks kill b8k2 --grace 10s"

EXIT_STILL_ALIVE = 4
_GRACE_S = 5.0


def configure(parser: ArgumentParser) -> None:
    """The runs, and how long they may take to end by themselves."""
    parser.add_argument("run", nargs="+", metavar="RUN", help="the id of a run, or how it begins")
    parser.add_argument(
        "--grace",
        type=duration,
        default=_GRACE_S,
        metavar="TIME",
        help="between SIGTERM and SIGKILL (default: 5s)",
    )
    parser.add_argument(
        "--give-up",
        action="store_true",
        help="let a run on a machine that does not answer end as lost; what runs there is left alone",
    )


def run(args: Namespace, ctx: Context) -> int:
    """Stop them, and show how each of them ended."""
    from gittasks.app import runs

    project = ctx.project()
    found = runs.find_runs(project, args.run)
    for one in found:
        if args.give_up and one.type != REMOTE_AGENT:
            raise UsageError(
                f"run {one.id} is on this machine: only one on another machine can be given up",
                hint="leave --give-up out: it is stopped",
            )
    ended = runs.kill_runs(project, [one.id for one in found], grace_s=args.grace, give_up=args.give_up)
    if ctx.json:
        ctx.document({"runs": [run.as_json() for run in ended]})
    else:
        ctx.out("\n".join(run_lines(ended)))
    for run in ended:
        if not run.is_live and run.status != KILLED:
            ctx.say(f"run {run.id} had ended by itself: {run.status}")
        if run.is_live and run.stale_since is not None:
            ctx.say(f"run {run.id}: {printable(run.message or 'its machine does not answer')}")
            ctx.say("it is stopped once the machine answers; `kill --give-up` ends it here as lost")
    if any(run.is_live for run in ended):
        ctx.say("some processes live on; they are still being stopped")
        return EXIT_STILL_ALIVE
    return 0
