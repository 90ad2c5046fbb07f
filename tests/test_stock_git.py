"""What git makes of task files on its own (forges, fresh clones and CI run no driver), and what our driver adds."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from gittasks.app import driver
from gittasks.app.setup import init_project
from gittasks.workgraph import codec, file_merge
from gittasks.workgraph.record import COMPLETED, IN_PROGRESS, Task, TaskId
from tests.app.forks import Fork, new_task
from tests.conftest import PYTHON, Cli, git

ID = TaskId(12)
BASE = Task(
    ID,
    "9f3c1a7be2d04c55",
    "Implement auth module",
    labels=("api", "security"),
    blocked_by=(TaskId(3), TaskId(7)),
    description="Replace the cookie.\n\nIt is not signed.\n\nKeep old sessions.",
    created="2026-11-23T10:00:00Z",
    extra=(("estimate", 3),),
)
# Sixteen kinds of edits that people make of one task.
EDITS: dict[str, dict[str, Any]] = {
    "start": {"status": IN_PROGRESS, "owner": "ann", "worktree": "auth"},
    "complete": {"status": COMPLETED},
    "own": {"owner": "bob"},
    "bind": {"worktree": "login"},
    "rename": {"subject": "Implement signed tokens"},
    "parent": {"parent": TaskId(2)},
    "priority": {"priority": 0},
    "label first": {"labels": ("aaa", "api", "security")},
    "label last": {"labels": ("api", "security", "zzz")},
    "unlabel last": {"labels": ("api",)},
    "block last": {"blocked_by": (TaskId(3), TaskId(7), TaskId(9))},
    "unblock first": {"blocked_by": (TaskId(7),)},
    "describe start": {"description": BASE.description.replace("the cookie", "the session cookie")},
    "describe end": {"description": BASE.description + "\n\nTell the users."},
    "unknown field": {"extra:estimate": 5},
    "note": {},
}
# Both change the same line, or a list's same gap: here git stops, and so it should.
CLASHES = {
    frozenset(pair)
    for pair in (
        ("start", "complete"),
        ("start", "own"),
        ("start", "bind"),
        ("label last", "unlabel last"),
    )
}


@pytest.fixture(scope="module")
def branches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One branch for each kind of edit, off one commit with #12."""
    folder = tmp_path_factory.mktemp("stock")
    run = ("git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b")
    stream = [b"commit refs/heads/main\nmark :1\ncommitter a <a@b> 0 +0000\ndata 0\n"]
    stream.append(_file(codec.format_task(BASE)))
    for number, changes in enumerate(EDITS.values()):
        commit = f"commit refs/heads/e{number}\ncommitter a <a@b> {number} +0000\ndata 0\nfrom :1\n"
        edited = codec.edit_task(codec.format_task(BASE), "", task_id=ID, changes=changes)
        stream.append(commit.encode() + _file(edited))
    stream[-1] += b"M 644 inline .tasks/12/20261123T100000Z-ann-3f9c.md\ndata 5\nnote\n\n"
    subprocess.run((*run, "init", "-q"), check=True)
    subprocess.run((*run, "fast-import", "--quiet"), input=b"".join(stream), check=True)
    return folder


def _file(data: bytes) -> bytes:
    return b"M 644 inline .tasks/12.yaml\ndata %d\n%s\n" % (len(data), data)


def test_of_all_pairs_of_edits_only_true_clashes_stop_git(branches: Path) -> None:
    clean, stopped = 0, set()
    for one, other in combinations(range(len(EDITS)), 2):
        names = list(EDITS)
        done = subprocess.run(
            ("git", "merge-tree", "--write-tree", "-z", f"e{one}", f"e{other}"),
            cwd=branches,
            capture_output=True,
            check=False,
        )
        assert done.returncode in (0, 1)
        if done.returncode:
            stopped.add(frozenset((names[one], names[other])))
            continue
        clean += 1
        tree = done.stdout.split(b"\0")[0].decode()
        merged = subprocess.run(
            ("git", "cat-file", "blob", f"{tree}:.tasks/12.yaml"),
            cwd=branches,
            capture_output=True,
            check=True,
        ).stdout
        wanted = codec.format_task(BASE)
        for changes in (EDITS[names[one]], EDITS[names[other]]):
            wanted = codec.edit_task(wanted, "", task_id=ID, changes=_joined(wanted, changes))
        assert codec.parse_task(merged, "", task_id=ID) == codec.parse_task(wanted, "", task_id=ID)
    assert stopped == CLASHES
    assert clean == 116


