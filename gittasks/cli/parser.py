"""The argument parser of one command, with what all commands share."""

from __future__ import annotations

import argparse
import os

from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.workgraph.record import MAX_ID, TaskId

if TYPE_CHECKING:
    from types import ModuleType
    from typing import NoReturn

    from gittasks.app.project import Project


# argparse looks for translations of its own words at every start: files that are nowhere, and 3 ms.
vars(argparse).update(_=str, ngettext=lambda one, many, number: one if number == 1 else many)


class Parser(argparse.ArgumentParser):
    """`argparse`, with usage errors raised rather than printed."""

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError` with the synopsis as its hint."""
        usage = " ".join(self.format_usage().split())
        raise UsageError(printable(message), hint=usage)


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal, found out without the 2 ms that `shutil` takes at every start."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns())


def build(name: str, module: ModuleType) -> Parser:
    """The parser of the command `name`, whose module is `module`."""
    parser = Parser(
        prog=f"gittasks {name}",
        description=module.HELP[0].upper() + module.HELP[1:] + ".",
        epilog=f"example:\n{_indent(module.EXAMPLE)}",
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    parser.add_argument("-C", dest="folder", metavar="DIR", help="work as if called in DIR")
    parser.add_argument("--json", action="store_true", help="answer with one JSON document")
    module.configure(parser)
    return parser


def task_id(text: str) -> TaskId:
    """A task's id, `12` or `#12`. Raises `ArgumentTypeError` for anything else."""
    digits = text.removeprefix("#")
    if digits.isascii() and digits.isdigit() and 0 < len(digits) <= 9 and 0 < int(digits) <= MAX_ID:
        return TaskId(int(digits))
    raise argparse.ArgumentTypeError(f"{printable(text)[:60]!r} is not a task: expected 12 or #12")


def task_ids(text: str) -> list[TaskId]:
    """Ids joined by commas: `3,4` or `#3,#4`."""
    return [task_id(part.strip()) for part in text.split(",") if part.strip()]


def priority(text: str) -> int:
    """A priority: 0 (highest) to 4."""
    if text in ("0", "1", "2", "3", "4"):
        return int(text)
    raise argparse.ArgumentTypeError(f"{printable(text)[:60]!r}: expected a number from 0 (highest) to 4")


def add_bound_task(parser: argparse.ArgumentParser) -> None:
    """The argument `task`, which may be left out in a bound worktree: see `require_bound`."""
    parser.add_argument(
        "task",
        nargs="?",
        type=task_id,
        metavar="TASK",
        help="12 or #12 (default: the one this worktree is bound to)",
    )


def require_bound(project: Project) -> TaskId:
    """The task that this worktree is bound to, for commands whose task was left out. Raises `UsageError`."""
    bound = project.bound_task()
    if bound is None:
        raise UsageError(
            "which task? this worktree is not bound to exactly one open task", hint="name it: 12 or #12"
        )
    return bound


def _columns() -> int:
    try:
        return min(os.get_terminal_size(1).columns, 110) - 2
    except (OSError, ValueError):
        return 98


def _indent(text: str) -> str:
    return "\n".join("  " + line for line in text.strip().splitlines())


def add_action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], name: str, text: str
) -> argparse.ArgumentParser:
    """The parser of one action of a command such as `worktree`; `text` is its one line of help."""
    parser = actions.add_parser(
        name, help=text, description=text[0].upper() + text[1:] + ".", allow_abbrev=False
    )
    # Also behind the action: unset there, they must not undo what stood before it.
    parser.add_argument(
        "-C", dest="folder", metavar="DIR", default=argparse.SUPPRESS, help="work as if called in DIR"
    )
    parser.add_argument(
        "--json", action="store_true", default=argparse.SUPPRESS, help="answer with one JSON document"
    )
    return parser
