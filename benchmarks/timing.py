"""Whole processes by the wall clock, interleaved, so that a busy moment hits all candidates alike."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

Argv = Sequence[str]

# Says what to start in round `n`, after having prepared it: only the process itself is measured.
Prepare = Callable[[int], Argv]

BASE = "P"


class ProcessFailedError(Exception):
    """A measured process did not exit as it should: its time would mean nothing."""


class Sample(NamedTuple):
    """The times of one candidate, in seconds; with `bases_s`, what P took right beside each of them."""

    times_s: tuple[float, ...]
    bases_s: tuple[float, ...] = ()

    @property
    def median_ms(self) -> float:
        """The median, in milliseconds."""
        return statistics.median(self.times_s) * 1000

    def ratio_to(self, base: Sample) -> float:
        """How often `base` it took: pair by pair where P was taken beside it, since machines change their speed."""
        if not self.bases_s:
            return self.median_ms / base.median_ms
        return statistics.median(
            time_s / base_s for time_s, base_s in zip(self.times_s, self.bases_s, strict=True)
        )

    @property
    def spread_ms(self) -> tuple[float, float]:
        """The fastest time and the third quartile, in milliseconds."""
        ordered = sorted(self.times_s)
        return ordered[0] * 1000, ordered[(len(ordered) * 3) // 4] * 1000


class Place(NamedTuple):
    """Where processes run: a folder, and their whole environment."""

    folder: Path
    env: Mapping[str, str]


def run_once(argv: Argv, place: Place, *, ok: Sequence[int] = (0,)) -> float:
    """Run `argv` in `place` with its output thrown away; answer its wall time in seconds.

    Raises `ProcessFailedError` for an exit code that is not in `ok`.
    """
    return _run(argv, place, ok)[0]


def cpu_once(argv: Argv, place: Place, *, ok: Sequence[int] = (0,)) -> float:
    """Like `run_once`, but answers the processor time of the process and those it waited for, in seconds.

    For ratios between two states of one store: other work on the machine counts for less in it.
    """
    return _run(argv, place, ok)[1]


def _run(argv: Argv, place: Place, ok: Sequence[int]) -> tuple[float, float]:
    # posix_spawn knows no folder; subprocess would add a millisecond to each time, P included.
    os.chdir(place.folder)
    null = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)
    silent = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    start = time.perf_counter()
    pid = os.posix_spawnp(argv[0], list(argv), dict(place.env), file_actions=[null, *silent])
    _, status, used = os.wait4(pid, 0)
    elapsed = time.perf_counter() - start
    code = os.waitstatus_to_exitcode(status)
    if code not in ok:
        raise ProcessFailedError(f"exit code {code}: {' '.join(argv)[:200]}")
    return elapsed, used.ru_utime + used.ru_stime


def call(argv: Argv, place: Place, *, stdin: str = "", ok: Sequence[int] = (0,)) -> str:
    """Run `argv` unmeasured; answer what it prints. Raises `ProcessFailedError` with its last words."""
    done = subprocess.run(
        argv, cwd=place.folder, env=place.env, input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode not in ok:
        raise ProcessFailedError(
            f"exit code {done.returncode}: {' '.join(argv)[:200]}\n{done.stderr[-2000:]}"
        )
    return done.stdout


def interleaved(
    candidates: Mapping[str, Prepare], place: Place, *, rounds: int, warm_up: int = 2
) -> dict[str, Sample]:
    """The times of all candidates, one of each a round, and of `P`, before and after each of them; `warm_up` rounds
    before are not counted.
    """
    times: dict[str, list[float]] = {name: [] for name in candidates}
    beside: dict[str, list[float]] = {name: [] for name in candidates}
    bases = [run_once(base(0), place)]
    for n in range(-warm_up, rounds):
        for name, prepare in candidates.items():
            elapsed = run_once(prepare(n), place)
            bases.append(run_once(base(n), place))
            if n >= 0:
                times[name].append(elapsed)
                beside[name].append((bases[-2] + bases[-1]) / 2)
    found = {name: Sample(tuple(times[name]), tuple(beside[name])) for name in candidates}
    return {BASE: Sample(tuple(bases)), **found}


def base(_: int) -> Argv:
    """P: the interpreter of the same environment that does nothing."""
    return (sys.executable, "-c", "pass")


def fixed(*argv: str) -> Prepare:
    """The same command in every round."""
    return lambda _: argv
