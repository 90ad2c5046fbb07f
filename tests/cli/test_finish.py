"""`gittasks finish` as a user calls it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Cli, git


@pytest.fixture
def site(cli: Cli, repo: Path) -> Path:
    """The worktree of #1, with one commit."""
    cli("init")
    cli("add", "Fix the login")
    git(repo, "commit", "-q", "-m", "plan")
    path = Path(cli("start", "1").stdout.strip())
    (path / "code").write_text("code\n")
    git(path, "add", "code")
    git(path, "commit", "-q", "-m", "write code")
    return path


def test_merge_from_inside(cli: Cli, repo: Path, site: Path) -> None:
    done = cli("finish", "--merge", "-m", "All done", cwd=site)
    assert done.stdout.splitlines() == [
        "#1 is completed: Fix the login",
        "wt/1-fix-the-login is merged into main",
        "the worktree 1-fix-the-login is removed",
    ]
    assert "you stood in it" in done.stderr
    assert git(repo, "log", "-1", "--format=%s") == "All done"
    assert "finished already" in cli("finish", "1", "--merge").stdout


def test_json(cli: Cli, repo: Path, site: Path) -> None:
    (site / "new\x1b[31m").write_text("")
    error = json.loads(cli("finish", "1", "--merge", "--json", code=1).stdout)["error"]
    assert (error["outcome"], error["files"]) == ("refused_dirty", ["new\x1b[31m"])
    document = json.loads(cli("finish", "1", "--merge", "--force", "--json").stdout)
    assert (document["schema"], document["outcome"], document["merged"]) == (1, "removed", True)
    assert document["lost"] == {"files": ["new\x1b[31m"], "commits": []}
    assert document["commit"] == git(repo, "rev-parse", "main")
    assert document["task"]["status"] == "completed"
    assert document["worktree"]["base"] == "main"


def test_what_is_lost_is_named(cli: Cli, repo: Path, site: Path) -> None:
    (site / "new\x1b[31m").write_text("")
    tip = git(site, "rev-parse", "HEAD")
    refused = cli("finish", "1", "--remove", code=1)
    assert "new\\x1b[31m" in refused.stderr
    assert "\x1b" not in refused.stderr
    done = cli("finish", "1", "--remove", "--force")
    assert "lost: new\\x1b[31m" in done.stderr
    assert f"lost: commit {tip} write code" in done.stderr
    assert git(repo, "status", "--porcelain") == "M  .tasks/1.yaml"


def test_one_way_must_be_chosen(cli: Cli, site: Path) -> None:
    assert "--merge" in cli("finish", "1", code=2).stderr
    assert cli("finish", "1", "--merge", "--keep", code=2).stdout == ""
    assert cli("finish", "--force", "--keep", code=1).stdout == ""
    assert site.exists()


def test_checks_speak_on_stderr(cli: Cli, repo: Path, site: Path) -> None:
    (site / ".tasks" / "config.yaml").write_text("schema: 1\nchecks:\n  loud: echo out; echo err >&2; pwd\n")
    git(site, "add", "-A")
    git(site, "commit", "-q", "-m", "checks")
    assert "gittasks trust" in cli("finish", "1", "--keep", code=1).stderr
    cli("trust", "--yes", cwd=site)
    done = cli("finish", "1", "--keep")
    assert "check loud\nout\nerr\n" in done.stderr
    assert f"{site}\n" in done.stderr
    assert done.stdout.splitlines() == [
        "#1 is completed: Fix the login",
        "the worktree 1-fix-the-login is kept",
    ]
