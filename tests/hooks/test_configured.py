"""Hooks of git's own configuration (2.54): the user's run beside ours, and ours go there where no file is free."""

from __future__ import annotations

from pathlib import Path

import pytest

from gittasks.app.hooking.installing import INSTALLED, hook_states, install_hooks, uninstall_hooks
from gittasks.app.hooking.places import CONFIG, CONFIG_SINCE
from gittasks.app.hooking.proving import prove
from gittasks.repo.git import parse_version
from tests.app.desk import at
from tests.app.hooking.test_installing import FOREIGN, everything, write
from tests.conftest import git
from tests.hooks.conftest import Git, edit

pytestmark = pytest.mark.skipif(
    parse_version(git(Path("/"), "version")) < CONFIG_SINCE,
    reason="this git runs no hooks from its configuration",
)


def test_a_configured_hook_of_the_user_runs_beside_ours(hooked: Path, run: Git) -> None:
    git(hooked, "config", "hook.theirs.event", "pre-commit")
    git(hooked, "config", "hook.theirs.command", "echo theirs")
    edit(hooked, 1, "status: pending", "status: running")
    done = run("commit", "-m", "bad", code=1)
    assert "theirs" in done.stdout + done.stderr and "commit refused" in done.stderr
    uninstall_hooks(at(hooked))
    assert git(hooked, "config", "hook.theirs.command") == "echo theirs"


@pytest.mark.parametrize("name", FOREIGN)
def test_what_is_no_shell_script_gets_ours_beside_it(repo: Path, run: Git, hooked: Path, name: str) -> None:
    uninstall_hooks(at(hooked))
    write(hooked / ".git" / "hooks" / "pre-commit", *FOREIGN[name])
    before = everything(hooked)
    install_hooks(at(hooked))
    states = hook_states(at(hooked))
    assert {state.state for state in states} == {INSTALLED} and states[0].place.way == CONFIG
    assert prove(at(hooked), states)["pre-commit"].ours is True
    if name == "Python":
        assert prove(at(hooked), states)["pre-commit"].yours is True
        edit(hooked, 1, "status: pending", "status: running")
        done = run("commit", "-m", "bad", code=1)
        assert "commit refused" in done.stderr
        git(hooked, "reset", "-q", "--hard")
    uninstall_hooks(at(hooked))
    assert everything(hooked) == before


def test_a_folder_for_all_repositories_is_left_alone_and_ours_run_all_the_same(
    hooked: Path, run: Git, tmp_path: Path
) -> None:
    uninstall_hooks(at(hooked))
    write(tmp_path / "global" / "pre-commit", b"#!/bin/sh\necho theirs >&2\n")
    git(hooked, "config", "core.hooksPath", str(tmp_path / "global"))
    install_hooks(at(hooked))
    edit(hooked, 1, "status: pending", "status: running")
    assert "commit refused" in run("commit", "-m", "bad", code=1).stderr
    edit(hooked, 1, "status: running", "status: completed")
    assert "theirs" in run("commit", "-m", "good").stderr
    uninstall_hooks(at(hooked))
    assert [path.name for path in (tmp_path / "global").iterdir()] == ["pre-commit"]
