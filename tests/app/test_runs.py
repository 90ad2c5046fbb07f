from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import runs
from gittasks.app.project import Project, open_project
from gittasks.app.run_start import Order, start_run
from gittasks.base import identity
from gittasks.repo.discover import find_checkout
from gittasks.repo.git import Git
from gittasks.repo.places import Head, ask_head, output_place, parse_head
from gittasks.runtime.record import Run
from gittasks.runtime.store import AmbiguousRunError, UnknownRunError
from tests.conftest import git
from tests.runtime.stage import nothing_remains, until


@pytest.fixture
def project(repo: Path) -> Iterator[Project]:
    with nothing_remains():
        yield open_project(str(repo), env=dict(os.environ))


def start(project: Project, *argv: str, **how: Any) -> Run:
    started = start_run(project, Order(argv, **how))
    assert started.failure is None
    return started.run


def shell(project: Project, script: str, **how: object) -> Run:
    return start(project, "sh", "-c", script, **how)


def test_start_wait_and_read(project: Project) -> None:
    run = shell(project, "echo $SECRET; exit 4", env={"SECRET": "s3cret"})
    (ended,), all_ended = runs.wait_runs(project, [run.id])
    assert all_ended
    assert (ended.status, ended.exit_code) == ("failed", 4)
    assert b"".join(runs.read_output(project, ended)) == b"s3cret\n"
    assert runs.find_run(project, run.id[:6]) == ended
    assert runs.list_runs(project).runs == [ended]


def test_waiting_may_end_first(project: Project) -> None:
    run = start(project, "sleep", "600")
    (seen,), all_ended = runs.wait_runs(project, [run.id], timeout_s=0.05)
    assert not all_ended
    assert seen.is_live
    (ended,) = runs.kill_runs(project, [run.id], grace_s=5)
    assert ended.status == "killed"
    assert runs.kill_runs(project, [run.id], grace_s=5) == [ended]


def test_following_gives_all_of_it_to_the_end(project: Project, repo: Path) -> None:
    go = repo / ".git" / "go"
    run = shell(project, f"echo one; until [ -e {go} ]; do sleep 0.02; done; seq 3; printf end")
    blocks = runs.follow_output(project, run)
    assert next(blocks) == b"one\n"
    go.touch()
    assert b"".join(blocks) == b"1\n2\n3\nend"
    assert b"".join(runs.follow_output(project, run, last_lines=1)) == b"end"


def test_following_a_flood_shows_where_something_was_left_out(project: Project) -> None:
    run = shell(project, "seq 200000; echo end", limit_bytes=40_000)
    output = b"".join(runs.follow_output(project, run))
    assert output.startswith(b"1\n2\n")
    assert output.endswith(b"\n200000\nend\n")
    (ended,), _ = runs.wait_runs(project, [run.id])
    assert ended.truncated
    assert len(b"".join(runs.read_output(project, ended))) < 41_000


def test_finding_by_prefix(project: Project) -> None:
    first, second = start(project, "true"), start(project, "true")
    runs.wait_runs(project, [first.id, second.id])
    with pytest.raises(AmbiguousRunError, match="2 runs"):
        runs.find_run(project, "b")
    for prefix in ("", "x", first.id + "0", "B", "../"):
        with pytest.raises(UnknownRunError):
            runs.find_run(project, prefix)
    assert [run.id for run in runs.find_runs(project, [second.id, first.id])] == [second.id, first.id]


def test_live_runs_in_a_folder(project: Project, repo: Path, tmp_path: Path) -> None:
    (repo / "sub").mkdir()
    (tmp_path / "linked").symlink_to(repo)
    run = start(project, "sleep", "600", cwd=str(repo / "sub"))
    assert [found.id for found in runs.live_runs_in(project, str(repo))] == [run.id]
    assert [found.id for found in runs.live_runs_in(project, str(tmp_path / "linked" / "sub"))] == [run.id]
    assert runs.live_runs_in(project, str(repo / "su")) == []
    runs.kill_runs(project, [run.id], grace_s=5)
    assert runs.live_runs_in(project, str(repo)) == []


