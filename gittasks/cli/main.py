"""From argv to an exit code: the table of commands, the one parser that is needed, errors as people read them.

Only the module of the command that was called is imported, and only its parser is built.
"""

from __future__ import annotations

import os
import sys
from io import TextIOWrapper

from gittasks.base.errors import GittasksError, UsageError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, printable_block
from gittasks.cli.context import Context

if TYPE_CHECKING:
    from types import ModuleType

EXIT_BUG = 3
EXIT_INTERRUPTED = 130

# name -> (group, one line of help); the module is gittasks.cli.commands.<name with _ for ->.
COMMANDS = {
    "init": ("tasks", "make this repository a project"),
    "add": ("tasks", "add a task, or many from a file"),
    "list": ("tasks", "list tasks"),
    "ready": ("tasks", "list what can be started now, best first"),
    "blocked": ("tasks", "list what waits, and for what"),
    "next": ("tasks", "name the one task to do next"),
    "show": ("tasks", "show a task and its runs"),
    "edit": ("tasks", "change a task"),
    "note": ("tasks", "add a note to a task"),
    "block": ("tasks", "make a task wait for others"),
    "unblock": ("tasks", "let a task no longer wait for others"),
    "done": ("tasks", "complete a task"),
    "reopen": ("tasks", "take a completed or deleted task up again"),
    "delete": ("tasks", "delete a task, restorably"),
    "undo": ("tasks", "take back the last edit of tasks in this worktree"),
    "search": ("tasks", "find tasks by their words"),
    "graph": ("tasks", "draw the graph of tasks"),
    "log": ("tasks", "show the history of a task, field by field"),
    "import": ("tasks", "bring tasks in from another tracker"),
    "export": ("tasks", "write tasks out for another program"),
    "doctor": ("tasks", "find what is broken, and mend it"),
    "trust": ("tasks", "let this clone run the commands of its configuration"),
    "hooks": ("tasks", "install git hooks that help, beside your own"),
    "start": ("worktrees", "take a task into its own worktree"),
    "finish": ("worktrees", "complete a task and merge, keep or remove its worktree"),
    "worktree": ("worktrees", "list, add, enter, run in, keep and remove worktrees"),
    "shell-init": ("worktrees", "print a shell function that changes into a task's worktree"),
    "claim": ("worktrees", "take a task, for all worktrees of the clone to see"),
    "release": ("worktrees", "let a claimed task go"),
    "resolve": ("worktrees", "settle the task files of a merge that stopped"),
    "sync": ("worktrees", "commit, merge and push tasks, and no code that was not asked for"),
    "rescue": ("worktrees", "bring back uncommitted edits of worktrees that are gone"),
    "run": ("runs", "run a command in the background"),
    "agent": ("runs", "let a coding agent work on a task"),
    "runs": ("runs", "list runs"),
    "logs": ("runs", "show the output of a run"),
    "input": ("runs", "give a run a line to read"),
    "wait": ("runs", "wait until runs end"),
    "workflow": ("runs", "run a graph of steps, and go on where it stopped"),
    "monitor": ("runs", "watch a command, URL, file, run or ref until a condition holds"),
    "message": ("runs", "leave a message for a teammate"),
    "kill": ("runs", "stop runs and all their processes"),
    "notices": ("runs", "tell of each finished run, once"),
    "prune": ("runs", "forget old runs and their outputs"),
    "completion": ("more", "print a completion script for bash, zsh or fish"),
    "deinit": ("more", "take away everything that was put outside .tasks/"),
}
HIDDEN = ("announce", "complete", "merge-driver", "worker")
GROUPS = ("tasks", "worktrees", "runs", "more")


