"""The project's settings, `.tasks/config.yaml`: reading, checking, defaults.

As strict as task files: `file:line: key: what is wrong: what is expected`. A key that we do not know is kept and
warned about, for a newer gittasks may know it. Whether commands named here may run is not decided here (`app.trust`).
"""

from __future__ import annotations

import os

from gittasks.base import files
from gittasks.base.durations import EXPECTED, parse_duration
from gittasks.base.errors import InvalidError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.record import MAX_NAME, Problem
from gittasks.workgraph.scalars import resolve_plain
from gittasks.workgraph.setting_values import BadValueError, argv, show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from gittasks.workgraph.agents import Agent
    from gittasks.workgraph.setting_values import Command

CONFIG_NAME = "config.yaml"
CONFIG_PATH = f".tasks/{CONFIG_NAME}"
SCHEMA = 1
COMMIT_MODES = ("staged", "auto")
DEFAULT_WORKTREE_PATH = ".worktrees/{name}"
MAX_CONFIG_BYTES = 1 << 18
# A name in small letters, and a value that is one plain word: what needs no YAML parser to be understood.
_NAME_BYTES = frozenset(b"abcdefghijklmnopqrstuvwxyz_")
_VALUE_BYTES = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./{}")
_MAX_PATH = 200
_MAX_DAYS = 36_500

DEFAULT_TEXT = """\
# Settings of gittasks, for everyone who works in this repository.
# Commands named here run only in clones where somebody has looked at them: `gittasks trust`.

schema: 1

# Where `gittasks start` puts worktrees, seen from the root of the main worktree.
# worktree_path: .worktrees/{name}

# What happens to a change of a task: `staged` (the default) leaves the commit to you, `auto` commits it at once.
# commit: staged

# Whether lists show what recent remote-tracking branches changed too, as `--remotes` does, and how recent.
# remotes: false
# remote_days: 14

# What `gittasks finish` runs first, each in the task's worktree; it stops where one fails.
# A list is a program and its arguments, a text is run by `sh -c`.
# checks:
#   tests: [pytest, -q]
#   lint: make lint

# How long a run may write nothing before lists call it stalled (nothing is stopped by that).
# stall_after: 10m

# What runs once a run has ended, with its record as JSON on stdin and GITTASKS_FINISHED_RUN and _STATUS in its
# environment: a list is a program and its arguments, a text is run by `sh -c`.
# on_finish: [notify-my-chat, --quiet]

# Agents by name, for `gittasks agent`. A list is a program and its arguments, the prompt comes last; docs/agents.md
# says what else there is.
# agents:
#   reviewer: [my-agent, --quiet]
#   opus:
#     like: claude
#     arguments: [--model, opus]
"""


