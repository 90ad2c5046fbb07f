"""The project's settings: defaults, every refusal with its line, and the fast way held to the full one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gittasks.workgraph import config
from gittasks.workgraph.agents import SHIPPED, Agent, with_arguments
from gittasks.workgraph.config import BadConfigError, Config, load_config, parse_config


def _problems(text: str) -> list[str]:
    with pytest.raises(BadConfigError) as caught:
        parse_config(text.encode())
    return [f"{problem.line}: {problem.field}: {problem.message}" for problem in caught.value.problems]


def test_a_missing_or_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert load_config(str(tmp_path)) == Config()
    (tmp_path / "config.yaml").write_text("")
    assert load_config(str(tmp_path)) == Config()
    assert (Config().worktree_path, Config().commit, Config().has_commands) == (
        ".worktrees/{name}",
        "staged",
        False,
    )


def test_what_init_writes_means_the_defaults() -> None:
    assert parse_config(config.DEFAULT_TEXT.encode()) == Config()


def test_the_examples_that_init_writes_are_right_once_their_mark_is_taken_away() -> None:
    lines = config.DEFAULT_TEXT.split("\n")
    said = parse_config("\n".join(_uncomment(line) for line in lines).encode())
    assert said.worktree_path == ".worktrees/{name}"
    assert said.checks == {"tests": ("pytest", "-q"), "lint": ("sh", "-c", "make lint")}
    assert said.agents == {
        "reviewer": Agent(("my-agent", "--quiet")),
        "opus": with_arguments(SHIPPED["claude"]._replace(cure=None), ("--model", "opus")),
    }
    assert said.warnings == ()


def _uncomment(line: str) -> str:
    text = line.removeprefix("# ")
    is_setting = text.startswith("  ") or text.split(":")[0] in (
        "worktree_path",
        "commit",
        "remotes",
        "remote_days",
        "checks",
        "agents",
    )
    return text if is_setting else line


def test_every_setting_is_read() -> None:
    said = parse_config(
        b"schema: 1\nworktree_path: trees/t-{name}/\ncommit: auto\n"
        b'checks:\n  tests: [pytest, -q]\n  "lint.1": make lint && make types\n'
        b"agents: {claude: [claude, -p]}\n"
    )
    assert said.worktree_path == "trees/t-{name}"
    assert said.commit == "auto"
    assert said.checks == {"tests": ("pytest", "-q"), "lint.1": ("sh", "-c", "make lint && make types")}
    assert said.agents == {"claude": Agent(("claude", "-p"))}
    assert said.has_commands


def test_an_empty_setting_is_its_default() -> None:
    assert parse_config(b"worktree_path:\ncommit: ~\nchecks:\nagents: {}\n") == Config()


def test_unknown_settings_are_kept_and_named_with_the_nearest_known_one() -> None:
    said = parse_config(b"commit: auto\n\nworktre_path: x\nlater: {a: [1, no]}\n")
    assert said.extra == (("worktre_path", "x"), ("later", {"a": [1, "no"]}))
    assert [str(warning) for warning in said.warnings] == [
        ".tasks/config.yaml:3: worktre_path: is an unknown setting, ignored: did you mean worktree_path?",
        ".tasks/config.yaml:4: later: is an unknown setting, ignored: known are schema, worktree_path, commit, "
        "remotes, remote_days, stall_after, on_finish, checks, agents",
    ]


def test_all_problems_are_told_at_once_each_with_its_line() -> None:
    text = "schema: 2\ncommit: never\nworktree_path: x\nchecks: [1]\nagents:\n  a: x y\n  b: [1]\n"
    text += "  -c: [x]\n  d: ['']\nremotes: maybe\nremote_days: 0\n"
    assert _problems(text) == [
        "1: schema: is 2: written by a newer gittasks",
        "2: commit: is 'never'",
        "3: worktree_path: is 'x': its last part must hold {name}",
        "4: checks: is [1]",
        "6: agents.a: is 'x y'",
        "7: agents.b: is [1]",
        "8: agents.-c: is no name for a command",
        "9: agents.d: names no program",
        "10: remotes: is 'maybe'",
        "11: remote_days: is 0",
    ]


@pytest.mark.parametrize(
    "path",
    [
        "../{name}",
        "/tmp/{name}",
        "~/{name}",
        "a/../{name}",
        "./{name}",
        "a//{name}",
        ".git/{name}",
        ".GIT/{name}",
        ".tasks/{name}",
        ".task_outputs/{name}",
        "{name}/x",
        "{name}{name}",
        "{id}{name}",
        "a{name}}",
        "c:\\\\{name}",
        "x\\e[31m{name}",
        "x" * 300 + "{name}",
    ],
)
def test_a_worktree_path_stays_inside_the_repository(path: str) -> None:
    (problem,) = _problems(f'worktree_path: "{path}"\n')
    assert problem.startswith("1: worktree_path: is ")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: &x 1\n", "1: : an anchor or alias (& or *)"),
        ("a: !!python/object 1\n", "1: : a tag (!)"),
        ("- 1\n", "1: : is [1]"),
        ("just text\n", "1: : is 'just text'"),
        ("a: 1\n---\nb: 2\n", "3: : is a second document"),
        ("commit: auto\ncommit: auto\n", "2: : commit: stands twice"),
        ("schema: [", "1: : is not valid YAML"),
        ("commit: true\n", "1: commit: is True"),
        ("schema: 1.0\n", "1: schema: is 1.0"),
        ("schema: -1\n", "1: schema: is -1"),
    ],
)
def test_what_is_no_settings_file_is_refused(text: str, problem: str) -> None:
    assert _problems(text)[0].startswith(problem)


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(BadConfigError, match=r"config\.yaml:2: is not UTF-8"):
        parse_config(b"schema: 1\n\xff\n")


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "huge"])
def test_only_a_regular_file_of_a_sane_size_is_read(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "config.yaml"
    if kind == "link":
        path.symlink_to("/etc/passwd")
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_bytes(b"#" * (config.MAX_CONFIG_BYTES + 1))
    with pytest.raises(BadConfigError, match=r"^\.tasks/config\.yaml: "):
        load_config(str(tmp_path))


_plain_lines = st.lists(
    st.one_of(
        st.sampled_from(
            [
                "",
                "# note",
                "commit: auto",
                "remotes: true",
                "remote_days: 3",
                "schema: 1",
                "worktree_path: w/{name}",
            ]
        ),
        st.from_regex(r"[a-z_]{0,3}(: ?)?[A-Za-z0-9{}./_\-#&*'\" ]{0,8}", fullmatch=True),
    ),
    max_size=6,
)


@given(_plain_lines)
def test_the_fast_way_says_what_the_full_one_says(lines: list[str]) -> None:
    data = "\n".join(lines).encode()
    plain = config._read_plain(data)
    if plain is not None:
        # A line with a blank says nothing, and sends the reader the long way.
        values, found_at = config._read(data + b"\n \n")
        assert plain == (values, dict(found_at))


@given(st.binary(max_size=60))
def test_any_bytes_give_settings_or_a_clean_refusal(data: bytes) -> None:
    try:
        said = parse_config(data)
    except BadConfigError as error:
        assert error.problems
    else:
        assert isinstance(said, Config)
