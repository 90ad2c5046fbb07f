"""`gittasks complete`: the words a shell may offer at the cursor. Called by the scripts of `gittasks completion`.

What an option or argument takes is read off the very parser of the command, so that completion cannot go stale. A
shell waits for this at every press of a key: it is on the hot path, and it never says a word about its own errors.
"""

from __future__ import annotations

import os
from itertools import islice

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable, shorten
from gittasks.cli import parser as cli_parser

if TYPE_CHECKING:
    from argparse import Action, ArgumentParser, Namespace
    from collections.abc import Callable, Iterable

    from gittasks.cli.context import Context

    # (word, description)
    Candidates = Iterable[tuple[str, str]]

HELP = "answer with the words that can stand at the cursor; for completion scripts"
EXAMPLE = "gittasks complete --shell zsh -- show 1"
TAKES_COMMAND = True

# Not words but orders to the script: offer files, or folders, as the shell does itself.
FILES, FOLDERS = ":files", ":folders"
# As many as a person can take in. The shell asks again, with more letters, for the rest.
MOST = 500
_WIDTH = 70
_BASH_LISTS = ("9", "63")  # COMP_TYPE: TAB, and TAB TAB that lists; the other kinds insert what they get


class _Cursor(NamedTuple):
    """The word under the cursor: `text` is to be completed, `before` stands in front of it in the same word."""

    text: str
    before: str = ""


def configure(parser: ArgumentParser) -> None:
    """The shell that asks; behind `--` the words of its line, up to the cursor."""
    parser.add_argument("--shell", choices=("bash", "zsh", "fish"), default="fish", help="how to answer")
    parser.add_argument("--list-type", default="9", metavar="N", help="bash: $COMP_TYPE")


def run(args: Namespace, ctx: Context) -> int:
    """Answer one word a line; nothing where there is nothing to offer."""
    raw = list(ctx.command or [""])
    words = _bash_words(raw) if args.shell == "bash" else raw
    try:
        cursor, found = _complete(words, ctx)
        matching = list(islice((pair for pair in found if pair[0].startswith((cursor.text, ":"))), MOST))
    except Exception:  # a broken file, no repository, a bug: a shell prompt is no place to tell
        return 1
    if matching:
        ctx.out("\n".join(_format(args, raw[-1], cursor.before, matching)))
    return 0


def _complete(words: list[str], ctx: Context) -> tuple[_Cursor, Candidates]:
    """What stands under the cursor (the last of `words`), and what could."""
    from gittasks.cli.main import COMMANDS, load

    at = _command_index(words, ctx)
    if at == len(words) - 1:
        if words[-1].startswith("-"):
            return _Cursor(words[-1]), _GLOBAL_OPTIONS
        if at and words[at - 1] == "-C":
            return _Cursor(words[-1]), [(FOLDERS, "")]
        return _Cursor(words[-1]), [(name, text) for name, (_, text) in COMMANDS.items()]
    module = load(words[at])
    rest = words[at + 1 :]
    if getattr(module, "TAKES_COMMAND", False) and "--" in rest[:-1]:
        return _Cursor(words[-1]), [(FILES, "")]
    return _complete_arguments(words[at], cli_parser.build(words[at], module), rest, ctx)


_GLOBAL_OPTIONS = [
    ("-C", "work as if called in this folder"),
    ("--json", "answer with one JSON document"),
    ("--help", "list the commands"),
    ("--version", "say which version this is"),
]


def _command_index(words: list[str], ctx: Context) -> int:
    """Where the name of the command stands, or the last word before it is typed; `-C` moves us as it will."""
    at = 0
    while at < len(words) - 1 and words[at].startswith("-"):
        if words[at] == "-C" and at + 1 < len(words) - 1:
            ctx.cwd = os.path.join(ctx.cwd, words[at + 1])
            at += 1
        at += 1
    return at


class _Line(NamedTuple):
    """What the words before the cursor come to: the parser that reads on (a command's, or its action's), options
    that were given, the option that waits for its value, the arguments still to come, whether `--` was passed.
    """

    parser: ArgumentParser
    given: list[Action]
    waiting: Action | None
    positionals: list[Action]
    no_options: bool


