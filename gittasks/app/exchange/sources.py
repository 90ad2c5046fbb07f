"""Reading what is to be imported: a file, standard input or a folder, by the rules of each kind.

Regular files only, of bounded size and number; a link, device or FIFO among the files is an error that names it,
and so nothing is imported half.
"""

from __future__ import annotations

import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple

from gittasks.base import files
from gittasks.base.errors import InvalidError, NotFoundError, UsageError

if TYPE_CHECKING:
    from gittasks.workgraph.exchange.findings import Parsed

MAX_SOURCE_BYTES = 1 << 28
MAX_TASK_FILE_BYTES = 1 << 22
MAX_FILES = 50_000
STDIN = "-"
_DIGITS = re.compile(r"(\d+)")


class SourceError(InvalidError):
    """What is to be imported cannot be read as this kind: a folder for a file, a link, too many files."""


class Kind(NamedTuple):
    """A tracker we can read: what its source is, in words, and whether that is a folder."""

    source: str
    is_folder: bool


KINDS = {
    "beads": Kind("issues.jsonl, as `bd export` writes it", False),
    "backlog": Kind("the folder `backlog` of Backlog.md, or one of task files", True),
    "ticket": Kind("the folder `.tickets` of ticket (tk)", True),
    "taskwarrior": Kind("what `task export` prints", False),
    "taskmaster": Kind("tasks.json of Task Master", False),
    "claude": Kind("a task list of Claude Code: a folder of 3.json or task_3.json", True),
    "csv": Kind("a table with a header row, also one of ours", False),
    "json": Kind("a document of `gittasks export json`", False),
}


def read_source(kind: str, path: str, *, name: str, stdin: bytes | None = None) -> Parsed:
    """Read and parse `path`; `name` is how messages call it. `stdin` is given where the source is standard input.

    Raises `SourceError`, `BadSourceError` with file and line, `NotFoundError`, `UsageError` for an unknown kind.
    """
    if kind not in KINDS:
        raise UsageError(f"unknown kind {kind!r}", hint=f"known are {', '.join(KINDS)}")
    if KINDS[kind].is_folder:
        if stdin is not None:
            raise UsageError(f"import {kind} reads a folder: standard input cannot be one")
        return _FOLDER_READERS[kind](_require_folder(path, name))
    # A link that the caller names is the caller's business; one found in a folder is not.
    data = stdin if stdin is not None else _read(os.path.realpath(path), name, MAX_SOURCE_BYTES)
    return _parse_file(kind, data, name)


def default_prefix(kind: str, path: str) -> str:
    """What keeps the ids of this source apart from those of others of its kind; empty where they are unique."""
    # Each list of Claude Code counts from 1 again; its folder is what tells lists apart.
    return _text(os.path.basename(os.path.realpath(path))) if kind == "claude" else ""


def _parse_file(kind: str, data: bytes, name: str) -> Parsed:
    if kind == "beads":
        from gittasks.workgraph.exchange import beads

        return beads.parse(data, name)
    if kind == "taskwarrior":
        from gittasks.workgraph.exchange import taskwarrior

        return taskwarrior.parse(data, name)
    if kind == "taskmaster":
        from gittasks.workgraph.exchange import taskmaster

        return taskmaster.parse(data, name)
    from gittasks.workgraph.exchange import native

    return native.parse_csv(data, name) if kind == "csv" else native.parse_json(data, name)


