"""What the doctor finds, what it mends, and what it leaves alone: one broken thing at a time, on real git."""

from __future__ import annotations

import json
import marshal
import os
import time
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import doctor
from gittasks.app.doctor import Finding
from gittasks.app.project import Project, open_project
from gittasks.app.setup import init_project
from gittasks.base import cache
from gittasks.workgraph import row_cache
from gittasks.workgraph.codec import format_task, parse_task
from gittasks.workgraph.record import Task, TaskId
from tests.conftest import git


@pytest.fixture
def project(repo: Path) -> Project:
    made = open_project(str(repo), env=os.environ)
    init_project(made)
    for number in (1, 2, 3):
        _write(repo, _task(number))
    _commit(repo)
    return made


def _task(number: int, **values: Any) -> Task:
    known = {"uid": f"{number:016x}", "subject": f"Task {number}", "created": "2026-11-23T10:00:00Z"}
    return Task(TaskId(number), **{**known, **values})


def _write(repo: Path, task: Task) -> None:
    (repo / f".tasks/{task.id}.yaml").write_bytes(format_task(task))


def _read(repo: Path, number: int) -> Task:
    data = (repo / f".tasks/{number}.yaml").read_bytes()
    return parse_task(data, f"{number}.yaml", task_id=number)


def _take_uid_out(repo: Path, number: int) -> None:
    path = repo / ".tasks" / f"{number}.yaml"
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("uid:")))


def _commit(repo: Path) -> None:
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "--allow-empty", "-m", "change")


def _found(project: Project) -> list[tuple[str, str, str]]:
    return [(finding.severity, finding.code, finding.where) for finding in doctor.examine(project)]


def _only(project: Project) -> Finding:
    (finding,) = doctor.examine(project)
    assert finding.what and finding.cure
    return finding


def test_a_healthy_project_has_no_findings_and_looking_changes_nothing(project: Project, repo: Path) -> None:
    before = {path: path.read_bytes() for path in (repo / ".tasks").rglob("*") if path.is_file()}
    assert doctor.examine(project) == ()
    assert doctor.mend(project) == doctor.Report((), ())
    assert {path: path.read_bytes() for path in (repo / ".tasks").rglob("*") if path.is_file()} == before
    assert git(repo, "status", "--porcelain") == ""


# -- task files


def test_every_reason_why_a_file_cannot_be_read_is_named_with_its_line(project: Project, repo: Path) -> None:
    (repo / ".tasks/2.yaml").write_text("id: 2\nsubject: x\npriority: high\nstatus: running\n")
    found = doctor.examine(project)
    assert [(finding.code, finding.where) for finding in found] == [
        ("bad-file", ".tasks/2.yaml:3"),
        ("bad-file", ".tasks/2.yaml:4"),
    ]
    assert "gittasks runs" in found[1].what or "run" in found[1].what
    report = doctor.mend(project)
    assert (report.mended, report.findings) == ((), found)


def test_conflict_marks_are_a_finding_of_their_own(project: Project, repo: Path) -> None:
    text = format_task(_task(2)).decode()
    (repo / ".tasks/2.yaml").write_text(
        text.replace("priority: 2", "<<<<<<< ours\npriority: 1\n=======\npriority: 3\n>>>>>>> theirs")
    )
    finding = _only(project)
    assert (finding.severity, finding.code) == ("error", "conflict-marks")
    assert finding.where.startswith(".tasks/2.yaml:")


def test_files_that_nobody_reads_are_named(project: Project, repo: Path) -> None:
    folder = repo / ".tasks"
    for name in ("012.yaml", "idea.yaml", "4.yml"):
        (folder / name).write_text("subject: x\n")
    (folder / "notes.txt").write_text("x")
    (folder / "README.md").write_text("welcome")
    (folder / "007").mkdir()
    assert _found(project) == [
        ("error", "strange-name", ".tasks/012.yaml"),
        ("error", "strange-name", ".tasks/4.yml"),
        ("error", "strange-name", ".tasks/idea.yaml"),
        ("warning", "strange-name", ".tasks/007"),
        ("warning", "strange-file", ".tasks/notes.txt"),
    ]