def _read_line(parser: ArgumentParser, words: list[str]) -> _Line:
    """Walk `words` as `parser` will."""
    positionals = [action for action in parser._actions if not action.option_strings]
    given: list[Action] = []
    waiting: Action | None = None
    no_options = False
    for number, word in enumerate(words):
        option = parser._option_string_actions.get(word)
        if waiting is not None:
            waiting = None
        elif no_options or not word.startswith("-") or word == "-":
            action = _sub_parser(positionals, word)
            if action is not None:
                return _read_line(action, words[number + 1 :])
            if positionals and positionals[0].nargs not in ("*", "+"):
                positionals.pop(0)
        elif word == "--":
            no_options = True
        elif option is not None:
            given.append(option)
            waiting = option if option.nargs != 0 else None
    return _Line(parser, given, waiting, positionals, no_options)


def _complete_arguments(
    name: str, parser: ArgumentParser, words: list[str], ctx: Context
) -> tuple[_Cursor, Candidates]:
    line, current = _read_line(parser, words[:-1]), words[-1]
    if line.waiting is not None:
        return _values(name, line.waiting, _Cursor(current), ctx)
    if current.startswith("-") and not line.no_options:
        option, equals, text = current.partition("=")
        action = line.parser._option_string_actions.get(option)
        if equals and action is not None:
            return _values(name, action, _Cursor(text, f"{option}="), ctx)
        return _Cursor(current), _option_words(line)
    if line.positionals:
        return _values(name, line.positionals[0], _Cursor(current), ctx)
    return _Cursor(current), []


def _option_words(line: _Line) -> Candidates:
    """The options that can still be given, long forms before short ones."""
    for action in line.parser._actions:
        if action not in line.given or type(action).__name__ == "_AppendAction":
            for option in sorted(action.option_strings, key=len, reverse=True):
                yield option, action.help or ""


def _sub_parser(positionals: list[Action], word: str) -> ArgumentParser | None:
    if positionals and _has_parsers(positionals[0]):
        return dict(positionals[0].choices or {}).get(word)
    return None


def _has_parsers(action: Action) -> bool:
    return type(action).__name__ == "_SubParsersAction"


# -- what a value can be


def _values(name: str, action: Action, cursor: _Cursor, ctx: Context) -> tuple[_Cursor, Candidates]:
    if _has_parsers(action):
        # The only place where argparse keeps the help of actions; its public names have none, nor have its types.
        texts = {choice.dest: choice.help or "" for choice in action._choices_actions}  # type: ignore[attr-defined]
        return cursor, [(choice, texts.get(choice, "")) for choice in action.choices or ()]
    if action.choices:
        return cursor, [(str(choice), "") for choice in action.choices]
    if action.type is cli_parser.task_ids:
        done, comma, last = cursor.text.rpartition(",")
        cursor = _Cursor(last, cursor.before + done + comma)
    if action.type in (cli_parser.task_id, cli_parser.task_ids):
        mark = "#" if cursor.text.startswith("#") else ""
        return cursor, _tasks(name, mark, ctx)
    for key in (action.dest, action.metavar):
        if isinstance(key, str) and key in _SOURCES:
            return cursor, _SOURCES[key](name, ctx)
    return cursor, []


def _tasks(name: str, mark: str, ctx: Context) -> Candidates:
    """Ids with their subjects: of the tasks that the command can do something with, best known first."""
    from gittasks.repo.claims import claim_refs
    from gittasks.workgraph.record import CLOSED, DELETED

    project = ctx.project()
    claimed = claim_refs(project.checkout, project.env)
    for row in project.snapshot().rows:
        if name == "reopen":
            fits = row.status in CLOSED
        elif name == "release":
            fits = row.id in claimed
        elif name in _FOR_OPEN_TASKS:
            fits = row.status not in CLOSED
        else:
            fits = row.status != DELETED
        if fits:
            yield f"{mark}{row.id}", row.subject


_FOR_OPEN_TASKS = frozenset(("agent", "block", "claim", "delete", "done", "finish", "start", "unblock"))


def _statuses(name: str, ctx: Context) -> Candidates:
    if name == "runs":
        from gittasks.runtime.record import STATUSES as RUN_STATUSES

        return [(status, "") for status in RUN_STATUSES]
    from gittasks.workgraph.record import STATUSES

    return [(status, "") for status in STATUSES]


