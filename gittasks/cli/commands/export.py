"""`gittasks export`."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from gittasks.base.errors import UsageError
from gittasks.base.text import printable_block
from gittasks.cli.tables import tell_problems

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.cli.context import Context

HELP = "write all tasks out for another program, or as a checklist"
EXAMPLE = """
gittasks export json -o tasks.json
gittasks export csv > tasks.csv
gittasks export markdown --open
"""


def configure(parser: ArgumentParser) -> None:
    """What form, and where to."""
    from gittasks.app.exchange import EXPORTS

    kinds = "; ".join(f"{name}: {text}" for name, text in EXPORTS.items())
    parser.add_argument("kind", choices=tuple(EXPORTS), metavar="KIND", help=kinds)
    parser.add_argument("-o", "--output", metavar="FILE", help="write there (default: standard output)")
    parser.add_argument(
        "--open", action="store_true", help="only open tasks (default: completed and deleted ones too)"
    )


def run(args: Namespace, ctx: Context) -> int:
    """Export; 1 where some task could not be read and is therefore missing."""
    from gittasks.app.exchange import export_tasks

    exported = export_tasks(ctx.project(), args.kind, only_open=args.open)
    tell_problems(ctx, exported.problems)
    if args.output is not None:
        _write(ctx, args.output, exported.text)
        answer = {"kind": args.kind, "file": args.output, "count": exported.tasks}
        if ctx.json:
            ctx.document({**answer, "problems": [problem.as_json() for problem in exported.problems]})
        else:
            ctx.say(f"{exported.tasks} tasks written to {args.output}")
    elif ctx.json and args.kind != "json":
        problems = [problem.as_json() for problem in exported.problems]
        ctx.document({"kind": args.kind, "text": exported.text, "problems": problems})
    else:
        text = printable_block(exported.text) if ctx.stdout.isatty() else exported.text
        ctx.stdout.write(text)
    return 1 if exported.problems else 0


def _write(ctx: Context, name: str, text: str) -> None:
    from gittasks.base.files import replace_file

    path = ctx.path(name)
    if os.path.isdir(path) or not os.path.isdir(os.path.dirname(path) or "."):
        raise UsageError(f"-o {name}: is a folder, or in a folder that does not exist")
    replace_file(path, text.encode())