def run(argv: list[str]) -> int:
    """Run one call of the program and answer its exit code (design 6)."""
    _open_closed_streams()
    ctx = Context(cwd=".", env=os.environ, stdin=sys.stdin, stdout=sys.stdout, stderr=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        # A terminal that lacks a character gets its escape, not a crash.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _dispatch(argv, ctx)
        ctx.stdout.flush()
    except GittasksError as error:
        code = _tell(error, ctx)
    except KeyboardInterrupt:
        code = EXIT_INTERRUPTED
    except BrokenPipeError:
        # `gittasks list | head`: the reader has seen enough. Nothing may be flushed to it at exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        code = 0
    except Exception as error:  # a bug, or a disk that broke below us: never a bare trace
        from gittasks.cli.crash import tell_of_crash

        code = tell_of_crash(error, argv, ctx)
    return _flushed(code)


def _open_closed_streams() -> None:
    """Put something into the place of standard streams that are closed, as git does.

    The next file that is opened would be one of them else, and get what is meant for people.
    """
    for fd, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        if getattr(sys, name) is None:
            null = os.open(os.devnull, os.O_RDWR)
            if null != fd:
                os.dup2(null, fd)
                os.close(null)
            # It stays open as long as the program runs: no block could close it.
            setattr(sys, name, open(fd, mode, encoding="utf-8", closefd=False))  # noqa: SIM115


def _flushed(code: int) -> int:
    """`code`, once everything written is on its way; a reader that went away is no error."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        pass
    except OSError as error:  # a full disk behind `> file`: the answer did not get there
        sys.stderr.write(f"gittasks: cannot write the answer: {error.strerror}\n")
        return code or 1
    return code


def _dispatch(argv: list[str], ctx: Context) -> int:
    ctx.cwd = _cwd()
    rest = _global_options(argv, ctx)
    if not rest or rest[0] in ("-h", "--help", "--version"):
        return _about(rest, ctx)
    name, rest = rest[0], rest[1:]
    if name not in COMMANDS and name not in HIDDEN:
        raise _unknown(name)
    module = load(name)
    if getattr(module, "TAKES_COMMAND", False) and "--" in rest:
        cut = rest.index("--")
        rest, ctx.command = rest[:cut], rest[cut + 1 :]
    from gittasks.cli.parser import build

    args = build(name, module).parse_args(rest)
    ctx.json = ctx.json or args.json
    if args.folder is not None:
        _enter(ctx, args.folder)
    return int(module.run(args, ctx))


def _about(rest: list[str], ctx: Context) -> int:
    """Answer `--version` and `--help`; a call without any command is told how to make one."""
    if rest == ["--version"]:
        from gittasks import __version__

        ctx.out(f"gittasks {__version__}")
        return 0
    from gittasks.cli.help import overview

    ctx.out(overview(COMMANDS))
    return 0 if rest else 2


def load(name: str) -> ModuleType:
    """The module of the command called `name`."""
    full = "gittasks.cli.commands." + name.replace("-", "_")
    if name in ("import",):
        full += "_"
    __import__(full)
    return sys.modules[full]


def _cwd() -> str:
    try:
        return os.getcwd()
    except FileNotFoundError:
        raise UsageError("the current folder is gone", hint="change to a folder that exists") from None


def _global_options(argv: list[str], ctx: Context) -> list[str]:
    """Take the options that stand before the command; answer the rest."""
    rest = list(argv)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "-C":
            if not rest:
                raise UsageError("-C needs a folder", hint="gittasks -C ../other list")
            _enter(ctx, rest.pop(0))
        elif option == "--json":
            ctx.json = True
        elif option in ("-h", "--help", "--version"):
            return [option]
        else:
            raise UsageError(
                f"unknown option {printable(option)}", hint="`gittasks --help` lists the commands"
            )
    return rest


def _enter(ctx: Context, folder: str) -> None:
    path = os.path.join(ctx.cwd, folder)
    if not os.path.isdir(path):
        raise UsageError(f"-C {printable(folder)}: no such folder")
    ctx.cwd = path


def _unknown(name: str) -> UsageError:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f"did you mean `{near[0]}`?" if near else "`gittasks --help` lists the commands"
    return UsageError(f"unknown command {printable(name)}", hint=hint)


def _locate(error: GittasksError, ctx: Context) -> None:
    """Let an error about a task that is not here say where it is: the board may just have named it."""
    task_id = getattr(error, "task_id", None)
    if not isinstance(task_id, int):
        return
    from gittasks.app.whereabouts import find_task
    from gittasks.workgraph.drafts import BadReferenceError
    from gittasks.workgraph.record import TaskId
    from gittasks.workgraph.store import UnknownTaskError

    if isinstance(error, (BadReferenceError, UnknownTaskError)):
        found = find_task(ctx.project(), TaskId(task_id))
        if found is not None:
            error.message, error.hint = f"{error.message}; {found.words}", found.cure


def _tell(error: GittasksError, ctx: Context) -> int:
    _locate(error, ctx)
    if ctx.json:
        told = {"kind": type(error).__name__, "message": error.message, "hint": error.hint}
        ctx.document({"error": {**told, **error.details}})
        ctx.stdout.flush()
    ctx.stdout.flush()
    ctx.stderr.write(f"gittasks: {printable_block(error.message)}\n")
    if error.hint:
        ctx.stderr.write(f"hint: {printable_block(error.hint)}\n")
    return error.exit_code
