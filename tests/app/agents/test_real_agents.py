"""The agents that ship, with their real programs (`make peers`), and a stand-in for the services that these ask."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gittasks.app.agents import starting
from gittasks.app.agents.starting import Call
from gittasks.app.project import Project
from gittasks.runtime.record import Run
from gittasks.workgraph.record import TaskId
from tests.app.agents.model_service import FILE, SAID, Service, serving
from tests.app.agents.place import end, facts, furnish, output
from tests.runtime.stage import nothing_remains

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

_ROOT = Path(__file__).resolve().parents[3]
_PLACES = (_ROOT / ".peers" / "npm" / "node_modules" / ".bin", _ROOT / ".peers" / "aider" / "bin")
_AGENTS = ("claude", "codex", "gemini", "aider")
_SETTINGS = f"checks:\n  there: [test, -f, {FILE}]\n"
_ONE = TaskId(1)


@pytest.fixture
def service() -> Iterator[Service]:
    with nothing_remains(), serving() as found:
        yield found


@pytest.fixture
def path(name: str) -> str:
    """A PATH on which the agent's program is; nothing of ours is in front of what it needs itself."""
    places = os.pathsep.join([*map(str, _PLACES), os.environ["PATH"]])
    if shutil.which(name, path=places) is None:
        pytest.skip(f"{name} is not installed: make peers")
    return places


def _environment(service: Service, path: str) -> dict[str, str]:
    """All that the agents get: nobody's keys, and no service but ours."""
    home = Path(os.environ["HOME"])
    base = f"http://127.0.0.1:{service.port}"
    (home / ".codex").mkdir()
    (home / ".codex" / "config.toml").write_text(
        'model = "m"\nmodel_provider = "here"\n[model_providers.here]\nname = "here"\n'
        f'base_url = "{base}/v1"\nenv_key = "HERE_KEY"\nwire_api = "responses"\n'
    )
    (home / ".gemini").mkdir()
    auth = {"security": {"auth": {"selectedType": "gemini-api-key"}}}
    (home / ".gemini" / "settings.json").write_text(json.dumps(auth))
    kept = (
        "HOME",
        "XDG_CONFIG_HOME",
        "LANG",
        "TMPDIR",
        "GIT_CONFIG_NOSYSTEM",
        "GIT_EDITOR",
        "GIT_AUTHOR_DATE",
    )
    return {
        **{name: os.environ[name] for name in kept if name in os.environ},
        "PATH": path,
        "HERE_KEY": "none",
        "ANTHROPIC_BASE_URL": base,
        "ANTHROPIC_API_KEY": "none",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "0",
        "GOOGLE_GEMINI_BASE_URL": base,
        "GEMINI_API_KEY": "none",
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
        "OPENAI_API_BASE": f"{base}/v1",
        "OPENAI_API_KEY": "none",
        "AIDER_MODEL": "openai/m",
        "AIDER_EDIT_FORMAT": "whole",
        "AIDER_SHOW_MODEL_WARNINGS": "false",
        "AIDER_ANALYTICS_DISABLE": "true",
        "NO_COLOR": "1",
    }


def _run(project: Project, service: Service, **call: Any) -> Run:
    # The model names files by their whole path, as models of these agents do.
    service.folder = os.path.join(project.top, ".worktrees", "1-write-it")
    called = starting.start_agent(project, _ONE, Call()._replace(**call))
    assert called.started.failure is None
    return end(project, called, patience_s=300)[0]


@pytest.mark.parametrize("name", _AGENTS)
def test_it_works_says_so_and_goes_on(repo: Path, service: Service, name: str, path: str) -> None:
    project = furnish(repo, settings=_SETTINGS, env=_environment(service, path))
    run = _run(project, service, agent=name, wish="use a blank")
    told = output(project, run).decode("utf-8", "replace")
    assert run.status == "completed", told[-3000:]
    tree = Path(service.folder)
    assert (tree / FILE).read_text() == "hi\n"
    known = facts(run)
    assert known["checks_passed"] is True
    if name == "aider":
        assert (known["commits"], known["dirty"]) == (1, False)
    else:
        assert (known["said"], known["dirty"], run.session is not None) == (SAID, True, True)
        assert known["steps"] >= 1
    # It was given the whole prompt, and nothing else of ours.
    first = next(text for text in service.asked if "Do the work of task #1" in text)
    for words in ("===== data ", "#1 Write it", "gittasks note 1", "use a blank"):
        assert words in first
    service.asked.clear()
    second = _run(project, service, resume="", wish="and now go on")
    assert second.status == "completed", output(project, second)[-3000:]
    assert second.session == run.session
    again = next(text for text in service.asked if "and now go on" in text)
    assert "use a blank" in again  # the earlier conversation is there


@pytest.mark.parametrize("name", _AGENTS)
def test_it_is_found_out_when_it_did_nothing(repo: Path, service: Service, name: str, path: str) -> None:
    project = furnish(repo, settings=_SETTINGS, env=_environment(service, path))
    service.lazy = True
    run = _run(project, service, agent=name)
    told = output(project, run).decode("utf-8", "replace")
    assert (run.status, facts(run)["failed_check"], facts(run)["exit_code"]) == ("failed", "there", 0), told[
        -3000:
    ]
    assert str(run.message).startswith("the check there failed (exit code 1)")


@pytest.mark.parametrize("name", ("claude", "codex", "gemini"))
def test_it_fails_when_its_service_does(repo: Path, service: Service, name: str, path: str) -> None:
    project = furnish(repo, env=_environment(service, path))
    service.broken = True
    run = _run(project, service, agent=name)
    told = output(project, run).decode("utf-8", "replace")
    assert run.status == "failed", told[-3000:]
    assert "no such model" in told
