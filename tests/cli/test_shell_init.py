"""`gtcd` in real shells, with folders named to break it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Cli, git


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A folder with a `gittasks` for PATH."""
    script = tmp_path / "bin" / "gittasks"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m gittasks "$@"\n')
    script.chmod(0o755)
    return script.parent


def shell(name: str, program: Path, folder: Path, commands: str) -> subprocess.CompletedProcess[str]:
    options = {"bash": ("--noprofile", "--norc"), "zsh": ("-f",), "fish": ("--no-config",)}[name]
    load = "gittasks shell-init fish | source" if name == "fish" else f'eval "$(gittasks shell-init {name})"'
    return subprocess.run(
        (name, *options, "-c", f"{load}\n{commands}"),
        cwd=folder,
        env={**os.environ, "PATH": f"{program}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("name", ["bash", "zsh", "fish"])
def test_it_changes_the_folder(name: str, cli: Cli, tmp_path: Path, program: Path) -> None:
    if shutil.which(name) is None:
        pytest.skip(f"no {name} here")
    odd = tmp_path / "a $(touch broken) 'b' \"c\"; *"
    odd.mkdir()
    git(odd, "init", "-q")
    git(odd, "commit", "-q", "--allow-empty", "-m", "first")
    cli("init", cwd=odd)
    cli("add", "Fix it", cwd=odd)
    cli("start", "1", "--worktree", "fix", cwd=odd)
    code = "$status" if name == "fish" else "$?"
    done = shell(name, program, odd, f"gtcd 1; pwd; gtcd; pwd; gtcd nothing; echo {code}; pwd")
    assert done.stdout.splitlines() == [f"{odd}/.worktrees/fix", str(odd), "1", str(odd)]
    assert "there is no worktree" in done.stderr
    assert not list(tmp_path.rglob("broken"))


def test_bash_completes_names_without_running_them(
    cli: Cli, repo: Path, program: Path, tmp_path: Path
) -> None:
    for name in ("plain", "pl$(touch${IFS}broken)"):
        git(repo, "worktree", "add", "-q", "--detach", str(tmp_path / "trees" / name))
    done = shell(
        "bash",
        program,
        repo,
        "COMP_WORDS=(gtcd pl); COMP_CWORD=1; _gtcd; printf '%s\\n' \"${COMPREPLY[@]}\"; eval : ${COMPREPLY[@]}",
    )
    assert sorted(done.stdout.splitlines()) == ["pl\\$\\(touch\\$\\{IFS\\}broken\\)", "plain"]
    assert not list(repo.rglob("broken"))


def test_the_shell_is_guessed(cli: Cli, repo: Path) -> None:
    assert "function gtcd" in cli("shell-init", env={"SHELL": "/usr/bin/fish"}).stdout
    assert "compdef" in cli("shell-init", env={"SHELL": "/bin/zsh"}).stdout
    assert json.loads(cli("shell-init", "--json", env={"SHELL": "/bin/dash"}).stdout)["shell"] == "bash"
    assert cli("shell-init", "csh", code=2).stdout == ""
