"""Runs of agents with a scripted one: what it gets, what is known of it, what it did, however it behaves."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gittasks.app import claiming, holders, runs, worker
from gittasks.app.holders import ClaimHeldError
from gittasks.app.project import open_project
from gittasks.app.run_start import Order
from gittasks.base import identity
from gittasks.runtime import live as live_files
from gittasks.workgraph.record import TaskId
from tests.app.agents.place import CHECKS, SETTINGS, call, end, facts, furnish, output
from tests.conftest import git
from tests.runtime.stage import nothing_remains, until

ONE = TaskId(1)


@pytest.fixture(autouse=True)
def nothing_left() -> Iterator[None]:
    with nothing_remains():
        yield


@pytest.mark.slow
def test_a_good_agent(repo: Path) -> None:
    env = {**os.environ, "SECRET": "hush"}
    project = furnish(repo, "Write it", settings=SETTINGS + CHECKS, env=env)
    called = call(project, 1, "tells", wish="be quick")
    (run,) = end(project, called)
    assert (run.type, run.status, run.work_graph_task_id) == ("local_agent", "completed", 1)
    assert (run.session, run.worktree, run.owner) == ("s-1.A_b:2", "1-write-it", "Ada Tester")
    assert run.message == "1 commit, checks passed; it said: I wrote it. Nothing is left."
    assert run.commit_before != run.commit_after == git(Path(called.path), "rev-parse", "HEAD")
    assert facts(run) == {
        "name": "scripted",
        "steps": 1,
        "said": "I wrote it.\nNothing is left.",
        "exit_code": 0,
        "signal": None,
        "commits": 1,
        "dirty": False,
        "failed": None,
        "checks_passed": True,
        "failed_check": None,
    }
    assert run.command[-1] == "tells"
    lines = output(project, run).decode().splitlines()
    assert lines[-2:] == ["gittasks: check there", "gittasks: check quick"]
    given = json.loads(lines[0])
    assert given["cwd"] == called.path
    assert given["argv"] == ["tells"]
    # What the user's environment has, an agent needs: its key, say.
    assert given["env"] == {
        "GITTASKS_TASK_ID": "1",
        "GITTASKS_RUN_ID": run.id,
        "GITTASKS_OWNER": "Ada Tester",
        "SECRET": "hush",
    }
    assert "there: test -f new.txt" in given["prompt"]
    assert given["prompt"].endswith("From the one who started you:\nbe quick\n")

    again = call(project, 1, agent=None, resume="")
    (second,) = end(project, again)
    given = json.loads(output(project, second).split(b"\n", 1)[0])
    assert given["argv"] == ["tells", "s-1.A_b:2"]
    assert given["prompt"].startswith("Go on with your work on task #1")
    assert "completed: 1 commit, checks passed; it said: I wrote it." in given["prompt"]
    assert second.status == "failed"  # nothing was left to commit: git refuses, and so does the script
    assert second.session == "s-1.A_b:2"


@pytest.mark.long
@pytest.mark.slow
def test_whoever_lies_gives_up_dies_or_babbles_is_found_out(repo: Path) -> None:
    names = ("lies", "gives_up", "leaves", "dies", "babbles", "forks", "removes")
    project = furnish(repo, *names, settings=SETTINGS + CHECKS)
    started = [call(project, number, name) for number, name in enumerate(names, 1)]
    lies, gives_up, leaves, dies, babbles, forks, removes = end(project, *started)
    assert (lies.status, lies.reason, lies.exit_code) == ("failed", "exit", 1)
    assert lies.message == (
        "the check there failed (exit code 1), no commit; it said: All tests pass. The task is done!"
    )
    assert (facts(lies)["checks_passed"], facts(lies)["failed_check"], facts(lies)["exit_code"]) == (
        False,
        "there",
        0,
    )
    assert (gives_up.status, gives_up.exit_code) == ("failed", 1)
    assert gives_up.message == "scripted gave up: no model answers, no commit"
    assert (leaves.status, leaves.exit_code) == ("failed", 7)
    assert leaves.message == "scripted ended with exit code 7, no commit, changes left uncommitted"
    # Nobody asks the checks where it is clear that it failed.
    assert facts(leaves)["checks_passed"] is None
    assert b"gittasks: check" not in output(project, leaves)
    assert (dies.status, dies.reason, dies.signal, dies.exit_code) == (
        "failed",
        "signal",
        signal.SIGSEGV,
        None,
    )
    assert dies.message == "scripted was ended by signal 11, no commit"
    assert (removes.status, facts(removes)["dirty"]) == ("failed", None)
    assert str(removes.message).startswith("the check there failed (cannot run test: the folder ")
    assert (babbles.status, babbles.session) == ("failed", "7")
    assert facts(babbles)["said"] == "? \x1b]0;title\x07 red"
    assert babbles.progress == r"1: \x1b[2Jcls\u202e"
    assert len(output(project, babbles)) > 3 << 20
    # Its child, deaf and in a session of its own, is gone with it: see `nothing_left`.
    assert (forks.status, facts(forks)["commits"]) == ("completed", 1)


@pytest.mark.long
def test_a_flood_goes_through_and_is_not_held_in_memory(repo: Path) -> None:
    project = furnish(repo)
    (run,) = end(project, call(project, 1, "floods"))
    assert (run.status, facts(run)["said"], facts(run)["steps"]) == ("completed", "after the flood", 40_000)
    assert run.usage is not None
    assert run.usage["peak_memory_bytes"] < 120 << 20
    assert run.output_bytes > 8 << 20


@pytest.mark.long
@pytest.mark.slow
def test_an_agent_that_hangs_holds_its_task_until_it_is_ended(repo: Path) -> None:
    project = furnish(repo, "killed", "worker killed", "timed out")
    called, orphaned = call(project, 1, "hangs"), call(project, 2, "hangs")
    late = call(project, 3, "sleeps", order=Order(timeout_s=1.0))
    run_id = called.started.run.id

    def claim() -> holders.Holding | None:
        return holders.look(project, ONE, claiming.require_task(project, ONE).uid, "Ada Tester").local

    until(lambda: runs.find_run(project, run_id).session == "s-hang", "for the agent to be heard")
    live = runs.find_run(project, run_id)
    assert (live.progress, live.phase) == ("1: wait: for ever", "active")
    held = claim()
    assert held is not None and held.claim is not None
    assert (held.claim.run, held.life, held.state) == (run_id, identity.ALIVE, holders.OWN)
    with pytest.raises(ClaimHeldError, match="1 is claimed by Ada Tester"):
        call(project, 1, "works")
    # Whoever gets past that look in the same moment loses at the claim, and starts no program.
    site, folders = open_project(called.path, env=project.env), project.run_folders
    order = Order(task_id=ONE, cwd=called.path, spec=live_files.read_spec(folders, run_id))
    second = worker.start_worker(site, "agent", order, kind="local_agent").run
    (loser,), _ = runs.wait_runs(project, [second.id])
    assert (loser.status, loser.exit_code) == ("failed", 4)
    assert str(loser.message).startswith("#1 is claimed by Ada Tester since ")
    assert b"hello" not in output(project, loser)
    # Its worker killed: the agent goes too, and what was known of it stays known.
    until(lambda: runs.find_run(project, orphaned.started.run.id).session == "s-hang", "for the other one")
    process = identity.parse_process(runs.find_run(project, orphaned.started.run.id).process)
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    # Deaf to SIGTERM, and so is its child: both are gone all the same.
    (killed,) = runs.kill_runs(project, [live.id], grace_s=0.3)
    assert (killed.status, killed.session) == ("killed", "s-hang")
    left = claim()
    assert left is not None and left.claim is not None
    # Killed with its worker, it could not let go: its death is proven, and whoever comes next takes it over.
    assert (left.state, left.life) == (holders.ABANDONED, identity.DEAD)
    (after,) = end(project, call(project, 1, "works"))
    assert after.status == "completed"
    settled = claim()
    assert settled is None or (settled.claim is not None and settled.claim.run is None)
    lost, timed_out = end(project, orphaned, late)
    assert (lost.status, lost.reason, lost.signal, lost.session) == (
        "failed",
        "signal",
        signal.SIGKILL,
        "s-hang",
    )
    assert (timed_out.status, timed_out.reason) == ("failed", "timeout")


def test_a_program_that_cannot_be_started_is_named(repo: Path) -> None:
    (repo / "no-program").write_bytes(b"\x7fELF\n")
    (repo / "no-program").chmod(0o755)
    git(repo, "add", "no-program")
    project = furnish(repo, settings="agents: {bad: [./no-program]}\n")
    (run,) = project.wait(project.agent(1, "bad").id)
    assert (run.status, run.exit_code) == ("failed", 127)
    assert run.message == "cannot start bad: Exec format error"


def test_without_checks_the_agent_alone_decides(repo: Path) -> None:
    project = furnish(repo, settings=SETTINGS + CHECKS)
    (run,) = end(project, call(project, 1, "lies", checks=False))
    assert (run.status, facts(run)["checks_passed"]) == ("completed", None)
    assert run.message == "no commit; it said: All tests pass. The task is done!"