def _read_backlog(folder: str) -> Parsed:
    from gittasks.workgraph.exchange import backlog

    root = next(
        (place for place in _backlog_roots(folder) if os.path.isdir(os.path.join(place, "tasks"))), None
    )
    found: list[tuple[str, str, bytes]] = []
    others: list[str] = []
    if root is None:  # a folder of task files itself
        root = os.path.dirname(folder)
        taken, others = _read_all(folder, os.path.basename(folder), ".md")
        found = [(name, "tasks", data) for name, data in taken]
    else:
        for part in backlog.FOLDERS:
            if os.path.isdir(os.path.join(root, part)):
                taken, more = _read_all(os.path.join(root, part), part, ".md")
                found += [(name, part, data) for name, data in taken]
                others += more
    if not found:
        raise SourceError(f"{folder}: holds no task files", hint="expected `tasks/back-1 - Title.md` in it")
    configs = (os.path.join(root, name) for name in backlog.CONFIG_NAMES)
    config = next((path for path in configs if os.path.lexists(path)), None)
    parsed = backlog.parse(found, _read(config, config, MAX_TASK_FILE_BYTES) if config else None)
    return _with_others(parsed, others)


def _backlog_roots(folder: str) -> tuple[str, ...]:
    return folder, os.path.join(folder, "backlog"), os.path.join(folder, ".backlog")


def _read_ticket(folder: str) -> Parsed:
    from gittasks.workgraph.exchange import ticket

    inner = os.path.join(folder, ".tickets")
    found, others = _read_all(inner if os.path.isdir(inner) else folder, "", ".md")
    if not found:
        raise SourceError(f"{folder}: holds no tickets", hint="expected `.tickets/ab-1234.md` in it")
    return _with_others(ticket.parse(found), others)


def _read_claude(folder: str) -> Parsed:
    from gittasks.workgraph.exchange import claude

    found, others = _read_all(folder, "", ".json")
    if not found:
        inner = [name for name in others if os.path.isdir(os.path.join(folder, name))]
        hint = f"it holds {len(inner)} folders: name the one of the list you mean" if inner else None
        raise SourceError(f"{folder}: holds no task files: expected 1.json or task_1.json", hint=hint)
    return _with_others(claude.parse(found), others)


_FOLDER_READERS = {"backlog": _read_backlog, "ticket": _read_ticket, "claude": _read_claude}


def _with_others(parsed: Parsed, others: list[str]) -> Parsed:
    for name in others:
        parsed.found.skip(name, "is no task file")
    return parsed


def _read_all(folder: str, shown: str, ending: str) -> tuple[list[tuple[str, bytes]], list[str]]:
    """(name, content) of each file that ends so, in natural order, and the names of everything else.

    Hidden files are the trackers' own book-keeping and go unmentioned.
    """
    names = sorted((name for name in os.listdir(folder) if not name.startswith(".")), key=_natural)
    if len(names) > MAX_FILES:
        raise SourceError(f"{folder}: holds {len(names)} files: expected at most {MAX_FILES}")
    wanted = [name for name in names if name.endswith(ending) and not _is_plain_folder(folder, name)]
    shown = f"{shown}/" if shown else ""
    found = [
        (shown + _text(name), _read(os.path.join(folder, name), shown + _text(name), MAX_TASK_FILE_BYTES))
        for name in wanted
    ]
    return found, [shown + _text(name) for name in names if name not in set(wanted)]


def _is_plain_folder(folder: str, name: str) -> bool:
    return stat.S_ISDIR(os.lstat(os.path.join(folder, name)).st_mode)


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts 2.json before 10.json."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in _DIGITS.split(name) if part]


def _text(name: str) -> str:
    """A file's name as text, whatever bytes it is made of."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _read(path: str, name: str, limit_bytes: int) -> bytes:
    if os.path.isdir(path) and not os.path.islink(path):
        raise SourceError(f"{name}: is a folder: expected a file")
    try:
        return files.read_regular(path, limit_bytes=limit_bytes)
    except files.UnsafeFileError as error:
        what = error.message.removeprefix(path + ": ")
        hint = "name it as - and pipe it in" if "not a regular file" in what else None
        raise SourceError(f"{name}: {what}", hint=hint) from None
    except FileNotFoundError:
        raise NotFoundError(f"{name}: no such file") from None


def _require_folder(path: str, name: str) -> str:
    if not os.path.lexists(path):
        raise NotFoundError(f"{name}: no such folder")
    if not os.path.isdir(path):
        raise SourceError(f"{name}: is no folder: expected one")
    return path
