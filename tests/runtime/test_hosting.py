"""Runs that live in a thread of this process: their lock, their output, and what is proven once the lock is free."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from gittasks.runtime import hosting, journal, live, stopping, store
from gittasks.runtime.hosting import HostedRun
from gittasks.runtime.record import COMPLETED, HOST_GONE, IN_PROCESS_TEAMMATE, Run, parse_run
from tests.runtime.stage import Stage


def hosted(stage: Stage) -> HostedRun:
    return HostedRun(stage.folders, lambda run_id: (Run(run_id, IN_PROCESS_TEAMMATE, name="ada"), None))


def now(stage: Stage, run: HostedRun) -> Run:
    return parse_run(store.load(stage.folders, stage.env)[run.id.encode()])


def test_it_is_written_reported_stopped_and_ended_by_its_host(stage: Stage) -> None:
    run = hosted(stage)
    run.write(b"one\n")
    run.report(progress=0.5, message="half")
    assert now(stage, run).status == "running" and live.is_guarded(stage.folders, run.id)
    assert not run.is_asked_to_stop()
    assert stopping.ask_to_stop(stage.folders, run.id, 0.0)
    assert run.is_asked_to_stop() and now(stage, run).status == "running", "only its host ends it"
    run.end(COMPLETED, exit_code=0)
    run.end("failed", exit_code=1)
    run.write(b"late\n")
    run.report(message="late")
    ended = now(stage, run)
    assert (ended.status, ended.exit_code, ended.progress, ended.output_bytes) == ("completed", 0, 0.5, 4)
    assert Path(stage.folders.output(run.id)).read_bytes() == b"one\n"
    assert os.listdir(stage.folders.live_folders) == []


@pytest.mark.parametrize(
    ("changes", "status", "reason", "said"),
    [
        ({"boot_id": "another"}, "failed", "reboot", "restarted"),
        ({"start_ticks": 1}, "failed", "lost", HOST_GONE),
        ({"host": "elsewhere"}, "running", None, "its host is on elsewhere, out of sight from here"),
        ({}, "running", None, "its host lives on, but has let go of it"),
    ],
)
def test_a_free_lock_ends_it_only_with_proof_of_its_hosts_death(
    stage: Stage, changes: dict[str, object], status: str, reason: str | None, said: str
) -> None:
    run = hosted(stage)
    hosting.close(run._alive_fd)
    path = Path(stage.folders.live_folder(run.id), live.RECORD)
    record = json.loads(path.read_bytes())
    record["process"] |= changes
    path.write_text(json.dumps(record) + "\n")
    seen = now(stage, run)
    assert (seen.status, seen.reason) == (status, reason)
    assert said in str(seen.message)
    assert stage.supervisors() == [], "nobody takes over what lives in somebody's program"


def test_what_cannot_be_recorded_leaves_nothing(stage: Stage) -> None:
    def refuse(run_id: object) -> tuple[Run, None]:
        raise ValueError

    with pytest.raises(ValueError):
        HostedRun(stage.folders, refuse)
    assert os.listdir(stage.folders.live_folders) == [] and journal.load(stage.folders) is None
