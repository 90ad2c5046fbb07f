from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.runtime.stage import until

pytestmark = pytest.mark.usefixtures("apart")


def texts(output: str) -> list[str]:
    """What was seen, without the times."""
    return [line.partition(" ")[2] for line in output.splitlines()]


def test_a_command_is_called_until_it_is_ok(repo: Path, cli: Cli) -> None:
    script = "echo looked; test -e .git/go || { touch .git/go; exit 3; }"
    done = cli("monitor", "--wait", "--every", "50ms", "--", "sh", "-c", script)
    run = done.stdout.split()[0]
    assert run[0] == "m"
    assert texts(done.stdout)[1:] == ["failed (exit 3): looked", "ok: looked"]
    (record,) = json.loads(cli("runs", "--json").stdout)["runs"]
    assert (record["type"], record["status"], record["events"]) == ("monitor", "completed", 2)
    assert record["message"] == "2 events, the last: ok: looked"
    assert record["description"].startswith("until ok: sh -c")
    assert cli("notices").stdout.startswith(run)


def test_events_are_told_while_it_lives_folded_and_once(repo: Path, cli: Cli) -> None:
    log = repo / ".git" / "log"
    log.touch()
    run = cli(
        "monitor",
        "--log",
        ".git/log",
        "--match",
        "ERROR",
        "--until",
        "never",
        "--debounce",
        "200ms",
        "--name",
        "errors",
    ).stdout.strip()
    until(lambda: (repo / ".git" / "gittasks" / "runs" / "live" / run / "spec.json").exists())

    def is_heard() -> bool:
        # Until the monitor has opened the log, what is written is the past.
        with log.open("a") as file:
            file.write("ERROR a\nfine\nERROR a\nERROR \x1b[31mb\n")
        return bool(json.loads(cli("notices", "--peek", "--json").stdout)["notices"])

    until(is_heard)
    (notice,) = json.loads(cli("notices", "--json").stdout)["notices"]
    assert (notice["id"], notice["status"], notice["notified"]) == (run, "running", False)
    first, second = notice["notice"]["events"]
    assert (first["text"], second["text"]) == ("ERROR a", "ERROR \\x1b[31mb")
    assert first["count"] == 2 * second["count"] and first["first"] <= first["last"]
    cli("kill", run)
    # What it saw last, and its end.
    kinds = [found["notice"]["kind"] for found in json.loads(cli("notices", "--json").stdout)["notices"]]
    assert kinds in (["end"], ["events", "end"], ["end", "events"])
    assert "nothing new" in cli("notices").stderr


def test_a_stream_that_ends_without_a_match_has_failed(cli: Cli) -> None:
    ready = ("sh", "-c", "echo one; echo ready; sleep 600")
    assert texts(cli("monitor", "--wait", "--stream", "--match", "ready", "--", *ready).stdout)[1:] == [
        "ready"
    ]
    failed = cli("monitor", "--wait", "--stream", "--match", "ready", "--", "echo", "one", code=1)
    assert texts(failed.stdout)[-1] == "it is over, and what was waited for did not come"
    cli("monitor", "--wait", "--stream", "--", "sh", "-c", "exit 7", code=7)
    missing = cli("monitor", "--wait", "--stream", "--", "no-such-program", code=127)
    assert "no-such-program" in missing.stdout


@pytest.mark.long
def test_it_has_a_time_limit_and_waits_for_runs(cli: Cli) -> None:
    cli("monitor", "--wait", "--file", "nowhere", "--until", "exists", "--timeout", "1s", code=124)
    run = cli("run", "--", "sh", "-c", "exit 3").stdout.strip()
    cli("monitor", "--wait", "--run", run[:5])
    failed = cli("monitor", "--wait", "--run", run, "--until", "ok", code=1)
    assert "failed (exit)" in failed.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "nothing to watch"),
        (("--url", "ftp://x"), "no URL of the web"),
        (("--url", "http://x/", "--", "true"), "choose one"),
        (("--url", "http://x/", "--file", "x"), "not allowed with"),
        (("--file", "x", "--until", "ok"), "cannot be watched"),
        (("--file", "x", "--from-start"), "goes with --log"),
        (("--log", "x", "--regex", "("), "no regular expression"),
        (("--ref", ""), "no ref to watch"),
    ],
)
def test_what_makes_no_sense_is_refused_before_anything_runs(
    repo: Path, cli: Cli, args: tuple[str, ...], said: str
) -> None:
    assert said in cli("monitor", *args, code=2).stderr
    assert not (repo / ".task_outputs").exists()


def test_an_unknown_run_is_not_watched(cli: Cli) -> None:
    assert "no run" in cli("monitor", "--run", "b0", code=1).stderr
