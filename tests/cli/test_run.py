from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import PYTHON, Cli, git
from tests.runtime.stage import until

pytestmark = pytest.mark.usefixtures("apart")


def run_id(done: subprocess.CompletedProcess[str]) -> str:
    return done.stdout.splitlines()[0]


def record(cli: Cli, prefix: str) -> dict[str, Any]:
    runs = json.loads(cli("runs", "--json").stdout)["runs"]
    (found,) = [run for run in runs if run["id"].startswith(prefix)]
    return dict(found)


def popen(repo: Path, *args: str, **how: Any) -> subprocess.Popen[str]:
    argv = (sys.executable, "-m", "gittasks", *args)
    return subprocess.Popen(argv, cwd=repo, text=True, **how)


def test_the_id_comes_first_and_at_once(repo: Path, cli: Cli) -> None:
    done = cli("run", "--", "sh", "-c", "echo hello; until [ -e .git/go ]; do sleep 0.02; done")
    found = run_id(done)
    assert done.stdout == found + "\n"
    assert len(found) == 8
    assert found[0] == "b"
    run = record(cli, found)
    assert run["status"] == "running"
    assert run["phase"] == "active"
    assert run["output_file"] == f".task_outputs/{found}.txt"
    (repo / ".git" / "go").touch()
    cli("wait", found)
    assert cli("logs", found).stdout == "hello\n"


def test_the_record_knows_commit_and_folder(repo: Path, cli: Cli) -> None:
    head = git(repo, "rev-parse", "HEAD")
    (repo / "sub").mkdir()
    clean = run_id(cli("run", "--name", "look", "--", "pwd", cwd=repo / "sub"))
    cli("wait", clean)
    (repo / "README").write_text("changed\n")
    commit = 'git commit -q -am "second"'
    dirty = run_id(cli("run", "--shell", "--", commit, env={"GITTASKS_OWNER": "eve"}))
    cli("wait", dirty)
    first, second = record(cli, clean), record(cli, dirty)
    assert (first["commit_before"], first["commit_after"], first["dirty"]) == (head, head, False)
    assert (second["commit_before"], second["dirty"]) == (head, True)
    assert second["commit_after"] == git(repo, "rev-parse", "HEAD") != head
    assert (first["description"], second["description"]) == ("look", commit)
    assert (first["owner"], second["owner"]) == ("Ada Tester", "eve")
    assert first["cwd"] == str(repo / "sub")
    assert cli("logs", clean).stdout == f"{repo / 'sub'}\n"
    assert first["command"] == ["pwd"]
    assert second["command"] == ["/bin/sh", "-c", commit]


def test_wait_shows_the_output_and_ends_with_the_code(cli: Cli) -> None:
    done = cli("run", "--wait", "--", "sh", "-c", "echo out; echo err >&2; exit 7", code=7)
    assert done.stdout.splitlines()[1:] == ["out", "err"]
    assert cli("run", "--wait", "--", "true").returncode == 0
    assert cli("run", "--wait", "--", "sh", "-c", "kill -9 $$", code=137)
    late = cli("run", "--wait", "--timeout", "0.2", "--", "sleep", "600", code=124)
    assert "failed (timeout" in late.stderr


def test_a_command_that_is_not_there(cli: Cli) -> None:
    done = cli("run", "--", "no-such-program", code=1)
    assert "cannot run no-such-program: command not found" in done.stderr
    assert record(cli, run_id(done))["reason"] == "not_started"
    assert cli("run", "--wait", "--", "no-such-program", code=127)
    gone = cli("run", "--cwd", "gone", "--", "true", code=1)
    assert "No such file or directory" in gone.stderr


def test_nothing_to_run_and_bad_options(cli: Cli) -> None:
    cli("run", code=2)
    cli("run", "--", code=2)
    cli("run", "--", "", code=2)
    cli("run", "--timeout", "soon", "--", "true", code=2)
    assert "leaves it no time" in cli("run", "--timeout", "0", "--", "true", code=2).stderr
    secret = cli("run", "--env", "hunter2", "--", "true", code=2)
    assert "NAME=VALUE" in secret.stderr
    assert json.loads(cli("runs", "--json").stdout)["runs"] == []


