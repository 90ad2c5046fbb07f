"""`gittasks graph`."""

from __future__ import annotations

import os

from gittasks.app import reading
from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.cli import parser as cli_parser
from gittasks.cli.context import SCHEMA
from gittasks.cli.tables import add_here_option, load_tasks, tell_problems
from gittasks.workgraph.drawing.picture import MISSING, compose

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

    from gittasks.app.reading import Tasks
    from gittasks.cli.context import Context
    from gittasks.workgraph.drawing.picture import Picture

HELP = "draw the graph of tasks: as a tree of text, Mermaid, DOT, SVG or JSON"
EXAMPLE = """
gittasks graph
gittasks graph 12 --all
gittasks graph -o plan.svg
"""
FORMATS = ("tree", "mermaid", "dot", "svg", "json")
_ENDINGS = {
    ".svg": "svg",
    ".dot": "dot",
    ".gv": "dot",
    ".mmd": "mermaid",
    ".mermaid": "mermaid",
    ".json": "json",
}
_MOST_WARNINGS = 10
_MOST_IN_A_WARNING = 12


def configure(parser: ArgumentParser) -> None:
    """What to draw, how, and where to."""
    parser.add_argument(
        "task",
        nargs="?",
        type=cli_parser.task_id,
        metavar="TASK",
        help="only this task, its parts, what it waits for and what waits for it",
    )
    parser.add_argument("--all", action="store_true", help="completed tasks too")
    parser.add_argument("--critical", action="store_true", help="only the critical path")
    parser.add_argument("--format", choices=FORMATS, help="default: what FILE ends in, else tree")
    parser.add_argument("-o", dest="file", metavar="FILE", help="write to FILE instead of stdout")
    add_here_option(parser)


def run(args: Namespace, ctx: Context) -> int:
    """Draw; 1 where a task file cannot be read."""
    kind = _format(args, ctx)
    snapshot = load_tasks(args, ctx)
    focus = reading.require_row(snapshot, args.task) if args.task else None
    picture = compose(
        snapshot.rows,
        snapshot.derived,
        focus=args.task,
        closed=args.all,
        critical_only=args.critical,
    )
    what = "tasks" if args.all else "open tasks"
    count = sum(node.state != MISSING for node in picture.nodes)
    title = f"#{focus.id} {focus.subject}" if focus else f"{what.capitalize()}: {count}"
    text = _draw(kind, picture, title, snapshot, ctx, to_file=args.file not in (None, "-"))
    _write(text, args.file, ctx)
    if not count:
        ctx.say("no open task waits for another one" if args.critical else f"no {what}")
    _warn(picture, snapshot, ctx)
    if kind == "mermaid":
        _warn_of_size(picture, text, ctx)
    return tell_problems(ctx, snapshot.problems)


def _format(args: Namespace, ctx: Context) -> str:
    if ctx.json:
        if args.format not in (None, "json"):
            raise UsageError(f"--json and --format {args.format} exclude each other")
        return "json"
    ending = os.path.splitext(args.file)[1].lower() if args.file else ""
    return str(args.format or _ENDINGS.get(ending, "tree"))


def _draw(kind: str, picture: Picture, title: str, snapshot: Tasks, ctx: Context, *, to_file: bool) -> str:
    if kind == "json":
        import json

        problems = [problem.as_json() for problem in snapshot.problems]
        return json.dumps({"schema": SCHEMA, **picture.as_json(), "problems": problems}, ensure_ascii=False)
    if kind == "svg":
        from gittasks.workgraph.drawing import svg

        return svg.draw(picture, title=title)
    if kind == "tree":
        from gittasks.workgraph.drawing import tree

        text = tree.draw(picture, width=None if to_file else _width(ctx))
        return text if to_file or _draws_lines(ctx) else tree.plain(text)
    if kind == "dot":
        from gittasks.workgraph.drawing import dot

        return dot.draw(picture)
    from gittasks.workgraph.drawing import mermaid

    return mermaid.draw(picture)


def _write(text: str, file: str | None, ctx: Context) -> None:
    if file is None or file == "-":
        if text:
            ctx.out(text)
        return
    from gittasks.base.files import replace_file

    path = ctx.path(file)
    if os.path.isdir(path) or not os.path.isdir(os.path.dirname(path)):
        raise UsageError(f"-o {printable(file)}: expected a file name in a folder that exists")
    # Through a link, to the file that the user means by it.
    replace_file(os.path.realpath(path), (text + "\n").encode())
    ctx.say(f"wrote {printable(file)}")


def _width(ctx: Context) -> int | None:
    """How wide the terminal is, where stdout is one."""
    if not ctx.stdout.isatty():
        return None
    try:
        return os.get_terminal_size(ctx.stdout.fileno()).columns
    except OSError:
        return None


def _draws_lines(ctx: Context) -> bool:
    """Whether stdout's encoding has the signs that a tree is drawn with."""
    try:
        "○╞".encode(ctx.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _warn(picture: Picture, snapshot: Tasks, ctx: Context) -> None:
    """Say on stderr which cycles the picture holds, and which blockers are missing."""
    warnings = [_tell_cycle(cycle) for cycle in picture.cycles]
    shown = {node.id for node in picture.nodes if node.state != MISSING}
    warnings += [
        f"#{task} waits for #{blocker}, which does not exist or cannot be read"
        for task, blockers in sorted(snapshot.derived.missing.items())
        if task in shown and task in snapshot.derived.open_blockers
        for blocker in blockers
    ]
    for warning in warnings[:_MOST_WARNINGS]:
        ctx.say(f"gittasks: {warning}")
    if len(warnings) > _MOST_WARNINGS:
        ctx.say(f"gittasks: and {len(warnings) - _MOST_WARNINGS} more: `gittasks doctor` names all of them")


def _tell_cycle(cycle: tuple[int, ...]) -> str:
    ids = [f"#{task}" for task in cycle]
    if len(ids) > _MOST_IN_A_WARNING:
        ids[_MOST_IN_A_WARNING - 1 : -1] = ["..."]
    return f"these wait for each other: {' -> '.join(ids)}; `gittasks unblock` one of them"


def _warn_of_size(picture: Picture, text: str, ctx: Context) -> None:
    from gittasks.workgraph.drawing.mermaid import MAX_ARROWS, MAX_TEXT

    if len(picture.edges) + len(picture.parts) > MAX_ARROWS or len(text) > MAX_TEXT:
        ctx.say(
            f"gittasks: Mermaid draws at most {MAX_ARROWS} arrows and {MAX_TEXT} characters by default;"
            " try one task (`gittasks graph 12`), or --format svg"
        )
