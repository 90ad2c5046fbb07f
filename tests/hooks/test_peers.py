"""Beside the programs that manage hooks: both run, each keeps what is its own, and ours goes without a trace."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gittasks.app.hooking.installing import INSTALLED, hook_states, install_hooks, uninstall_hooks
from gittasks.app.hooking.proving import prove
from gittasks.repo.hook_text import USUAL
from tests.app.desk import at, planned
from tests.app.hooking.test_installing import below, everything, write
from tests.conftest import git
from tests.hooks.conftest import edit

pytestmark = pytest.mark.long

ROOT = Path(__file__).resolve().parent.parent.parent
PEERS = ROOT / ".peers"
HUSKY = PEERS / "npm" / "node_modules" / "husky" / "bin.js"
LEFTHOOK = PEERS / "npm" / "node_modules" / ".bin" / "lefthook"
PRE_COMMIT = PEERS / "pre-commit" / "bin" / "pre-commit"


def needs(path: Path, *programs: str) -> pytest.MarkDecorator:
    missing = [name for name in programs if shutil.which(name) is None]
    absent = not path.exists() or bool(missing)
    return pytest.mark.skipif(absent, reason=f"{path.name} is not installed: `make peers`")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Our program and the peers' on PATH, as for anybody who uses both; patience for a busy machine."""
    path = (Path(sys.executable).parent, LEFTHOOK.parent, PRE_COMMIT.parent)
    monkeypatch.setenv("PATH", os.pathsep.join((*map(str, path), os.environ["PATH"])))
    monkeypatch.setenv("GITTASKS_HOOK_LIMIT_S", "60")
    monkeypatch.setenv("PRE_COMMIT_COLOR", "never")


@pytest.fixture
def plan(repo: Path) -> Path:
    """`repo` with two committed tasks."""
    planned(repo)
    return repo