def _owners(name: str, ctx: Context) -> Candidates:
    return [
        (owner, "") for owner in sorted({row.owner for row in ctx.project().snapshot().rows if row.owner})
    ]


def _labels(name: str, ctx: Context) -> Candidates:
    labels = {label for row in ctx.project().snapshot().rows for label in row.labels}
    return [(label, "") for label in sorted(labels)]


def _worktrees(name: str, ctx: Context) -> Candidates:
    """Names of the linked worktrees, and the subject of the task that each is bound to."""
    project = ctx.project()
    folder = os.path.join(project.checkout.common_dir, "worktrees")
    bound = {row.worktree: f"#{row.id} {row.subject}" for row in project.snapshot().rows if row.worktree}
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [(worktree, bound.get(worktree, "")) for worktree in names]


def _runs(name: str, ctx: Context) -> Candidates:
    """Ids of runs, the newest first: for `kill` and `wait` the ones that live."""
    from gittasks.app import runs
    from gittasks.runtime.record import RUNNING

    statuses = (RUNNING,) if name in ("input", "kill", "wait") else ()
    found = runs.list_runs(ctx.project(), statuses=statuses, limit=MOST).runs
    return [(run.id, f"{run.status}  {run.description}") for run in reversed(found)]


def _agents(name: str, ctx: Context) -> Candidates:
    from gittasks.app.agents.choosing import known_names

    return [(agent, "") for agent in known_names(ctx.project())]


def _branches(name: str, ctx: Context) -> Candidates:
    lines = ctx.project().git.lines(
        "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/remotes", "refs/tags"
    )
    return [(line, "") for line in lines]


def _remotes(name: str, ctx: Context) -> Candidates:
    return [(line, "") for line in ctx.project().git.lines("remote")]


def _files(name: str, ctx: Context) -> Candidates:
    return [(FILES, "")]


def _folders(name: str, ctx: Context) -> Candidates:
    return [(FOLDERS, "")]


# By an argument's destination, else by its metavar.
_SOURCES: dict[str, Callable[[str, Context], Candidates]] = {
    "status": _statuses,
    "owner": _owners,
    "label": _labels,
    "unlabel": _labels,
    "worktree": _worktrees,
    "WORKTREE": _worktrees,
    "RUN": _runs,
    "AGENT": _agents,
    "TASK|SUBJECT": lambda name, ctx: _tasks(name, "", ctx),
    "remote": _remotes,
    "REV": _branches,
    "BRANCH": _branches,
    "FILE": _files,
    "SOURCE": _files,
    "DIR": _folders,
}


# -- how shells want it


def _bash_words(words: list[str]) -> list[str]:
    """What bash has in COMP_WORDS, as the program will get it: `--task=12` in one piece, quotes taken away."""
    joined: list[str] = []
    for word in words:
        last = joined[-1] if joined else ""
        if (
            last.startswith("--")
            and (word == "=" or last.endswith("="))
            and last.count("=") + word.count("=") == 1
        ):
            joined[-1] += word
        else:
            joined.append(word)
    return [word.lstrip("'\"").replace("\\", "") for word in joined]


def _format(args: Namespace, raw: str, before: str, found: list[tuple[str, str]]) -> list[str]:
    """The lines that the shell's script understands; `raw` is the word under the cursor as it was typed."""
    texts = [(word, shorten(printable(text), _WIDTH)) for word, text in found if word.isprintable()]
    if args.shell == "bash":
        # bash replaces what stands behind the last `=` only. It shows what it inserts: descriptions may go with
        # the words as long as there are several, which only lists them.
        before = before.rpartition("=")[2]
        described = len(texts) > 1 and args.list_type in _BASH_LISTS
        quoted = raw.startswith(("'", '"'))
        return [
            before
            + (word if quoted or word[0] == ":" else _escape(word))
            + (f"  ({text})" if described and text else "")
            for word, text in texts
        ]
    if args.shell == "zsh":
        return [
            word if word[0] == ":" else _zsh(before + word) + (f":{text}" if text else "")
            for word, text in texts
        ]
    return [f"{before}{word}\t{text}" if text else f"{before}{word}" for word, text in texts]


def _escape(word: str) -> str:
    return "".join(char if char.isalnum() or char in "_-+=./,@%:" else f"\\{char}" for char in word)


def _zsh(word: str) -> str:
    return word.replace("\\", "\\\\").replace(":", "\\:")
