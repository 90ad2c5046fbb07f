"""Workflows with real workers and runs: order, ends, what a kill leaves, and going on from there."""

from __future__ import annotations

import os
import signal
import textwrap
from collections.abc import Iterator
from pathlib import Path

import pytest

from gittasks.app import runs, trust
from gittasks.app.project import Project, open_project
from gittasks.app.trust import UntrustedError
from gittasks.app.workflows import children, files, views
from gittasks.app.workflows.starting import NothingToResumeError, Request, resume_workflow, start_workflow
from gittasks.base import identity
from gittasks.runtime.record import Run, RunId
from gittasks.workgraph.workflow.definition import BadWorkflowError
from tests.runtime.stage import nothing_remains, until


@pytest.fixture
def project(repo: Path) -> Iterator[Project]:
    (repo / ".tasks" / "workflows").mkdir(parents=True)
    with nothing_remains():
        yield open_project(str(repo), env=dict(os.environ))


def write(project: Project, text: str, *, trusted: bool = True, name: str = "ci") -> None:
    Path(project.tasks_folder, "workflows", f"{name}.yaml").write_text(textwrap.dedent(text))
    if trusted:
        found = files.load_workflow(project, name)
        trust.grant(project, None, {name: found.sha256})


def start(project: Project, **inputs: str) -> Run:
    return start_workflow(project, "ci", inputs, Request()).run


def ended(project: Project, run: Run) -> Run:
    (found,), all_ended = runs.wait_runs(project, [run.id], timeout_s=60)
    assert all_ended
    return found


def output(project: Project, run: Run) -> list[str]:
    return b"".join(runs.read_output(project, run)).decode().splitlines()


def steps(project: Project, run: Run) -> dict[str, Run]:
    view = views.view_run(project, run)
    return {step.planned.key: step.run for step in view.steps if step.run is not None}


GRAPH = """
inputs: {level: quick}
steps:
  build: {run: [sh, -c, echo built > built.txt]}
  test:
    needs: build
    matrix: {python: ["1", "2"]}
    cwd: sub
    run: test -e ../built.txt && echo "$MATRIX_PYTHON $INPUT_LEVEL $GITTASKS_TASK_ID"; test "$MATRIX_PYTHON" = 1
  deploy: {needs: test, run: [touch, deployed]}
  cry: {needs: deploy, if: failure(), run: [gittasks-no-such-program]}
  report: {needs: [test, cry], if: always(), run: [echo, report], may_fail: true}
"""


def test_steps_run_in_their_order_and_after_their_conditions(project: Project, repo: Path) -> None:
    (repo / "sub").mkdir()
    write(project, GRAPH)
    run = start(project, level="full")
    done = ended(project, run)
    assert (done.status, done.exit_code) == ("failed", 1)
    assert done.message == "3 completed, 2 failed, 1 skipped: test(python=2), cry"
    assert done.progress == {"done": 6, "total": 6}
    found = steps(project, run)
    assert {key: step.status for key, step in found.items()} == {
        "build": "completed",
        "test(python=1)": "completed",
        "test(python=2)": "failed",
        "cry": "failed",
        "report": "completed",
    }
    assert all(step.parent == run.id and step.end_time is not None for step in found.values())
    assert output(project, found["test(python=2)"]) == ["2 full "]
    assert (found["build"].end_time or 0) <= found["test(python=1)"].start_time
    assert not (repo / "deployed").exists()
    told = output(project, done)
    assert "deploy: skipped: not all that it needs completed" in told
    assert "    2 full " in told
    assert "gittasks-no-such-program: command not found" in next(
        line for line in told if "cry: failed" in line
    )


