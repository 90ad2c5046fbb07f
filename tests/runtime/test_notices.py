from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from gittasks.runtime import events, notices, stopping
from gittasks.runtime.events import Event
from gittasks.runtime.notices import Notice, fold
from gittasks.runtime.record import HIGH, LOW, NORMAL, Run, RunId, priority_of
from tests.runtime.stage import Stage, until

READER = """
import json, os, sys
from gittasks.runtime import notices
from gittasks.runtime.folders import Folders
folders = Folders(*json.loads(sys.argv[1]))
sys.stdin.readline()
for told in notices.follow(folders, os.environ):
    for notice in told:
        print(notice.run.id, *(event.times for event in notice.events), flush=True)
"""


@pytest.mark.parametrize(
    ("status", "notice", "priority"),
    [
        ("failed", None, HIGH),
        ("completed", None, NORMAL),
        ("killed", None, LOW),
        ("running", None, NORMAL),
        ("failed", "low", LOW),
        ("completed", "high", HIGH),
        ("completed", "urgent", NORMAL),
    ],
)
def test_how_important_an_end_is(status: str, notice: str | None, priority: str) -> None:
    assert priority_of(Run(RunId("b0000001"), status=status, notice=notice)) == priority


def test_what_says_the_same_folds() -> None:
    def run(number: int, what: str, **more: object) -> Notice:
        made = Run(RunId(f"b000000{number}"), description=what, status="completed", reason="exit")
        return Notice(made._replace(**more), NORMAL)  # type: ignore[arg-type]

    told = [run(1, "a"), run(2, "b"), run(3, "a"), run(4, "a", work_graph_task_id=7), run(5, "a", name="b")]
    told += [told[0]._replace(events=(Event("up", 1, 1.0, 1.0),))]
    groups = [[notice.run.id[-1] for notice in group.notices] for group in fold(told)]
    assert groups == [["1", "3"], ["2", "5"], ["4"], ["1"]]


def test_the_most_important_first_and_the_rest_stays_for_others(stage: Stage) -> None:
    done, failed = stage.shell("true"), stage.shell("exit 1")
    for run in (done, failed):
        stage.end(run)
    events.publish(stage.folders, done.id, [Event("seen", 1, 1.0, 1.0)])
    look = [(notice.run.id, len(notice.events)) for notice in notices.peek(stage.folders, stage.env)]
    assert look == [(failed.id, 0), (done.id, 1), (done.id, 0)]
    assert [n.run.id for n in notices.drain(stage.folders, stage.env, at_least=HIGH)] == [failed.id]
    assert notices.drain(stage.folders, stage.env, at_least=HIGH) == []
    assert [n.events for n in notices.drain(stage.folders, stage.env, with_events=False)] == [()]
    (last,) = notices.drain(stage.folders, stage.env)
    assert last.as_json()["notice"]["events"] == [{"text": "seen", "count": 1, "first": 1.0, "last": 1.0}]
    assert notices.drain(stage.folders, stage.env) == []


@pytest.mark.slow
def test_of_many_followers_each_notice_is_told_to_one(stage: Stage, tmp_path: Path) -> None:
    """Eight readers who go on while runs end and a monitor sees things: all is told, nothing twice."""
    argv = (sys.executable, "-c", READER, json.dumps(stage.folders))
    outs = [tmp_path / f"reader-{number}" for number in range(8)]
    readers = []
    for out in outs:
        with out.open("w") as stdout:
            readers.append(subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=stdout, text=True))
    try:
        for reader in readers:
            assert reader.stdin is not None
            reader.stdin.write("go\n")
            reader.stdin.flush()
        monitor = stage.shell("sleep 600")
        runs = []
        for number in range(10):
            runs.append(stage.shell("true"))
            events.publish(stage.folders, monitor.id, [Event(str(number), 1, 1.0, 1.0)])
        for run in runs:
            stage.end(run)

        def told() -> list[list[str]]:
            return [line.split() for out in outs for line in out.read_text().splitlines()]

        def is_all() -> bool:
            ends = [words[0] for words in told() if len(words) == 1]
            return len(ends) >= 10 and sum(len(words) - 1 for words in told()) >= 10

        until(is_all, "for all to be told")
        ends = Counter(words[0] for words in told() if len(words) == 1)
        assert ends == Counter(run.id for run in runs)
        assert {words[0] for words in told() if len(words) > 1} == {monitor.id}
        assert sum(len(words) - 1 for words in told()) == 10
    finally:
        for reader in readers:
            reader.kill()
            reader.communicate()
        stopping.ask_to_stop(stage.folders, monitor.id, 0.0)
        stage.end(monitor)