def test_the_command_can_stand_without_dashes_and_keeps_its_own(repo: Path, cli: Cli) -> None:
    done = cli("run", "--wait", "git", "log", "--format=%s", "--", "README")
    assert done.stdout.splitlines()[1:] == ["first"]


def test_the_environment_of_a_run(repo: Path, cli: Cli) -> None:
    show = 'echo "$A|$GITTASKS_RUN_ID|$GITTASKS_TASK_ID|$GIT_INDEX_FILE|$GITTASKS_SUPERVISOR"'
    done = cli(
        "run",
        "--wait",
        "--env",
        "A=b=c",
        "--shell",
        "--",
        show,
        env={"GIT_INDEX_FILE": "x", "GITTASKS_TASK_ID": "9"},
    )
    assert done.stdout.splitlines()[1] == f"b=c|{run_id(done)}|||"
    (repo / ".git" / "task").touch()
    assert b"b=c" not in (repo / ".task_outputs" / "index.jsonl").read_bytes()


def test_a_run_for_a_task(repo: Path, cli: Cli) -> None:
    cli("init")
    cli("add", "Goal")
    git(repo, "commit", "-qm", "tasks")
    done = cli("run", "--task", "1", "--wait", "--shell", "--", "echo $GITTASKS_TASK_ID")
    assert done.stdout.splitlines()[1] == "1"
    cli("run", "--wait", "--", "true")
    found = json.loads(cli("runs", "--task", "#1", "--json").stdout)["runs"]
    assert [run["work_graph_task_id"] for run in found] == [1]
    shown = json.loads(cli("show", "1", "--json").stdout)["task"]
    assert [run["id"] for run in shown["runs"]] == [run_id(done)]
    assert run_id(done) in cli("show", "1").stdout
    assert "#99" in cli("run", "--task", "99", "--", "true", code=1).stderr


def test_a_run_goes_with_its_task_to_another_number(repo: Path, cli: Cli) -> None:
    """A merge made #1 the number 2, and gave #1 to another task."""
    cli("init")
    cli("add", "one")
    cli("run", "--task", "1", "--wait", "--", "true")
    tasks = repo / ".tasks"
    text = (tasks / "1.yaml").read_text()
    uid = text.partition("uid: ")[2][:16]
    (tasks / "2.yaml").write_text(text.replace("id: 1\n", "id: 2\n", 1))
    (tasks / "1.yaml").write_text(text.replace(uid, "f" * 16).replace("one", "a stranger's"))
    for task, runs in (("1", []), ("2", [(1, uid)])):
        for answer in (cli("runs", "--task", task, "--json"), cli("show", task, "--json")):
            document = json.loads(answer.stdout)
            found = document["runs"] if "runs" in document else document["task"]["runs"]
            assert [(run["work_graph_task_id"], run["work_graph_task_uid"]) for run in found] == runs
    git(repo, "add", "-A")
    git(repo, "commit", "-q", "-m", "tasks")


def test_a_run_within_a_run_knows_its_parent(cli: Cli) -> None:
    inner = f"{PYTHON} -m gittasks run --wait -- true"
    outer = cli("run", "--wait", "--shell", "--", inner)
    child = outer.stdout.splitlines()[1]
    assert record(cli, child)["parent"] == run_id(outer)


def test_json_is_one_document(cli: Cli) -> None:
    started = json.loads(cli("run", "--json", "--", "true").stdout)
    assert started["schema"] == 1
    assert started["run"]["status"] in ("running", "completed")
    ended = json.loads(cli("run", "--json", "--wait", "--", "sh", "-c", "echo x; exit 3", code=3).stdout)
    assert (ended["run"]["status"], ended["run"]["exit_code"]) == ("failed", 3)
    cli("wait", started["run"]["id"])


