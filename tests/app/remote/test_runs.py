"""Runs on another machine, from the order to what they bring back; the machine is a stand-in (see `box`)."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import runs
from gittasks.app.forgetting import forget_runs
from gittasks.app.project import Project, open_project
from gittasks.app.remote.ordering import BadHostNameError, check_destination, find_host, start_remote_run
from gittasks.app.run_start import Order
from gittasks.base.errors import UsageError
from gittasks.runtime import live, stopping
from gittasks.runtime.record import Run
from tests.app.remote.box import Box
from tests.conftest import Cli, git
from tests.runtime.stage import PATIENCE_S, until

Start = Callable[..., Run]


@pytest.fixture
def project(repo: Path, box: Box) -> Project:
    return open_project(str(repo), env=dict(os.environ))


@pytest.fixture
def start(project: Project) -> Start:
    def call(script: str, *, keep: bool = False, **how: Any) -> Run:
        order = Order(("sh", "-c", script), **how)
        return start_remote_run(project, order, find_host(project, "box"), keep=keep).run

    return call


def end(project: Project, run: Run) -> Run:
    (found,), ended = runs.wait_runs(project, [run.id], timeout_s=4 * PATIENCE_S)
    assert ended, found
    return found


def now(project: Project, run: Run) -> Run:
    return runs.find_run(project, run.id)


def output(project: Project, run: Run) -> bytes:
    return b"".join(runs.read_output(project, now(project, run)))


def test_what_the_worktree_holds_is_shipped_and_what_is_left_comes_back(
    box: Box, repo: Path, cli: Cli
) -> None:
    (repo / ".gitignore").write_text("*.log\n")
    (repo / "sub").mkdir()
    (repo / "sub" / "new").write_text("not added\n")
    (repo / "x.log").write_text("ignored\n")
    (repo / "README").write_text("changed\n")
    before = git(repo, "status", "--porcelain")
    told = "pwd; echo ../*; cat ../README new; echo $SECRET; echo $GITTASKS_RUN_ID; echo made > made; exit 3"
    done = cli(
        *("run", "--on", "box", "--wait", "--env", "SECRET=hunter2", "--name", "try"),
        *("--", "sh", "-c", told),
        cwd=repo / "sub",
        code=3,
    )
    run_id, there, names, *rest = done.stdout.splitlines()
    assert there == str(box.state / "jobs" / run_id / "tree" / "sub")
    assert names == "../README ../sub"
    assert rest[:3] == ["changed", "not added", "hunter2"]
    (run,) = json.loads(cli("runs", "--json").stdout)["runs"]
    assert (run["type"], run["status"], run["exit_code"], run["dirty"]) == ("remote_agent", "failed", 3, True)
    assert (run["description"], run["command"][:2], run["cwd"]) == ("try", ["box:", "sh"], str(repo / "sub"))
    ref = f"refs/gittasks/runs/{run_id}"
    take = f"git diff --binary {ref}/start {ref}/result | git apply"
    assert run["message"] == f"1 file changed: {take}"
    assert run["usage"]["cpu_s"] >= 0
    # Here nothing changed but the refs of the run.
    assert git(repo, "status", "--porcelain") == before
    assert git(repo, "rev-parse", f"{ref}/result") == run["commit_after"]
    assert git(repo, "diff", "--name-only", f"{ref}/start", f"{ref}/result") == "sub/made"
    subprocess.run(["sh", "-c", take], cwd=repo, check=True)
    assert (repo / "sub" / "made").read_text() == "made\n"
    git(repo, "stash", "--include-untracked")
    git(repo, "merge", "-q", f"{ref}/result")
    assert (repo / "sub" / "made").read_text() == "made\n"
    # There nothing is left but the mark, and what the next push builds on. The secret reached no file on either side.
    assert not (box.state / "jobs" / run_id / "tree").exists()
    assert list((box.state / "runs" / "ended").iterdir()) == []
    (there_git,) = (box.state / "repositories").glob("*.git")
    assert git(there_git, "for-each-ref", "--format=%(refname)") == "refs/gittasks/last"
    assert b"hunter2" not in box.texts()
    kept = [path.read_bytes() for path in (repo / ".git" / "gittasks").rglob("*") if path.is_file()]
    assert not [data for data in kept if b"hunter2" in data]


def test_a_clean_tree_and_no_change(project: Project, start: Start, repo: Path) -> None:
    head = git(repo, "rev-parse", "HEAD")
    run = start("cat README; kill -9 $$")
    ended = end(project, run)
    assert (ended.status, ended.reason, ended.signal) == ("failed", "signal", 9)
    assert (ended.commit_before, ended.commit_after, ended.dirty) == (head, head, False)
    assert ended.message == "it changed no files"
    assert output(project, run) == b"hello\n"


def test_commits_come_back_with_their_messages(project: Project, start: Start, repo: Path) -> None:
    commit = "git -c user.name=x -c user.email=x@y commit -qam"
    run = start(f"echo 2 >> README; {commit} second; echo 3 >> README", keep=True)
    assert end(project, run).status == "completed"
    ref = f"refs/gittasks/runs/{run.id}/result"
    assert git(repo, "log", "--format=%s", ref).splitlines() == [f"left by run {run.id}", "second", "first"]


@pytest.mark.long
def test_what_cannot_be_started_says_so(project: Project, start: Start, box: Box) -> None:
    def message(run: Run) -> str:
        ended = end(project, run)
        assert (ended.status, ended.reason) == ("failed", "not_started"), ended
        return str(ended.message)

    box.down()
    refused = message(start("true"))
    assert refused.startswith(
        "cannot reach box: ssh: connect to host box port 22: Connection refused (does `ssh"
    )
    box.up()
    (box.bin / "git").rename(box.top / "git")
    assert (
        message(start("true"))
        == "box: cannot run git: No such file or directory (install git, or check PATH)"
    )
    (box.top / "git").rename(box.bin / "git")
    (box.bin / "python3").rename(box.top / "python3")
    assert "python3: not found (it needs python 3.11 or newer" in message(start("true"))
    (box.top / "python3").rename(box.bin / "python3")
    order = Order(("no-such-program",))
    run = start_remote_run(project, order, find_host(project, "box")).run
    assert message(run) == "box: cannot run no-such-program: command not found; it changed no files"


@pytest.mark.long
def test_a_lost_link_changes_nothing(project: Project, start: Start, box: Box) -> None:
    run = start("echo one; until [ -e ~/go ]; do sleep 0.02; done; seq 5; exit 4")
    until(lambda: output(project, run) == b"one\n")
    box.down()
    for pid in followers(box):
        os.kill(pid, 9)
    until(lambda: str(now(project, run).message).startswith("cannot reach box: ssh: connect to host"))
    stale = now(project, run)
    assert stale.status == "running"
    assert stale.stale_since is not None
    (box.home / "go").touch()
    box.up()
    ended = end(project, run)
    assert (ended.status, ended.exit_code, ended.stale_since) == ("failed", 4, None)
    assert output(project, run) == b"one\n1\n2\n3\n4\n5\n"


@pytest.mark.slow
def test_worker_and_supervisor_killed_it_is_found_again(project: Project, start: Start, box: Box) -> None:
    run = start("echo $$ >> ~/starts; seq 2000; until [ -e ~/go ]; do sleep 0.02; done; echo end")
    until(lambda: output(project, run).endswith(b"2000\n"))
    folders = runs.run_folders(project)
    record = live.read_part(folders, run.id, live.RECORD)
    assert record is not None
    for part in ("supervisor", "process"):
        os.kill(json.loads(record)[part]["pid"], 9)
    (box.home / "go").touch()
    until(lambda: now(project, run).status != "running")
    assert now(project, run).status == "completed"
    assert output(project, run) == b"".join(b"%d\n" % n for n in range(1, 2001)) + b"end\n"
    assert (box.home / "starts").read_text().count("\n") == 1


@pytest.mark.slow
def test_kill_takes_the_whole_tree_there(project: Project, start: Start, box: Box) -> None:
    run = start("trap '' TERM; setsid sh -c 'trap \"\" TERM; sleep 600' & echo up; sleep 600; sleep 600")
    until(lambda: output(project, run) == b"up\n")
    (ended,) = runs.kill_runs(project, [run.id], grace_s=0.1)
    if ended.is_live:
        ended = end(project, run)
    assert (ended.status, ended.reason) == ("killed", "signal")
    until(lambda: not box.processes())


@pytest.mark.long
def test_kill_before_it_was_started(project: Project, start: Start, box: Box) -> None:
    box.rude("#!/bin/sh\ntouch '" + str(box.top / "called") + "'\nexec sleep 600\n")
    run = start("true")
    until((box.top / "called").exists)
    (ended,) = runs.kill_runs(project, [run.id], grace_s=5)
    assert (ended.status, ended.message) == ("killed", "stopped before it was started")


@pytest.mark.long
def test_a_limit_of_time_is_kept_there(project: Project, start: Start) -> None:
    run = start("echo x; sleep 600", timeout_s=0.2)
    ended = end(project, run)
    assert (ended.status, ended.reason, ended.timeout_s) == ("failed", "timeout", 0.2)


@pytest.mark.long
def test_what_was_kept_goes_when_the_run_is_forgotten(
    project: Project, start: Start, box: Box, repo: Path
) -> None:
    run = start("echo x > made", keep=True)
    assert end(project, run).status == "completed"
    tree = box.state / "jobs" / run.id / "tree"
    assert tree.is_dir()
    box.down()
    refused = forget_runs(project, older_than_s=None, keep=0)
    assert refused.runs == ()
    assert refused.notes[0].startswith(
        f"run {run.id} is not forgotten, for something of it is elsewhere: cannot"
    )
    box.up()
    pruned = forget_runs(project, older_than_s=None, keep=0)
    ref = f"refs/gittasks/runs/{run.id}/result"
    assert [one.id for one in pruned.runs] == [run.id]
    assert pruned.notes == (f"{ref} stays: no branch holds what run {run.id} left",)
    assert not tree.exists()
    assert git(repo, "for-each-ref", "--format=%(refname)", "refs/gittasks") == ref
    assert runs.list_runs(project).runs == []


@pytest.mark.long
@pytest.mark.slow
def test_a_machine_that_never_comes_back_can_be_given_up(
    project: Project, start: Start, box: Box, cli: Cli
) -> None:
    run = start("echo up; sleep 600")
    until(lambda: output(project, run) == b"up\n")
    box.down()
    for pid in followers(box):
        os.kill(pid, 9)
    until(lambda: now(project, run).stale_since is not None)
    # Nobody can know whether it is gone.
    stopping.ask_to_stop(runs.run_folders(project), run.id, 0)
    until(lambda: now(project, run).phase == "stopping")
    assert now(project, run).status == "running"
    (ended,) = runs.kill_runs(project, [run.id], grace_s=0, give_up=True)
    assert (ended.status, ended.reason) == ("failed", "lost")
    assert str(ended.message).startswith("given up, for box did not answer")
    for pid in box.processes():
        os.kill(pid, 9)
    local = cli("run", "--", "sleep", "600").stdout.strip()
    assert "is on this machine" in cli("kill", "--give-up", local, code=2).stderr
    cli("kill", local)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "-oProxyCommand=x",
        "a b",
        "a;b",
        "a$b",
        "$(x)",
        "a\n",
        "a/b",
        "x@",
        "ssh://",
        "`x`",
        "a'b",
        "\u202e",
    ],
)
def test_what_is_no_host(name: str) -> None:
    with pytest.raises(BadHostNameError):
        check_destination(name)


def test_what_is_a_host(project: Project, repo: Path) -> None:
    for name in ("box", "me@box", "ssh://me@box:2222", "ssh://me@[::1]:22", "10.0.0.1"):
        assert check_destination(name) == name
    with pytest.raises(UsageError, match="not in this worktree"):
        start_remote_run(project, Order(("true",), cwd=str(repo.parent)), find_host(project, "box"))
    assert runs.list_runs(project).runs == []


def followers(box: Box) -> list[int]:
    """The helpers that talk to us: no supervisor, and nothing that one started."""
    return [pid for pid in box.processes() if b"-c\0import sys" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.parametrize("asked", [{"retries": 1}, {"terminal": True}, {"takes_input": True}])
def test_what_only_this_machine_can_do_is_refused(
    start: Start, project: Project, asked: dict[str, object]
) -> None:
    with pytest.raises(UsageError, match="not for runs on other machines"):
        start("true", **asked)
    assert runs.list_runs(project).runs == []