def test_leftovers_of_killed_writers_are_deleted(project: Project, repo: Path) -> None:
    (repo / ".tasks/1").mkdir()
    leftovers = [repo / ".tasks/.2.yaml.gittasks-tmp", repo / ".tasks/1/.x.md.gittasks-tmp"]
    for path in leftovers:
        path.write_text("half")
    assert {code for _, code, _ in _found(project)} == {"leftover"}
    report = doctor.mend(project)
    assert len(report.mended) == 2
    assert report.findings == ()
    assert not any(path.exists() for path in leftovers)


def test_notes_without_a_task_and_strange_notes_are_named(project: Project, repo: Path) -> None:
    (repo / ".tasks/9").mkdir()
    (repo / ".tasks/9/x.md").write_text("kept\n")
    (repo / ".tasks/1").mkdir()
    (repo / ".tasks/1/link.md").symlink_to("/etc/passwd")
    assert _found(project) == [
        ("warning", "bad-note", ".tasks/1/link.md"),
        ("warning", "orphan-notes", ".tasks/9"),
    ]
    doctor.mend(project)
    assert (repo / ".tasks/9/x.md").exists()


# -- identity


def test_a_missing_uid_and_time_follow_from_the_commit_so_that_two_branches_agree(
    project: Project, repo: Path
) -> None:
    (repo / ".tasks/4.yaml").write_text("id: 4\n\n# by hand\nsubject: By hand\n")
    assert {code for _, code, _ in _found(project)} == {"no-uid", "no-created"}
    _commit(repo)
    git(repo, "branch", "side")
    assert {finding.code for finding in doctor.mend(project).mended} == {"no-uid", "no-created"}
    mended = _read(repo, 4)
    assert mended.created == "2026-11-23T10:00:00Z" and len(mended.uid) == 16
    assert "# by hand\nsubject: By hand\n" in (repo / ".tasks/4.yaml").read_text()
    assert git(repo, "status", "--porcelain") == "M  .tasks/4.yaml"
    _commit(repo)
    git(repo, "checkout", "-q", "side")
    doctor.mend(project)
    assert _read(repo, 4) == mended
    _commit(repo)
    git(repo, "merge", "-q", "--no-edit", "main")


@pytest.mark.parametrize("committed", [False, True])
def test_a_uid_that_was_taken_out_comes_back_from_git(project: Project, repo: Path, committed: bool) -> None:
    task = _read(repo, 1)
    git(repo, "checkout", "-q", "-b", "side")
    _write(repo, task._replace(priority=0))
    _commit(repo)
    git(repo, "checkout", "-q", "main")
    _take_uid_out(repo, 1)
    if committed:
        _commit(repo)
    assert _only(project).code == "no-uid"
    doctor.mend(project)
    assert _read(repo, 1) == task
    _commit(repo)
    git(repo, "merge", "-q", "--no-edit", "side")


def test_a_committed_copy_of_a_task_gets_its_own_uid(project: Project, repo: Path) -> None:
    copied = _read(repo, 1).uid
    _write(repo, _task(3, uid=copied))
    _commit(repo)
    _take_uid_out(repo, 3)
    doctor.mend(project)
    assert _read(repo, 3).uid not in ("", copied)


def test_an_uncommitted_task_gets_a_new_uid(project: Project, repo: Path) -> None:
    (repo / ".tasks/4.yaml").write_text("id: 4\nsubject: By hand\ncreated: 2026-01-01T00:00:00Z\n")
    doctor.mend(project)
    assert len(_read(repo, 4).uid) == 16
    assert _read(repo, 4).created == "2026-01-01T00:00:00Z"
    assert doctor.examine(project) == ()


def test_a_copied_task_is_a_matter_for_a_person(project: Project, repo: Path) -> None:
    _write(repo, _task(3, uid=f"{1:016x}"))
    finding = _only(project)
    assert (finding.code, finding.where, finding.fixable) == (
        "same-uid",
        ".tasks/1.yaml, .tasks/3.yaml",
        False,
    )
    assert doctor.mend(project).findings == (finding,)


# -- the graph


