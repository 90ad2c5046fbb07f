"""Teammates: real threads of this process, and of hosts that are killed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gittasks import Message, Project, Run, Task, TaskContext, Teammate
from gittasks.app import runs, writing
from gittasks.app.project import open_project
from gittasks.app.teammates import inbox
from gittasks.app.teammates.inbox import BadMessageError, BadNameError, NameTakenError
from gittasks.app.teammates.teammate import NotStartedError
from gittasks.app.uninstalling import StillNeededError, deinit
from gittasks.base import identity
from gittasks.repo.claims import claim_refs
from gittasks.runtime import live, store
from gittasks.workgraph.drafts import Draft
from tests.conftest import Cli, git
from tests.runtime.stage import PATIENCE_S, nothing_remains, until

Work = Callable[[Task, TaskContext], object]


@pytest.fixture
def project(repo: Path) -> Iterator[Project]:
    """Three tasks, committed; whatever teammates start must have ended with the test."""
    os.mkdir(repo / ".tasks")
    made = open_project(str(repo), env=dict(os.environ))
    writing.add_tasks(made, [Draft(f"task {number}") for number in (1, 2, 3)])
    git(repo, "commit", "-q", "-m", "plan")
    with nothing_remains():
        yield made


def teammate(project: Project, work: Work, name: str = "ada", **how: Any) -> Teammate:
    how = {"idle_timeout_s": 0.0, "poll_s": 0.02} | how
    return Teammate(name, "works", work=work, project=project, **how)


def finish(*mates: Teammate) -> None:
    for mate in mates:
        assert mate.join(PATIENCE_S), f"{mate.name} goes on and on"


def run_of(project: Project, mate: Teammate) -> Run:
    return runs.find_run(project, mate.run_id)


def children(project: Project, mate: Teammate) -> list[Run]:
    return [run for run in project.runs() if run.parent == mate.run_id]


def statuses(project: Project) -> dict[int, tuple[str, str | None]]:
    return {task.id: (task.status, task.owner) for task in project.tasks()}


def test_it_works_on_what_is_ready_and_shuts_down_when_idle(project: Project) -> None:
    project.block(1, on=[3])

    def work(task: Task, context: TaskContext) -> None:
        context.log(f"on {task.subject}")
        context.report(progress=0.5, message="half")
        assert run_of(project, mate).message == f"working on #{task.id} ({context.run_id})"
        seen = runs.find_run(project, context.run_id)
        assert (seen.status, seen.progress, seen.message) == ("running", 0.5, "half")

    mate = teammate(project, work)
    assert not mate.is_alive
    with pytest.raises(NotStartedError):
        mate.join()
    mate.start()
    finish(mate)
    with pytest.raises(NotStartedError):
        mate.start()
    own = run_of(project, mate)
    assert (own.type, own.status, own.message) == ("in_process_teammate", "completed", "nothing more to do")
    assert identity.parse_process(own.process) == identity.this_process()
    assert statuses(project) == dict.fromkeys((1, 2, 3), ("completed", "ada"))
    done = children(project, mate)
    assert [run.work_graph_task_id for run in done] in ([3, 1, 2], [2, 3, 1], [3, 2, 1])
    assert {run.status for run in done} == {"completed"} and {run.id[0] for run in done} == {"t"}
    assert project.output(done[0].id) == f"on task {done[0].work_graph_task_id}\n".encode()
    assert claim_refs(project.checkout, project.env) == {}
    assert len(project.notices()) == 4
    assert live.list_live(runs.run_folders(project)) == []


def test_many_in_one_process_never_get_one_task(project: Project) -> None:
    writing.add_tasks(project, [Draft(f"more {number}") for number in range(9)])
    worked: list[int] = []
    gate = threading.Barrier(4)

    def work(task: Task, context: TaskContext) -> None:
        worked.append(task.id)
        if len(worked) <= 4:
            # All four hold one at the same time.
            gate.wait(PATIENCE_S)

    mates = [
        teammate(project, work, name, idle_timeout_s=2.0).start() for name in ("ada", "bob", "cyd", "dan")
    ]
    with pytest.raises(NameTakenError, match="bob"):
        teammate(project, work, "bob").start()
    finish(*mates)
    assert sorted(worked) == list(range(1, 13))
    assert {status for status, _ in statuses(project).values()} == {"completed"}
    assert [run_of(project, mate).status for mate in mates] == ["completed"] * 4
    assert all(children(project, mate) for mate in mates)


def test_a_crash_fails_its_run_and_releases_its_task_with_a_note(project: Project) -> None:
    def work(task: Task, context: TaskContext) -> None:
        if task.id == 2:
            raise SystemExit("no \x1b[31midea")

    mate = teammate(project, work).start()
    finish(mate)
    assert run_of(project, mate).status == "completed", "the teammate itself lives on"
    (failed,) = [run for run in children(project, mate) if run.status != "completed"]
    assert (failed.status, failed.exit_code, failed.work_graph_task_id) == ("failed", 1, 2)
    assert failed.message == "SystemExit: no \\x1b[31midea"
    assert b"Traceback" in project.output(failed.id)
    assert statuses(project) == {1: ("completed", "ada"), 2: ("pending", None), 3: ("completed", "ada")}
    (note,) = (Path(project.tasks_folder) / "2").iterdir()
    assert f"the work failed: SystemExit: no \\x1b[31midea (run {failed.id})" in note.read_text()
    assert [task.id for task in project.ready()] == [2], "somebody else may try"


def test_a_task_that_cannot_be_completed_is_released(project: Project) -> None:
    def work(task: Task, context: TaskContext) -> None:
        if task.id == 1:
            project.delete(1)

    mate = teammate(project, work).start()
    finish(mate)
    (failed,) = [run for run in children(project, mate) if run.status != "completed"]
    assert (failed.work_graph_task_id, failed.exit_code) == (1, 1)
    assert str(failed.message).startswith("#1 is not completed: ")
    assert claim_refs(project.checkout, project.env) == {}


def test_what_is_given_back_or_taken_over_is_not_completed(project: Project, cli: Cli) -> None:
    def work(task: Task, context: TaskContext) -> None:
        if task.id == 1:
            context.give_back("too hard")
        if task.id == 2:
            cli("claim", "2", "--steal", "--reason", "mine", "--owner", "eve")

    mate = teammate(project, work).start()
    finish(mate)
    found = {run.work_graph_task_id: run for run in children(project, mate)}
    assert (found[1].status, found[1].message) == ("completed", "gave #1 back: too hard")
    assert found[2].status == "failed" and "taken over by eve" in str(found[2].message)
    assert {number: status for number, (status, _) in statuses(project).items()} == {
        1: "pending",
        2: "in_progress",
        3: "completed",
    }
    assert "too hard" in next((Path(project.tasks_folder) / "1").iterdir()).read_text()


def test_kill_asks_the_stop_event_and_never_the_host(project: Project, cli: Cli) -> None:
    begun = threading.Event()

    def work(task: Task, context: TaskContext) -> None:
        begun.set()
        assert context.stop.wait(PATIENCE_S)

    mate = teammate(project, work, idle_timeout_s=None).start()
    assert begun.wait(PATIENCE_S)
    cli("kill", mate.run_id, "--grace", "0")
    finish(mate)
    (child,) = children(project, mate)
    assert (run_of(project, mate).status, child.status) == ("killed", "killed")
    assert child.message == f"gave #{child.work_graph_task_id} back: it was asked to stop"
    assert {status for status, _ in statuses(project).values()} == {"pending"}


def test_the_run_of_one_task_can_be_killed_alone(project: Project) -> None:
    def work(task: Task, context: TaskContext) -> object:
        if task.id != 1:
            return None
        live.ask_to_stop(runs.run_folders(project), context._run.id, 0.0)
        return context.stop.wait(PATIENCE_S) and None

    mate = teammate(project, work).start()
    finish(mate)
    assert {run.work_graph_task_id: run.status for run in children(project, mate)} == {
        1: "killed",
        2: "completed",
        3: "completed",
    }
    assert run_of(project, mate).status == "completed"
    assert statuses(project)[1] == ("pending", None)


def test_told_to_stop_by_its_host_it_finishes_what_it_says_is_done(project: Project) -> None:
    def work(task: Task, context: TaskContext) -> bool:
        mate.stop()
        return context.stop.is_set()

    mate = teammate(project, work)
    with mate:
        assert mate.join(PATIENCE_S)
    own = run_of(project, mate)
    assert (own.status, own.message) == ("completed", "stopped by its host")
    assert [run.status for run in children(project, mate)] == ["completed"]
    assert sorted(status for status, _ in statuses(project).values()) == ["completed", "pending", "pending"]


def test_messages_are_read_once_in_their_order(project: Project, cli: Cli) -> None:
    heard: list[tuple[str, str]] = []
    got: list[str] = []

    def receive(message: Message) -> None:
        heard.append((message.sender, message.text))
        if len(heard) == 1:
            raise ValueError("deaf")

    def work(task: Task, context: TaskContext) -> None:
        early.send(f"on {task.id}", sender="ada")
        got.extend(message.text for message in context.messages())

    for unknown in ("ada", "reviewer", "teammate"):
        assert "no teammate" in cli("message", unknown, "hello", code=1).stderr
    cli("message", "ada", "first", "--leave", "--owner", "eve")
    early = teammate(project, work).start()
    finish(early)
    assert got == ["first", "on 1", "on 2", "on 3"]
    cli("message", "ada", "again")
    mate = teammate(project, work, receive=receive, idle_timeout_s=None).start()
    done = cli("message", mate.run_id, "-", "--json", stdin="second\n\x1b[31m")
    assert json.loads(done.stdout)["alive"] is True
    until(lambda: len(heard) == 2)
    assert heard == [("Ada Tester", "again"), ("Ada Tester", "second\n\x1b[31m")]
    mate.stop()
    finish(mate)
    assert run_of(project, mate).status == "completed"
    assert b"ValueError: deaf" in project.output(mate.run_id)
    assert "does not live now" in cli("message", "ada", "for later").stderr
    with pytest.raises(StillNeededError, match="1 message to ada"):
        deinit(project)
    assert [message.text for message in inbox.read_new(project, "ada")] == ["for later"]
    assert inbox.read_new(project, "ada") == []


def test_hostile_messages_and_names_are_refused(project: Project, cli: Cli) -> None:
    for name in ("", "../x", "-x", ".x", "a/b", "a\0b", "é", "x" * 65):
        with pytest.raises(BadNameError):
            Teammate(name, "x", work=print, project=project)
    for text in ("", " \n", "x" * 70_000, "\ud800"):
        with pytest.raises(BadMessageError):
            inbox.send(project, "ada", text)
    inbox.send(project, "ada", "good")
    folder = Path(project.checkout.private_dir) / "teammates" / "ada" / "inbox"
    (folder / "000000000000000-a.json").write_text("{")
    (folder / "000000000000000-b.json").write_text("[" * 50_000)
    (folder / "000000000000000-c.json").symlink_to("/etc/passwd")
    os.mkfifo(folder / "000000000000000-d.json")
    assert [message.text for message in inbox.read_new(project, "ada")] == ["good"]
    assert not inbox.has_new(project, "ada")
    cli("message", "../x", "y", code=1)


HOST = """
import sys, time, gittasks
def work(task, context):
    print("working", context.run_id, flush=True)
    time.sleep(600)