def test_nothing_runs_before_trust_nor_after_a_change(project: Project, repo: Path) -> None:
    write(project, "steps: {a: {run: [touch, canary]}}", trusted=False)
    with pytest.raises(UntrustedError, match="is not trusted in this clone"):
        start(project)
    write(project, "steps: {a: {run: [touch, canary]}}")
    write(project, "steps: {a: {run: [touch, canary, other]}}", trusted=False)
    with pytest.raises(UntrustedError, match="was changed since this clone trusted it"):
        start(project)
    # The same text under another name is another workflow.
    write(project, "steps: {a: {run: [touch, canary]}}", trusted=False, name="other")
    with pytest.raises(UntrustedError, match="is not trusted"):
        start_workflow(project, "other", {}, Request())
    assert not (repo / "canary").exists()
    assert runs.list_runs(project).runs == []


def test_files_that_are_no_workflows(project: Project, repo: Path) -> None:
    folder = repo / ".tasks" / "workflows"
    (folder / "broken.yaml").write_text("steps: [")
    os.mkfifo(folder / "pipe.yaml")
    (folder / "link.yaml").symlink_to("/etc/passwd")
    (folder / "no name.yaml").write_text("steps: {a: {run: x}}")
    (folder / "notes.txt").write_text("x")
    write(project, "steps: {a: {run: x}}")
    found = files.list_workflows(project)
    assert [(one.name, one.workflow is None) for one in found] == [
        ("broken", True), ("ci", False), ("link", True), ("pipe", True),
    ]  # fmt: skip
    for name in ("broken", "pipe", "link"):
        with pytest.raises(BadWorkflowError):
            files.load_workflow(project, name)
    for name in ("", "..", "../config", "no name", "x", "ci.yaml"):
        with pytest.raises(files.UnknownWorkflowError):
            files.load_workflow(project, name)


def test_a_linked_folder_is_not_followed(project: Project, repo: Path, tmp_path: Path) -> None:
    (repo / ".tasks" / "workflows").rmdir()
    (tmp_path / "ci.yaml").write_text("steps: {a: {run: x}}")
    (repo / ".tasks" / "workflows").symlink_to(tmp_path)
    assert files.list_workflows(project) == []
    with pytest.raises(files.UnknownWorkflowError):
        files.load_workflow(project, "ci")


LONG = """
steps:
  first: {run: 'echo x >> first.log'}
  second: {needs: first, run: 'echo x >> second.log; until [ -e go ]; do sleep 0.02; done'}
  third: {needs: second, run: 'echo x >> third.log'}
"""


def lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def kill(run: Run | None) -> None:
    process = run and identity.parse_process(run.process)
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)


def test_after_its_worker_is_killed_it_goes_on_with_what_is_left(project: Project, repo: Path) -> None:
    write(project, LONG)
    run = start(project)
    until(lambda: lines(repo / "second.log"), "for the second step")
    with pytest.raises(NothingToResumeError, match="lives"):
        resume_workflow(project, run, Request())
    kill(runs.find_run(project, run.id))
    assert ended(project, run).status == "failed"
    # The second step lives on under its own supervisor; it is waited for, not started again.
    again = resume_workflow(project, runs.find_run(project, run.id), Request()).run
    until(lambda: any("is running already" in line for line in output(project, again)), "for the second step")
    (repo / "go").touch()
    assert ended(project, again).status == "completed"
    assert [lines(repo / f"{name}.log") for name in ("first", "second", "third")] == [1, 1, 1]
    assert {key: step.status for key, step in steps(project, again).items()} == dict.fromkeys(
        ("first", "second", "third"), "completed"
    )
    with pytest.raises(NothingToResumeError, match="has completed"):
        resume_workflow(project, runs.find_run(project, again.id), Request())


def test_after_all_were_killed_only_what_was_not_done_is_done(project: Project, repo: Path) -> None:
    write(project, LONG)
    run = start(project)
    until(lambda: lines(repo / "second.log"), "for the second step")
    for victim in [runs.find_run(project, run.id), *children.step_runs(project, [run.id])]:
        for what in (victim.supervisor, victim.process):
            process = identity.parse_process(what)
            if victim.is_live and process is not None:
                os.kill(process.pid, signal.SIGKILL)
    lost = ended(project, run)
    assert (lost.status, lost.reason) == ("failed", "lost")
    (repo / "go").touch()
    again = resume_workflow(project, lost, Request()).run
    assert ended(project, again).status == "completed"
    assert [lines(repo / f"{name}.log") for name in ("first", "second", "third")] == [1, 2, 1]


