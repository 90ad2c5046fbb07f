"""Agents: how a coding agent's command line is called, and how its progress is read. Pure.

A template is a command, the way in which the prompt reaches it, what resumes an earlier session of it, and rules for
the JSON lines that it prints. Four ship with the package; the settings (`agent_settings`) say more of them.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gittasks.workgraph.setting_values import Command

    Paths = tuple[str, ...]

ARGUMENT, STDIN, FILE = "argument", "stdin", "file"
PROMPTS = (ARGUMENT, STDIN, FILE)
# What is filled in, wherever it stands in a word of the command. Any other brace is the agent's own.
PROMPT_MARK, FILE_MARK, SESSION_MARK = "{prompt}", "{file}", "{session}"


class Rule(NamedTuple):
    """What one kind of JSON line says. It holds for lines in which each path of `when` leads to its value.

    The others are paths to what the line tells: `session`, the id of the agent's session; `message`, what it says;
    `more`, what it adds to its last message; `doing`, what it is about to do; `failed`, why it gives up. A path
    is keys joined by dots; on its way through a list it takes the last item that has what it leads to. Of several
    paths all that lead somewhere are told.
    """

    when: tuple[tuple[str, str | int | bool | None], ...]
    session: Paths = ()
    message: Paths = ()
    more: Paths = ()
    doing: Paths = ()
    failed: Paths = ()

    def as_json(self) -> dict[str, Any]:
        """The rule with the names that the settings use."""
        told = {name: list(value) for name in TOLD if (value := getattr(self, name))}
        return {"when": dict(self.when), **told}


TOLD = Rule._fields[1:]


class Agent(NamedTuple):
    """How to call one agent. `command` and `resume` are argv; an empty `resume` means that it cannot.

    `prompt` says how the prompt gets there: as `argument` (in the place of `{prompt}`, else behind all others), by
    `stdin`, or in a `file` (in the place of `{file}`). Without `events` its output is text. `litter` are patterns of
    files that it leaves in the worktree and nobody wants. `cure` says how to install one that ships with us.
    """

    command: Command
    prompt: str = ARGUMENT
    resume: Command = ()
    events: tuple[Rule, ...] = ()
    litter: tuple[str, ...] = ()
    cure: str | None = None

    def as_json(self) -> dict[str, Any]:
        """What of it would run, and how the prompt reaches it."""
        return {"command": list(self.command), "resume": list(self.resume), "prompt": self.prompt}

    @property
    def needs_session(self) -> bool:
        """Whether an earlier session is resumed by its id."""
        return any(SESSION_MARK in word for word in self.resume)


_CLAUDE = (
    *("claude", "-p", "--output-format", "stream-json", "--verbose"),
    *("--permission-mode", "acceptEdits"),
)
_CODEX = ("codex", "exec", "--json", "--sandbox", "workspace-write")
_GEMINI = ("gemini", "--output-format", "stream-json", "--approval-mode", "auto_edit")
# It says yes to everything, so it is kept from asking whether to load what a text links to.
_AIDER = (
    *("aider", "--message-file", FILE_MARK, "--yes-always", "--no-pretty", "--no-stream", "--no-detect-urls"),
    *("--no-check-update", "--no-show-release-notes", "--no-gitignore"),
)

# Held against the programs themselves by `tests/app/agents/test_real_agents.py`.
SHIPPED: Mapping[str, Agent] = {
    "claude": Agent(
        command=_CLAUDE,
        resume=(*_CLAUDE, "--resume", SESSION_MARK),
        prompt=STDIN,
        events=(
            Rule((("type", "system"), ("subtype", "init")), session=("session_id",)),
            Rule(
                (("type", "assistant"),),
                message=("message.content.text",),
                doing=(
                    "message.content.name",
                    "message.content.input.command",
                    "message.content.input.file_path",
                    "message.content.input.pattern",
                ),
            ),
            Rule((("type", "result"), ("is_error", False)), message=("result",)),
            Rule((("type", "result"), ("is_error", True)), failed=("result",)),
            Rule((("type", "result"), ("subtype", "error_max_turns")), failed=("subtype",)),
            Rule((("type", "result"), ("subtype", "error_during_execution")), failed=("subtype",)),
        ),
        cure="npm install -g @anthropic-ai/claude-code",
    ),
    "codex": Agent(
        command=(*_CODEX, "-"),
        resume=(*_CODEX, "resume", SESSION_MARK, "-"),
        prompt=STDIN,
        events=(
            Rule((("type", "thread.started"),), session=("thread_id",)),
            Rule((("type", "item.started"), ("item.type", "command_execution")), doing=("item.command",)),
            Rule((("type", "item.completed"), ("item.type", "file_change")), doing=("item.changes.path",)),
            Rule((("type", "item.completed"), ("item.type", "agent_message")), message=("item.text",)),
            Rule((("type", "turn.failed"),), failed=("error.message",)),
        ),
        cure="npm install -g @openai/codex",
    ),
    "gemini": Agent(
        command=_GEMINI,
        resume=(*_GEMINI, "--resume", SESSION_MARK),
        prompt=STDIN,
        events=(
            Rule((("type", "init"),), session=("session_id",)),
            Rule((("type", "message"), ("role", "assistant"), ("delta", True)), more=("content",)),
            Rule((("type", "message"), ("role", "assistant"), ("delta", None)), message=("content",)),
            Rule(
                (("type", "tool_use"),),
                doing=("tool_name", "parameters.command", "parameters.file_path", "parameters.pattern"),
            ),
            Rule((("type", "result"), ("status", "error")), failed=("error.message",)),
        ),
        cure="npm install -g @google/gemini-cli",
    ),
    "aider": Agent(
        command=_AIDER,
        resume=(*_AIDER, "--restore-chat-history"),
        prompt=FILE,
        litter=(".aider*",),
        cure="pip install aider-chat",
    ),
}


def with_arguments(agent: Agent, more: Command) -> Agent:
    """`agent` with further arguments behind its own."""
    resume = (*agent.resume, *more) if agent.resume else ()
    return agent._replace(command=(*agent.command, *more), resume=resume)


def rule_of(value: Mapping[str, Any]) -> Rule:
    """The rule that `Rule.as_json` gave."""
    return Rule(tuple(value["when"].items()), **{name: tuple(value.get(name, ())) for name in TOLD})
