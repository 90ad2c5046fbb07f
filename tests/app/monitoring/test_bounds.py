from __future__ import annotations

import signal
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gittasks.app.monitoring.bounds import MAX_LINE_BYTES, Lines, Pattern, TooLateError, as_event, deadline


@settings(max_examples=30)
@given(st.lists(st.binary(max_size=20)), st.integers(1, 7))
def test_lines_are_the_same_however_the_bytes_come(parts: list[bytes], size: int) -> None:
    data = b"\n".join(parts)
    whole, lines = Lines(), Lines()
    expected = [*whole.feed(data), *whole.close()]
    got = [line for at in range(0, len(data), size) for line in lines.feed(data[at : at + size])]
    assert [*got, *lines.close()] == expected


def test_a_line_without_end_is_cut_and_kept_small() -> None:
    lines = Lines()
    for _ in range(100):
        assert lines.feed(b"x" * 100_000) == []
    assert lines.feed(b"y\nnext\n") == ["x" * MAX_LINE_BYTES, "next"]
    assert as_event("\x1b[2Ja" + "b" * 1000).startswith("\\x1b[2Ja") and len(as_event("b" * 1000)) == 300


def test_a_pattern_that_blows_up_finds_nothing_in_time() -> None:
    assert Pattern("(a+)+$", is_regex=False).finds("x (a+)+$ y")
    pattern = Pattern("(a+)+$", is_regex=True)
    assert pattern.finds("aaa") and not pattern.is_slow
    started = time.process_time()
    assert pattern.first(["a" * 60 + "b", "aaa"]) is None and pattern.is_slow
    assert time.process_time() - started < 20


def test_a_deadline_interrupts_and_leaves_an_earlier_alarm_alone() -> None:
    rang = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: rang.append(number))
    outer = signal.setitimer(signal.ITIMER_REAL, 1000)
    try:
        with pytest.raises(TooLateError), deadline(0.01):
            time.sleep(600)
        assert 900 < signal.getitimer(signal.ITIMER_REAL)[0] <= 1000
        with deadline(600):
            pass
        assert signal.getsignal(signal.SIGALRM) is not signal.SIG_DFL and not rang
    finally:
        signal.setitimer(signal.ITIMER_REAL, outer[0])
        signal.signal(signal.SIGALRM, before)
