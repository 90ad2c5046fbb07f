"""`gittasks agent`: what it answers and refuses; what its runs do is in `tests/app/agents`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tests.app.agents.place import CHECKS, SETTINGS, call, end, furnish
from tests.cli.direct import Direct
from tests.conftest import Cli, git


@pytest.fixture
def direct(repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Direct:
    return Direct(repo, capsys, monkeypatch)


@pytest.mark.slow
@pytest.mark.usefixtures("apart")
def test_wait_shows_its_output_and_ends_as_it_does(repo: Path, cli: Cli, direct: Direct) -> None:
    project = furnish(repo, settings=SETTINGS + CHECKS)
    done = cli("agent", "1", "--with", "scripted", "--wait", "--", "lies", code=1)
    run_id, *lines = done.stdout.splitlines()
    assert lines == ['{"type": "say", "text": "All tests pass. The task is done!"}', "gittasks: check there"]
    assert f"run {run_id}: failed (exit 1): the check there failed (exit code 1), no commit" in done.stderr
    refused = direct("agent", "1", "--resume", run_id, code=1)
    assert f"run {run_id} ended before scripted told its session" in refused.stderr
    # In its worktree the task is known, and so is the session that can go on.
    end(project, call(project, 1, "works"))
    tree = repo / ".worktrees" / "1-write-it"
    # The liar emptied the settings there.
    git(tree, "checkout", "-q", "--", ".tasks/config.yaml")
    told = json.loads(direct("agent", "--resume", "--dry-run", "--json", cwd=tree).stdout)
    assert told["agent"] == "scripted"
    assert told["command"][-1] == "s-1.A_b:2"
    assert told["prompt"].startswith("Go on with your work on task #1 of this repository.\n")


def test_a_dry_run_prints_the_prompt_and_touches_nothing(repo: Path, direct: Direct) -> None:
    furnish(repo, settings=SETTINGS + CHECKS)
    before = git(repo, "status", "--porcelain"), git(repo, "for-each-ref")
    done = direct("agent", "1", "--with", "claude", "--show-prompt", "-m", "be quick", "--", "--model", "x y")
    assert done.stdout.startswith("Do the work of task #1 of this repository.\n")
    assert "there: test -f new.txt" in done.stdout
    assert done.stderr.startswith("claude would be called as: claude -p ")
    assert done.stderr.endswith("--model 'x y'\n")
    assert before == (git(repo, "status", "--porcelain"), git(repo, "for-each-ref"))
    assert not (repo / ".worktrees").exists()


def test_what_is_refused_and_why(repo: Path, direct: Direct, tmp_path: Path) -> None:
    furnish(repo, "One", "Two", settings=SETTINGS + CHECKS, trusted=False)
    empty = {"PATH": f"{tmp_path}:{os.path.dirname(_program('git'))}"}

    def refusal(*args: str, code: int = 1, env: dict[str, str] | None = None) -> str:
        return direct("agent", *args, code=code, env=env).stderr

    told = refusal("1", code=2)
    assert "which agent?" in told
    assert "--with NAME: aider, claude, codex, gemini, scripted" in told
    told = refusal("1", "--with", "gpt\x1b")
    assert "there is no agent 'gpt" in told
    assert "\x1b" not in told
    assert "is not trusted in this clone" in refusal("1", "--with", "scripted", "--", "works")
    assert "which task?" in refusal("--with", "claude", code=2)
    assert "#9" in refusal("9", "--with", "claude", "--dry-run")
    # A shipped one needs no trust, but its program; and the checks, asked for, need trust.
    assert "cannot run" not in refusal("1", "--with", "claude", "--dry-run", code=0)
    told = refusal("1", "--with", "claude", "--dry-run", code=0)
    assert "the checks will not be run: .tasks/config.yaml is not trusted" in told
    assert "is not trusted" in refusal("1", "--with", "claude", "--dry-run", "--check")
    told = refusal("1", "--with", "codex", env=empty)
    assert "codex needs the program codex, which is not on PATH" in told
    assert "npm install -g @openai/codex" in told
    assert "no earlier run on #1" in refusal("1", "--resume")
    assert "no earlier run of aider on #1" in refusal("1", "--resume", "--with", "aider")
    assert not (repo / ".worktrees").exists()


def test_a_name_of_the_settings_hides_the_shipped_one_also_while_it_is_not_trusted(
    repo: Path, direct: Direct
) -> None:
    furnish(repo, settings="agents: {claude: [evil]}\n", trusted=False)
    assert "is not trusted" in direct("agent", "1", "--with", "claude", "--dry-run", code=1).stderr


def _program(name: str) -> str:
    import shutil

    return str(shutil.which(name))


@pytest.mark.slow
@pytest.mark.usefixtures("apart")
def test_it_waits_and_tries_again_as_any_run_does(repo: Path, cli: Cli) -> None:
    furnish(repo, settings=SETTINGS)
    first = cli("run", "--", "false").stdout.strip()
    started = cli(
        "agent", "1", "--with", "scripted", "--after-failure", first, "--slots", "agents=1", "--retry", "1",
        "--backoff", "10ms", "--wait", "--json", "--", "leaves", code=None,
    )  # fmt: skip
    run = json.loads(started.stdout)["run"]
    assert (run["status"], run["attempt"], run["slots"]) == ("failed", 2, {"agents": 1})
    assert run["after"] == {first: "failure"}