def _joined(data: bytes, changes: dict[str, Any]) -> dict[str, Any]:
    """`changes`, made after another one: what they add and take away, not what the lists and texts were."""
    now = codec.parse_task(data, "", task_id=ID)
    joined = dict(changes)
    for name in ("labels", "blocked_by"):
        if name in changes:
            old, new, here = set(getattr(BASE, name)), set(changes[name]), set(getattr(now, name))
            joined[name] = tuple(sorted((here - (old - new)) | (new - old)))
    if "description" in changes and now.description != BASE.description:
        joined["description"] = EDITS["describe start"]["description"] + "\n\nTell the users."
    return joined


def test_by_fields_only_a_field_that_both_changed_is_in_conflict() -> None:
    base = file_merge.read_base(codec.format_task(BASE), "", task_id=ID)
    stopped = set()
    for one, other in combinations(EDITS, 2):
        ours, theirs = (
            file_merge.read_version(
                codec.edit_task(base.data, "", task_id=ID, changes=EDITS[name]), "", task_id=ID
            )
            for name in (one, other)
        )
        if file_merge.merge_versions(base, ours, theirs, "").merged.conflicts:
            stopped.add(frozenset((one, other)))
    assert stopped == {pair for pair in CLASHES if "start" in pair}


@pytest.fixture
def fork(repo: Path) -> Fork:
    made = Fork(repo).put(BASE, new_task(1, "1"), new_task(2, "2"))
    made.commit("tasks")
    made.on("topic").edit(12, status=COMPLETED, labels=("api", "security", "zzz")).note(12, "topic")
    made.put(new_task(13, "3", blocked_by=(ID,))).edit(1, owner="ann").commit("topic")
    made.on("main").edit(12, owner="bob", priority=0, blocked_by=(TaskId(7),)).note(12, "main")
    made.edit(2, priority=4).commit("main")
    return made


@pytest.mark.parametrize("way", ["merge", "rebase", "cherry-pick", "squash"])
def test_different_fields_tasks_and_notes_merge_clean_in_every_way(fork: Fork, way: str) -> None:
    if way == "merge":
        assert fork.merge("topic")
    elif way == "rebase":
        assert fork.on("topic").go("rebase", "main")
    elif way == "cherry-pick":
        assert fork.go("cherry-pick", "topic")
    else:
        assert fork.go("merge", "--squash", "topic")
    task = fork.task(12)
    assert (task.status, task.owner, task.priority) == (COMPLETED, "bob", 0)
    assert (task.labels, task.blocked_by) == (("api", "security", "zzz"), (7,))
    assert fork.notes() == {"9": {"main", "topic"}}
    assert (fork.task(1).owner, fork.task(2).priority, fork.task(13).blocked_by) == ("ann", 4, (12,))


@pytest.fixture
def halted(fork: Fork) -> Fork:
    fork.on("topic").edit(12, owner="ann").commit("clash")
    fork.on("main")
    assert not fork.merge("topic")
    return fork


READS = ("list", "ready", "blocked", "search Task", "graph", "show 1", "next", "export json", "doctor")


@pytest.mark.parametrize("command", READS)
def test_a_file_with_conflict_markers_breaks_no_command(halted: Fork, cli: Cli, command: str) -> None:
    done = cli(*command.split(), code=None)
    assert done.returncode in (0, 1)
    assert "Traceback" not in done.stderr
    assert "Task" in done.stdout or command == "doctor"
    if command in ("list", "ready", "doctor"):
        assert done.returncode == 1
        word = "" if command == "doctor" else "conflict: "
        assert f".tasks/12.yaml:9: {word}holds merge conflict markers" in done.stdout + done.stderr


def test_and_can_be_written_around(halted: Fork, cli: Cli) -> None:
    cli("edit", "1", "--priority", "1")
    cli("add", "new")
    assert halted.task(1).priority == 1
    assert halted.unmerged() == [".tasks/12.yaml"]
    done = cli("edit", "12", "--priority", "1", code=1)
    assert "conflict" in done.stderr and "gittasks resolve" in done.stderr


