from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Cli

TEXT = """description: "Say it \\e[31mred"
inputs: {word: hello, to: }
steps:
  say: {run: [echo, "${{ inputs.word }}", "${{ inputs.to }}"]}
  "no": {needs: say, if: "inputs.word == 'no'", run: [echo, "a] b"]}
"""


@pytest.fixture
def workflows(repo: Path, request: pytest.FixtureRequest) -> Path:
    folder = repo / ".tasks" / "workflows"
    folder.mkdir(parents=True)
    (folder / "greet.yaml").write_text(TEXT)
    request.getfixturevalue("apart")
    return folder


@pytest.mark.usefixtures("workflows")
def test_trust_shows_all_of_it_then_it_runs(cli: Cli) -> None:
    refused = cli("workflow", "run", "greet", "--input", "to=you", code=1)
    assert "greet.yaml is not trusted in this clone" in refused.stderr
    assert cli("workflow", "list").stdout == "greet  2 steps, untrusted  Say it \\x1b[31mred\n"
    shown = cli("trust", "--yes").stdout
    assert '    description: "Say it \\e[31mred"\n' in shown
    assert shown.endswith(".tasks/workflows/greet.yaml: trusted in this clone\n")
    done = cli("workflow", "run", "greet", "--input", "to=you there; x", "--wait")
    run_id, *lines = done.stdout.splitlines()
    assert lines[-1] == "1 completed, 1 skipped"
    graph = json.loads(cli("workflow", "graph", run_id, "--json").stdout)
    say, never = graph["steps"]
    assert (say["status"], never["status"], never["needs"]) == ("completed", "skipped", ["say"])
    assert cli("logs", say["run"]).stdout == "hello you there; x\n"
    assert f"✓ say  {say['run']}  completed" in cli("workflow", "graph", run_id).stdout
    assert "– no   skipped  after say" in cli("workflow", "graph", run_id).stdout
    assert "no (skipped)" in cli("workflow", "graph", run_id, "--format", "mermaid").stdout
    assert "has completed" in cli("workflow", "resume", run_id, code=1).stderr


@pytest.mark.usefixtures("workflows")
def test_how_it_is_drawn(cli: Cli) -> None:
    assert cli("workflow", "graph", "greet").stdout.splitlines() == [
        "· say",
        "· no   after say  if inputs.word == 'no'",
    ]
    assert "    s1 --> s2" in cli("workflow", "graph", "greet", "--format", "mermaid").stdout
    assert "  1 -> 2" in cli("workflow", "graph", "greet", "--format", "dot").stdout


@pytest.mark.parametrize(
    ("args", "code", "told"),
    [
        (("run", "greet"), 2, "needs a value for to"),
        (("run", "greet", "--input", "x=1"), 2, "'x' is no input"),
        (("run", "greet", "--input", "to=1", "--input", "to=2"), 2, "names one input twice"),
        (("run", "greet", "--input", "to"), 2, "expected NAME=VALUE"),
        (("run", "../config"), 1, "there is no workflow '../config'"),
        (("run", "\x1b[31m"), 1, "there is no workflow '\\x1b[31m'"),
        (("graph", "nothing"), 1, "there is no workflow 'nothing'"),
        (("resume", "zzz"), 1, "no run 'zzz'"),
        ((), 2, "ACTION"),
    ],
)
@pytest.mark.usefixtures("workflows")
def test_refusals(cli: Cli, args: tuple[str, ...], code: int, told: str) -> None:
    if code == 2 and args:
        cli("trust", "--yes")
    assert told in cli("workflow", *args, code=code).stderr


def test_a_broken_one_hides_no_other(workflows: Path, cli: Cli) -> None:
    (workflows / "broken.yaml").write_text("steps:\n  a: {run: x, needs: nothing}\n")
    done = cli("workflow", "list", code=1)
    assert done.stdout.splitlines() == [
        "broken  broken",
        "greet   2 steps, untrusted  Say it \\x1b[31mred",
    ]
    assert ".tasks/workflows/broken.yaml:2:" in done.stderr
    found = json.loads(cli("workflow", "list", "--json", code=1).stdout)
    assert [one["name"] for one in found["workflows"]] == ["broken", "greet"]
    assert found["problems"][0]["line"] == 2
    assert ".tasks/workflows/broken.yaml: is broken" in cli("trust", "--yes", code=1).stdout


def test_a_change_and_a_revocation_ask_again(workflows: Path, cli: Cli) -> None:
    cli("trust", "--yes")
    cli("trust", "--status")
    (workflows / "greet.yaml").write_text(TEXT + "# more\n")
    assert "changed since it was trusted" in cli("trust", "--status", code=1).stdout
    cli("trust", "--yes")
    assert "not trusted" in cli("trust", "--revoke").stdout
    state = json.loads(cli("trust", "--status", "--json", code=1).stdout)
    assert [one["state"] for one in state["workflows"]] == ["untrusted"]
