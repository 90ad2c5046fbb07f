from __future__ import annotations

from gittasks.app.monitoring.spec import CHANGE, EACH, END
from gittasks.app.monitoring.telling import Teller

Told = list[list[tuple[str, int]]]


def told_of(notify: str, *steps: tuple[float, str]) -> Told:
    """What is told with one second of quiet; a step is a time and what is seen then, an empty text is just a look."""
    told: Told = []
    teller = Teller(
        notify=notify, debounce_s=1.0, publish=lambda seen: told.append([(e.text, e.times) for e in seen])
    )
    for at, text in steps:
        teller.tell(at)
        if text:
            teller.see(text, now_s=1000 + at, at=at)
    teller.tell(0.0, finally_=True)
    return told


def test_each_event_is_told_once_it_is_quiet_and_the_same_fold() -> None:
    steps = [(0.0, "a"), (0.5, "a"), (0.9, "b"), (1.8, ""), (1.9, ""), (5.0, "a")]
    assert told_of(EACH, *steps) == [[("a", 2), ("b", 1)], [("a", 1)]]


def test_what_never_rests_is_told_all_the_same() -> None:
    told = told_of(EACH, *((number / 2, "a") for number in range(21)))
    assert sum(times for group in told for _, times in group) == 21
    assert len(told) == 3


def test_changes_are_told_from_the_first_state_on() -> None:
    steps = [(0.0, "up"), (2.0, "up"), (4.0, "down"), (6.0, "down"), (8.0, "up"), (10.0, "")]
    assert told_of(CHANGE, *steps) == [[("down", 1)], [("up", 1)]]


def test_what_comes_back_within_the_quiet_time_is_no_change() -> None:
    assert told_of(CHANGE, (0.0, "up"), (4.0, "down"), (4.5, "up"), (9.0, "")) == []
    assert told_of(CHANGE, (0.0, "up"), (4.0, "down"), (4.5, "sick"), (9.0, "")) == [[("sick", 1)]]


def test_at_the_end_only_the_end_is_told() -> None:
    assert told_of(END, (0.0, "a"), (5.0, "b")) == []


def test_what_could_not_be_told_is_kept() -> None:
    told: list[str] = []

    def refuse(seen: object) -> None:
        raise OSError

    teller = Teller(notify=EACH, debounce_s=1.0, publish=refuse)
    teller.see("a", now_s=1.0, at=1.0)
    for _ in range(2):
        try:
            teller.tell(9.0)
        except OSError:
            told.append("refused")
    assert told == ["refused"] * 2 and teller.due_at() == 2.0