class BadConfigError(InvalidError):
    """The settings break their format; `problems` holds every reason found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(
            "\n".join(str(problem) for problem in problems),
            hint=f"mend {CONFIG_PATH}; without it the defaults hold",
        )
        self.problems = problems


class Config(NamedTuple):
    """The settings; each has its default where the file, or the key, is missing.

    `worktree_path` is relative to the main worktree's root and holds `{name}`. `commit` is one of `COMMIT_MODES`.
    `remotes` puts remote-tracking branches of the last `remote_days` days on the board. `stall_after` is in seconds.
    `on_finish` is the argv of what runs once a run has ended, empty for nothing.
    `checks` maps names to argv, `agents` to templates, in file order. `extra` holds unknown keys with their values,
    `warnings` names them.
    """

    worktree_path: str = DEFAULT_WORKTREE_PATH
    commit: str = COMMIT_MODES[0]
    remotes: bool = False
    remote_days: int = 14
    stall_after: float | None = None
    on_finish: Command = ()
    checks: Mapping[str, Command] = {}
    agents: Mapping[str, Agent] = {}
    extra: tuple[tuple[str, Any], ...] = ()
    warnings: tuple[Problem, ...] = ()

    @property
    def has_commands(self) -> bool:
        """Whether anything here could run."""
        return bool(self.checks or self.agents or self.on_finish)


def load_config(tasks_folder: str) -> Config:
    """The settings of the project whose `.tasks` folder this is. Raises `BadConfigError`."""
    return parse_config(read_config(tasks_folder))


def read_config(tasks_folder: str) -> bytes:
    """The bytes of the settings, empty where there is no such file.

    Raises `BadConfigError` for anything but a regular file of at most 256 KiB.
    """
    path = os.path.join(tasks_folder, CONFIG_NAME)
    try:
        return files.read_regular(path, limit_bytes=MAX_CONFIG_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return b""
    except files.UnsafeFileError as error:
        what = error.message.removeprefix(path + ": ")
        raise BadConfigError([Problem(CONFIG_PATH, 0, "", what, kind="file")]) from None


def may_set(data: bytes, *keys: bytes) -> bool:
    """Whether the settings in `data` may speak of any of `keys`: a cheap look, for whoever needs nothing else."""
    lines = [line for line in data.split(b"\n") if not line.lstrip().startswith(b"#")]
    return any(key in line for line in lines for key in keys)


def parse_config(data: bytes) -> Config:
    """The settings that `data` says. Raises `BadConfigError` with all problems found."""
    problems: list[Problem] = []
    warnings: list[Problem] = []
    found: dict[str, Any] = {}
    extra = []
    values, lines = _read(data)
    for key, value in values.items():
        where = (CONFIG_PATH, lines[key], key)
        if key in _COMMANDS:
            found[key] = _commands(where, value, problems)
        elif key not in _CHECKS:
            extra.append((key, value))
            warnings.append(Problem(*where, "is an unknown setting, ignored", _suggestion(key)))
        elif value is not None:
            try:
                found[key] = _CHECKS[key](value)
            except BadValueError as bad:
                problems.append(Problem(*where, bad.message, f"expected {bad.expected}"))
    if problems:
        raise BadConfigError(problems)
    found.pop("schema", None)
    return Config(**found, extra=tuple(extra), warnings=tuple(warnings))


def _commands(where: tuple[str, int, str], value: Any, problems: list[Problem]) -> dict[str, Any]:
    """The commands of one setting by name; every name and command that is wrong goes to `problems`."""
    path, line, key = where
    check = _COMMANDS[key]
    if not isinstance(value, dict):
        if value is not None:
            problems.append(Problem(*where, f"is {show(value)}", "expected names, each with its command"))
        return {}
    found = {}
    for name, command in value.items():
        at = getattr(value, "lines", {}).get(name, line)
        try:
            _check_name(name)
            found[name] = check(command)
        except BadValueError as bad:
            problems.append(Problem(path, at, f"{key}.{name}", bad.message, f"expected {bad.expected}"))
        except _BadPartsError as bad:
            problems += [
                part._replace(path=path, line=part.line or at, field=f"{key}.{name}{part.field}")
                for part in bad.parts
            ]
    return found


def _read(data: bytes) -> tuple[dict[str, Any], Mapping[str, int]]:
    """The settings as they stand in the file, and the line of each."""
    # Every write asks, and most files hold a few plain lines: a YAML library would cost it 25 ms.
    plain = _read_plain(data)
    if plain is not None:
        return plain
    from gittasks.workgraph.exchange.jsontext import BadSourceError, decode
    from gittasks.workgraph.exchange.yamltext import Map, parse_yaml

    try:
        documents = parse_yaml(decode(data, CONFIG_PATH), CONFIG_PATH)
    except BadSourceError as error:
        at, _, what = error.message.removeprefix(CONFIG_PATH + ":").partition(": ")
        raise BadConfigError([Problem(CONFIG_PATH, int(at), "", what, kind="syntax")]) from None
    if len(documents) > 1:
        raise BadConfigError(
            [Problem(CONFIG_PATH, documents[1][0], "", "is a second document", "expected one")]
        )
    line, value = documents[0] if documents else (1, Map(1))
    if not isinstance(value, Map):
        raise BadConfigError(
            [Problem(CONFIG_PATH, line, "", f"is {show(value)}", "expected settings, `name: value`")]
        )
    return value, value.lines


def _read_plain(data: bytes) -> tuple[dict[str, Any], dict[str, int]] | None:
    """The same for a file of comments and lines like `commit: auto`; `None` for anything that is not that plain."""
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line or line.startswith(b"#"):
            continue
        name, _, value = line.partition(b": ")
        if not _NAME_BYTES.issuperset(name) or not name or name.decode() in values:
            return None
        if not _VALUE_BYTES.issuperset(value) or not 0 < len(value) <= _MAX_PATH or value[0] in b"-{}":
            return None
        known = resolve_plain(value.decode())
        if type(known) not in (int, str, bool):
            return None
        lines[name.decode()] = number
        values[name.decode()] = known
    return values, lines


class _BadPartsError(Exception):
    """A value of many parts breaks its format: what is wrong in each, without path; no line where it is not known."""

    def __init__(self, parts: list[Problem]) -> None:
        super().__init__(parts)
        self.parts = parts


def _schema(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise BadValueError(f"is {show(value)}", f"{SCHEMA}")
    if value > SCHEMA:
        raise BadValueError(f"is {value}: written by a newer gittasks", f"{SCHEMA}; update gittasks")
    return value


def _commit(value: Any) -> str:
    if value not in COMMIT_MODES:
        raise BadValueError(f"is {show(value)}", " or ".join(COMMIT_MODES))
    return str(value)


def _remotes(value: Any) -> bool:
    if type(value) is not bool:
        raise BadValueError(f"is {show(value)}", "true or false")
    return value


def _remote_days(value: Any) -> int:
    if type(value) is not int or not 0 < value <= _MAX_DAYS:
        raise BadValueError(f"is {show(value)}", f"a number of days from 1 to {_MAX_DAYS}")
    return value


def _stall_after(value: Any) -> float:
    try:
        # `stall_after: 90` is a number to YAML.
        if type(value) in (int, float, str) and (seconds := parse_duration(str(value))) > 0:
            return seconds
    except ValueError:
        pass
    raise BadValueError(f"is {show(value)}", f"a length of time: {EXPECTED}")


def _worktree_path(value: Any) -> str:
    """A template that stays inside the repository, makes a folder for each worktree, and nothing of git's."""
    expected = f"a path from the repository's root such as {DEFAULT_WORKTREE_PATH}"
    if not isinstance(value, str) or len(value) > _MAX_PATH or not value.isprintable():
        raise BadValueError(f"is {show(value)}", expected)
    parts = value.rstrip("/").split("/")
    if "{name}" not in parts[-1]:
        raise BadValueError(f"is {show(value)}: its last part must hold {{name}}", expected)
    if value.startswith(("/", "~")) or "\\" in value or any(part in ("", ".", "..") for part in parts):
        raise BadValueError(f"is {show(value)}: leads out of the repository", expected)
    if parts[0].lower() in (".git", ".tasks", ".task_outputs"):
        raise BadValueError(f"is {show(value)}: {parts[0]} is not for worktrees", expected)
    if value.count("{") != 1 or value.count("}") != 1:
        raise BadValueError(f"is {show(value)}: only {{name}} is filled in, and only once", expected)
    return "/".join(parts)


