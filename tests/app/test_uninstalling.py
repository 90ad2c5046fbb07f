"""`deinit`: what was put outside `.tasks` goes, what is not ours stays, what exists nowhere else refuses it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from gittasks.app import rescuing, uninstalling
from gittasks.app.uninstalling import StillNeededError, deinit
from tests.app.desk import at
from tests.cli.direct import Direct
from tests.conftest import git
from tests.runtime.stage import nothing_remains, until


@pytest.fixture
def direct(repo: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Direct:
    return Direct(repo, capsys, monkeypatch)


def everything(repo: Path) -> dict[str, bytes]:
    """All files, and what git says: refs, settings."""
    # What git writes with each commit is not ours.
    its_own = (
        ".git/objects/",
        ".git/logs/",
        ".git/refs/heads/",
        ".git/index",
        ".git/COMMIT_EDITMSG",
        ".git/ORIG_HEAD",
    )
    names = {str(path.relative_to(repo)): path for path in sorted(repo.rglob("*")) if path.is_file()}
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith(its_own)}


def settled(repo: Path) -> None:
    """Wait until supervisors have cleared their folders away."""
    live = repo / ".git" / "gittasks" / "runs" / "live"
    until(lambda: not live.exists() or not any(live.iterdir()), "for the supervisor to go")


def use_all(repo: Path, direct: Direct) -> None:
    for call in (
        "init",
        "add One",
        "add Two",
        "note 1 hello",
        "hooks install",
        "claim 1",
        "run --wait -- echo hello",
    ):
        direct(*shlex.split(call))
    git(repo, "commit", "-qm", "plan")
    direct("start", "2")
    direct("finish", "2", "--merge")
    settled(repo)


def test_a_clone_is_as_it_was_but_for_its_tasks(repo: Path, direct: Direct) -> None:
    git(repo, "config", "user.note", "kept")
    before = everything(repo)
    with nothing_remains():
        use_all(repo, direct)
        done = deinit(at(repo))
    after = everything(repo)
    assert {name: data for name, data in after.items() if not name.startswith(".tasks/")} == before
    assert not (repo / ".task_outputs").exists()
    assert not (repo / ".worktrees").exists()
    assert git(repo, "for-each-ref", "refs/gittasks") == ""
    kinds = {thing.kind for thing in done.removed}
    assert kinds == {"hook", "claim", "setting", "line", "output", "folder"}
    assert any(str(repo / ".tasks") in text for text in done.left)


def test_a_rehearsal_changes_nothing_and_says_the_same(repo: Path, direct: Direct) -> None:
    with nothing_remains():
        use_all(repo, direct)
        before = everything(repo)
        shown = json.loads(direct("deinit", "--dry-run", "--json").stdout)
        assert everything(repo) == before
        done = json.loads(direct("deinit", "--json").stdout)
    assert shown["dryRun"] and not done["dryRun"]
    assert shown["removed"] == done["removed"]


def test_the_tasks_go_on_afterwards(repo: Path, direct: Direct) -> None:
    with nothing_remains():
        use_all(repo, direct)
        direct("deinit")
        assert "#1" in direct("list").stdout
        assert direct("add", "Three").stdout.startswith("#3")
        direct("run", "--wait", "--", "true")
        settled(repo)
        direct("deinit")
        assert not (repo / ".git" / "gittasks").exists()


def test_twice_is_no_error(repo: Path, direct: Direct) -> None:
    direct("deinit")
    direct("init")
    direct("deinit")
    assert direct("deinit").stdout == ""
    assert not (repo / ".git" / "gittasks").exists()


def test_a_live_run_refuses_it(repo: Path, direct: Direct) -> None:
    direct("init")
    with nothing_remains():
        run_id = direct("run", "--", "sleep", "600").stdout.strip()
        before = everything(repo)
        refused = direct("deinit", "--force", code=1)
        assert run_id in refused.stderr
        assert everything(repo).keys() == before.keys()
        direct("kill", run_id)


def test_what_is_nowhere_else_refuses_it(repo: Path, direct: Direct) -> None:
    direct("init")
    direct("add", "One")
    git(repo, "commit", "-qm", "plan")
    direct("worktree", "add", "side")
    side = repo / ".worktrees" / "side"
    direct("edit", "1", "--subject", "Uno", cwd=side)
    git(repo, "worktree", "remove", "--force", str(side))
    assert rescuing.find_lost(at(repo))
    with pytest.raises(StillNeededError, match=r"1\.yaml in the worktree side"):
        deinit(at(repo))
    (repo / ".git" / "gittasks" / "edit-1-7.yaml").write_text("mine")
    with pytest.raises(StillNeededError, match="edit-1-7"):
        deinit(at(repo))
    assert (repo / ".git" / "gittasks" / "edit-1-7.yaml").exists()
    deinit(at(repo), force=True)
    assert not (repo / ".git" / "gittasks").exists()


def test_hooks_that_git_does_not_run_any_more_are_taken_away_or_named(repo: Path, direct: Direct) -> None:
    (repo / "team").mkdir()
    git(repo, "config", "core.hooksPath", "team")
    direct("init", "--hooks")
    git(repo, "config", "--unset", "core.hooksPath")
    assert "git does not run it any more" in direct("doctor", code=1).stdout
    damaged = repo / "team" / "pre-push"
    damaged.write_bytes(damaged.read_bytes().replace(b"# <<< gittasks hooks <<<\n", b""))
    shown = json.loads(direct("deinit", "--dry-run", "--json").stdout)["removed"]
    done = json.loads(direct("deinit", "--json").stdout)
    assert shown == done["removed"]
    assert str(repo / "team" / "pre-commit") in {thing["name"] for thing in shown}
    assert os.listdir(repo / "team") == ["pre-push"]
    assert any(str(damaged) in text for text in done["left"])


def test_worktrees_stay_hidden_and_are_named(repo: Path, direct: Direct) -> None:
    direct("init")
    direct("add", "One")
    git(repo, "commit", "-qm", "plan")
    direct("start", "1")
    tree = next((repo / ".worktrees").iterdir())
    done = deinit(at(repo))
    assert any(str(tree) in text for text in done.left)
    assert any("wt/" in text for text in done.left)
    assert any("/.worktrees/" in text and "exclude" in text for text in done.left)
    assert (tree / "README").exists()
    assert git(repo, "status", "--porcelain") == ""


def test_files_of_others_stay(repo: Path, direct: Direct) -> None:
    with nothing_remains():
        direct("init")
        direct("run", "--wait", "--", "true")
        settled(repo)
    (repo / ".task_outputs" / "mine.txt").write_text("mine")
    git(repo, "config", "merge.gittasks.recursive", "binary")
    exclude = repo / ".git" / "info" / "exclude"
    exclude.write_text("*.tmp\n/.worktrees/\n/other/\n")
    done = deinit(at(repo))
    assert os.listdir(repo / ".task_outputs") == ["mine.txt"]
    assert git(repo, "config", "--get-regexp", "^merge.gittasks") == "merge.gittasks.recursive binary"
    assert exclude.read_text() == "*.tmp\n/other/\n"
    assert any("did not make" in text for text in done.left)


def test_at_once_with_others(repo: Path, direct: Direct) -> None:
    direct("init", "--hooks")
    calls = [("deinit",), ("deinit",), ("add", "One")]
    program = (sys.executable, "-m", "gittasks", "-C", str(repo))
    started = [subprocess.Popen((*program, *call), stderr=subprocess.PIPE, text=True) for call in calls]
    said = [process.communicate()[1] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], said
    assert (repo / ".tasks" / "1.yaml").exists()
    direct("deinit")
    assert [path.name for path in (repo / ".git").glob("gittasks*")] == []


@pytest.mark.long
def test_killed_and_run_again(repo: Path, direct: Direct, monkeypatch: pytest.MonkeyPatch) -> None:
    with nothing_remains():
        use_all(repo, direct)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    for name in ("_drop", "_uncover", "_clear", "_drop_private"):
        with monkeypatch.context() as patch:
            patch.setattr(uninstalling, name, stop)
            with pytest.raises(KeyboardInterrupt):
                deinit(at(repo))
    deinit(at(repo))
    assert not (repo / ".git" / "gittasks").exists()
    assert not (repo / ".task_outputs").exists()


def test_a_bare_repository(repo: Path, tmp_path: Path, direct: Direct) -> None:
    subprocess.run(("git", "clone", "-q", "--bare", str(repo), str(tmp_path / "bare.git")), check=True)
    direct("deinit", cwd=tmp_path / "bare.git")
