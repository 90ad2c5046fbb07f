"""Templates of agents: what the settings may say, each refusal with its line, and what ships."""

from __future__ import annotations

import pytest

from gittasks.workgraph.agents import (
    FILE,
    FILE_MARK,
    SESSION_MARK,
    SHIPPED,
    STDIN,
    Agent,
    Rule,
    rule_of,
    with_arguments,
)
from gittasks.workgraph.config import BadConfigError, parse_config


def _agent(text: str) -> Agent:
    return parse_config(f"agents:\n  a:\n{text}".encode()).agents["a"]


def _problems(text: str) -> list[str]:
    with pytest.raises(BadConfigError) as caught:
        parse_config(f"agents:\n  a:\n{text}".encode())
    return [f"{problem.line}: {problem.field}: {problem.message}" for problem in caught.value.problems]


def test_a_mapping_says_all_that_a_template_has() -> None:
    said = _agent(
        "    command: [my-agent, --json]\n"
        "    arguments: [--slow]\n"
        "    prompt: stdin\n"
        "    resume: [my-agent, --json, --again, '{session}']\n"
        "    events:\n"
        "    - when: {type: hello}\n"
        "      session: id\n"
        "    - when: {type: said, draft: false, from.name: me, n: 3, none: ~}\n"
        "      message: [text, from.text]\n"
        "      failed: error\n"
    )
    assert said == Agent(
        command=("my-agent", "--json", "--slow"),
        prompt=STDIN,
        resume=("my-agent", "--json", "--again", "{session}", "--slow"),
        events=(
            Rule((("type", "hello"),), session=("id",)),
            Rule(
                (("type", "said"), ("draft", False), ("from.name", "me"), ("n", 3), ("none", None)),
                message=("text", "from.text"),
                failed=("error",),
            ),
        ),
    )
    assert [rule_of(rule.as_json()) for rule in said.events] == list(said.events)


def test_like_takes_what_is_not_said_from_a_shipped_one() -> None:
    claude = SHIPPED["claude"]._replace(cure=None)
    assert _agent("    like: claude\n") == claude
    assert _agent("    like: claude\n    arguments: [--model, x]\n") == with_arguments(
        claude, ("--model", "x")
    )
    other = _agent("    like: claude\n    command: [wrapped-claude]\n")
    # What resumes theirs is theirs: a command of one's own needs its own.
    assert other == claude._replace(command=("wrapped-claude",), resume=())
    assert _agent("    like: aider\n").litter == (".aider*",)


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("    prompt: stdin\n", ["2: agents.a: has no command"]),
        (
            "    like: gpt\n    comand: [x]\n",
            ["3: agents.a.like: is 'gpt'", "4: agents.a.comand: is no setting of an agent"],
        ),
        (
            "    command: x y\n    prompt: mail\n",
            ["3: agents.a.command: is 'x y'", "4: agents.a.prompt: is 'mail'"],
        ),
        ("    command: ['']\n", ["3: agents.a.command: names no program"]),
        ("    command: [x]\n    prompt: file\n", ["3: agents.a.command: has no {file}"]),
        (
            "    command: [x, '{file}']\n    resume: [x]\n    prompt: stdin\n",
            ["3: agents.a.command: has {file}, and the prompt is no file"],
        ),
        (
            "    command: [x, '{session}']\n",
            ["3: agents.a.command: has {session}, and a new session has no id yet"],
        ),
        (
            "    command: [x]\n    resume: [x, '{session}']\n",
            ["4: agents.a.resume: has {session}, and no event tells the session"],
        ),
        ("    command: [x]\n    events: 3\n", ["4: agents.a.events: is 3"]),
        ("    command: [x]\n    events:\n    - 3\n", ["4: agents.a.events.1: is 3"]),
        (
            "    command: [x]\n    events:\n    - {when: {a: b}, message: c}\n    - when: {a: b}\n      massage: c\n",
            ["7: agents.a.events.2.massage: is nothing that a rule has"],
        ),
        ("    command: [x]\n    events:\n    - when: {a: b}\n", ["5: agents.a.events.1: tells nothing"]),
        ("    command: [x]\n    events:\n    - message: b\n", ["5: agents.a.events.1: tells nothing"]),
        (
            "    command: [x]\n    events:\n    - message: b\n      when: {a: [b]}\n",
            ["6: agents.a.events.1.when: has 'a': ['b']"],
        ),
        (
            "    command: [x]\n    events:\n    - message: a..b\n      when: {a: b}\n",
            ["5: agents.a.events.1.message: is 'a..b'"],
        ),
    ],
)
def test_each_refusal_says_where(text: str, problems: list[str]) -> None:
    assert _problems(text) == problems


def test_an_empty_key_is_as_if_it_was_not_there() -> None:
    assert _agent("    command: [x]\n    resume:\n    events: ~\n") == Agent(("x",))


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_holds_to_the_rules_of_the_settings(name: str) -> None:
    agent = SHIPPED[name]
    assert agent.command[0] == name
    assert agent.resume[0] == name
    assert agent.cure
    assert parse_config(f"agents: {{x: {{like: {name}}}}}".encode()).agents["x"] == agent._replace(cure=None)
    assert (FILE_MARK in agent.command) == (agent.prompt == FILE)
    assert agent.needs_session == (SESSION_MARK in agent.resume) == any(rule.session for rule in agent.events)
