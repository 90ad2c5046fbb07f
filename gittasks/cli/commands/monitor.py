"""`gittasks monitor`."""

from __future__ import annotations

from gittasks.app.monitoring import spec as words
from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.cli import parser as cli_parser
from gittasks.cli import run_options
from gittasks.cli.commands.run import answer_started
from gittasks.cli.durations import duration
from gittasks.runtime.record import PRIORITIES

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.monitoring.spec import Watch
    from gittasks.cli.context import Context

HELP = "watch a command, URL, file, run or ref in the background until a condition holds"
EXAMPLE = """
gittasks monitor --every 30s --until ok -- make test
gittasks monitor --url https://example.com/health --until fails --notify change
gittasks monitor --log build.log --match ERROR
gittasks monitor --stream --match "Server ready" --timeout 5m -- ./serve
gittasks monitor --ref refs/heads/main --until changes --wait
"""
TAKES_COMMAND = True

_SOURCES = {
    "url": (words.URL, "URL", "what this URL answers; nothing else of the network is touched"),
    "file": (words.FILE, "FILE", "whether this file is there, and as it was"),
    "log": (words.LOG, "FILE", "the lines that are appended to this file, also when it is rotated"),
    "run": (words.RUN, "RUN", "a run of this clone"),
    "ref": (words.REF, "REV", "where a git ref points; no network"),
}


def configure(parser: ArgumentParser) -> None:
    """What to watch, until when, and what to tell of."""
    sources = parser.add_mutually_exclusive_group()
    for name, (_, metavar, text) in _SOURCES.items():
        sources.add_argument(f"--{name}", metavar=metavar, help=f"watch {text}")
    sources.add_argument(
        "--stream",
        action="store_true",
        help="start the command once; each line that it writes is an event (default: call it again and again)",
    )
    parser.add_argument(
        "--until",
        choices=words.CONDITIONS,
        help="the condition (default: matches with a pattern, else ok for a command or URL, changes for a file or "
        "ref, ends for a run or stream, never for a log)",
    )
    patterns = parser.add_mutually_exclusive_group()
    patterns.add_argument("--match", metavar="TEXT", help="a text that a line must hold")
    patterns.add_argument("--regex", metavar="PATTERN", help="a regular expression that a line must match")
    parser.add_argument(
        "--every",
        type=duration,
        metavar="TIME",
        help="how often to look (default: 10s, URLs 30s, files 1s, refs 2s)",
    )
    parser.add_argument(
        "--look-timeout", type=duration, metavar="TIME", help="how long one look may take (default: 30s)"
    )
    parser.add_argument(
        "--notify",
        choices=words.NOTIFY,
        help="tell `notices` of each event, of each change, or of the end only (default: end; until never: each)",
    )
    parser.add_argument(
        "--debounce",
        type=duration,
        metavar="TIME",
        help="tell once nothing has come for so long (default: 1s)",
    )
    parser.add_argument("--from-start", action="store_true", help="read a log from its beginning")
    run_options.add(parser)
    parser.add_argument("--name", metavar="TEXT", help="what lists show (default: what is watched)")
    parser.add_argument("--task", type=cli_parser.task_id, metavar="N", help="the task it is for")
    parser.add_argument("--owner", metavar="NAME", help="whose run it is")
    parser.add_argument("--notice", choices=PRIORITIES, help="how important its news are to `notices`")
    parser.add_argument(
        "--wait", action="store_true", help="show what it sees, and end with 0 once the condition holds"
    )
    parser.add_argument("words", nargs="...", metavar="-- COMMAND", help="the command and its arguments")


def run(args: Namespace, ctx: Context) -> int:
    """Start it and say its id; with `--wait`, go on until its end."""
    from gittasks.app.monitoring.starting import start_monitor
    from gittasks.app.run_start import Order

    order = Order(
        task_id=args.task,
        name=args.name,
        cwd=ctx.path("."),
        owner=args.owner,
        notice=args.notice,
    )
    order = run_options.apply(order, args, ctx)
    return answer_started(ctx, start_monitor(ctx.project(), _watch(args, ctx), order), wait=args.wait)


def _watch(args: Namespace, ctx: Context) -> Watch:
    command = (*args.words, *(ctx.command or ()))
    named = next((name for name in _SOURCES if getattr(args, name) is not None), None)
    if named is not None and command:
        raise UsageError(f"--{named} and a command: choose one")
    if args.from_start and named != "log":
        raise UsageError("--from-start goes with --log")
    source = _SOURCES[named][0] if named else words.STREAM if args.stream else words.COMMAND
    return words.Watch(
        source,
        getattr(args, named) if named else "",
        command,
        until=args.until or "",
        pattern=args.regex or args.match or "",
        is_regex=args.regex is not None,
        every_s=args.every or 0.0,
        notify=args.notify or "",
        debounce_s=words.DEBOUNCE_S if args.debounce is None else args.debounce,
        look_timeout_s=args.look_timeout or words.LOOK_TIMEOUT_S,
        from_start=args.from_start,
    )
