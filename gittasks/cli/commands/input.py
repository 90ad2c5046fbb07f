"""`gittasks input`."""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Iterator

    from gittasks.cli.context import Context

HELP = "give a run a line to read (it was started with --input or --pty)"
EXAMPLE = """
gittasks input b8k2 yes
git log --format=%H | gittasks input b8k2 -
printf '\\003' | gittasks input b8k2 -
"""

_BLOCK = 4096


def configure(parser: ArgumentParser) -> None:
    """The run, and the line."""
    parser.add_argument("run", metavar="RUN", help="the id of a run, or how it begins")
    parser.add_argument("text", metavar="TEXT|-", help="a line; `-`: all bytes of stdin, as they are")


def run(args: Namespace, ctx: Context) -> int:
    """Send it; what comes before the run reads waits for it."""
    from gittasks.app import runs

    project = ctx.project()
    found = runs.find_run(project, args.run)
    sent = 0
    for block in _blocks(args.text, ctx):
        runs.send_input(project, found, block)
        sent += len(block)
    if ctx.json:
        ctx.document({"run": found.as_json(), "bytes": sent})
    return 0


def _blocks(text: str, ctx: Context) -> Iterator[bytes]:
    if text != "-":
        yield os.fsencode(text) + b"\n"
        return
    # As it comes: a reader that waits for whole blocks would hold a line back.
    while block := os.read(ctx.stdin.fileno(), _BLOCK):
        yield block
