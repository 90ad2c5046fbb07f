"""The seal: every test has its own HOME, no git config but ours, no stray variables, fixed dates."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.warm import Warm

settings.register_profile(
    "default",
    deadline=None,
    max_examples=10,
    # In CI nothing is left to chance: what chance finds is found, and mended, at home.
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile("thorough", parent=settings.get_profile("default"), max_examples=100)
settings.register_profile("long", parent=settings.get_profile("default"), max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# A shell lets what it starts in the background ignore Ctrl-C, and so would every program that a test interrupts.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

SEALED_DATE = "2026-11-23T10:00:00Z"
# This interpreter as a word of a shell line: a checkout may lie in a folder with spaces in its name.
PYTHON = shlex.quote(sys.executable)


@pytest.fixture(autouse=True)
def seal(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Nothing of the person who runs the tests leaks in, nothing leaks out."""
    seal_environment(monkeypatch, tmp_path_factory.mktemp("home"))
    yield


def seal_environment(patch: pytest.MonkeyPatch, home: Path) -> None:
    """Let `home` be HOME, with a git configuration of its own, and everything else as it is on any machine."""
    for name in list(os.environ):
        if name.startswith(("GIT_", "GITTASKS_")) or name in ("EDITOR", "VISUAL", "PAGER"):
            patch.delenv(name)
    (home / ".gitconfig").write_text(
        "[user]\n\tname = Ada Tester\n\temail = ada@example.com\n[init]\n\tdefaultBranch = main\n"
        '[protocol "file"]\n\tallow = always\n[advice]\n\tdetachedHead = false\n[gc]\n\tauto = 0\n'
    )
    patch.setenv("HOME", str(home))
    patch.setenv("XDG_CONFIG_HOME", str(home / ".config"))
    patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    patch.setenv("GIT_EDITOR", "false")
    patch.setenv("GIT_TERMINAL_PROMPT", "0")
    patch.setenv("GIT_AUTHOR_DATE", SEALED_DATE)
    patch.setenv("GIT_COMMITTER_DATE", SEALED_DATE)
    patch.setenv("NO_COLOR", "1")


def git(folder: Path, *args: str) -> str:
    """`git *args` in `folder`; its output without the last line feed."""
    done = subprocess.run(("git", *args), cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"git {' '.join(args)}: {done.stderr}"
    return done.stdout.rstrip("\n")


@pytest.fixture(scope="session")
def first_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one commit, made once; tests get copies of it."""
    folder = tmp_path_factory.mktemp("first") / "repo"
    folder.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        seal_environment(patch, folder.parent)
        git(folder, "init", "-q")
        for sample in (folder / ".git" / "hooks").glob("*.sample"):
            sample.unlink()
        (folder / "README").write_text("hello\n")
        git(folder, "add", "README")
        git(folder, "commit", "-q", "-m", "first")
    return folder


@pytest.fixture
def repo(tmp_path: Path, first_repository: Path) -> Path:
    """A repository with one commit."""
    return Path(shutil.copytree(first_repository, tmp_path / "repo", symlinks=True))


Cli = Callable[..., "subprocess.CompletedProcess[str]"]
_warm = Warm()


@pytest.fixture
def cli(repo: Path) -> Cli:
    """`cli("add", "x")` runs the real program in `repo` (or `cwd=`) and answers the finished process.

    `code=` is the exit code that is expected (default 0; None: any).
    """

    def call(
        *args: str,
        cwd: Path | None = None,
        code: int | None = 0,
        stdin: str = "",
        env: dict[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        done = _warm.call(args, cwd=cwd or repo, env={**os.environ, **(env or {})}, stdin=stdin)
        assert code is None or done.returncode == code, (args, done.returncode, done.stdout, done.stderr)
        return done

    return call
