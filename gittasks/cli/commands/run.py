"""`gittasks run`."""

from __future__ import annotations

import argparse

from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.cli import parser as cli_parser
from gittasks.cli import run_options
from gittasks.cli.durations import duration
from gittasks.cli.raw_output import OutputPrinter
from gittasks.runtime.outcomes import outcome
from gittasks.runtime.record import PRIORITIES

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.run_start import Order
    from gittasks.cli.context import Context
    from gittasks.cli.narration import Narrator
    from gittasks.runtime.launcher import Started
    from gittasks.runtime.record import Run

HELP = "run a command in the background"
EXAMPLE = """
gittasks run --task 12 -- pytest -q
gittasks run --wait --timeout 10m --name "all tests" -- make test
gittasks run --shell -- 'make && ./deploy > deploy.log'
gittasks run --on builder.example -- make test
gittasks run --slots test=2 --retry 3 --backoff 10s -- pytest -q
gittasks run --after-success b8k2 -- ./deploy
"""
TAKES_COMMAND = True

EXIT_TIMEOUT = 124
EXIT_NOT_STARTED = 127
EXIT_SIGNAL = 128
_SIGTERM = 15


def configure(parser: ArgumentParser) -> None:
    """The task, how to run, and the command."""
    parser.add_argument(
        "--task",
        type=cli_parser.task_id,
        metavar="N",
        help="the task it is for (default: the one this worktree is bound to)",
    )
    parser.add_argument("--name", metavar="TEXT", help="what lists show (default: the command)")
    parser.add_argument(
        "--wait", action="store_true", help="show its output and end with its exit code (128+n: signal n)"
    )
    parser.add_argument("--cwd", metavar="DIR", help="the folder it works in (default: this one)")
    parser.add_argument("--shell", action="store_true", help="give the command to `sh -c` as one text")
    parser.add_argument(
        "--env",
        action="append",
        default=[],
        type=_variable,
        metavar="NAME=VALUE",
        help="a variable for the command; its value is written nowhere",
    )
    parser.add_argument(
        "--owner", metavar="NAME", help="whose run it is (default: $GITTASKS_OWNER, git's user.name)"
    )
    parser.add_argument(
        "--leave-children",
        action="store_true",
        help="let what it leaves running live on, unheard (default: it is stopped when the command ends)",
    )
    parser.add_argument(
        "--notice",
        choices=PRIORITIES,
        help="how important its end is to `notices` (default: a failure high, a kill low, else normal)",
    )
    parser.add_argument(
        "--stall-after",
        type=duration,
        metavar="TIME",
        help="show it as stalled when it has written nothing for so long (default: `stall_after` of the settings)",
    )
    parser.add_argument(
        "--on",
        metavar="HOST",
        help="run it on this machine, reached by ssh, on a commit of what the worktree holds now",
    )
    parser.add_argument(
        "--keep-remote",
        action="store_true",
        help="leave what belongs to the run on that machine when it has ended",
    )
    run_options.add(parser)
    parser.add_argument(
        "--input", action="store_true", help="let `gittasks input` give it lines (default: it reads nothing)"
    )
    parser.add_argument(
        "--pty", action="store_true", help="give it a terminal of its own, and an input as with --input"
    )
    parser.add_argument("words", nargs="...", metavar="-- COMMAND", help="the command and its arguments")


def run(args: Namespace, ctx: Context) -> int:
    """Start it and say its id; with `--wait`, go on until its end."""
    from gittasks.app import run_start

    project, order = ctx.project(), _order(args, ctx)
    if args.on is None:
        started = run_start.start_run(project, order)
    else:
        from gittasks.app.remote import ordering

        host = ordering.find_host(project, args.on)
        started = ordering.start_remote_run(project, order, host, keep=args.keep_remote)
    return answer_started(ctx, started, wait=args.wait)


def answer_started(
    ctx: Context, started: Started, *, wait: bool, printer: OutputPrinter | Narrator | None = None
) -> int:
    """Say the id of a run that was started; with `wait`, show its output (by `printer`) and end as it does."""
    if not ctx.json:
        ctx.out(started.run.id)
        ctx.stdout.flush()
    if started.failure is not None:
        return _tell_failure(ctx, started, EXIT_NOT_STARTED if wait else 1)
    if not wait:
        if ctx.json:
            ctx.document({"run": started.run.as_json()})
        return 0
    return _follow(ctx, started.run, printer or OutputPrinter(ctx.stdout, raw=not ctx.stdout.isatty()))


def exit_code_of(run: Run) -> int:
    """What `--wait` ends with: the command's own code where it has one."""
    if run.reason == "timeout":
        return EXIT_TIMEOUT
    if run.reason == "not_started" and run.status == "failed":
        return EXIT_NOT_STARTED
    if run.signal is not None:
        return EXIT_SIGNAL + run.signal
    if run.status == "killed":
        return EXIT_SIGNAL + _SIGTERM
    return 1 if run.exit_code is None else run.exit_code


def _order(args: Namespace, ctx: Context) -> Order:
    from gittasks.app.run_start import SHELL, Order

    # Without `--` in front, a later one belongs to the command: `gittasks run git log -- README`.
    between = ["--"] if args.words and ctx.command is not None else []
    words = [*args.words, *between, *(ctx.command or ())]
    if not words:
        raise UsageError("nothing to run", hint="gittasks run -- COMMAND...")
    order = Order(
        argv=(*SHELL, " ".join(words)) if args.shell else tuple(words),
        task_id=args.task,
        name=args.name,
        cwd=ctx.path(args.cwd or "."),
        env=dict(args.env),
        owner=args.owner,
        leave_children=args.leave_children,
        notice=args.notice,
        stall_after_s=args.stall_after,
        takes_input=args.input,
        terminal=args.pty,
    )
    return run_options.apply(order, args, ctx)


def _follow(ctx: Context, run: Run, printer: OutputPrinter | Narrator) -> int:
    from gittasks.app import runs

    project = ctx.project()
    try:
        if ctx.json:
            runs.wait_runs(project, [run.id])
        else:
            for block in runs.follow_output(project, run):
                printer.write(block)
            printer.close()
        ended = runs.find_run(project, run.id)
    except KeyboardInterrupt:
        ctx.say(f"run {run.id} goes on in the background; `gittasks kill {run.id}` stops it")
        raise
    if ctx.json:
        ctx.document({"run": ended.as_json()})
    elif ended.status != "completed":
        ctx.say(
            f"run {ended.id}: {outcome(ended)}" + (f": {printable(ended.message)}" if ended.message else "")
        )
    return exit_code_of(ended)


def _tell_failure(ctx: Context, started: Started, code: int) -> int:
    if ctx.json:
        ctx.document({"run": started.run.as_json()})
    ctx.say(f"gittasks: run {started.run.id}: {printable(str(started.failure))}")
    return code


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not name or not equals or "\0" in text:
        # The value may be a secret: it is not repeated.
        raise argparse.ArgumentTypeError("expected NAME=VALUE")
    return name, value
