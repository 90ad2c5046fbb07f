"""`gittasks runs`."""

from __future__ import annotations

from gittasks.base import clock
from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli import parser as cli_parser
from gittasks.cli.durations import count
from gittasks.cli.run_tables import run_lines
from gittasks.cli.screen import Screen

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.runs import RunList
    from gittasks.cli.context import Context

HELP = "list runs: all that live, and the last that ended; or say all that is known of some"
EXAMPLE = """
gittasks runs
gittasks runs b8k2
gittasks runs --task 12 --status failed
gittasks runs --watch
"""

SHOWN_ENDED = 20
_WATCH_S = 1.0


def configure(parser: ArgumentParser) -> None:
    """Which runs, and whether to go on showing them."""
    parser.add_argument("run", nargs="*", metavar="RUN", help="all that is known of these runs")
    parser.add_argument("--task", type=cli_parser.task_id, metavar="N", help="only those of this task")
    parser.add_argument(
        "--status",
        action="append",
        default=[],
        metavar="STATUS",
        help="only running, completed, failed or killed ones; can be given several times",
    )
    parser.add_argument("--all", action="store_true", help="all that ended, however many")
    parser.add_argument(
        "--limit", type=count, metavar="N", help=f"at most N that ended (default: {SHOWN_ENDED}, JSON: all)"
    )
    parser.add_argument("--watch", action="store_true", help="show them again whenever something changes")


def run(args: Namespace, ctx: Context) -> int:
    """Show runs, oldest first."""
    from gittasks.runtime.record import check_status

    for status in args.status:
        check_status(status)
    if args.run:
        return _show_details(args, ctx)
    return _watch(args, ctx) if args.watch else _show(args, ctx)


def _list(args: Namespace, ctx: Context) -> RunList:
    from gittasks.app import runs

    limit = args.limit
    if limit is None and not (args.all or ctx.json or args.task or args.status):
        limit = SHOWN_ENDED
    return runs.list_runs(ctx.project(), task_id=args.task, statuses=args.status, limit=limit)


def _show(args: Namespace, ctx: Context) -> int:
    found = _list(args, ctx)
    if ctx.json:
        ctx.document({"runs": [run.as_json() for run in found.runs], "leftOut": found.left_out})
    elif found.runs:
        ctx.out("\n".join(run_lines(found.runs)))
    else:
        ctx.say("no runs; `gittasks run -- COMMAND` starts one")
    if found.left_out and not ctx.json:
        ctx.say(f"and {found.left_out} that ended before; `gittasks runs --all` lists them")
    return 0


def _show_details(args: Namespace, ctx: Context) -> int:
    from gittasks.app import runs
    from gittasks.cli.run_details import run_details

    if args.watch or args.task or args.status:
        raise UsageError("runs that are named need no --watch, --task or --status")
    found = runs.find_runs(ctx.project(), args.run)
    if ctx.json:
        ctx.document({"runs": [run.as_json() for run in found], "leftOut": 0})
    else:
        ctx.out("\n\n".join("\n".join(run_details(run)) for run in found))
    return 0


def _watch(args: Namespace, ctx: Context) -> int:
    """Draw them anew until interrupted; without a terminal, write the list again whenever it has changed."""
    screen = Screen.find(ctx.stdout, ctx.env) if not ctx.json else None
    if screen is None and not ctx.json:
        ctx.say("no terminal to draw on: the list is written again whenever it changes")
    shown = None
    while True:
        found = _list(args, ctx)
        state = [run.as_json() for run in found.runs]
        if screen is not None:
            screen.draw(run_lines(found.runs) or ["no runs"])
        elif state != shown and ctx.json:
            ctx.document({"runs": state, "leftOut": found.left_out})
        elif state != shown:
            ctx.out("\n".join([*run_lines(found.runs), ""]))
        shown = state
        ctx.stdout.flush()
        clock.sleep_s(_WATCH_S)
