"""`gittasks hook EVENT ARGUMENTS`: one call by git, by a shim of ours or by whoever manages hooks.

Nothing here may keep git from its work: whatever goes wrong is one line on stderr and exit code 0, after two seconds
at most. Only pre-commit and pre-push may refuse, with an exit code that no accident has. What this module imports
is paid by each commit.
"""

from __future__ import annotations

import os
import sys

from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from types import FrameType
    from typing import Any

    from gittasks.app.hooking.answer import Answer
    from gittasks.app.project import Project

# EX_DATAERR of sysexits: a crash of Python is 1, a usage error 2, a signal over 128.
REFUSED = 65
USAGE = 2
_LIMIT_S = 2.0
# A slower machine, or a test on a busy one, may allow more.
_LIMIT_VARIABLE = "GITTASKS_HOOK_LIMIT_S"
# Where `hooks status` finds out which hooks reach us: an open descriptor's number.
PROBE_VARIABLE = "GITTASKS_HOOK_PROBE"


class _LateError(BaseException):
    """The time is up. Not an `Exception`: nothing on the way may take it for a failure of its own."""


def run(argv: Sequence[str], env: Mapping[str, str]) -> int:
    """Do what `argv` (the event and git's arguments) asks for and answer the exit code."""
    event, args = (argv[0] if argv else ""), list(argv[1:])
    handler = _HANDLERS.get(event)
    if handler is None:
        known = ", ".join(_HANDLERS)
        sys.stderr.write(f"gittasks: `gittasks hook EVENT` is for git to call; EVENT is one of {known}\n")
        return USAGE
    if env.get("GITTASKS_HOOKS") == "0":
        return 0
    if PROBE_VARIABLE in env:
        return _tell_probe(env[PROBE_VARIABLE], event)
    try:
        _set_limit(env)
        answer = handler(args, env)
    except _LateError:
        return _say((f"{event} took too long and was left out",))
    except GittasksError as error:
        return _say((f"{event} was left out: {error.message.splitlines()[0]}",))
    except Exception as error:  # a bug of ours, or a disk that broke: never git's business
        return _say((f"{event} was left out: {type(error).__name__}: {error}",))
    finally:
        _clear_limit()
    _say(answer.lines)
    return REFUSED if answer.refused else 0


def _say(lines: Sequence[str]) -> int:
    for number, line in enumerate(lines):
        head = "" if number and line.startswith(("  ", "hint: ")) else "gittasks: "
        sys.stderr.write(f"{head}{printable(line)}\n")
    return 0


def _tell_probe(path: str, event: str) -> int:
    with open(path, "a", encoding="utf-8") as file:
        file.write(event + "\n")
    return 0


def _set_limit(env: Mapping[str, str]) -> None:
    def late(number: int, frame: FrameType | None) -> None:
        raise _LateError

    try:
        limit_s = float(env.get(_LIMIT_VARIABLE, ""))
    except ValueError:
        limit_s = _LIMIT_S
    _signals().signal(_signals().SIGALRM, late)
    _signals().setitimer(_signals().ITIMER_REAL, max(limit_s, 0.01))


def _clear_limit() -> None:
    _signals().setitimer(_signals().ITIMER_REAL, 0)


def _signals() -> Any:
    # Not `signal` itself, whose enumerations take longer to make than all of a quiet hook.
    return __import__("_signal")


def _project(env: Mapping[str, str]) -> Project:
    from gittasks.app.project import open_project

    return open_project(".", env=env)


def _pre_commit(args: list[str], env: Mapping[str, str]) -> Answer:
    from gittasks.app.hooking.checking import check_index

    return check_index(_project(env))


def _pre_push(args: list[str], env: Mapping[str, str]) -> Answer:
    from gittasks.app.hooking.checking import check_push

    if "PRE_COMMIT_TO_REF" in env:  # the framework has read git's lines, and gives one at a time
        names = ("LOCAL_BRANCH", "TO_REF", "REMOTE_BRANCH", "FROM_REF")
        lines = [" ".join(env.get(f"PRE_COMMIT_{name}") or "-" for name in names)]
        args = [env.get("PRE_COMMIT_REMOTE_NAME", "")]
    else:
        lines = sys.stdin.read().splitlines()
    return check_push(_project(env), args[0] if args else "", lines)


def _message(args: list[str], env: Mapping[str, str]) -> Answer:
    from gittasks.app.hooking.answer import QUIET
    from gittasks.app.hooking.trailers import add_trailer

    if len(args) == 1 and env.get("PRE_COMMIT_COMMIT_MSG_SOURCE"):
        args = [*args, env["PRE_COMMIT_COMMIT_MSG_SOURCE"]]
    if args:
        add_trailer(_project(env), args)
    return QUIET


def _post_checkout(args: list[str], env: Mapping[str, str]) -> Answer:
    from gittasks.app.hooking.answer import QUIET
    from gittasks.app.hooking.arriving import arrive

    flag = args[2] if len(args) > 2 else env.get("PRE_COMMIT_CHECKOUT_TYPE", "1")
    return QUIET if flag == "0" else arrive(_project(env))


def _after_commit(args: list[str], env: Mapping[str, str]) -> Answer:
    from gittasks.app.hooking.aftermath import after_commit

    return after_commit(_project(env))


def _after_merge(args: list[str], env: Mapping[str, str]) -> Answer:
    from gittasks.app.hooking.aftermath import after_merge

    return after_merge(_project(env))


_HANDLERS: dict[str, Callable[[list[str], Mapping[str, str]], Answer]] = {
    "pre-commit": _pre_commit,
    "prepare-commit-msg": _message,
    "commit-msg": _message,
    "post-commit": _after_commit,
    "post-checkout": _post_checkout,
    "post-merge": _after_merge,
    "post-rewrite": _after_merge,
    "pre-push": _pre_push,
}


def main() -> None:
    """Run the hook in `sys.argv` and end the process."""
    code = run(sys.argv[2:], os.environ)
    try:
        sys.stderr.flush()
    finally:
        os._exit(code)
