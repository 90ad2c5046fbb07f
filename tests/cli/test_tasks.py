"""The task commands, as a user calls them: real program, real repository."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PYTHON, Cli, git


@pytest.fixture
def project(cli: Cli) -> Cli:
    cli("init")
    return cli


def shown(cli: Cli, task: int) -> dict[str, Any]:
    document = json.loads(cli("show", str(task), "--json").stdout)
    assert document["schema"] == 1
    found = document["task"]
    assert isinstance(found, dict)
    return found


def listed(cli: Cli, *args: str) -> list[int]:
    return [task["id"] for task in json.loads(cli("list", "--json", *args).stdout)["tasks"]]


def test_add_answers_with_the_id_and_stages_one_file(project: Cli, repo: Path) -> None:
    git(repo, "commit", "-qm", "tasks")
    assert project("add", "Implement auth module", "-d", "Signed tokens.").stdout == "#1\n"
    assert git(repo, "status", "--porcelain") == "A  .tasks/1.yaml"
    task = shown(project, 1)
    assert task["subject"] == "Implement auth module"
    assert task["description"] == "Signed tokens."
    assert task["status"] == "pending"
    assert task["ready"] is True
    assert len(task["uid"]) == 16


def test_add_takes_every_field(project: Cli) -> None:
    project("add", "parent")
    project("add", "later")
    made = json.loads(
        project(
            *(
                "add",
                "middle",
                "--json",
                "--parent",
                "#1",
                "--blocked-by",
                "1",
                "--blocks",
                "2",
                "--owner",
                "bob",
            ),
            *("--priority", "0", "--label", "b", "--label", "a"),
        ).stdout
    )
    assert made["ids"] == [3]
    task = shown(project, 3)
    assert (task["parent"], task["blockedBy"], task["blocks"]) == (1, [1], [2])
    assert (task["owner"], task["priority"], task["labels"]) == ("bob", 0, ["a", "b"])
    assert shown(project, 2)["blockedBy"] == [3]


def test_a_description_can_come_from_stdin(project: Cli) -> None:
    project("add", "x", "-d", "-", stdin="two\nlines\n")
    assert shown(project, 1)["description"] == "two\nlines"


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ((), 2, "needs a subject"),
        (("",), 1, "subject"),
        (("a\nb",), 1, "subject"),
        (("x" * 501,), 1, "500"),
        (("x", "--blocked-by", "9"), 1, "#9"),
        (("x", "--parent", "9"), 1, "#9"),
        (("x", "--priority", "5"), 2, "0 (highest) to 4"),
        (("x", "--blocked-by", "../x"), 2, "not a task"),
        (("x", "--label", ""), 1, "label"),
        (("--from", "nowhere.yaml"), 2, "no such file"),
        (("x", "--from", "plan.yaml"), 2, "--from"),
        (("--force",), 2, "--force"),
    ],
)
def test_bad_calls_change_nothing(
    project: Cli, repo: Path, args: tuple[str, ...], code: int, words: str
) -> None:
    before = sorted((repo / ".tasks").iterdir())
    answer = project("add", *args, code=code)
    assert words in answer.stderr
    assert "Traceback" not in answer.stderr
    assert sorted((repo / ".tasks").iterdir()) == before
    project("add", "next")
    assert shown(project, 1)["subject"] == "next"  # a refused add issued no number


def test_a_subject_that_looks_like_an_option(project: Cli) -> None:
    project("add", "--", "--force")
    assert shown(project, 1)["subject"] == "--force"


def test_list_hides_what_is_done_until_asked(project: Cli) -> None:
    for subject in ("one", "two", "three"):
        project("add", subject)
    project("done", "1")
    project("delete", "2")
    assert listed(project) == [3]
    assert listed(project, "--all") == [1, 3]
    assert listed(project, "--deleted") == [2, 3]
    assert listed(project, "--status", "completed") == [1]
    assert listed(project, "--status", "completed,deleted") == [1, 2]


def test_list_filters_and_sorts(project: Cli) -> None:
    project("add", "Zebra auth", "--owner", "ann", "--priority", "1", "--label", "core")
    project("add", "apple", "--owner", "bob", "--priority", "3", "--label", "core", "--label", "ui")
    project("add", "Auth tests", "--priority", "0")
    assert listed(project, "--owner", "ann") == [1]
    assert listed(project, "--label", "core", "--label", "ui") == [2]
    assert listed(project, "AUTH") == [1, 3]
    assert listed(project, "auth", "zebra") == [1]
    assert listed(project, "--sort", "priority") == [3, 1, 2]


def test_a_runtime_word_is_refused_as_a_status(project: Cli) -> None:
    project("add", "x")
    for args in (("list", "--status", "running"), ("edit", "1", "--status", "failed")):
        answer = project(*args, code=1)
        assert "run" in answer.stderr
    assert shown(project, 1)["status"] == "pending"


def test_ready_is_ordered_by_priority_then_by_what_it_unlocks(project: Cli) -> None:
    project("add", "leaf")
    project("add", "root of two")
    project("add", "next", "--blocked-by", "2")
    project("add", "urgent", "--priority", "0")
    ready = json.loads(project("ready", "--json").stdout)["tasks"]
    assert [task["id"] for task in ready] == [4, 2, 1]
    assert [line.split()[0] for line in project("ready").stdout.splitlines()] == ["#4", "#2", "#1"]


def test_ready_never_offers_what_is_taken_or_anothers(project: Cli) -> None:
    project("add", "started")
    project("edit", "1", "--status", "in_progress")
    project("add", "anns", "--owner", "ann")
    project("add", "free")
    ids = [task["id"] for task in json.loads(project("ready", "--json").stdout)["tasks"]]
    assert ids == [3]
    ids = [task["id"] for task in json.loads(project("ready", "--json", "--owner", "ann").stdout)["tasks"]]
    assert ids == [2, 3]


def test_blocked_names_the_open_blockers(project: Cli) -> None:
    project("add", "a")
    project("add", "b", "--blocked-by", "1")
    assert "waits for #1" in project("blocked").stdout
    blocked = json.loads(project("blocked", "--json").stdout)["tasks"]
    assert [(task["id"], task["openBlockers"]) for task in blocked] == [(2, [1])]


def test_done_unblocks_without_touching_another_file(project: Cli, repo: Path) -> None:
    project("add", "a")
    project("add", "b", "--blocked-by", "1")
    git(repo, "commit", "-qm", "tasks")
    answer = project("done", "1")
    assert "now ready: #2" in answer.stderr
    assert git(repo, "status", "--porcelain") == "M  .tasks/1.yaml"
    again = project("done", "1")
    assert "already" in again.stdout
    assert shown(project, 2)["ready"] is True


def test_reopen_and_delete_are_inverse(project: Cli) -> None:
    project("add", "a", "--owner", "ann")
    project("delete", "1")
    assert project("done", "1", code=1).stderr.count("reopen") == 1
    project("reopen", "1")
    assert shown(project, 1)["status"] == "pending"


def test_an_id_is_never_issued_twice(project: Cli, repo: Path) -> None:
    project("add", "a")
    project("add", "b")
    git(repo, "rm", "-qf", ".tasks/2.yaml")
    assert project("add", "c").stdout == "#3\n"


def test_ids_of_other_branches_and_worktrees_count(project: Cli, repo: Path, tmp_path: Path) -> None:
    git(repo, "commit", "-qm", "init")
    git(repo, "worktree", "add", "-q", str(tmp_path / "other"), "-b", "other")
    assert project("add", "there", cwd=tmp_path / "other").stdout == "#1\n"
    (repo / ".git" / "gittasks" / "ids.json").unlink()  # the mark is lost: the files still say
    assert project("add", "here").stdout == "#2\n"
    git(tmp_path / "other", "commit", "-qm", "task")
    git(repo, "worktree", "remove", str(tmp_path / "other"))
    (repo / ".git" / "gittasks" / "ids.json").unlink()
    git(repo, "reset", "-q", "--hard")
    (repo / ".tasks" / "2.yaml").unlink(missing_ok=True)
    assert project("add", "again").stdout == "#2\n"  # nobody holds #2 any more, branch `other` holds #1


def test_block_and_unblock_edit_only_the_waiting_task(project: Cli, repo: Path) -> None:
    for subject in ("a", "b", "c"):
        project("add", subject)
    git(repo, "commit", "-qm", "tasks")
    project("block", "3", "--on", "1,2")
    assert git(repo, "status", "--porcelain") == "M  .tasks/3.yaml"
    assert shown(project, 3)["blockedBy"] == [1, 2]
    project("unblock", "3", "--on", "1")
    assert shown(project, 3)["blockedBy"] == [2]
    assert project("unblock", "3", "--on", "1", code=1).stderr


def test_a_cycle_is_refused_and_printed(project: Cli, repo: Path) -> None:
    project("add", "a")
    project("add", "b", "--blocked-by", "1")
    project("add", "c", "--blocked-by", "2")
    before = (repo / ".tasks" / "1.yaml").read_bytes()
    for args in (
        ("block", "1", "--on", "3"),
        ("edit", "1", "--blocked-by", "3"),
        ("block", "1", "--on", "1"),
    ):
        answer = project(*args, code=1)
        assert "#1" in answer.stderr
    assert "#1 -> #3 -> #2 -> #1" in project("block", "1", "--on", "3", code=1).stderr
    assert (repo / ".tasks" / "1.yaml").read_bytes() == before
    project("edit", "2", "--parent", "1")
    assert "parents" in project("edit", "1", "--parent", "2", code=1).stderr


def test_add_many_is_all_or_nothing(project: Cli, repo: Path) -> None:
    lines = [
        {"key": "a", "subject": "one"},
        {"subject": "two", "blockedBy": ["a"]},
        {"subject": "three", "parent": "a"},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines)
    assert project("add", "--from", "-", stdin=text).stdout == "#1\n#2\n#3\n"
    assert shown(project, 2)["blockedBy"] == [1]
    assert shown(project, 3)["parent"] == 1
    bad = text + json.dumps({"subject": "four", "blockedBy": ["nobody"]}) + "\n"
    assert "nobody" in project("add", "--from", "-", stdin=bad, code=1).stderr
    circle = '{"key":"x","subject":"x","blockedBy":["y"]}\n{"key":"y","subject":"y","blockedBy":["x"]}\n'
    assert "->" in project("add", "--from", "-", stdin=circle, code=1).stderr
    assert listed(project) == [1, 2, 3]
    git(repo, "commit", "-qm", "all staged")
    assert git(repo, "status", "--porcelain") == ""


def test_edit_changes_only_the_lines_of_its_fields(project: Cli, repo: Path) -> None:
    project("add", "a", "-d", "words")
    path = repo / ".tasks" / "1.yaml"
    path.write_text(
        "# mine\n" + path.read_text().replace("priority: 2", "priority:   2 # why") + "\nextra: 'kept'\n"
    )
    before = path.read_text().splitlines()
    project("edit", "1", "--priority", "0", "--subject", "b: c")
    after = path.read_text().splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [("subject: a", 'subject: "b: c"'), ("priority:   2 # why", "priority:   0 # why")]


def test_edit_clears_and_adds(project: Cli) -> None:
    project("add", "a", "--owner", "ann", "--label", "x", "--label", "y", "-d", "words")
    project("edit", "1", "--clear", "owner", "--clear", "description", "--label", "z", "--unlabel", "x")
    task = shown(project, 1)
    assert (task["owner"], task["description"], task["labels"]) == (None, "", ["y", "z"])


def editor(tmp_path: Path, script: str) -> dict[str, str]:
    path = tmp_path / "editor"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return {"GIT_EDITOR": str(path)}


def test_the_editor_keeps_what_was_written(project: Cli, repo: Path, tmp_path: Path) -> None:
    project("add", "a")
    env = editor(tmp_path, 'sed -i "s/^subject: a/# thinking\\nsubject:   b  # better/" "$1"')
    project("edit", "1", env=env)
    assert "# thinking\nsubject:   b  # better\n" in (repo / ".tasks" / "1.yaml").read_text()
    assert shown(project, 1)["subject"] == "b"


def test_a_bad_edit_is_refused_and_kept(project: Cli, repo: Path, tmp_path: Path) -> None:
    project("add", "a")
    before = (repo / ".tasks" / "1.yaml").read_bytes()
    env = editor(tmp_path, 'sed -i "s/^priority: 2/priority: high/" "$1"')
    answer = project("edit", "1", env=env, code=1)
    assert (repo / ".tasks" / "1.yaml").read_bytes() == before
    assert "priority" in answer.stderr
    kept = Path(answer.stderr.rsplit("--from ", 1)[1].strip().rstrip("`"))
    kept.write_text(kept.read_text().replace("high", "1"))
    project("edit", "1", "--from", str(kept))
    assert shown(project, 1)["priority"] == 1


def meanwhile(tmp_path: Path, script: str, *args: str) -> dict[str, str]:
    """An editor that does what `script` says, while a colleague runs `gittasks *args`."""
    theirs = shlex.join((sys.executable, "-m", "gittasks", *args))
    return editor(tmp_path, f"{script}\n{theirs} >/dev/null")


MINE = 'sed -i "s/^subject: a/# mine\\nsubject: Mine/" "$1"'


def drafts(repo: Path) -> list[str]:
    private = repo / ".git" / "gittasks"
    return [path.name for path in private.iterdir() if path.name.startswith(("edit-", "base-"))]


def test_what_changed_while_it_was_edited_is_merged(project: Cli, repo: Path, tmp_path: Path) -> None:
    project("add", "a")
    env = meanwhile(tmp_path, MINE, "edit", "1", "--priority", "0", "--label", "x")
    assert "both changes" in project("edit", "1", env=env).stderr
    task = shown(project, 1)
    assert (task["subject"], task["priority"], task["labels"]) == ("Mine", 0, ["x"])
    assert "# mine\n" in (repo / ".tasks" / "1.yaml").read_text()
    assert drafts(repo) == []


def test_two_edits_of_one_field_are_refused_until_they_agree(
    project: Cli, repo: Path, tmp_path: Path
) -> None:
    project("add", "a")
    env = meanwhile(tmp_path, MINE, "edit", "1", "--subject", "Newer by a colleague", "--priority", "0")
    answer = project("edit", "1", env=env, code=1)
    assert "subject: yours 'Mine', there now 'Newer by a colleague'" in answer.stderr
    kept = answer.stderr.rsplit("--from ", 1)[1].strip().rstrip("`")
    assert "there now" in project("edit", "1", "--from", kept, code=1).stderr
    assert shown(project, 1)["subject"] == "Newer by a colleague"
    project("edit", "1", "--subject", "Mine")
    project("edit", "1", "--from", kept)
    assert (shown(project, 1)["subject"], shown(project, 1)["priority"]) == ("Mine", 0)
    assert drafts(repo) == []


def test_a_deletion_while_it_was_edited_is_not_undone(project: Cli, tmp_path: Path) -> None:
    project("add", "a")
    answer = project("edit", "1", env=meanwhile(tmp_path, MINE, "delete", "1"), code=1)
    assert "status: yours 'pending', there now 'deleted'" in answer.stderr


def test_lines_of_a_description_in_conflict_are_named(project: Cli, tmp_path: Path) -> None:
    project("add", "a", "-d", "one\ntwo\nthree")
    env = meanwhile(tmp_path, 'sed -i "s/two/zwei/" "$1"', "edit", "1", "-d", "one\n2\nthree")
    assert "description, line 2: yours 'zwei', there now '2'" in project("edit", "1", env=env, code=1).stderr


def test_a_file_broken_while_it_was_edited(project: Cli, repo: Path, tmp_path: Path) -> None:
    project("add", "a")
    env = editor(tmp_path, f"{MINE}\necho '<<<<<<<' >>{shlex.quote(str(repo / '.tasks' / '1.yaml'))}")
    assert "cannot be merged" in project("edit", "1", env=env, code=1).stderr


def test_an_editor_that_fails_changes_nothing(project: Cli, repo: Path) -> None:
    project("add", "a")
    for name in ("false", "rm"):
        assert "nothing was changed" in project("edit", "1", env={"GIT_EDITOR": name}, code=1).stderr
    assert drafts(repo) == []


@pytest.mark.parametrize("script", ["mkdir", "mkfifo", "ln -s /etc/passwd"])
def test_an_editor_that_leaves_no_text(project: Cli, repo: Path, tmp_path: Path, script: str) -> None:
    project("add", "a")
    before = (repo / ".tasks" / "1.yaml").read_bytes()
    answer = project("edit", "1", env=editor(tmp_path, f'rm "$1"; {script} "$1"'), code=1)
    assert "cannot be read; nothing was changed" in answer.stderr
    assert (repo / ".tasks" / "1.yaml").read_bytes() == before


def test_without_git_what_is_written_is_told_and_what_is_refused_is_not_written(
    project: Cli, repo: Path, tmp_path: Path
) -> None:
    project("add", "a")
    git(repo, "commit", "-qm", "a")
    project("note", "1", "a word")
    env = {"PATH": str(tmp_path)}
    assert "cannot run git" in project("done", "1", "--commit", env=env, code=1).stderr
    assert shown(project, 1)["status"] == "pending"
    assert "removed, but not staged: cannot run git" in project("undo", env=env).stderr
    answer = project("done", "1", env=env)
    assert "written, but not staged: cannot run git" in answer.stderr
    assert git(repo, "status", "--porcelain", "--", ".tasks/1.yaml") == " M .tasks/1.yaml"


def test_search_reads_descriptions_notes_and_labels(project: Cli) -> None:
    project("add", "one", "-d", "The Session cookie")
    project("add", "two", "--label", "cookie")
    project("add", "three")
    project("note", "3", "about a cookie and a session")
    found = json.loads(project("search", "cookie", "--json").stdout)["tasks"]
    assert [task["id"] for task in found] == [1, 2, 3]
    found = json.loads(project("search", "session", "COOKIE", "--json").stdout)["tasks"]
    assert [task["id"] for task in found] == [1, 3]


def test_a_task_that_cannot_be_read_is_not_said_to_be_missing(project: Cli, repo: Path) -> None:
    for name in ("a", "b"):
        project("add", name)
    (repo / ".tasks" / "2.yaml").write_text("id: 2\nsubject: x\npriority: high\n")
    for args in (("block", "1", "--on", "2"), ("edit", "1", "--parent", "2")):
        answer = project(*args, code=1)
        assert ".tasks/2.yaml:3: priority" in answer.stderr and "no such task" not in answer.stderr


def test_one_bad_file_never_hides_the_others(project: Cli, repo: Path) -> None:
    project("add", "good")
    project("add", "bad")
    (repo / ".tasks" / "2.yaml").write_text("id: 2\nsubject: x\npriority: high\n")
    for command in ("list", "ready", "search good"):
        answer = project(*command.split(), code=1)
        assert "good" in answer.stdout
        assert ".tasks/2.yaml:3: priority" in answer.stderr
    document = json.loads(project("list", "--json", code=1).stdout)
    assert [task["id"] for task in document["tasks"]] == [1]
    assert document["problems"][0]["line"] == 3
    assert "priority" in project("show", "2", code=1).stderr
    project("add", "still works")
    assert "priority" in project("done", "2", code=1).stderr


def test_a_half_merged_file_says_so(project: Cli, repo: Path) -> None:
    project("add", "a")
    text = (repo / ".tasks" / "1.yaml").read_text()
    (repo / ".tasks" / "1.yaml").write_text(
        text.replace(
            "status: pending\n", "<<<<<<< HEAD\nstatus: pending\n=======\nstatus: completed\n>>>>>>> x\n"
        )
    )
    listed = project("list", code=1).stderr
    assert ".tasks/1.yaml:7: conflict: " in listed and "`gittasks resolve`" in listed
    assert "no tasks yet" not in listed and "no task can be read" in listed
    assert "conflict" in project("edit", "1", "--priority", "1", code=1).stderr
    shown = project("show", "1", code=1).stderr
    assert "hint: `gittasks resolve 1` mends it" in shown and "by hand" not in shown
    assert "cure: `gittasks resolve`" in project("doctor", code=1).stdout


def test_terminal_escapes_of_strangers_are_never_printed_raw(project: Cli, repo: Path) -> None:
    project("add", "a")
    path = repo / ".tasks" / "1.yaml"
    evil = "\\e[31m\\u202e\\x07"
    path.write_text(
        path.read_text()
        .replace("subject: a", 'subject: "tit\\u202ele"')
        .replace("owner:", f'owner: "{evil}"')
        .replace("labels: []", 'labels: ["\\u2066x"]')
    )
    for command in ("list", "show 1", "ready", "log 1"):
        answer = project(*command.split(), code=None)
        for text in (answer.stdout, answer.stderr):
            assert "\x1b" not in text and "\u202e" not in text and "\x07" not in text and "\u2066" not in text


@pytest.mark.parametrize("args", [("list",), ("add", "x"), ("show", "1"), ("done", "1"), ("next",)])
def test_without_a_project_the_cure_is_named(
    cli: Cli, repo: Path, tmp_path: Path, args: tuple[str, ...]
) -> None:
    assert "gittasks init" in cli(*args, code=1).stderr
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    assert "git init" in cli(*args, cwd=nowhere, code=1).stderr


def test_usage_errors_exit_2(project: Cli) -> None:
    assert "did you mean `list`" in project("lits", code=2).stderr
    assert "not a task" in project("show", "x", code=2).stderr
    assert "unrecognized" in project("list", "--nope", code=2).stderr
    assert "--bad" in project("--bad", code=2).stderr
    assert "no such folder" in project("-C", "nowhere", "list", code=2).stderr
    assert project(code=2).stdout.startswith("usage: gittasks")


def test_errors_are_documents_too(project: Cli) -> None:
    document = json.loads(project("show", "9", "--json", code=1).stdout)
    assert document["schema"] == 1
    assert document["error"]["kind"] == "UnknownTaskError"


def test_commit_takes_exactly_the_task(project: Cli, repo: Path) -> None:
    git(repo, "commit", "-qm", "init")
    (repo / "README").write_text("staged by the user\n")
    git(repo, "add", "README")
    (repo / "README").write_text("and edited on\n")
    project("add", "a", "--commit")
    assert git(repo, "show", "--name-only", "--format=%s") == "Add task #1: a\n\n.tasks/1.yaml"
    assert git(repo, "status", "--porcelain") == "MM README"
    project("done", "1", "--commit")
    assert git(repo, "log", "-1", "--format=%s") == "Complete task #1: a"
    assert git(repo, "show", ":README") == "staged by the user"


def test_a_commit_hook_that_says_no_is_heard(project: Cli, repo: Path) -> None:
    hook = repo / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\necho not today >&2\nexit 1\n")
    hook.chmod(0o755)
    assert "not today" in project("add", "a", "--commit", code=1).stderr
    assert shown(project, 1)["subject"] == "a"


def test_no_commit_in_the_middle_of_a_merge(project: Cli, repo: Path) -> None:
    project("add", "a", "--commit")
    git(repo, "branch", "other")
    (repo / "README").write_text("ours\n")
    git(repo, "commit", "-qam", "ours")
    git(repo, "switch", "-q", "other")
    (repo / "README").write_text("theirs\n")
    git(repo, "commit", "-qam", "theirs")
    with pytest.raises(AssertionError):
        git(repo, "merge", "main")
    before = (repo / ".tasks" / "1.yaml").read_bytes()
    answer = project("done", "1", "--commit", code=1)
    assert "a merge is in progress" in answer.stderr
    assert (repo / ".tasks" / "1.yaml").read_bytes() == before
    project("done", "1")
    assert shown(project, 1)["status"] == "completed"


def test_it_works_in_a_subdirectory_and_with_C(project: Cli, repo: Path, tmp_path: Path) -> None:
    deep = repo / "a" / "b"
    deep.mkdir(parents=True)
    project("add", "x", cwd=deep)
    assert (repo / ".tasks" / "1.yaml").exists()
    assert "x" in project("-C", str(repo), "list", cwd=tmp_path).stdout
    assert "x" in project("list", "-C", "repo", cwd=tmp_path).stdout


def test_a_closed_pipe_is_no_error(project: Cli, repo: Path) -> None:
    import subprocess

    text = "".join(json.dumps({"subject": f"task {n} " + "x" * 300}) + "\n" for n in range(500))
    project("add", "--from", "-", stdin=text)
    pipe = subprocess.run(
        f"{PYTHON} -m gittasks list | head -n 1",
        shell=True,
        cwd=repo,
        capture_output=True,
        text=True,
        check=False,
    )
    assert pipe.stdout.startswith("  #1")
    assert pipe.stderr == ""
