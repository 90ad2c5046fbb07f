"""The last net: an error that nobody foresaw is written to a log, and the user is told where."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import traceback

from gittasks import __version__
from gittasks.base import clock
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable_block

if TYPE_CHECKING:
    from gittasks.cli.context import Context

# What the system refuses is not a bug of ours: said in its own words, exit code 1.
_SYSTEM = {
    errno.ENOSPC: "free some space and run the command again",
    errno.EDQUOT: "your disk quota is used up: free some space",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "check who owns the file and its permissions",
    errno.EPERM: "check who owns the file and its permissions",
    errno.EIO: "the disk reported an error: check it before you go on",
    errno.EMFILE: "too many open files: raise the limit",
    errno.ENFILE: "too many open files on this machine",
    errno.ENOMEM: "this machine is out of memory",
    errno.EAGAIN: "this machine cannot start another process now",
}


def tell_of_crash(error: Exception, argv: list[str], ctx: Context) -> int:
    """Say what happened in one line and answer the exit code: 1 for the system's refusals, 3 for a bug."""
    if isinstance(error, OSError) and error.errno in _SYSTEM:
        what = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
        return _say(ctx, str(what), _SYSTEM[error.errno], type(error).__name__, code=1)
    log = _write_log(error, argv)
    hint = f"this is a bug in gittasks; please report it with {log}" if log else "this is a bug in gittasks"
    return _say(ctx, f"{type(error).__name__}: {error}", hint, "Bug", code=3)


def _say(ctx: Context, message: str, hint: str, kind: str, *, code: int) -> int:
    if ctx.json:
        ctx.document({"error": {"kind": kind, "message": message, "hint": hint}})
    ctx.stderr.write(f"gittasks: {printable_block(message)}\nhint: {printable_block(hint)}\n")
    return code


def _write_log(error: Exception, argv: list[str]) -> str | None:
    """Write the trace to a private file; `None` where even that fails. Arguments are counted, never copied."""
    try:
        fd, path = tempfile.mkstemp(prefix="gittasks-bug-", suffix=".log")
        with os.fdopen(fd, "w", encoding="utf-8", errors="backslashreplace") as file:
            command = next((word for word in argv if not word.startswith("-")), "")
            file.write(f"gittasks {__version__}, python {sys.version}, {clock.now_utc()}\n")
            file.write(f"command: {command} and {max(len(argv) - 1, 0)} more words\n")
            file.writelines(traceback.format_exception(error))
    except OSError:
        return None
    return path