def test_misplaced_edges_move_to_the_tasks_that_wait_in_one_write(project: Project, repo: Path) -> None:
    path = repo / ".tasks/1.yaml"
    path.write_text(path.read_text() + "\n# why\nblocks: [2, 3]\n")
    _write(repo, _task(3, blocked_by=(TaskId(2),)))
    _commit(repo)
    blocks = project.snapshot().derived.blocks
    assert _only(project).code == "misplaced-edge"
    report = doctor.mend(project, commit=True)
    assert [finding.code for finding in report.mended] == ["misplaced-edge"]
    assert report.findings == ()
    assert (_read(repo, 2).blocked_by, _read(repo, 3).blocked_by) == ((1,), (1, 2))
    assert "blocks:" not in path.read_text() and "# why" in path.read_text()
    assert project.snapshot().derived.blocks == blocks
    assert git(repo, "show", "--name-only", "--format=%s", "HEAD").split("\n") == [
        "Mend tasks #1, #2, #3",
        "",
        ".tasks/1.yaml",
        ".tasks/2.yaml",
        ".tasks/3.yaml",
    ]
    assert git(repo, "status", "--porcelain") == ""


def test_misplaced_edges_that_close_a_circle_move_as_well_and_the_circle_is_named(
    project: Project, repo: Path
) -> None:
    path = repo / ".tasks/1.yaml"
    path.write_text(path.read_text() + "\nblocks: [2]\n")
    _write(repo, _task(1, blocked_by=(TaskId(2),)))
    path.write_text(path.read_text() + "\nblocks: [2]\n")
    assert {finding.code for finding in doctor.examine(project)} == {"misplaced-edge", "cycle"}
    report = doctor.mend(project)
    assert [finding.code for finding in report.findings] == ["cycle"]
    assert _read(repo, 2).blocked_by == (1,)


def test_an_edge_to_a_task_that_is_not_there_is_not_moved(project: Project, repo: Path) -> None:
    path = repo / ".tasks/1.yaml"
    path.write_text(path.read_text() + "\nblocks: [2, 9]\n")
    before = path.read_bytes()
    assert (_only(project).code, _only(project).fixable) == ("dangling-blocks", False)
    doctor.mend(project)
    assert path.read_bytes() == before


def test_dangling_references_are_named_with_the_command_that_lets_go(project: Project, repo: Path) -> None:
    _write(repo, _task(2, blocked_by=(TaskId(8), TaskId(9)), parent=TaskId(7)))
    _write(repo, _task(3, blocked_by=(TaskId(8),), parent=TaskId(7), status="deleted"))
    found = doctor.examine(project)
    assert [(finding.code, finding.where) for finding in found] == [
        ("dangling-blocker", ".tasks/2.yaml"),
        ("dangling-blocker", ".tasks/2.yaml"),
        ("dangling-parent", ".tasks/2.yaml"),
    ]
    assert "gittasks unblock 2 --on 8" in found[0].cure
    assert "gittasks edit 2 --clear parent" in found[2].cure


def test_circles_are_named_with_their_way(project: Project, repo: Path) -> None:
    _write(repo, _task(1, blocked_by=(TaskId(2),), parent=TaskId(3)))
    _write(repo, _task(2, blocked_by=(TaskId(1),)))
    _write(repo, _task(3, parent=TaskId(1)))
    assert _found(project) == [
        ("error", "cycle", "#1 -> #2 -> #1"),
        ("error", "parent-cycle", "#1 -> #3 -> #1"),
    ]


def test_circles_that_a_merge_of_the_worktrees_would_make_are_named_too(project: Project, repo: Path) -> None:
    other = repo.parent / "other"
    git(repo, "worktree", "add", "-q", str(other))
    _write(repo, _task(1, blocked_by=(TaskId(2),), parent=TaskId(3)))
    _write(other, _task(2, blocked_by=(TaskId(1),)))
    _write(other, _task(3, parent=TaskId(1)))
    found = doctor.examine(project)
    assert [(finding.code, finding.where) for finding in found] == [
        ("cycle", "#2 -> #1 -> #2"),
        ("parent-cycle", "#3 -> #1 -> #3"),
    ]
    assert found[0].cure == "take one edge away, as in `gittasks unblock 2 --on 1` in the worktree other"
    there = open_project(str(other), env=os.environ)
    there.unblock(2, on=[1])
    there.edit(3, parent=None)
    assert doctor.examine(project) == ()


def test_facts_of_runs_in_a_task_are_named(project: Project, repo: Path) -> None:
    path = repo / ".tasks/1.yaml"
    path.write_text(path.read_text() + "\nexit_code: 3\n\nref: beads-12\n")
    assert (_only(project).code, "exit_code" in _only(project).what) == ("run-field", True)


# -- bindings and settings


