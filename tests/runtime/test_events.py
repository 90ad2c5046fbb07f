from __future__ import annotations

import os
from pathlib import Path

from gittasks.runtime import events
from gittasks.runtime.events import MAX_KINDS, MORE, Event, fold
from gittasks.runtime.record import RunId
from tests.runtime.stage import Stage

MONITOR = RunId("m0000001")


def seen(text: str, at: float, times: int = 1) -> Event:
    return Event(text, times, at, at)


def test_the_same_event_is_counted_with_its_first_and_last_time() -> None:
    folded = fold([seen("up", 1.0), seen("down", 2.0)], [seen("up", 3.0), seen("up", 5.0, times=3)])
    assert folded == [Event("up", 5, 1.0, 5.0), Event("down", 1, 2.0, 2.0)]


def test_a_flood_of_different_events_is_bounded_and_all_are_counted() -> None:
    folded: list[Event] = []
    for number in range(1000):
        folded = fold(folded, [seen(f"{number} " + "x" * 10_000, float(number))])
    assert len(folded) == MAX_KINDS + 1
    assert folded[-1] == Event(MORE, 1000 - MAX_KINDS, float(MAX_KINDS), 999.0)
    assert sum(event.times for event in folded) == 1000


def test_they_are_kept_until_they_were_told(stage: Stage) -> None:
    assert events.pending(stage.folders) == {}
    events.publish(stage.folders, MONITOR, [seen("down", 1.0)])
    events.publish(stage.folders, MONITOR, [seen("down", 4.0), seen("up", 5.0)])
    assert events.pending(stage.folders) == {MONITOR: [Event("down", 2, 1.0, 4.0), Event("up", 1, 5.0, 5.0)]}
    events.forget(stage.folders, MONITOR)
    events.forget(stage.folders, MONITOR)
    assert events.pending(stage.folders) == {}


def test_garbage_and_strange_files_are_left_out(stage: Stage) -> None:
    folder = Path(stage.folders.events_folder)
    events.publish(stage.folders, MONITOR, [seen("up", 1.0)])
    (folder / "m0000002.json").write_text('[{"text": 1}')
    (folder / "m0000003.json").write_text("[" * 100_000)
    (folder / "m0000004.json").symlink_to(folder / "m0000001.json")
    os.mkfifo(folder / "m0000005.json")
    (folder / "../../../x.json").resolve().write_text("[]")
    assert list(events.pending(stage.folders)) == [MONITOR]
