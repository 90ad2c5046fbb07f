"""Nothing that goes wrong on our side keeps git from its work; one line says so."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gittasks.app.hooking.installing import install_hooks
from gittasks.app.hooking.shims import program
from gittasks.base import locks
from tests.app.desk import at
from tests.conftest import git
from tests.hooks.conftest import Git, edit, said


def stand_in(repo: Path, tmp_path: Path, script: str) -> None:
    """Let the hooks start `script` in the place of gittasks."""
    path = tmp_path / "stand-in"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    for hook in (repo / ".git" / "hooks").iterdir():
        if b"gittasks hooks" in hook.read_bytes():
            python = program().split(" -P ")[0]
            hook.write_text(hook.read_text().replace(python, str(path)))


def changed(repo: Path) -> None:
    """Something staged that every hook looks at."""
    edit(repo, 1, "priority: 2", "priority: 1")


CRASHES = {
    "an exception": "echo Traceback >&2; exit 1",
    "a usage error": "exit 2",
    "a bug": "exit 3",
    "busy": "exit 4",
    "killed": "kill -9 $$",
    "a segfault": "kill -SEGV $$",
    "not executable any more": "exit 126",
    "gone in between": "exit 127",
}


@pytest.mark.parametrize("name", CRASHES)
def test_a_crash_stops_nothing(hooked: Path, run: Git, tmp_path: Path, name: str) -> None:
    install_hooks(at(hooked), with_optional=True)
    stand_in(hooked, tmp_path, CRASHES[name])
    changed(hooked)
    run("commit", "-m", "goes on")
    run("switch", "-c", "side")
    edit(hooked, 1, "priority: 1", "priority: 0")
    run("commit", "-m", "goes on")
    run("switch", "main")
    run("merge", "side")
    git(hooked.parent, "init", "-q", "--bare", "hub")
    run("push", "../hub", "main")


def test_only_one_exit_code_is_a_refusal(hooked: Path, run: Git, tmp_path: Path) -> None:
    stand_in(hooked, tmp_path, "exit 65")
    changed(hooked)
    run("commit", "-m", "refused", code=1)
    run("commit", "-m", "all the same", "--no-verify")
    run("switch", "-c", "side")


def test_without_gittasks_git_goes_on_with_one_line(hooked: Path, run: Git, tmp_path: Path) -> None:
    for hook in (hooked / ".git" / "hooks").iterdir():
        hook.write_text(hook.read_text().replace(program().split(" -P ")[0], "/nowhere/python"))
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("sh", "cat"):
        (tools / name).symlink_to(
            subprocess.check_output(("sh", "-c", f"command -v {name}"), text=True).strip()
        )
    (tools / "git").symlink_to(subprocess.check_output(("sh", "-c", "command -v git"), text=True).strip())
    env = {"PATH": str(tools)}
    changed(hooked)
    assert len(said(run("commit", "-m", "goes on", env=env))) == 1
    [line] = said(run("switch", "-c", "side", env=env))
    assert line.startswith("gittasks: not found, so its hook post-checkout did nothing")
    assert said(run("switch", "main", env={**env, "GITTASKS_HOOKS": "0"})) == []


def test_a_shared_hook_says_nothing_to_those_who_have_no_gittasks(repo: Path, tmp_path: Path) -> None:
    (repo / "hooks").mkdir()
    git(repo, "config", "core.hooksPath", "hooks")
    install_hooks(at(repo))
    (repo / ".tasks").mkdir()
    env = {**os.environ, "PATH": "/usr/bin:/bin"}
    argv = ("git", "switch", "-c", "side")
    done = subprocess.run(argv, cwd=repo, env=env, capture_output=True, text=True, check=True)
    assert "gittasks" not in done.stderr


def test_a_private_folder_that_is_none_stops_nothing(hooked: Path, run: Git) -> None:
    private = hooked / ".git" / "gittasks"
    private.rename(hooked / ".git" / "elsewhere")
    private.write_text("in the way")
    changed(hooked)
    lines = said(run("commit", "-m", "goes on"))
    assert [line.split()[1] for line in lines] == ["pre-commit", "commit-msg"]
    run("switch", "-c", "side")


def test_a_lock_that_is_held_stops_nothing(hooked: Path, run: Git) -> None:
    folder = at(hooked).private_folder()
    changed(hooked)
    with locks.hold(os.path.join(folder, "write.lock"), purpose="test"):
        assert said(run("commit", "-m", "goes on")) == []
    with locks.hold(os.path.join(folder, "worktrees.lock"), purpose="test"):
        env = {"GITTASKS_HOOK_LIMIT_S": "1"}
        done = run("worktree", "add", "../side", "-b", "1-fix", env=env)
    assert said(done) == ["gittasks: post-checkout took too long and was left out"]
    assert git(hooked.parent / "side", "status", "--porcelain") == ""


@pytest.mark.parametrize("command", (("commit", "-m", "goes on"), ("switch", "-c", "side")))
def test_the_limit_holds_for_each_hook(hooked: Path, run: Git, command: tuple[str, ...]) -> None:
    changed(hooked)
    lines = said(run(*command, env={"GITTASKS_HOOK_LIMIT_S": "0"}))
    assert lines and all(line.endswith("took too long and was left out") for line in lines)


def test_what_a_stranger_calls_is_a_usage_error(hooked: Path) -> None:
    for args in ((), ("pre-receive",), ("--help",)):
        argv = (sys.executable, "-m", "gittasks", "hook", *args)
        done = subprocess.run(argv, cwd=hooked, capture_output=True, text=True, check=False)
        assert done.returncode == 2 and "EVENT is one of pre-commit" in done.stderr