mate = gittasks.Teammate("ada", "works", work=work, project=sys.argv[1]).start()
print(mate.run_id, flush=True)
time.sleep(600)
"""


def test_when_its_host_dies_it_is_lost_with_proof_and_its_next_life_tidies_up(
    project: Project, repo: Path
) -> None:
    host = subprocess.Popen((sys.executable, "-c", HOST, str(repo)), stdout=subprocess.PIPE, text=True)
    try:
        assert host.stdout is not None
        lines = [host.stdout.readline().split() for _ in range(2)]
        own = next(words[0] for words in lines if len(words) == 1)
        child = next(words[1] for words in lines if len(words) == 2)
        assert runs.find_run(project, own).status == "running"
        assert statuses(project)[1] == ("in_progress", "ada")
        host.send_signal(signal.SIGSTOP)
        assert runs.find_run(project, own).status == "running", "a stopped host is not dead"
    finally:
        host.kill()
        host.communicate()
    for run_id in (own, child):
        lost = runs.find_run(project, run_id)
        assert (lost.status, lost.reason) == ("failed", "lost") and "hosted" in str(lost.message)
    done: list[int] = []

    def work(task: Task, context: TaskContext) -> None:
        done.append(task.id)

    mate = teammate(project, work).start()
    finish(mate)
    assert sorted(done) == [1, 2, 3]
    assert f"the run {own} ended" in next((Path(project.tasks_folder) / "1").iterdir()).read_text()


def test_a_host_that_lives_but_let_go_is_neither_ended_nor_touched(project: Project) -> None:
    mate = teammate(
        project, lambda task, context: context.stop.wait(PATIENCE_S) and None, idle_timeout_s=None
    )
    mate.start()
    until(lambda: children(project, mate))
    folders = runs.run_folders(project)
    path = Path(folders.live_folder(mate._require_run().id)) / "alive"
    kept = path.with_name("kept")
    path.rename(kept)
    (seen,) = store.parse([store.load(folders, project.env)[mate.run_id.encode()]])
    assert seen.status == "running" and "has let go" in str(seen.message)
    kept.replace(path)
    mate.stop()
    finish(mate)
    assert run_of(project, mate).status == "completed"


FORKING = """
import os, sys, time, gittasks
def work(task, context):
    pass