def test_runs_of_a_task_are_those_that_say_so(project: Project, repo: Path) -> None:
    run = start(project, "true", name='"work_graph_task_id": 12,')
    runs.wait_runs(project, [run.id])
    assert runs.list_runs(project, task_id=12).runs == []


def test_notices_and_pruning(project: Project) -> None:
    run = start(project, "echo", "hello")
    runs.wait_runs(project, [run.id])
    assert [told.run.id for told in runs.peek_notices(project)] == [run.id]
    assert next(runs.follow_notices(project))[0].run.id == run.id
    assert runs.drain_notices(project) == []
    pruned = runs.prune_runs(project, older_than_s=0, dry_run=True)
    assert ([gone.id for gone in pruned.runs], pruned.output_bytes) == ([run.id], 6)
    runs.prune_runs(project, older_than_s=0)
    assert runs.list_runs(project).runs == []


def test_whoever_waits_or_follows_finds_out_that_the_supervisor_was_killed(project: Project) -> None:
    def has_begun(run: Run) -> bool:
        return b"".join(runs.read_output(project, run)) == b"begin\n"

    for look in (runs.wait_runs, runs.follow_output):
        run = shell(project, "echo begin; sleep 600")
        until(partial(has_begun, run))
        for process in (identity.parse_process(run.supervisor), identity.parse_process(run.process)):
            assert process is not None
            os.kill(process.pid, 9)
        if look is runs.wait_runs:
            (ended,), _ = runs.wait_runs(project, [run.id])
            assert ended.reason == "lost"
        else:
            assert b"".join(runs.follow_output(project, run)) == b"begin\n"


@pytest.mark.long
def test_fifty_from_as_many_programs(project: Project, repo: Path) -> None:
    argv = (sys.executable, "-m", "gittasks", "run", "--", "true")
    starters = [subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE, text=True) for _ in range(50)]
    ids = [starter.communicate()[0].strip() for starter in starters]
    assert len(set(ids)) == 50
    ended, all_ended = runs.wait_runs(project, [runs.find_run(project, run_id).id for run_id in ids])
    assert all_ended
    assert {run.status for run in ended} == {"completed"}
    assert sorted(run.id for run in runs.list_runs(project).runs) == sorted(ids)


# -- where outputs go, and what git says of a worktree


def place(folder: Path) -> tuple[str, str]:
    checkout = find_checkout(str(folder))
    return output_place(checkout.common_dir, checkout.private_dir)


def test_all_worktrees_share_the_main_one_s_folder(repo: Path, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"))
    assert place(repo) == place(tmp_path / "linked") == (str(repo / ".task_outputs"), ".task_outputs")


def test_without_a_main_worktree_it_is_in_the_git_directory(repo: Path, tmp_path: Path) -> None:
    bare = tmp_path / "proj" / ".git"
    git(tmp_path, "clone", "-q", "--bare", str(repo), str(bare))
    git(bare, "worktree", "add", "-q", str(tmp_path / "proj" / "tree"))
    expected = str(bare / "gittasks" / "outputs")
    assert place(tmp_path / "proj" / "tree") == (expected, expected)


def test_a_submodule_has_its_own(repo: Path, tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "super")
    git(tmp_path / "super", "submodule", "add", "-q", str(repo), "sub")
    assert place(tmp_path / "super" / "sub") == (
        str(tmp_path / "super" / "sub" / ".task_outputs"),
        ".task_outputs",
    )


def test_the_head_of_a_worktree(repo: Path, tmp_path: Path) -> None:
    door = Git(str(repo), dict(os.environ))
    head = git(repo, "rev-parse", "HEAD")
    assert head_of(door) == (head, False)
    (repo / "untracked").touch()
    assert head_of(door) == (head, False)
    (repo / ".tasks").mkdir()
    (repo / ".tasks" / "1.yaml").write_text("staged\n")
    git(repo, "add", ".tasks")
    assert head_of(door) == (head, False)
    (repo / "README").write_text("changed\n")
    assert head_of(door) == (head, True)
    git(tmp_path, "init", "-q", "empty")
    assert head_of(Git(str(tmp_path / "empty"), dict(os.environ))) == (None, False)
    assert head_of(Git(str(tmp_path), dict(os.environ))) is None


def head_of(door: Git) -> Head | None:
    return parse_head(ask_head(door, besides=".tasks").answer())