def call(folder: Path, *argv: str | Path, code: int | None = 0) -> str:
    """Run a program there; what it says, both outputs."""
    done = subprocess.run(
        argv, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    said = done.stdout + done.stderr
    assert code is None or done.returncode == code, (argv, done.returncode, said)
    return said


def states(repo: Path) -> dict[str, str]:
    return {place.event: state for place, state in hook_states(at(repo))}


def assert_both_run(repo: Path) -> None:
    """Their pre-commit says `theirs`; ours refuses a broken task, adds trailers, and speaks on a checkout."""
    (repo / "README").write_text("more\n")
    assert "theirs" in call(repo, "git", "commit", "-am", "code")
    edit(repo, 1, "status: pending", "status: running")
    said = call(repo, "git", "commit", "-m", "bad", code=1)
    assert "which is a state of a run" in said and "--no-verify" in said
    call(repo, "git", "reset", "-q", "--hard")
    assert "on #1, in progress" in call(repo, "git", "worktree", "add", "../side", "-b", "1-fix")


@needs(HUSKY, "node")
def test_husky(plan: Path) -> None:
    call(plan, "node", HUSKY)
    write(plan / ".husky" / "pre-commit", b"echo theirs\n", 0o644)
    git(plan, "add", "-A")
    git(plan, "commit", "-q", "-m", "husky")
    before = everything(plan)
    install_hooks(at(plan))
    assert git(plan, "config", "core.hooksPath") == ".husky/_"
    assert set(states(plan).values()) == {INSTALLED}
    assert str(Path(sys.executable)).encode() not in (plan / ".husky" / "pre-commit").read_bytes()
    assert {proof.ours for proof in prove(at(plan), hook_states(at(plan))).values()} == {True}
    assert prove(at(plan), hook_states(at(plan)))["pre-commit"].yours is True
    (plan / "README").write_text("more\n")
    assert "theirs" in call(plan, "git", "commit", "-am", "code")
    edit(plan, 1, "status: pending", "status: running")
    assert "which is a state of a run" in call(plan, "git", "commit", "-m", "bad", code=1)
    call(plan, "git", "checkout", "-q", "HEAD", "--", ".tasks")
    call(plan, "node", HUSKY)  # `npm install` does that again
    assert set(states(plan).values()) == {INSTALLED}
    git(plan, "checkout", "-q", "HEAD~1", "--", "README")
    git(plan, "reset", "-q")
    uninstall_hooks(at(plan))
    assert everything(plan) == before


LEFTHOOK_SETTINGS = """\
pre-commit:
  commands:
    theirs:
      run: echo theirs
pre-push:
  jobs:
    - name: theirs
      run: echo theirs
"""


@needs(LEFTHOOK)
def test_lefthook(plan: Path) -> None:
    (plan / "lefthook.yml").write_text(LEFTHOOK_SETTINGS)
    git(plan, "add", "-A")
    git(plan, "commit", "-q", "-m", "lefthook")
    call(plan, LEFTHOOK, "install")
    before = everything(plan)
    install_hooks(at(plan))
    assert set(states(plan).values()) == {INSTALLED}
    hooks = plan / ".git" / "hooks"
    assert b"gittasks" not in (hooks / "pre-commit").read_bytes()
    assert b"gittasks" in (hooks / "commit-msg").read_bytes()
    assert_both_run(plan)
    (plan / "lefthook.yml").write_text(LEFTHOOK_SETTINGS + "commit-msg:\n  jobs:\n    - run: echo theirs\n")
    call(plan, LEFTHOOK, "install", code=None)
    (plan / "lefthook.yml").write_text(LEFTHOOK_SETTINGS)
    call(plan, LEFTHOOK, "install", "--force", code=None)
    install_hooks(at(plan))
    assert set(states(plan).values()) == {INSTALLED}
    uninstall_hooks(at(plan))
    assert not any(b"gittasks" in data for _, data in below(hooks).values())
    assert not (plan / "lefthook-local.yml").exists()
    (plan / "README").write_text("hello\n")
    assert before.keys() - everything(plan).keys() == set()


@needs(LEFTHOOK)
def test_lefthook_settings_of_ones_own_stay_byte_for_byte(plan: Path) -> None:
    (plan / "lefthook.yml").write_text(LEFTHOOK_SETTINGS)
    (plan / "lefthook-local.yml").write_text("output: [summary, execution_out]")
    call(plan, LEFTHOOK, "install")
    install_hooks(at(plan))
    assert set(states(plan).values()) == {INSTALLED}
    edit(plan, 1, "status: pending", "status: running")
    assert "which is a state of a run" in call(plan, "git", "commit", "-m", "bad", code=1)
    uninstall_hooks(at(plan))
    assert (plan / "lefthook-local.yml").read_bytes() == b"output: [summary, execution_out]"
    (plan / "lefthook-local.yml").write_text("pre-commit:\n  jobs: []\n")
    if states(plan)["pre-commit"] == "left":  # git's configuration takes it where git has that
        assert "has settings for pre-commit" in hook_states(at(plan))[0].place.why


FRAMEWORK = """\
repos:
  - repo: local
    hooks:
      - id: theirs
        name: theirs
        entry: 'true'
        language: system
        always_run: true
        pass_filenames: false
"""


@needs(PRE_COMMIT)
@pytest.mark.parametrize("ours_first", (True, False))
def test_the_pre_commit_framework_installed_beside_ours(plan: Path, ours_first: bool) -> None:
    (plan / ".pre-commit-config.yaml").write_text(FRAMEWORK)
    git(plan, "add", "-A")
    git(plan, "commit", "-q", "-m", "pre-commit")
    before = everything(plan)
    if ours_first:
        install_hooks(at(plan))
        call(plan, PRE_COMMIT, "install")
        assert (plan / ".git" / "hooks" / "pre-commit.legacy").exists()
    else:
        call(plan, PRE_COMMIT, "install")
        before = everything(plan)
        install_hooks(at(plan))
    assert set(states(plan).values()) == {INSTALLED}
    assert install_hooks(at(plan)).changed == ()
    proofs = prove(at(plan), hook_states(at(plan)))
    assert {proof.ours for proof in proofs.values()} == {True}
    assert_both_run(plan)
    uninstall_hooks(at(plan))
    if ours_first:
        call(plan, PRE_COMMIT, "uninstall")
    shutil.rmtree(plan.parent / "side")
    git(plan, "worktree", "prune")
    (plan / "README").write_text("hello\n")
    assert everything(plan) == before


@needs(PRE_COMMIT)
def test_the_framework_calls_ours_as_the_manifest_says(plan: Path, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    git(source, "init", "-q")
    shutil.copy(ROOT / ".pre-commit-hooks.yaml", source)
    git(source, "add", "-A")
    git(source, "commit", "-q", "-m", "manifest")
    call(plan, PRE_COMMIT, "validate-manifest", ROOT / ".pre-commit-hooks.yaml")
    ids = [
        line.split()[-1]
        for line in (ROOT / ".pre-commit-hooks.yaml").read_text().splitlines()
        if "id:" in line
    ]
    assert len(ids) == 8
    # Not in an environment of its own, which would need the network: what is installed here.
    lines = "".join(f"      - id: {name}\n        language: unsupported\n" for name in ids)
    stages = (
        "pre-commit pre-push prepare-commit-msg commit-msg post-checkout post-merge post-rewrite post-commit"
    )
    (plan / ".pre-commit-config.yaml").write_text(
        f"default_install_hook_types: [{', '.join(stages.split())}]\nrepos:\n"
        f"  - repo: {source}\n    rev: {git(source, 'rev-parse', 'HEAD')}\n    hooks:\n{lines}"
    )
    git(plan, "add", "-A")
    git(plan, "commit", "-q", "-m", "pre-commit")
    call(plan, PRE_COMMIT, "install")
    edit(plan, 1, "status: pending", "status: running")
    said = call(plan, "git", "commit", "-m", "bad", code=1)
    assert "task files are whole" in said and "which is a state of a run" in said
    git(plan, "reset", "-q", "--hard")
    said = call(plan, "git", "worktree", "add", "../side", "-b", "1-fix")
    side = plan.parent / "side"
    assert "on #1, in progress: Fix the login" in said
    call(side, "git", "commit", "-m", "begin")
    assert git(side, "log", "-1", "--format=%B") == "begin\n\nTask: #1"
    at(side).complete(1)
    call(side, "git", "commit", "-m", "done")
    assert "landed on main: #1 Fix the login" in call(plan, "git", "merge", "1-fix")
    git(plan.parent, "init", "-q", "--bare", "hub")
    git(plan, "remote", "add", "origin", "../hub")
    call(plan, "git", "push", "origin", "main")
    edit(plan, 2, "status: pending", "status: running")
    call(plan, "git", "commit", "-m", "bad", "--no-verify")
    said = call(plan, "git", "push", "origin", "main", code=1)
    assert "push refused" in said and "which is a state of a run" in said


def test_every_usual_hook_is_offered_to_the_framework() -> None:
    text = (ROOT / ".pre-commit-hooks.yaml").read_text()
    for event in USUAL:
        assert f"entry: gittasks hook {event}\n" in text and f"stages: [{event}]" in text