mate = gittasks.Teammate("ada", "works", work=work, project=sys.argv[1], idle_timeout_s=None).start()
if os.fork() == 0:
    print(os.getpid(), flush=True)
    time.sleep(600)
time.sleep(600)
"""


def test_a_child_that_its_host_forked_does_not_keep_it_alive(project: Project, repo: Path) -> None:
    host = subprocess.Popen(
        (sys.executable, "-W", "ignore", "-c", FORKING, str(repo)), stdout=subprocess.PIPE
    )
    assert host.stdout is not None
    child = int(host.stdout.readline())
    try:
        host.kill()
        host.wait()
        (own,) = [run for run in project.runs() if run.parent is None]
        assert (own.status, own.reason) == ("failed", "lost")
        assert not inbox.is_alive(project, "ada")
    finally:
        os.kill(child, signal.SIGKILL)
        host.stdout.close()


def test_a_host_that_ends_stops_its_teammates(project: Project, repo: Path) -> None:
    script = (
        "import sys, gittasks\n"
        "mate = gittasks.Teammate('ada', 'works', work=lambda task, context: None, project=sys.argv[1])\n"
        "mate.start()\n"
    )
    subprocess.run((sys.executable, "-c", script, str(repo)), check=True)
    (own,) = [run for run in project.runs() if run.parent is None]
    assert (own.status, own.message) == ("completed", "stopped by its host")