def _check_name(name: str) -> None:
    fits = name.isascii() and name.replace("-", "").replace("_", "").replace(".", "").isalnum()
    if not fits or len(name) > MAX_NAME or name[0] in "-.":
        raise BadValueError("is no name for a command", "letters, digits, - _ and .")


def _check_command(value: Any) -> Command:
    """A list is argv, a text is for `sh -c`."""
    if isinstance(value, str) and value.strip() and "\0" not in value:
        return ("sh", "-c", value)
    return argv(value, "a list of words such as [pytest, -q], or one line for the shell")


def _agent(value: Any) -> Agent:
    """A list, and never a text: what agents are told is filled in, and must stay one word; or a mapping."""
    from gittasks.workgraph.agent_settings import BadAgentError, read_agent

    try:
        return read_agent(value)
    except BadAgentError as bad:
        faults = [fault._replace(key=f".{fault.key}" if fault.key else "") for fault in bad.faults]
        raise _BadPartsError(
            [Problem("", *fault._replace(expected=f"expected {fault.expected}")) for fault in faults]
        ) from None


# Key of the file -> check; a key is the name of the attribute in `Config`.
_CHECKS: dict[str, Callable[[Any], Any]] = {
    "schema": _schema,
    "worktree_path": _worktree_path,
    "commit": _commit,
    "remotes": _remotes,
    "remote_days": _remote_days,
    "stall_after": _stall_after,
    "on_finish": _check_command,
}
_COMMANDS: dict[str, Callable[[Any], Any]] = {
    "checks": _check_command,
    "agents": _agent,
}


def _suggestion(key: str) -> str:
    import difflib

    near = difflib.get_close_matches(key, (*_CHECKS, *_COMMANDS), n=1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join((*_CHECKS, *_COMMANDS))}"
