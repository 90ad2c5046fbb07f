"""The `agents` of the settings: templates for agents, read strictly. Pure."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.agents import (
    FILE,
    FILE_MARK,
    PROMPTS,
    SESSION_MARK,
    SHIPPED,
    TOLD,
    Agent,
    Rule,
    with_arguments,
)
from gittasks.workgraph.setting_values import BadValueError, argv, show

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from gittasks.workgraph.agents import Paths
    from gittasks.workgraph.setting_values import Command

_MAX_RULES = 100
_MAX_PATH = 200


class Fault(NamedTuple):
    """What is wrong with a template: on which line (0: not known), in which key (empty: all of it)."""

    line: int
    key: str
    message: str
    expected: str


class BadAgentError(Exception):
    """An entry of the settings is no template; `faults` are all that was found."""

    def __init__(self, faults: list[Fault]) -> None:
        super().__init__(faults)
        self.faults = faults


def read_agent(value: Any) -> Agent:
    """The template that one entry of the settings says. Raises `BadAgentError`.

    A list is a command whose last argument is to be the prompt. A mapping may say `like: NAME`: what it does not say
    is as in that shipped one. `arguments` go behind the command, also where that resumes.
    """
    faults: list[Fault] = []
    agent = _read(value, faults)
    if not faults:
        faults = _contradictions(agent, getattr(value, "lines", {}))
    if faults:
        raise BadAgentError(faults)
    return agent


def _read(value: Any, faults: list[Fault]) -> Agent:
    if isinstance(value, list):
        return Agent(_checked("", 0, value, _argv, faults))
    if not isinstance(value, dict):
        faults.append(Fault(0, "", f"is {show(value)}", _EXPECTED))
        return Agent(())
    lines: Mapping[str, int] = getattr(value, "lines", {})
    said: dict[str, Any] = {}
    for key, item in value.items():
        if key not in _KEYS:
            faults.append(
                Fault(lines.get(key, 0), key, "is no setting of an agent", f"one of {_listed(_KEYS)}")
            )
        elif item is not None:
            said[key] = _checked(key, lines.get(key, 0), item, _KEYS[key], faults)
    if faults:
        return Agent(())
    more = said.pop("arguments", ())
    base: Agent = said.pop("like", Agent(()))
    if "command" in said:
        # What resumes theirs would not resume this one.
        base = base._replace(resume=())
    return with_arguments(base._replace(**said), more)


def _contradictions(agent: Agent, lines: Mapping[str, int]) -> list[Fault]:
    """What no key alone gets wrong."""
    if not agent.command:
        return [Fault(0, "", "has no command", "command: [PROGRAM, ...], or like: NAME")]
    faults = []
    for key, command in (("command", agent.command), ("resume", agent.resume)):
        takes_file = any(FILE_MARK in word for word in command)
        if command and takes_file != (agent.prompt == FILE):
            what = f"has no {FILE_MARK}" if not takes_file else f"has {FILE_MARK}, and the prompt is no file"
            expected = f"the word {FILE_MARK} where `prompt` is file, and only there"
            faults.append(Fault(lines.get(key, lines.get("prompt", 0)), key, what, expected))
    if any(SESSION_MARK in word for word in agent.command):
        what = f"has {SESSION_MARK}, and a new session has no id yet"
        faults.append(Fault(lines.get("command", 0), "command", what, f"{SESSION_MARK} in `resume` only"))
    if agent.needs_session and not any(rule.session for rule in agent.events):
        what = f"has {SESSION_MARK}, and no event tells the session"
        faults.append(Fault(lines.get("resume", 0), "resume", what, "an event with `session`"))
    return faults


class _InnerValueError(BadValueError):
    """A bad value below a key: `inner` is where, and `line` on which line, 0 where that is not known."""

    def __init__(self, message: str, expected: str, inner: str, line: int) -> None:
        super().__init__(message, expected)
        self.inner = inner
        self.line = line


def _checked(key: str, line: int, value: Any, check: Callable[[Any], Any], faults: list[Fault]) -> Any:
    try:
        return check(value)
    except _InnerValueError as bad:
        faults.append(Fault(bad.line or line, key + bad.inner, bad.message, bad.expected))
    except BadValueError as bad:
        faults.append(Fault(line, key, bad.message, bad.expected))
        return None


def _argv(value: Any) -> Command:
    return argv(value, "a list of words such as [my-agent, --quiet]")


def _like(value: Any) -> Agent:
    if not isinstance(value, str) or value not in SHIPPED:
        raise BadValueError(f"is {show(value)}", f"one of {_listed(SHIPPED)}")
    # How to install ours says nothing about theirs.
    return SHIPPED[value]._replace(cure=None)


def _prompt(value: Any) -> str:
    if not isinstance(value, str) or value not in PROMPTS:
        raise BadValueError(f"is {show(value)}", f"one of {_listed(PROMPTS)}")
    return value


def _events(value: Any) -> tuple[Rule, ...]:
    if not isinstance(value, list) or len(value) > _MAX_RULES:
        raise BadValueError(f"is {show(value)}", "a list of rules, each `when: {...}` and what it tells")
    return tuple(_rule(item, f".{number}") for number, item in enumerate(value, 1))


def _rule(value: Any, at: str) -> Rule:
    line = getattr(value, "line", 0)
    if not isinstance(value, dict) or not value:
        raise _InnerValueError(f"is {show(value)}", "`when: {...}` and what it tells", at, line)
    lines: Mapping[str, int] = getattr(value, "lines", {})
    said: dict[str, Any] = {}
    for key, item in value.items():
        where = (f"{at}.{key}", lines.get(key, line))
        if key == "when":
            said[key] = _conditions(item, *where)
        elif key in TOLD:
            said[key] = _paths(item, *where)
        else:
            known = _listed(("when", *TOLD))
            raise _InnerValueError("is nothing that a rule has", f"one of {known}", *where)
    if len(said) < 2 or "when" not in said:
        raise _InnerValueError("tells nothing", f"`when: {{...}}` and one of {_listed(TOLD)}", at, line)
    return Rule(**said)


def _conditions(value: Any, at: str, line: int) -> tuple[tuple[str, Any], ...]:
    expected = "paths and the plain values that they lead to, such as {type: result}"
    if not isinstance(value, dict) or not value:
        raise _InnerValueError(f"is {show(value)}", expected, at, line)
    for path, item in value.items():
        if not _is_path(path) or isinstance(item, (list, dict, float)):
            raise _InnerValueError(f"has {show(path)}: {show(item)}", expected, at, line)
    return tuple(value.items())


def _paths(value: Any, at: str, line: int) -> Paths:
    paths = value if isinstance(value, list) else [value]
    if not paths or len(paths) > _MAX_RULES or not all(_is_path(path) for path in paths):
        raise _InnerValueError(f"is {show(value)}", "keys joined by dots, such as message.text", at, line)
    return tuple(paths)


def _is_path(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_PATH and all(value.split("."))


def _listed(names: Any) -> str:
    return ", ".join(sorted(names))


_EXPECTED = "a list of words such as [my-agent, --quiet], or `command: [...]` and what else there is to say"
_KEYS: dict[str, Callable[[Any], Any]] = {
    "like": _like,
    "command": _argv,
    "arguments": _argv,
    "prompt": _prompt,
    "resume": _argv,
    "events": _events,
}
