"""Our lines in a hook's file: putting them in, finding them, taking exactly them out. Pure: bytes in, bytes out.

The lines stand between two marks right behind a shell script's first line: behind an `exit` or `exec` further down
they would never run. What the mark says tells how to take them out byte for byte.
"""

from __future__ import annotations

from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

# In the order in which git runs them.
EVENTS = (
    "pre-commit",
    "prepare-commit-msg",
    "commit-msg",
    "post-commit",
    "post-checkout",
    "post-merge",
    "post-rewrite",
    "pre-push",
)
# git runs these for each commit that a rebase makes again. One that exits at once makes a rebase of 50 commits take
# 1.4 to 1.6 times as long: installed only when asked for. Others do their work: commit-msg, pre-commit, post-rewrite.
OPTIONAL = frozenset(("prepare-commit-msg", "post-commit"))
USUAL = tuple(event for event in EVENTS if event not in OPTIONAL)
# Those that say so where gittasks cannot be found: one line for each thing that a user does, not one for each hook.
_TELLING = ("pre-commit", "post-checkout", "post-merge", "pre-push")

_START = b"# >>> gittasks hooks"
MADE = _START + b", which made this file >>>\n"
MADE_FOLDER = _START + b", which made this file and its folder >>>\n"
ADDED = _START + b" >>>\n"
# Behind a first line without a line feed: that one is ours too.
ADDED_JOINED = _START + b" and the line feed before them >>>\n"
_MARKS = (MADE, MADE_FOLDER, ADDED, ADDED_JOINED)
END = b"# <<< gittasks hooks <<<\n"
_SHELLS = frozenset((b"sh", b"bash", b"dash", b"ash", b"ksh", b"mksh", b"zsh"))
_FIND, _CALL = "    if command -v gittasks >/dev/null; then ", "gittasks hook "


class DamagedBlockError(RefusedError):
    """A file holds one of our marks and not the other: somebody edited them, and a person has to look."""


class Block(NamedTuple):
    """Our lines in a file: where they start and end, and the mark that opens them."""

    start: int
    end: int
    mark: bytes


def block_of(shim: bytes, *, mark: bytes = ADDED, program: str | None = None) -> bytes:
    """The lines that a shipped shim puts into a file, opened by `mark`.

    `program` is a command for the shell that starts gittasks, preferred to what is on PATH, in a hook of this clone
    alone; where neither is there, the hook says so. Without one, in a file that others share, it is silent.
    """
    body = shim[shim.index(b"\n", shim.index(_START)) + 1 : shim.index(END)]
    if program is not None:
        body = _with_program(body.decode(), program).encode()
    return mark + body + END


def _with_program(body: str, program: str) -> str:
    """`body` with another way to start gittasks before the one on PATH."""
    lines = []
    for line in body.splitlines(keepends=True):
        if line.startswith(_FIND):
            call = line.removeprefix(_FIND).removesuffix("; fi\n")
            event = call[call.index(_CALL) + len(_CALL) :].split()[0]
            python = program.split(" -P ")[0]
            lines.append(f"    if test -x {python}; then {call.replace(_CALL, f'{program} hook ')}\n")
            line = f"    elif command -v gittasks >/dev/null; then {call}\n"
            if event in _TELLING:
                line += (
                    f'    else echo "gittasks: not found, so its hook {event} did nothing '
                    '(GITTASKS_HOOKS=0 says that this is fine)" >&2\n'
                )
            line += "    fi\n"
        lines.append(line)
    return "".join(lines)


def find(data: bytes, path: str) -> Block | None:
    """Our lines in the file `path` with the content `data`, `None` where there are none.

    Raises `DamagedBlockError`.
    """
    start = data.find(_START)
    if start < 0 and END not in data:
        return None
    end = data.find(END, start)
    mark = next((mark for mark in _MARKS if data.startswith(mark, max(start, 0))), None)
    if start < 0 or end < 0 or mark is None or data.count(_START) != 1 or data.count(END) != 1:
        raise DamagedBlockError(
            f"{path}: the marks around the lines of gittasks were changed",
            hint="take these lines out by hand, then run the command again",
        )
    return Block(start, end + len(END), mark)


def insert(data: bytes, make: Callable[[bytes], bytes]) -> bytes:
    """`data`, somebody else's shell script, with our lines behind its first one; `make` answers them for a mark."""
    if not data.startswith(b"#!"):
        return make(ADDED) + data
    end = data.find(b"\n") + 1
    if not end:
        return data + b"\n" + make(ADDED_JOINED)
    return data[:end] + make(ADDED) + data[end:]


def replace(data: bytes, block: Block, make: Callable[[bytes], bytes]) -> bytes:
    """`data` with our lines as they should be now."""
    return data[: block.start] + make(block.mark) + data[block.end :]


def remove(data: bytes, block: Block) -> bytes | None:
    """`data` without our lines, byte for byte what it was; `None` where we made the file and nobody wrote into it."""
    start = block.start - (block.mark == ADDED_JOINED)
    rest = data[:start] + data[block.end :]
    made = block.mark in (MADE, MADE_FOLDER)
    return None if made and rest in (b"", b"#!/bin/sh\n") else rest


def shell_problem(data: bytes) -> str | None:
    """Why our lines cannot stand in this program: `None` for a shell script (git runs one without `#!` by sh)."""
    if b"\0" in data:
        return "is a compiled program"
    if not data.startswith(b"#!"):
        return None
    line = data.partition(b"\n")[0]
    if line.endswith(b"\r"):
        return "has lines that end with CR LF"
    words = [word for word in line[2:].split() if not word.startswith(b"-") and b"=" not in word]
    names = [word.rpartition(b"/")[2] for word in words]
    if names[:1] == [b"env"] or names[:1] == [b"busybox"]:
        names = names[1:]
    if names and names[0] in _SHELLS:
        return None
    name = names[0].decode("ascii", "replace") if names else "another language"
    return f"is written for {name}"