def test_a_changed_step_is_done_again_and_what_needs_it(project: Project, repo: Path) -> None:
    write(project, LONG.replace("third.log'", "third.log; exit 1'"))
    (repo / "go").touch()
    run = start(project)
    assert ended(project, run).status == "failed"
    write(project, LONG.replace("until", "true; until"))
    again = resume_workflow(project, runs.find_run(project, run.id), Request()).run
    assert ended(project, again).status == "completed"
    assert [lines(repo / f"{name}.log") for name in ("first", "second", "third")] == [1, 2, 2]


def test_of_two_that_go_on_at_once_one_does(project: Project, repo: Path) -> None:
    write(project, LONG)
    run = start(project)
    until(lambda: lines(repo / "second.log"), "for the second step")
    kill(runs.find_run(project, run.id))
    failed = ended(project, run)
    both = [resume_workflow(project, failed, Request()).run for _ in range(2)]
    until(lambda: any(not runs.find_run(project, one.id).is_live for one in both), "for one to give way")
    (repo / "go").touch()
    codes = sorted(str(ended(project, one).exit_code) for one in both)
    assert codes == ["0", "4"]
    assert [lines(repo / f"{name}.log") for name in ("first", "second", "third")] == [1, 1, 1]


def test_killing_it_kills_its_steps(project: Project, repo: Path) -> None:
    write(
        project,
        """
        steps:
          a: {run: 'touch a; exec sleep 600'}
          b: {run: 'trap "" TERM; touch b; while :; do sleep 0.05; done'}
          c: {needs: a, run: [touch, c]}
        """,
    )
    run = start(project)
    until(lambda: (repo / "a").exists() and (repo / "b").exists(), "for both steps")
    (killed,) = runs.kill_runs(project, [run.id], grace_s=2)
    assert killed.status == "killed"
    found = steps(project, killed)
    runs.wait_runs(project, [step.id for step in found.values()], timeout_s=30)
    assert {key: step.status for key, step in steps(project, killed).items()} == {
        "a": "killed",
        "b": "killed",
    }
    assert not (repo / "c").exists()


def test_no_more_at_once_than_allowed(project: Project, repo: Path) -> None:
    write(
        project,
        """
        parallel: 2
        steps:
          s:
            matrix: {n: [1, 2, 3, 4, 5]}
            run: 'touch on-$MATRIX_N; ls on-* | wc -l >> seen; sleep 0.1; rm on-$MATRIX_N'
        """,
    )
    assert ended(project, start(project)).status == "completed"
    seen = [int(line) for line in (repo / "seen").read_text().split()]
    assert len(seen) == 5
    assert max(seen) <= 2


def test_the_text_that_was_trusted_runs_whatever_the_file_says_meanwhile(
    project: Project, repo: Path
) -> None:
    write(project, LONG)
    run = start(project)
    until(lambda: lines(repo / "second.log"), "for the second step")
    write(project, "steps: {first: {run: [touch, canary]}}", trusted=False)
    (repo / "go").touch()
    assert ended(project, run).status == "completed"
    assert lines(repo / "third.log") == 1
    assert not (repo / "canary").exists()


def test_a_run_that_is_no_workflow(project: Project) -> None:
    other = project.run("true")
    project.wait(other.id)
    with pytest.raises(children.NoWorkflowRunError):
        resume_workflow(project, runs.find_run(project, other.id), Request())
    with pytest.raises(children.NoWorkflowRunError):
        views.view_run(project, runs.find_run(project, RunId(other.id)))
