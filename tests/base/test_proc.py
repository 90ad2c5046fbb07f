"""A process that had only so long and so much to say."""

from __future__ import annotations

import os
import time

import pytest

from gittasks.base import proc
from tests.runtime.stage import nothing_remains, until


def test_what_it_says_and_how_it_ends() -> None:
    done = proc.run_bounded(("sh", "-c", "cat; echo err >&2; exit 3"), stdin=b"in " * 100_000, timeout_s=20)
    assert done.returncode == 3
    assert done.output == b"in " * 100_000 + b"err\n"
    assert not done.is_cut
    assert proc.run_bounded(("true",), stdin=b"x" * 1_000_000, timeout_s=20).returncode == 0
    with pytest.raises(proc.ProgramMissingError):
        proc.run_bounded(("no-such-program",), timeout_s=20)


def test_too_much_is_cut_and_too_long_is_killed_with_all_its_group() -> None:
    with nothing_remains():
        flood = proc.run_bounded(("yes",), timeout_s=0.3, limit_bytes=1000)
        assert flood == proc.Bounded(None, b"y\n" * 500, True)
        script = "trap '' TERM; sleep 600 & echo $$; wait"
        started = time.monotonic()
        late = proc.run_bounded(("sh", "-c", script), timeout_s=0.3)
        assert late.returncode is None and time.monotonic() - started < 60
        until(lambda: not os.path.exists(f"/proc/{int(late.output)}"))


@pytest.mark.long
def test_a_child_that_keeps_the_pipe_holds_nobody_up() -> None:
    with nothing_remains():
        done = proc.run_bounded(("sh", "-c", "sleep 2 & echo up"), timeout_s=50)
        assert done == proc.Bounded(0, b"up\n", False)


def test_a_question_is_answered_when_it_is_asked_for() -> None:
    env = dict(os.environ)
    asked = [proc.Question(argv, env=env) for argv in (("echo", "a"), ("false",), ("no-such-program",))]
    assert [question.answer() for question in asked] == [b"a\n", None, None]
