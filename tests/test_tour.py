"""A full tour: docs/safety.md names every file that is made, and everything that is deleted."""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
import stat
from pathlib import Path
from typing import NamedTuple

import pytest

from gittasks.cli.main import COMMANDS
from tests.cli.direct import Direct
from tests.conftest import git
from tests.runtime.stage import nothing_remains, remains, until
from tests.test_docs import SAFETY

# Each command of the table, called so that it makes and deletes what it can.
TOUR = (
    "init",
    "add One",
    "add Two --blocked-by 1",
    "add Three",
    "add Four",
    "list",
    "ready",
    "blocked",
    "next",
    "show 1",
    "edit 1 --priority 0",
    "note 1 hello",
    "block 3 --on 1",
    "unblock 3 --on 1",
    "done 4",
    "reopen 4",
    "delete 4",
    "undo",
    "note 3 mistaken",
    "undo",
    "search one",
    "graph",
    "log 1",
    "export json",
    "doctor",
    "SETTINGS",
    "trust --yes",
    "hooks install",
    "COMMIT",
    "claim 3",
    "release 3",
    "start 1",
    "worktree list",
    "worktree add extra",
    "worktree remove extra",
    "finish 1 --merge",
    "resolve",
    "sync",
    "rescue",
    "run --wait -- echo hello",
    "run --slots one=1 --input -- cat",
    "input {run} hello",
    "logs {run}",
    "kill {run}",
    "wait {run}",
    "monitor --file README --until exists --wait",
    "workflow run quiet --wait",
    "agent 3 --with quiet --wait",
    "finish 3 --remove",
    "message --leave ann hello",
    "runs",
    "SETTLE",
    "notices",
    "hooks uninstall",
    "import csv table.csv",
    "shell-init",
    "completion bash",
    "prune --keep 0",
    "deinit --force",
)
SETTINGS = "agents:\n  quiet: ['true']\n"
WORKFLOW = "steps:\n  one: {run: [echo, one], slots: {one: 1}}\n"

# git's own, which every commit, checkout or fetch changes; refs and settings are held by their names.
_GITS = (
    ".git/objects/*", ".git/logs/*", ".git/index", ".git/COMMIT_EDITMSG", ".git/ORIG_HEAD", ".git/HEAD",
    ".git/FETCH_HEAD", ".git/refs/heads/*", ".git/refs/remotes/*", ".git/worktrees/*", ".git/packed-refs",
    ".git/info/refs", ".git/refs/*", ".git/config", ".git/MERGE_*", ".git/AUTO_MERGE",
)  # fmt: skip


class Row(NamedTuple):
    """A row of a table of docs/safety.md: the paths, refs and settings that its first cell names, and the second."""

    patterns: list[str]
    by: str


def rows(title: str) -> list[Row]:
    """The rows of the tables of a section."""
    text = SAFETY.read_text(encoding="utf-8")
    section = text.split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]
    found = []
    for cell, by in re.findall(r"^\| ([^|]*) \| ([^|]*) \|", section, re.MULTILINE):
        names = [re.sub(r"<[^>]*>", "*", name) for name in re.findall(r"`([^`]+)`", cell)]
        found.append(Row([name.rstrip("/") + end for name in names for end in ("", "/*")], by))
    return found


def patterns() -> list[str]:
    """What may be made; tables of the private folder name what lies in it."""
    found = [pattern for row in rows("Every file that it makes") for pattern in row.patterns]
    return [base + pattern for base in ("", ".git/gittasks/") for pattern in found]


def may_delete(path: str, call: str, table: list[Row]) -> bool:
    """Whether a row names both what went and the command that was called, or says that any may do it."""
    command = call.split()[0]
    return any(
        is_documented(path, row.patterns) and (f"`{command}" in row.by or "any command" in row.by)
        for row in table
    )


def is_documented(path: str, known: list[str]) -> bool:
    return any(fnmatch.fnmatchcase(path, pattern) for pattern in known)


def seen(top: Path) -> set[str]:
    """All files and links below `top`; of a repository also its refs and settings."""
    found = set()
    for folder, names, files in os.walk(top):
        for name in (*files, *(name for name in names if os.path.islink(os.path.join(folder, name)))):
            found.add(os.path.relpath(os.path.join(folder, name), top))
    if (top / ".git").is_dir():
        found |= set(git(top, "for-each-ref", "--format=%(refname)").splitlines())
        found |= set(git(top, "config", "--local", "--list", "--name-only").splitlines())
    return found


