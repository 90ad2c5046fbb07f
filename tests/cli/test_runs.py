from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Cli, git
from tests.runtime.stage import until

pytestmark = pytest.mark.usefixtures("apart")


def ids(done: subprocess.CompletedProcess[str]) -> list[str]:
    return [line.split()[0] for line in done.stdout.splitlines()]


@pytest.fixture
def three(cli: Cli) -> list[str]:
    """One run that completed, one that failed, one that could not be started."""
    commands = (("true",), ("sh", "-c", "exit 3"), ("no-such-program",))
    runs = [cli("run", "--", *command, code=None).stdout.strip() for command in commands]
    cli("wait", *runs, code=1)
    return runs


def test_they_are_listed_oldest_first(cli: Cli, three: list[str]) -> None:
    done = cli("runs")
    assert ids(done) == three
    assert "completed" in done.stdout
    assert "failed (exit 3)" in done.stdout
    assert "failed (not_started)" in done.stdout


def test_filters(cli: Cli, three: list[str]) -> None:
    assert ids(cli("runs", "--status", "failed")) == three[1:]
    assert ids(cli("runs", "--status", "failed", "--status", "completed")) == three
    assert ids(cli("runs", "--status", "killed")) == []
    assert ids(cli("runs", "--task", "1")) == []
    limited = cli("runs", "--limit", "1")
    assert ids(limited) == three[2:]
    assert "2 that ended before" in limited.stderr
    document = json.loads(cli("runs", "--json", "--limit", "2").stdout)
    assert [run["id"] for run in document["runs"]] == three[1:]
    assert document["schema"] == 1
    assert document["leftOut"] == 1


def test_words_of_tasks_are_refused_with_the_name_of_the_layer(cli: Cli) -> None:
    assert "state of a task" in cli("runs", "--status", "in_progress", code=1).stderr
    assert "no status of a run" in cli("runs", "--status", "done", code=1).stderr


def test_no_runs_yet_makes_no_folder(repo: Path, cli: Cli) -> None:
    assert "no runs" in cli("runs").stderr
    assert json.loads(cli("runs", "--json").stdout)["runs"] == []
    assert not (repo / ".task_outputs").exists()
    assert not (repo / ".git" / "gittasks").exists()


def test_hostile_names_are_shown_harmlessly(cli: Cli) -> None:
    run = cli("run", "--name", "x\x1b[31m\u202e\nfake", "--", "true").stdout.strip()
    cli("wait", run)
    done = cli("runs")
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    assert len(done.stdout.splitlines()) == 1
    (found,) = json.loads(cli("runs", "--json").stdout)["runs"]
    assert found["description"] == "x\x1b[31m\u202e\nfake"


def test_the_index_is_a_stranger_and_trusted_with_nothing(repo: Path, cli: Cli) -> None:
    victim = subprocess.Popen(("sleep", "600"))
    try:
        (repo / ".task_outputs").mkdir()
        fake = {"id": "b0000001", "type": "local_bash", "status": "running", "process": {"pid": victim.pid}}
        fake["output_file"] = "../../../etc/passwd"
        escape = {"id": "../../ab", "type": "local_bash", "status": "running"}
        lines = "".join(json.dumps(line) + "\n" for line in (fake, escape))
        (repo / ".task_outputs" / "index.jsonl").write_text(
            lines + '{"id": "b\ud800"}\n'.encode("unicode_escape").decode()
        )
        (repo / ".task_outputs" / ".gitignore").write_text("*\n")
        assert cli("runs").stdout == ""  # nothing ever ran in this clone: the index came along with it
        (repo / ".git" / "gittasks" / "runs" / "ended").mkdir(parents=True)
        done = cli("runs")
        assert ids(done) == ["b0000001"]
        assert "unverified" in done.stdout
        assert cli("logs", "b0000001").stdout == ""
        assert "had ended by itself" in cli("kill", "b0000001").stderr
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


