from __future__ import annotations

import os
from pathlib import Path

from gittasks.base import clock
from gittasks.runtime import stopping
from gittasks.runtime.record import QUEUED, RUNNING, Run, RunId
from gittasks.runtime.stalls import STALLED, Stall, mark, stall_of
from tests.runtime.stage import Stage, until


def test_silence_is_told_with_the_last_lines(stage: Stage) -> None:
    run = stage.shell("seq 1 7; sleep 600")._replace(stall_after_s=60.0)
    stage.until_output(run, b"7\n")
    now, written = clock.now_s(), os.stat(stage.folders.output(run.id)).st_mtime
    fresh = mark(stage.folders, run, now)
    assert stall_of(fresh) is None and fresh.last_output_time == written
    silent = mark(stage.folders, run, now + 61)
    assert stall_of(silent) == Stall(written, ("3", "4", "5", "6", "7"))
    assert silent.status == RUNNING
    assert silent.as_json()[STALLED] == {"since": written, "lines": ["3", "4", "5", "6", "7"]}
    assert stall_of(mark(stage.folders, run, now - 10_000)) is None, "a clock that jumped back"
    for other in (run._replace(stall_after_s=None), run._replace(phase=QUEUED)):
        assert stall_of(mark(stage.folders, other, now + 10_000)) is None
    os.utime(stage.folders.output(run.id), (now + 100, now + 100))
    assert stall_of(mark(stage.folders, silent, now + 120)) is None, "what was seen before is forgotten"
    stopping.ask_to_stop(stage.folders, run.id, 0.0)
    assert stall_of(stage.end(run)) is None


def test_an_output_over_its_limit_or_without_a_line_is_no_trouble(stage: Stage) -> None:
    run = stage.shell("head -c 20000 /dev/zero | tr '\\0' x; printf end; sleep 600", limit_bytes=8192)
    run = run._replace(stall_after_s=0.5)
    stage_tail = Path(stage.folders.live_folder(run.id))
    until(lambda: any(b"end" in path.read_bytes() for path in stage_tail.glob("tail-*")))
    stall = stall_of(mark(stage.folders, run, clock.now_s() + 100))
    assert stall is not None and len(stall.lines) == 1 and stall.lines[0].endswith("xxend")
    stopping.ask_to_stop(stage.folders, run.id, 0.0)
    stage.end(run)


def test_without_any_output_it_counts_from_the_start_and_strangers_say_nothing(stage: Stage) -> None:
    run = Run(RunId("b0000001"), start_time=1000.0, stall_after_s=5.0)
    assert stall_of(mark(stage.folders, run, 1006.0)) == Stall(1000.0, ())
    sayings: tuple[object, ...] = ({"since": "x"}, {"since": 1.0, "lines": 5}, 7, {"lines": []})
    for said in sayings:
        strange = run._replace(extra=((STALLED, said),), stall_after_s=None)
        assert stall_of(strange) in (None, Stall(1.0, ()))
        assert stall_of(mark(stage.folders, strange, 1006.0)) is None
