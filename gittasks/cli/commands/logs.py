"""`gittasks logs`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.cli.durations import count
from gittasks.cli.raw_output import OutputPrinter

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "show the output of a run"
EXAMPLE = """
gittasks logs b8k2
gittasks logs b8k2 -f --tail 20
"""


def configure(parser: ArgumentParser) -> None:
    """The run, and how much of its output."""
    parser.add_argument("run", metavar="RUN", help="the id of a run, or how it begins")
    parser.add_argument("-f", "--follow", action="store_true", help="go on until the run has ended")
    parser.add_argument("--tail", type=count, metavar="N", help="only the last N lines")
    parser.add_argument(
        "--raw", action="store_true", help="write bytes as they are to a terminal too, escapes and all"
    )


def run(args: Namespace, ctx: Context) -> int:
    """Write the output as it is; to a terminal, with control characters made visible."""
    from gittasks.app import runs

    project = ctx.project()
    found = runs.find_run(project, args.run)
    read = runs.follow_output if args.follow else runs.read_output
    blocks = read(project, found, last_lines=args.tail)
    if ctx.json:
        text = b"".join(blocks).decode("utf-8", "backslashreplace")
        ctx.document({"run": runs.find_run(project, found.id).as_json(), "output": text})
        return 0
    printer = OutputPrinter(ctx.stdout, raw=args.raw or not ctx.stdout.isatty())
    for block in blocks:
        printer.write(block)
    printer.close()
    if (runs.find_run(project, found.id) if args.follow else found).truncated:
        ctx.say("not all of the output is here: it was over its limit, or the disk took no more")
    return 0
