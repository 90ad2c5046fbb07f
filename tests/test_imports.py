"""What the read commands import: every module costs each call its milliseconds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import git, seal_environment

# What is never paid for by a read: libraries, and the slow corners of the standard library.
HEAVY = {
    "asyncio",
    "contextlib",
    "dataclasses",
    "filelock",
    "git",
    "importlib.metadata",
    "inspect",
    "locale",
    "logging",
    "pathlib",
    "psutil",
    "pydantic",
    "rich",
    "ruamel",
    "ruamel.yaml",
    "sqlite3",
    "subprocess",
    "tempfile",
    "threading",
    "typing",
    "unittest",
    "yaml",
}

# What the console script imports, then the program, then the names of all that was imported.
PROBE = """
import re, sys
import gittasks.__main__
from gittasks.cli.main import run
code = run(sys.argv[1:])
print("\\n".join(sys.modules), file=sys.stderr)
sys.exit(code)
"""

READS = {
    "list": ("list",),
    "list --remotes": ("list", "--remotes"),
    "ready": ("ready",),
    "show": ("show", "2"),
    "show completed": ("show", "3"),
    "blocked": ("blocked",),
    "next": ("next",),
    "search": ("search", "two"),
    "complete": ("complete", "--", "show", ""),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, first_repository: Path) -> Path:
    """Three tasks whose cache is warm, the last commit an empty one. All tests share it."""
    base = tmp_path_factory.mktemp("reads")
    repo = Path(shutil.copytree(first_repository, base / "repo", symlinks=True))

    def cli(*args: str) -> None:
        subprocess.run((sys.executable, "-m", "gittasks", *args), cwd=repo, capture_output=True, check=True)

    with pytest.MonkeyPatch.context() as patch:
        seal_environment(patch, base)
        cli("init")
        cli("add", "One", "-d", "Number one.")
        cli("add", "Two", "--blocked-by", "1", "--label", "x")
        cli("add", "Three", "--parent", "1")
        git(repo, "add", "-A")
        git(repo, "commit", "-q", "-m", "plan")
        git(repo, "update-ref", "refs/remotes/origin/main", "HEAD")
        git(repo, "commit", "-q", "--allow-empty", "-m", "more")
        cli("done", "3")
        git(repo, "commit", "-q", "-m", "done")
        git(repo, "commit", "-q", "--allow-empty", "-m", "nothing")
        git(repo, "update-ref", "ORIG_HEAD", "HEAD^")
        cli("list")
        cli("list", "--remotes")
        cli("search", "two")
    return repo


def imported(folder: Path, *args: str) -> set[str]:
    """The modules that a call of the program has imported when it ends, without the interpreter's own."""
    done = subprocess.run(
        (sys.executable, "-c", PROBE, *args), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[:1000]
    found = set(done.stderr.split()) - _own_modules()
    assert "gittasks.cli.main" in found
    return found


@cache
def _own_modules() -> frozenset[str]:
    """What the interpreter imports for any program."""
    bare = subprocess.run(
        (sys.executable, "-c", "import sys; print('\\n'.join(sys.modules))"),
        capture_output=True,
        text=True,
        check=True,
    )
    return frozenset(bare.stdout.split())


@pytest.mark.parametrize("command", READS)
def test_a_read_imports_no_heavy_module(project: Path, command: str) -> None:
    assert imported(project, *READS[command]) & (HEAVY | {"json"}) == set()


@pytest.mark.parametrize("command", [name for name in READS if name != "complete"])
def test_json_costs_a_read_json_and_no_more(project: Path, command: str) -> None:
    assert imported(project, *READS[command], "--json") & HEAVY == set()


def test_a_task_without_runs_is_shown_without_what_runs_need(project: Path) -> None:
    assert "gittasks.runtime.record" not in imported(project, "show", "1")
    run = (sys.executable, "-m", "gittasks", "run", "--task", "1", "--wait", "--", "true")
    subprocess.run(run, cwd=project, capture_output=True, check=True)
    assert "gittasks.runtime.record" in imported(project, "show", "1")


def test_a_read_of_one_worktree_does_without_git(project: Path) -> None:
    for command in ("list", "ready", "show"):
        assert imported(project, *READS[command]) & {"gittasks.base.proc", "gittasks.repo.git"} == set()


def test_help_imports_no_heavy_module(project: Path) -> None:
    assert imported(project, "--help") & (HEAVY | {"json", "argparse"}) == set()


def test_only_the_called_command_is_imported(project: Path) -> None:
    commands = {name for name in imported(project, "list") if name.startswith("gittasks.cli.commands.")}
    assert commands == {"gittasks.cli.commands.list"}


def test_the_library_is_imported_without_its_libraries() -> None:
    done = subprocess.run(
        (sys.executable, "-c", "import gittasks, sys; print('\\n'.join(sys.modules))"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert {"git", "filelock", "ruamel.yaml", "psutil"} & set(done.stdout.split()) == set()


HOOK_PROBE = """
import sys
from gittasks.hooks.main import run
code = run(sys.argv[1:], __import__("os").environ)
print("\\n".join(sys.modules), file=sys.stderr)
sys.exit(code)
"""
QUIET_HOOKS = {
    "pre-commit": (),
    "prepare-commit-msg": ("README", "message"),
    "commit-msg": ("README",),
    "post-commit": (),
    "post-checkout": ("a", "b", "1"),
    "post-merge": ("0",),
    "post-rewrite": ("rebase",),
    "pre-push": ("origin", "elsewhere"),
}


@pytest.mark.parametrize("event", QUIET_HOOKS)
def test_a_hook_with_nothing_to_do_imports_next_to_nothing(project: Path, event: str) -> None:
    argv = (sys.executable, "-c", HOOK_PROBE, event, *QUIET_HOOKS[event])
    done = subprocess.run(argv, cwd=project, input="", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:1000]
    assert set(done.stderr.split()) & (HEAVY | {"argparse", "json", "signal"}) == set()
    assert "gittasks.app.project" in done.stderr and "gittasks:" not in done.stderr
