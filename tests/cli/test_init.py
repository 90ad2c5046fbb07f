"""`gittasks init` as people call it."""

from __future__ import annotations

import json
from pathlib import Path

from tests.conftest import Cli, git


def test_it_says_what_it_made_and_what_to_do_next(repo: Path, cli: Cli) -> None:
    done = cli("init")
    assert done.stdout == f"made .tasks, .tasks/config.yaml and .tasks/.gitattributes in {repo}\n"
    assert "gittasks add" in done.stderr
    assert git(repo, "status", "--porcelain") == "A  .tasks/.gitattributes\nA  .tasks/config.yaml"


def test_a_second_call_says_that_all_is_there(repo: Path, cli: Cli) -> None:
    cli("init")
    done = cli("init")
    assert (done.stdout, done.stderr) == (f"this is a project already: {repo}/.tasks\n", "")


def test_json(repo: Path, cli: Cli) -> None:
    first, second = (json.loads(cli("init", "--json").stdout) for _ in range(2))
    assert first == {
        "schema": 1,
        "folder": str(repo / ".tasks"),
        "created": [".tasks", ".tasks/config.yaml", ".tasks/.gitattributes"],
        "staged": True,
    }
    assert second["created"] == []


def test_refusals_name_the_cure_and_exit_1(repo: Path, cli: Cli, tmp_path: Path) -> None:
    outside = cli("init", cwd=tmp_path, code=1)
    assert "is not inside a git repository" in outside.stderr and "git init" in outside.stderr
    (repo / ".tasks").symlink_to(tmp_path)
    done = cli("init", code=1)
    assert "is a symbolic link" in done.stderr and "hint: " in done.stderr
    assert done.stdout == ""


def test_a_folder_with_a_hostile_name_is_not_printed_raw(tmp_path: Path, cli: Cli) -> None:
    folder = tmp_path / "evil\x1b[31m"
    folder.mkdir()
    git(folder, "init", "-q")
    for _ in range(2):
        done = cli("init", cwd=folder)
        assert "\x1b" not in done.stdout + done.stderr
        assert "evil\\x1b[31m" in done.stdout
