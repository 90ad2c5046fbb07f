from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.conftest import git
from tests.hooks.conftest import Git, edit, said

MARKS = "<<<<<<< ours\nstatus: pending\n=======\nstatus: completed\n>>>>>>> theirs\n"
BAD = {
    "a word of runs": ("status: pending", "status: running", "which is a state of a run"),
    "a field of runs": ("created:", "exit_code: 1\n\ncreated:", "exit_code: belongs to a run"),
    "conflict marks": ("status: pending\n", MARKS, "conflict"),
    "no YAML": ("subject: Fix", 'subject: "Fix', ".tasks/1.yaml:"),
    "another id": ("id: 1", "id: 7", "id"),
    "a cycle": ("blockedBy: []", "blockedBy:\n- 2", "#1 -> #2 -> #1: these tasks would wait for each other"),
    "itself as parent": ("parent:", "parent: 1", "parent"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_broken_task_is_refused_with_its_place_and_the_way_out(hooked: Path, run: Git, name: str) -> None:
    old, new, words = BAD[name]
    edit(hooked, 1, old, new)
    before = git(hooked, "rev-parse", "HEAD")
    lines = said(run("commit", "-m", "bad", code=1))
    assert lines[0] == "gittasks: commit refused: a problem in files of gittasks" or "problems" in lines[0]
    assert words in " ".join(lines)
    assert "--no-verify" in lines[-1]
    assert git(hooked, "rev-parse", "HEAD") == before
    run("commit", "-m", "bad", "--no-verify")


FILES = {
    ".task_outputs/b1234567.txt": "output",
    ".tasks/b8k2m1qz.json": "{}",
    ".tasks/index.jsonl": "{}",
    ".tasks/.1.yaml.gittasks-tmp": "id: 1",
    ".tasks/012.yaml": "id: 12",
    ".tasks/3.yml": "id: 3",
    ".tasks/config.yaml": "commit: sometimes",
}


@pytest.mark.parametrize("name", FILES)
def test_what_is_no_part_of_a_commit_is_refused(hooked: Path, run: Git, name: str) -> None:
    path = hooked / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(FILES[name] + "\n")
    git(hooked, "add", "--force", name)
    done = run("commit", "-m", "bad", code=1)
    assert name in " ".join(said(done))


def test_a_link_is_no_task(hooked: Path, run: Git) -> None:
    (hooked / ".tasks" / "3.yaml").symlink_to("1.yaml")
    git(hooked, "add", ".tasks/3.yaml")
    assert "is no regular file" in run("commit", "-m", "bad", code=1).stderr


NOTE = ".tasks/1/20261123T101500Z-ann-3f9c.md"
WORKFLOW = ".tasks/workflows/nightly.yaml"
CONFLICT = "a title\n=======\n<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> other\n"


def put(repo: Path, name: str, text: str) -> None:
    """Write a file, and stage it."""
    (repo / name).parent.mkdir(exist_ok=True)
    (repo / name).write_text(text)
    git(repo, "add", "--", name)


def test_a_note_with_the_marks_of_a_merge_is_refused_and_one_that_quotes_them_is_not(
    hooked: Path, run: Git
) -> None:
    put(hooked, NOTE, CONFLICT)
    assert said(run("commit", "-m", "a new one quotes them")) == []
    put(hooked, NOTE, "a title\n=======\n")
    assert said(run("commit", "-m", "underlined")) == []
    put(hooked, NOTE, CONFLICT)
    lines = said(run("commit", "-m", "bad", code=1))
    assert lines[1] == f"  {NOTE}:3: holds merge conflict markers: expected a finished merge"
    assert "--no-verify" in lines[-1]


def test_a_workflow_that_nobody_can_read_is_refused(hooked: Path, run: Git) -> None:
    put(hooked, WORKFLOW, "steps:\n  a: {run: make, needs: [b]}\n")
    lines = said(run("commit", "-m", "bad", code=1))
    assert lines[1].startswith(f"  {WORKFLOW}:2: steps.a.needs: 'b' is no step")
    assert "--no-verify" in lines[-1]
    put(hooked, WORKFLOW, "steps:\n  a: {run: make}\n" + "#" * (1 << 18))
    assert f"{WORKFLOW}: has " in run("commit", "-m", "large", code=1).stderr
    put(hooked, WORKFLOW, "steps:\n  a: {run: make}\n")
    put(hooked, ".tasks/workflows/notes.txt", "steps:")
    assert said(run("commit", "-m", "good")) == []


def test_a_broken_workflow_that_was_there_stops_no_commit(hooked: Path, run: Git) -> None:
    put(hooked, WORKFLOW, "steps: 1\n")
    run("commit", "-m", "bad", "--no-verify")
    edit(hooked, 1, "priority: 2", "priority: 0")
    assert said(run("commit", "-m", "another file")) == []


def test_a_copy_with_the_uid_of_another_task_is_refused(hooked: Path, run: Git) -> None:
    text = (hooked / ".tasks" / "1.yaml").read_text()
    put(hooked, ".tasks/3.yaml", text.replace("id: 1\n", "id: 3\n", 1))
    lines = said(run("commit", "-m", "bad", code=1))
    assert lines[1].startswith("  .tasks/1.yaml and .tasks/3.yaml: have the same uid ")
    assert "doctor --fix" in lines[1] and "--no-verify" in lines[-1]
    put(
        hooked,
        ".tasks/4.yaml",
        text.replace("id: 1\n", "id: 4\n", 1)
        .replace("uid: ", "uid:  '")
        .replace("\n\nsubject", "'\n\nsubject"),
    )
    git(hooked, "rm", "-q", "--cached", ".tasks/1.yaml")
    assert ".tasks/3.yaml and .tasks/4.yaml: have" in run("commit", "-m", "both new", code=1).stderr
    git(hooked, "rm", "-q", "--cached", ".tasks/4.yaml")
    assert said(run("commit", "-m", "a new number for one task")) == []


def test_two_files_that_had_one_uid_before_stop_no_commit(hooked: Path, run: Git) -> None:
    text = (hooked / ".tasks" / "1.yaml").read_text()
    put(hooked, ".tasks/3.yaml", text.replace("id: 1\n", "id: 3\n", 1))
    run("commit", "-m", "bad", "--no-verify")
    edit(hooked, 1, "priority: 2", "priority: 0")
    assert said(run("commit", "-m", "another field")) == []


def test_a_blocker_that_is_not_there_is_told_and_not_refused(hooked: Path, run: Git) -> None:
    edit(hooked, 1, "blockedBy: []", "blockedBy:\n- 9")
    told = said(run("commit", "-m", "it may come from another branch"))
    assert told == ["gittasks: this commit does not have #9, which #1 waits for"]
    edit(hooked, 1, "priority: 2", "priority: 0")
    assert said(run("commit", "-m", "once")) == []


def test_what_counts_is_the_index_not_the_worktree(hooked: Path, run: Git) -> None:
    edit(hooked, 1, "priority: 2", "priority: 1")
    path = hooked / ".tasks" / "1.yaml"
    good = path.read_text()
    path.write_text("broken")
    assert said(run("commit", "-m", "the staged one is fine")) == []
    git(hooked, "add", ".tasks/1.yaml")
    path.write_text(good)
    assert said(run("commit", "-m", "the staged one is broken", code=1))


def test_a_commit_of_some_paths_is_judged_by_its_own_index(hooked: Path, run: Git) -> None:
    edit(hooked, 1, "status: pending", "status: running")
    (hooked / "README").write_text("more\n")
    assert said(run("commit", "-m", "the broken one is not in it", "README")) == []
    (hooked / ".tasks" / "2.yaml").write_text("broken")
    assert ".tasks/2.yaml" in run("commit", "-m", "not staged, and in it", ".tasks/2.yaml", code=1).stderr
    assert ".tasks/2.yaml" in run("commit", "-am", "all", code=1).stderr


def test_a_circle_that_was_there_does_not_stop_the_next_commit(hooked: Path, run: Git) -> None:
    edit(hooked, 1, "blockedBy: []", "blockedBy:\n- 2")
    run("commit", "-m", "a circle", "--no-verify")
    edit(hooked, 1, "priority: 2", "priority: 0")
    run("commit", "-m", "another field")


def test_a_long_circle_is_found_through_tasks_that_the_commit_does_not_touch(hooked: Path, run: Git) -> None:
    template = (hooked / ".tasks" / "2.yaml").read_text()
    for number in range(3, 20):
        text = template.replace("id: 2\n", f"id: {number}\n", 1).replace("- 1\n", f"- {number - 1}\n")
        uid = next(line for line in text.splitlines() if line.startswith("uid: "))
        (hooked / ".tasks" / f"{number}.yaml").write_text(text.replace(uid, f"uid: a{number:015}"))
    git(hooked, "add", ".tasks")
    run("commit", "-m", "a chain")
    edit(hooked, 1, "blockedBy: []", "blockedBy:\n- 19")
    assert "#1 -> #19 -> #18" in run("commit", "-m", "a circle", code=1).stderr


def test_the_first_commit_is_checked_too(hooked: Path, run: Git) -> None:
    git(hooked, "switch", "-q", "--orphan", "fresh")
    (hooked / ".tasks").mkdir(exist_ok=True)
    (hooked / ".tasks" / "1.yaml").write_text("id: 2\n")
    git(hooked, "add", ".tasks")
    assert ".tasks/1.yaml" in run("commit", "-m", "first", code=1).stderr


def test_names_of_strangers_are_not_printed_raw(hooked: Path, run: Git) -> None:
    (hooked / ".task_outputs").mkdir()
    (hooked / ".task_outputs" / "a\x1b[2Jb").write_text("x")
    git(hooked, "add", "--force", ".task_outputs")
    done = run("commit", "-m", "bad", code=1)
    assert "\x1b" not in done.stderr and "\\x1b" in done.stderr


def test_a_commit_without_tasks_says_nothing(hooked: Path, run: Git) -> None:
    (hooked / "README").write_text("more\n")
    done = run("commit", "-a", "-m", "code")
    assert said(done) == [] and os.linesep.join(done.stderr.splitlines()) == ""