def test_with_the_driver_every_list_gap_merges_too(repo: Path) -> None:
    fork = Fork(repo).put(BASE)
    init_project(fork.project)
    fork.commit("project")
    fork.on("topic").edit(12, labels=("api", "security", "zzz"), owner="ann", status=COMPLETED).commit()
    fork.on("main").edit(12, labels=("api",), worktree="auth", status=COMPLETED).commit()
    assert fork.merge("topic")
    assert fork.task(12)[3:9] == (COMPLETED, "ann", "auth", None, 2, ("api", "zzz"))


def test_with_the_driver_conflicts_are_marked_by_field(repo: Path) -> None:
    fork = Fork(repo).put(BASE)
    init_project(fork.project)
    fork.commit("project")
    fork.on("topic").edit(12, labels=("api", "security", "zzz"), owner="ann").commit()
    fork.on("main").edit(12, labels=("api",), owner="bob").commit()
    assert not fork.merge("topic")
    text = fork.path(12).read_text()
    assert "\n\n<<<<<<< ours\nowner: bob\n=======\nowner: ann\n>>>>>>> theirs\n\n" in text
    assert text.count("<<<<<<<") == 1
    assert not fork.resolve("theirs").open
    assert (fork.task(12).owner, fork.task(12).labels) == ("ann", ("api", "zzz"))


def test_with_the_driver_two_tasks_of_one_number_are_never_mixed(repo: Path) -> None:
    """Without it git takes over an edit of the one for the other (see test_renumbering)."""
    fork = Fork(repo).put(new_task(1, "1"))
    init_project(fork.project)
    fork.commit("project")
    fork.on("topic").put(new_task(3, "b")).commit()
    git(repo, "branch", "third")
    fork.on("main").put(new_task(3, "a")).commit()
    assert not fork.merge("topic")
    fork.resolve()
    fork.commit("b is #4")
    fork.on("third").edit(3, status=IN_PROGRESS).commit()
    assert not fork.merge("main")
    assert not fork.resolve().open
    tasks = fork.tasks()
    assert (tasks["a"].id, tasks["a"].status, tasks["b"].id, tasks["b"].status) == (
        3,
        "pending",
        4,
        IN_PROGRESS,
    )


def test_where_the_program_is_gone_the_driver_is_gits_own(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(repo / "gone"))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    fork = Fork(repo).put(BASE)
    init_project(fork.project)
    fork.commit("project")
    fork.on("topic").edit(12, priority=0).commit()
    fork.on("main").edit(12, owner="bob").commit()
    assert fork.merge("topic")
    assert (fork.task(12).owner, fork.task(12).priority) == ("bob", 0)
    fork.on("topic").edit(12, owner="ann").commit()
    assert not fork.on("main").merge("topic")
    assert "<<<<<<< ours\nowner: bob\n" in fork.path(12).read_text()


def test_a_program_in_a_folder_with_a_strange_name(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "it's %O here" / "python"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\ntouch "$0.ran"\nexec {PYTHON} "$@"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    fork = Fork(repo).put(BASE)
    init_project(fork.project)
    fork.commit("project")
    fork.on("topic").edit(12, labels=("api", "b", "security")).commit()
    fork.on("main").edit(12, labels=("api", "c", "security")).commit()
    assert fork.merge("topic")
    assert fork.task(12).labels == ("api", "b", "c", "security")
    assert (program.parent / "python.ran").exists()


def test_nothing_is_imported_from_the_repository_that_is_merged(repo: Path) -> None:
    (repo / "argparse.py").write_text("raise SystemExit('imported from a repository')\n")
    (repo / "gittasks").mkdir()
    (repo / "gittasks" / "__init__.py").write_text("raise SystemExit('imported from a repository')\n")
    test_with_the_driver_every_list_gap_merges_too(repo)


def test_registering_is_for_this_clone_alone_and_once(repo: Path, tmp_path: Path) -> None:
    fork = Fork(repo)
    assert init_project(fork.project).is_registered
    assert driver.register(fork.project) == []
    assert not init_project(fork.project).is_registered
    fork.commit("project")
    git(tmp_path, "clone", "-q", str(repo), "other")
    assert git(tmp_path / "other", "config", "--get-regexp", "^(core.bare|merge)") == "core.bare false"
    assert (tmp_path / "other/.tasks/.gitattributes").read_text() == "[1-9]*.yaml merge=gittasks\n"
    git(repo, "config", "merge.gittasks.driver", "something else")
    assert driver.register(fork.project) == ["merge.gittasks.driver"]
