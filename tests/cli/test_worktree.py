"""`gittasks worktree` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Cli, git


@pytest.fixture
def site(cli: Cli, repo: Path) -> Path:
    """The worktree of #1."""
    cli("init")
    cli("add", "Fix the \u202elogin")
    git(repo, "commit", "-q", "-m", "plan")
    return Path(cli("start", "1", "--worktree", "login").stdout.strip())


def test_list(cli: Cli, repo: Path, site: Path) -> None:
    lines = cli("worktree", "list").stdout.splitlines()
    assert lines[0] == "main   main  (here)"
    assert lines[2] == "login  wt/login  1 changed  #1 in_progress: Fix the \\u202elogin"
    assert lines[3].strip() == str(site)
    for args in (
        ("worktree", "list", "--json"),
        ("--json", "worktree", "list"),
        ("worktree", "--json", "list"),
    ):
        found = json.loads(cli(*args).stdout)["worktrees"]
        assert [(tree["name"], tree["dirty"]) for tree in found] == [("main", 0), ("login", 1)]
    assert found[1]["tasks"] == [{"id": 1, "subject": "Fix the \u202elogin", "status": "in_progress"}]
    assert cli("worktree", "list", "--names").stdout == "main\nlogin\n"


def test_enter_prints_the_path_and_nothing_else(cli: Cli, repo: Path, site: Path) -> None:
    for name in ("login", "1", "#1"):
        done = cli("worktree", "enter", name)
        assert (done.stdout, done.stderr) == (f"{site}\n", "")
    assert cli("worktree", "enter", "main", "-C", str(site)).stdout == f"{repo}\n"
    for name in ("nothing", "99", "../x", ""):
        assert cli("worktree", "enter", name, code=1).stdout == ""


def test_status(cli: Cli, site: Path) -> None:
    (site / "new\n").write_text("")
    text = cli("worktree", "status", "1").stdout
    assert "0 commits that main has not" in text
    assert "  new\\n\n" in text
    document = json.loads(cli("worktree", "status", "--json", cwd=site).stdout)["worktree"]
    assert (document["name"], document["files"], document["ahead"]) == (
        "login",
        [".tasks/1.yaml", "new\n"],
        [],
    )


def test_run(cli: Cli, site: Path) -> None:
    assert cli("worktree", "run", "login", "--", "pwd").stdout == f"{site}\n"
    assert cli("worktree", "run", "1", "--", "sh", "-c", "exit 7", code=7).stdout == ""
    assert cli("worktree", "run", "1", "--", "sh", "-c", "kill -9 $$", code=137).stdout == ""
    assert "no-such-program" in cli("worktree", "run", "1", "--", "no-such-program", code=1).stderr
    assert cli("worktree", "run", "1", code=2).stdout == ""
    assert cli("worktree", "list", "--", "pwd", code=2).stdout == ""


def test_a_life(cli: Cli, repo: Path, site: Path) -> None:
    path = cli("worktree", "add", "spike").stdout.strip()
    assert path == f"{repo}/.worktrees/spike"
    assert cli("worktree", "keep", "spike").stdout == "the worktree spike is marked as kept\n"
    assert cli("worktree", "remove", "spike", code=1).stdout == ""
    cli("worktree", "keep", "--off", "spike")
    (Path(path) / "new").write_text("")
    assert "  new" in cli("worktree", "remove", "spike", code=1).stderr
    done = cli("worktree", "remove", "spike", "--force", cwd=Path(path))
    assert done.stdout == "the worktree spike is removed\n"
    assert "lost: new" in done.stderr
    assert "you stood in it" in done.stderr
    words = [line.split()[1] for line in cli("worktree", "events", "spike").stdout.splitlines()]
    assert words == ["created", "kept", "refused", "kept", "refused", "removed"]
    events = json.loads(cli("worktree", "events", "--json").stdout)["events"]
    assert events[-1]["after"]["lost_files"] == ["new"]


def test_bind(cli: Cli, repo: Path, site: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "side"))
    assert "login" in cli("worktree", "bind", "side", "1", code=1).stderr
    cli("add", "Another")
    assert cli("worktree", "bind", "side", "2").stdout == "#2 is bound to the worktree side\n"
    assert git(tmp_path / "side", "status", "--porcelain") == "A  .tasks/2.yaml"