def test_bindings_to_worktrees_that_are_not_here(project: Project, repo: Path) -> None:
    git(repo, "worktree", "add", "-q", str(repo.parent / "two"))
    _write(repo, _task(1, worktree="one", status="in_progress", owner="Ada Tester"))
    _write(repo, _task(2, worktree="two", status="in_progress", owner="Ada Tester"))
    _write(repo, _task(3, worktree="three", status="completed", owner="Ada Tester"))
    _write(repo, _task(4, worktree="four", status="in_progress", owner="bob"))
    _write(repo, _task(5, status="in_progress"))
    assert _found(project) == [
        ("warning", "lost-worktree", ".tasks/1.yaml"),
        ("info", "lost-worktree", ".tasks/4.yaml"),
        ("info", "no-worktree", ".tasks/5.yaml"),
    ]


def test_settings_that_are_wrong_unknown_or_not_trusted(project: Project, repo: Path) -> None:
    path = repo / ".tasks/config.yaml"
    path.write_text("commit: never\nworktree_path: 3\n")
    assert _found(project) == [
        ("error", "bad-config", ".tasks/config.yaml:1"),
        ("error", "bad-config", ".tasks/config.yaml:2"),
    ]
    path.write_text("comit: auto\nchecks: {t: [true]}\n".replace("true", "'true'"))
    assert _found(project) == [
        ("warning", "unknown-setting", ".tasks/config.yaml:1"),
        ("info", "untrusted", ".tasks/config.yaml"),
    ]


def test_workflows_that_are_broken_or_not_trusted(project: Project, repo: Path) -> None:
    (repo / ".tasks/workflows").mkdir()
    (repo / ".tasks/workflows/bad.yaml").write_text("steps:\n  a: {}\n")
    (repo / ".tasks/workflows/good.yaml").write_text("steps: {a: {run: x}}")
    assert _found(project) == [
        ("error", "bad-workflow", ".tasks/workflows/bad.yaml:2"),
        ("info", "untrusted", ".tasks/workflows/good.yaml"),
    ]


# -- the clone


def test_ignored_tasks_and_tracked_outputs(project: Project, repo: Path) -> None:
    (repo / ".task_outputs").mkdir()
    (repo / ".task_outputs/x.txt").write_text("x")
    git(repo, "add", "-f", ".task_outputs")
    (repo / ".gitignore").write_text(".tasks\n.task_outputs\n")
    assert _found(project) == [
        ("error", "outputs-tracked", ".task_outputs"),
        ("warning", "ignored-tasks", ".tasks"),
    ]
    report = doctor.mend(project)
    assert [finding.code for finding in report.mended] == ["outputs-tracked"]
    assert "commit that" in report.warnings[0]
    assert (repo / ".task_outputs/x.txt").read_text() == "x"
    assert git(repo, "ls-files", ".task_outputs") == ""


def test_outputs_that_git_would_show_ignore_themselves_again(project: Project, repo: Path) -> None:
    (repo / ".task_outputs").mkdir(mode=0o700)
    (repo / ".task_outputs/.gitignore").write_text("# nothing\n")
    assert _only(project).code == "outputs-shown"
    assert [finding.code for finding in doctor.mend(project).mended] == ["outputs-shown"]
    assert git(repo, "status", "--porcelain") == ""


def test_worktrees_that_are_gone_or_shown_as_untracked(project: Project, repo: Path) -> None:
    git(repo, "worktree", "add", "-q", "--detach", str(repo.parent / "gone"))
    git(repo, "worktree", "add", "-q", "--detach", str(repo.parent / "away"))
    git(repo, "worktree", "lock", str(repo.parent / "away"))
    for name in ("gone", "away"):
        (repo.parent / name).rename(repo.parent / f"{name}-moved")
    git(repo, "worktree", "add", "-q", "--detach", str(repo / "inside"))
    assert _found(project) == [
        ("warning", "gone-worktree", str(repo.parent / "gone")),
        ("warning", "unexcluded-worktree", str(repo / "inside")),
    ]
    (repo / ".git/info/exclude").write_text("/inside/\n")
    git(repo, "worktree", "repair", str(repo.parent / "gone-moved"))
    assert doctor.examine(project) == ()


def test_lines_that_hide_worktrees_that_are_gone_are_named(project: Project, repo: Path) -> None:
    (repo / ".tasks/config.yaml").write_text("worktree_path: trees/{name}\n")
    git(repo, "worktree", "add", "-q", "--detach", str(repo / "trees/here"))
    lines = ["# mine", "/trees/here/", "/trees/gone/", "/.worktrees/", "trees/other", "*.log"]
    (repo / ".git/info/exclude").write_text("\n".join(lines) + "\n")
    assert _found(project) == [("info", "stale-exclude", f"{repo}/.git/info/exclude:3")]