def test_watching_shows_changes(repo: Path, cli: Cli) -> None:
    argv = (sys.executable, "-m", "gittasks", "runs", "--watch", "--json")
    run = cli("run", "--", "sh", "-c", "until [ -e .git/go ]; do sleep 0.02; done").stdout.strip()
    with subprocess.Popen(argv, cwd=repo, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        first = json.loads(watching.stdout.readline())
        assert [(found["id"], found["status"]) for found in first["runs"]] == [(run, "running")]
        (repo / ".git" / "go").touch()
        second = json.loads(watching.stdout.readline())
        assert second["runs"][0]["status"] == "completed"
        watching.kill()


def test_a_clean_of_ignored_files_costs_no_record(repo: Path, cli: Cli, three: list[str]) -> None:
    live = cli("run", "--", "sh", "-c", "echo up; until [ -e .git/go ]; do sleep 0.02; done").stdout.strip()
    until(lambda: cli("logs", live).stdout == "up\n")
    cli("notices")
    git(repo, "clean", "-qfdx")
    assert not (repo / ".task_outputs").exists()
    assert ids(cli("runs")) == [*three, live]
    assert ids(cli("runs", "--status", "running")) == [live]
    (repo / ".git" / "go").touch()
    cli("wait", live)
    assert ids(cli("notices")) == [live]
    assert cli("logs", live).stdout == "up\n"


def test_the_settings_say_when_runs_are_stalled(repo: Path, cli: Cli) -> None:
    (repo / ".tasks").mkdir()
    config = repo / ".tasks" / "config.yaml"
    for text, expected in (
        ("stall_after: 10m\n", 600.0),
        ("# stall_after: 5s\n", None),
        ("stall_after: never\n", None),
        ("checks:\n  x: make\nstall_after: 90\n", 90.0),
    ):
        config.write_text(text)
        run = cli("run", "--", "true").stdout.strip()
        cli("wait", run)
        found = json.loads(cli("runs", "--json").stdout)["runs"][-1]
        assert found["id"] == run and found.get("stall_after_s") == expected, text
    (repo / ".tasks" / "config.yaml").unlink()
    (repo / ".tasks").rmdir()


def test_watching_without_a_terminal_says_so_and_writes_changes_only(repo: Path, cli: Cli) -> None:
    argv = (sys.executable, "-m", "gittasks", "runs", "--watch")
    run = cli("run", "--", "sh", "-c", "until [ -e .git/go ]; do sleep 0.02; done").stdout.strip()
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=repo, stdout=pipe, stderr=pipe, text=True) as watching:
        assert watching.stdout is not None and watching.stderr is not None
        assert "no terminal to draw on" in watching.stderr.readline()
        assert watching.stdout.readline().startswith(f"{run}  running")
        (repo / ".git" / "go").touch()
        assert watching.stdout.readline() == "\n"
        assert watching.stdout.readline().startswith(f"{run}  completed")
        watching.send_signal(signal.SIGINT)
        assert watching.wait() == 130 and watching.stderr.read() == ""


def test_all_that_is_known_of_a_run(cli: Cli) -> None:
    run = cli(
        "run", "--name", "x\x1b[31m", "--timeout", "1h", "--retry", "1", "--backoff", "0", "--", "false"
    )
    run_id = run.stdout.strip()
    cli("wait", run_id, code=1)
    shown = cli("runs", run_id[:7]).stdout
    assert shown.splitlines()[0] == f"{run_id}  x\\x1b[31m"
    for fact in (
        "failed (exit 1), attempt 2 of 2",
        "exit code 1",
        "cpu time",
        "MiB",
        "timeout",
        "attempt 1: exit 1",
    ):
        assert fact in shown, shown
    assert json.loads(cli("runs", run_id, "--json").stdout)["runs"][0]["usage"]["peak_memory_bytes"] > 0
    cli("runs", "zz", code=1)
    cli("runs", run_id, "--watch", code=2)
