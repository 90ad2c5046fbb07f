from __future__ import annotations

import pytest

from gittasks.cli.run_tables import progress_words, run_lines
from gittasks.runtime.record import Run, RunId


@pytest.mark.parametrize(
    ("progress", "words"),
    [
        (None, ""),
        (True, ""),
        (0.0, "0%"),
        (0.426, "43%"),
        (7, "7"),
        (7.5, "7.5"),
        ({"done": 3, "total": 10}, "3/10"),
        ({"x": 1}, "{'x': 1}"),
        ("at \x1b[2J" + "x" * 100, "at \\x1b[2J" + "x" * 29 + "…"),
    ],
)
def test_how_far_a_run_says_it_is(progress: object, words: str) -> None:
    assert progress_words(progress) == words


def test_progress_is_shown_while_it_lives() -> None:
    live = Run(RunId("b0000001"), description="tests", start_time=1.0, progress=0.5)
    done = live._replace(status="completed", end_time=2.0)
    first, second = run_lines([live, done], now_s=3.0)
    assert first.endswith("  50%  tests") and second.endswith("    tests")


def test_output_that_is_not_whole_is_told() -> None:
    run = Run(RunId("b0000001"), description="tests", status="completed", end_time=2.0, truncated=True)
    assert run_lines([run])[0].endswith("  tests  [output cut]")