@pytest.mark.slow
def test_every_file_of_a_tour_is_documented(
    repo: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    git(tmp_path, "clone", "-q", "--bare", str(repo), "hub")
    git(repo, "remote", "add", "origin", str(tmp_path / "hub"))
    git(repo, "push", "-q", "-u", "origin", "main")
    (repo / "table.csv").write_text("subject\nFrom a table\n")
    (repo / ".git" / "hooks").mkdir(exist_ok=True)
    direct = Direct(repo, capsys, monkeypatch)
    temporary, home = tmp_path / "tmp", Path(os.environ["HOME"])
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    before, at_home = seen(repo), seen(home)
    known = [*patterns(), *_GITS]
    assert not any(
        is_documented(path, known) for path in ("x", "src/x", ".git/x", ".git/gittasks/x", ".tasks/x")
    )
    made: set[str] = set()
    deleted: set[tuple[str, str]] = set()
    run = ""
    with nothing_remains():
        now = before
        for call in TOUR:
            if call == "COMMIT":
                git(repo, "commit", "-q", "-m", "plan")
            elif call == "SETTINGS":
                (repo / ".tasks" / "config.yaml").write_text(SETTINGS)
                (repo / ".tasks" / "workflows").mkdir()
                (repo / ".tasks" / "workflows" / "quiet.yaml").write_text(WORKFLOW)
                git(repo, "add", ".tasks")
                now = seen(repo)
            elif call == "SETTLE":
                until(lambda: not remains(), "for supervisors to go")
            else:
                code = None if call.startswith("wait ") else 0  # of a run that was killed
                answer = direct(*shlex.split(call.format(run=run)), code=code).stdout
                run = answer.strip() if call.startswith("run --slots") else run
            then = seen(repo)
            made |= then - now
            deleted |= {(path, call) for path in now - then}
            now = then
    assert sorted(path for path in made if not is_documented(path, known)) == []
    deletable = rows("Everything that it can delete")
    untold = {(path, call) for path, call in deleted if not is_documented(path, list(_GITS))}
    assert sorted(pair for pair in untold if not may_delete(*pair, deletable)) == []
    assert any(path.startswith(".tasks/3/") and call == "undo" for path, call in deleted)
    assert not {path for path in before - now if not is_documented(path, list(_GITS))}, (
        "a file of the user's went"
    )
    assert seen(home) == at_home
    assert seen(temporary) == set()
    assert set(patterns()) >= {".tasks/*.yaml", "ids.json", "trust.json", "mergetool.gittasks.*"}


def test_the_tour_calls_every_command() -> None:
    called = {shlex.split(call)[0] for call in TOUR}
    assert called >= COMMANDS.keys()


def test_a_row_names_what_may_go_and_who_may_do_it() -> None:
    table = rows("Everything that it can delete")
    assert may_delete(".worktrees/extra/README", "worktree remove extra", table)
    for path, call in (
        (".worktrees/extra/README", "note 1 hello"),
        (".tasks/1.yaml", "undo"),
        (".tasks/config.yaml", "deinit --force"),
        ("README", "finish 1 --remove"),
        ("refs/heads/main", "prune"),
        ("user.name", "deinit --force"),
    ):
        assert not may_delete(path, call, table), (path, call)
    named = {words.split()[0] for row in table for words in re.findall(r"`([a-z][^`]*)`", row.by)}
    assert named <= COMMANDS.keys()


def modes(top: Path) -> dict[str, int]:
    return {
        str(path.relative_to(top)): stat.S_IMODE(path.lstat().st_mode)
        for path in sorted(top.rglob("*"))
        if not path.is_symlink()
    }


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_files_have_the_modes_that_git_would_give(
    repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, umask: int
) -> None:
    direct = Direct(repo, capsys, monkeypatch)
    old = os.umask(umask)
    try:
        for call in ("init", "add One", "add --from batch", "note 1 hello", "edit 1 --priority 0"):
            (repo / "batch").write_text('{"subject": "A"}\n{"subject": "B"}\n')
            direct(*shlex.split(call))
        with nothing_remains():
            direct("run", "--wait", "--", "true")
        (repo / "by-git").write_text("x")
    finally:
        os.umask(old)
    found = modes(repo)
    for name, mode in found.items():
        if name.startswith(".tasks/"):
            is_folder = (repo / name).is_dir()
            assert mode == (0o777 if is_folder else 0o666) & ~umask, (name, oct(mode))
        if name.startswith((".task_outputs", ".git/gittasks/runs")):
            assert mode & 0o077 == 0, (name, oct(mode))
    for line in git(repo, "ls-files", "--stage", ".tasks").splitlines():
        assert line.startswith("100644 "), line