def test_all_worktrees_share_one_list(repo: Path, cli: Cli, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"))
    run = run_id(cli("run", "--wait", "--", "pwd", cwd=tmp_path / "linked"))
    found = record(cli, run)
    assert (found["worktree"], found["cwd"]) == ("linked", str(tmp_path / "linked"))
    assert not (tmp_path / "linked" / ".task_outputs").exists()
    assert (repo / ".task_outputs" / f"{run}.txt").read_text() == f"{tmp_path / 'linked'}\n"


def test_a_bare_repository(repo: Path, cli: Cli, tmp_path: Path) -> None:
    bare = tmp_path / "bare.git"
    git(tmp_path, "clone", "-q", "--bare", str(repo), str(bare))
    git(bare, "worktree", "add", "-q", str(tmp_path / "tree"))
    run = run_id(cli("run", "--wait", "--", "true", cwd=tmp_path / "tree"))
    (found,) = json.loads(cli("runs", "--json", cwd=bare).stdout)["runs"]
    assert found["id"] == run
    assert found["output_file"] == str(bare / "gittasks" / "outputs" / f"{run}.txt")
    assert git(tmp_path / "tree", "status", "--porcelain") == ""


def test_no_repository(cli: Cli, tmp_path: Path) -> None:
    assert "not inside a git repository" in cli("run", "--", "true", cwd=tmp_path, code=1).stderr


def test_a_folder_of_outputs_that_a_clone_brought_along(repo: Path, cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (repo / ".task_outputs").symlink_to(tmp_path / "elsewhere")
    done = cli("run", "--", "true", code=1)
    assert "symbolic link" in done.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []
    (repo / ".task_outputs").unlink()


def test_a_folder_of_outputs_that_cannot_be_made(repo: Path, cli: Cli) -> None:
    (repo / ".task_outputs").write_text("in the way")
    assert "a file" in cli("run", "--", "true", code=1).stderr
    assert json.loads(cli("runs", "--json").stdout)["runs"] == []
    (repo / ".task_outputs").unlink()


def test_whoever_waits_is_killed_and_the_run_goes_on(repo: Path, cli: Cli) -> None:
    script = "echo one; until [ -e .git/go ]; do sleep 0.02; done; echo two"
    waiting = popen(repo, "run", "--wait", "--shell", "--", script, stdout=subprocess.PIPE)
    assert waiting.stdout is not None
    run = waiting.stdout.readline().strip()
    assert waiting.stdout.readline() == "one\n"
    waiting.kill()
    waiting.wait()
    waiting.stdout.close()
    (repo / ".git" / "go").touch()
    assert cli("wait", run).returncode == 0
    assert cli("logs", run).stdout == "one\ntwo\n"


def test_an_interrupt_ends_the_waiting_and_not_the_run(repo: Path, cli: Cli) -> None:
    script = "echo one; until [ -e .git/go ]; do sleep 0.02; done"
    waiting = popen(
        repo, "run", "--wait", "--shell", "--", script, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert waiting.stdout is not None
    run = waiting.stdout.readline().strip()
    assert waiting.stdout.readline() == "one\n"
    waiting.send_signal(signal.SIGINT)
    _, talk = waiting.communicate()
    assert waiting.returncode == 130
    assert f"gittasks kill {run}" in talk
    (repo / ".git" / "go").touch()
    cli("wait", run)


def test_the_terminal_is_closed(repo: Path, cli: Cli) -> None:
    """The whole session gets SIGHUP; the run goes on."""
    command = "sh -c 'echo up; until [ -e .git/go ]; do sleep 0.02; done; echo on'"
    script = f"{PYTHON} -m gittasks run -- {command}"
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(repo)
        os.execvp("sh", ("sh", "-c", f"{script}; read line"))
    run = os.read(terminal, 100).decode().strip()
    until(lambda: cli("logs", run).stdout == "up\n")
    os.close(terminal)
    os.waitpid(pid, 0)
    assert record(cli, run)["status"] == "running"
    (repo / ".git" / "go").touch()
    cli("wait", run)
    assert cli("logs", run).stdout == "up\non\n"


def test_the_worktree_of_a_run_is_removed_under_it(repo: Path, cli: Cli, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"))
    go = repo / ".git" / "go"
    script = f"echo up; until [ -e {go} ]; do sleep 0.02; done; echo on"
    run = run_id(cli("run", "--shell", "--", script, cwd=tmp_path / "linked"))
    until(lambda: cli("logs", run).stdout == "up\n")
    git(repo, "worktree", "remove", "--force", str(tmp_path / "linked"))
    go.touch()
    cli("wait", run)
    found = record(cli, run)
    assert (found["status"], found["commit_after"]) == ("completed", None)


def test_waiting_for_others_and_for_slots(repo: Path, cli: Cli) -> None:
    hold = "until [ -e .git/go ]; do sleep 0.02; done; exit 3"
    first = run_id(cli("run", "--slots", "t=1", "--shell", "--", hold))
    second = run_id(cli("run", "--slots", "t=1", "--slots", "u=2", "--", "true"))
    third = run_id(cli("run", "--after", first[:6], "--after-success", second, "--", "true"))
    never = popen(
        repo,
        "run",
        "--wait",
        "--after-success",
        first,
        "--",
        "true",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    seen = record(cli, second)
    assert (seen["status"], seen["phase"], seen["slots"]) == ("running", "queued", {"t": 1, "u": 2})
    assert record(cli, third)["after"] == {first: "end", second: "success"}
    assert "running (queued)" in cli("runs").stdout
    (repo / ".git" / "go").touch()
    cli("wait", second, third)
    _, talk = never.communicate()
    assert never.returncode == 127
    assert f"was to start only if {first} completed: it is failed" in talk
    assert "was to start only" in cli("run", "--after-failure", third, "--", "true", code=1).stderr


def test_all_worktrees_share_the_slots(repo: Path, cli: Cli, tmp_path: Path) -> None:
    git(repo, "worktree", "add", "-q", str(tmp_path / "linked"))
    first = run_id(cli("run", "--slots", "t=1", "--", "sleep", "600"))
    second = run_id(cli("run", "--slots", "t=1", "--", "true", cwd=tmp_path / "linked"))
    assert record(cli, second)["phase"] == "queued"
    cli("kill", first)
    cli("wait", second)


def test_trying_again(cli: Cli) -> None:
    done = cli(
        "run", "--wait", "--retry", "2", "--backoff", "10ms", "--", "sh", "-c", "echo x; exit 3", code=3
    )
    marks = [f"[gittasks: attempt {number} of 3]" for number in (1, 2, 3)]
    assert done.stdout.splitlines()[1:] == [marks[0], "x", marks[1], "x", marks[2], "x"]
    assert "failed (exit 3), attempt 3 of 3" in done.stderr
    assert len(record(cli, run_id(done))["attempts"]) == 2


def test_what_cannot_be_waited_for(cli: Cli) -> None:
    run = run_id(cli("run", "--wait", "--", "true"))
    for option in (("--after", "nothing"), ("--slots", "../x=1"), ("--slots", "a=0")):
        assert cli("run", *option, "--", "true", code=None).returncode in (1, 2)
    for option in (("--slots", "a"), ("--slots", "=3"), ("--slots", "a=-1"), ("--retry", "-1")):
        cli("run", *option, "--", "true", code=2)
    assert "twice" in cli("run", "--after", run, "--after-success", run, "--", "true", code=2).stderr
    assert len(json.loads(cli("runs", "--json").stdout)["runs"]) == 1


def test_a_name_is_not_a_description(cli: Cli) -> None:
    named = run_id(cli("run", "--name", "all tests", "--wait", "--", "true"))
    plain = run_id(cli("run", "--shell", "--wait", "--", "true && true"))
    assert (record(cli, named)["name"], record(cli, named)["description"]) == ("all tests", "all tests")
    assert "name" not in record(cli, plain) or record(cli, plain)["name"] is None
    assert record(cli, plain)["description"] == "true && true"
