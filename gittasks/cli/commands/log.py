"""`gittasks log`."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, shorten
from gittasks.cli import parser as cli_parser

if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from typing import Any

    from gittasks.app.history import Entry, History
    from gittasks.cli.context import Context
    from gittasks.workgraph.difference import FieldChange

HELP = "show the history of a task, field by field: uncommitted changes, then the commits of all branches"
EXAMPLE = """
gittasks log 12 --limit 5
gittasks log 12 --here
"""
_WHERE = {"staged": "staged, not committed", "working": "changed, not staged"}
# What every new task has, and nobody wants to read.
_IDENTITY = frozenset(("id", "uid", "created"))
_WIDTH = 200
_MOST_LINES = 40


def configure(parser: ArgumentParser) -> None:
    """The task, which can be left out in a bound worktree, and how far to look back."""
    parser.add_argument("task", nargs="?", type=cli_parser.task_id, metavar="TASK", help="12 or #12")
    parser.add_argument("--limit", type=_count, metavar="N", help="at most N commits (default: all)")
    parser.add_argument(
        "--here", action="store_true", help="this worktree and its branch alone, without the other ones"
    )


def run(args: Namespace, ctx: Context) -> int:
    """Show what changed, newest first."""
    from gittasks.app.history import task_history

    project = ctx.project()
    task_id = args.task or cli_parser.require_bound(project)
    found = task_history(project, task_id, limit=args.limit, here=args.here)
    if ctx.json:
        entries = [entry.as_json() for entry in found.entries]
        ctx.document({"id": found.task_id, "history": entries, "more": found.more, "shallow": found.shallow})
    else:
        ctx.out("\n\n".join("\n".join(_lines(entry)) for entry in found.entries))
        _tell_of_the_rest(ctx, found)
    return 0


def _count(text: str) -> int:
    if text.isascii() and text.isdecimal() and 0 < len(text) <= 9 and int(text) > 0:
        return int(text)
    from argparse import ArgumentTypeError

    raise ArgumentTypeError(f"{printable(text)[:60]!r}: expected a number from 1")


def _tell_of_the_rest(ctx: Context, found: History) -> None:
    if found.more:
        ctx.say("older commits left out: --limit shows more")
    elif found.shallow:
        ctx.say("this clone is shallow: older commits are not in it (`git fetch --unshallow` brings them)")


def _lines(entry: Entry) -> list[str]:
    lines = [_headline(entry)]
    if entry.kind != "changed":
        lines.append(f"  {entry.kind}")
    lines += [f"  {printable(problem)}" for problem in entry.problems]
    for change in entry.changes:
        if entry.kind == "created" and change.field in _IDENTITY:
            continue
        lines += [f"  {line}" for line in _change_lines(change)]
    for note in entry.notes:
        first = note.text.strip().split("\n")[0]
        text = f": {shorten(printable(first), _WIDTH)}" if first else f": {printable(note.path)}"
        lines.append(f"  note {note.kind}, by {printable(note.author)}{text}")
    return lines


def _headline(entry: Entry) -> str:
    if entry.commit is None:
        return _WHERE[entry.where] + (f"  (in {printable(entry.worktree)})" if entry.worktree else "")
    from gittasks.base.clock import format_utc

    commit = entry.commit
    when = format_utc(commit.time_s)
    words = (
        f"{commit.oid[:10]}  {when}  {printable(commit.author)}: {shorten(printable(commit.subject), _WIDTH)}"
    )
    return words + (f"  (on {printable(entry.branch)})" if entry.branch else "")


def _change_lines(change: FieldChange) -> list[str]:
    name = printable(change.field)
    if isinstance(change.old, list) or isinstance(change.new, list):
        items = [f"+{_word(item)}" for item in change.added] + [f"-{_word(item)}" for item in change.removed]
        return [f"{name}: {'  '.join(items) or 'in another order'}"]
    if change.field == "description":
        return [f"{name}:", *_text_lines(change.old or "", change.new or "")]
    if change.old is None:
        return [f"{name}: {_word(change.new)}"]
    return [f"{name}: {_word(change.old)} -> {_word(change.new)}"]


def _text_lines(old: str, new: str) -> list[str]:
    """The lines that went and came, without the ones around them."""
    import difflib

    found = difflib.ndiff(old.splitlines(), new.splitlines())
    lines = [f"  {shorten(printable(line), _WIDTH)}" for line in found if line[0] in "+-"]
    more = len(lines) - _MOST_LINES
    return lines if more <= 0 else [*lines[:_MOST_LINES], f"  ... and {more} more lines"]


def _word(value: Any) -> str:
    return "(empty)" if value is None else shorten(printable(str(value)), _WIDTH)