def test_a_git_that_is_too_old_is_told_beside_the_rest(repo: Path, project: Project, tmp_path: Path) -> None:
    old = tmp_path / "bin" / "git"
    old.parent.mkdir()
    old.write_text('#!/bin/sh\n[ "$1" = version ] && echo git version 2.30.0 && exit\nexit 1\n')
    old.chmod(0o755)
    (repo / ".tasks/2.yaml").write_text("{")
    env = {**os.environ, "PATH": f"{old.parent}:{os.environ['PATH']}"}
    codes = {finding.code for finding in doctor.examine(open_project(str(repo), env=env))}
    assert {"git-too-old", "bad-file", "check-failed"} == codes


def test_an_interrupted_write_is_finished(project: Project, repo: Path) -> None:
    journal = Path(project.private_folder(), "write.journal")
    before = (repo / ".tasks/1.yaml").read_text()
    after = before.replace("priority: 2", "priority: 0")
    entries = [["1.yaml", after, before, False]]
    journal.write_text(json.dumps({"folder": str(repo / ".tasks"), "writes": entries}))
    assert _only(project).code == "interrupted-write"
    assert [finding.code for finding in doctor.mend(project).mended] == ["interrupted-write"]
    assert _read(repo, 1).priority == 0


def test_an_interrupted_write_that_a_person_overtook_is_left_with_the_reason(
    project: Project, repo: Path
) -> None:
    journal = Path(project.private_folder(), "write.journal")
    entries = [["1.yaml", "new", "old", False]]
    journal.write_text(json.dumps({"folder": str(repo / ".tasks"), "writes": entries}))
    report = doctor.mend(project)
    assert [finding.code for finding in report.findings] == ["interrupted-write"]
    assert "changed since a write of it was interrupted" in report.refusals[0]
    assert journal.exists()


def test_a_cache_that_lies_is_found_and_deleted(project: Project) -> None:
    project.snapshot()
    path = os.path.join(project.cache_folder, "tasks-main.bin")
    content = cache.load_cache(path, row_cache._ROWS_LAYOUT)
    lie = marshal.loads(marshal.dumps(content).replace(b"Task 1", b"Tusk 1"))
    cache.save_cache(path, row_cache._ROWS_LAYOUT, lie)
    assert project.snapshot().rows[0].subject == "Tusk 1"
    assert _only(project).code == "stale-cache"
    assert [finding.code for finding in doctor.mend(project).mended] == ["stale-cache"]
    assert project.snapshot().rows[0].subject == "Task 1"


def test_a_corrupt_cache_is_no_finding_but_made_anew(project: Project) -> None:
    project.snapshot()
    Path(project.cache_folder, "tasks-main.bin").write_bytes(b"garbage")
    assert doctor.examine(project) == ()
    assert len(project.snapshot().rows) == 3


def test_caches_that_nobody_will_read_again_are_deleted(project: Project) -> None:
    project.snapshot()
    folder = Path(project.cache_folder)
    old = folder / "tasks-main.bin.77.gittasks-tmp"
    young = folder / "tasks-main.bin.78.gittasks-tmp"
    for path in (folder / "tasks-gone.bin", folder / "texts-gone.bin", old, young):
        path.write_bytes(b"x")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    found = doctor.examine(project)
    assert {Path(finding.where).name for finding in found} == {"tasks-gone.bin", "texts-gone.bin", old.name}
    assert {finding.severity for finding in found} == {"info"}  # every `finish` leaves some behind
    assert len(doctor.mend(project).mended) == 3
    assert young.exists() and (folder / "tasks-main.bin").exists()


def test_one_failing_check_or_mending_does_not_hide_the_others(project: Project, repo: Path) -> None:
    (repo / ".task_outputs").symlink_to(repo.parent)
    (repo / ".gitignore").write_text(".task_outputs\n")
    (repo / ".tasks/.2.yaml.gittasks-tmp").write_text("half")
    (repo / ".tasks/9").mkdir()
    codes = {finding.code for finding in doctor.examine(project)}
    assert {"leftover", "orphan-notes"} <= codes
    assert [finding.code for finding in doctor.mend(project).mended] == ["leftover"]
