"""Background runs: how soon the shell has its prompt back, how soon an end is known, what a thousand leave behind."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.report import Line, Table, base_line, counted, in_multiples
from benchmarks.stores import Store
from benchmarks.timing import BASE, Place, Prepare, Sample, base, call, fixed, interleaved, run_once

_RETURN_LIMIT = 8.0
_VISIBLE_LIMIT_MS = 50.0
_SLOWER_LIMIT = 1.25
_DEADLINE_S = 30.0
_MARK = "GITTASKS_BENCHMARK"

# Notes the moment before it ends; nothing of the interpreter's own clearing up comes after.
_STAMP = "import os, sys, time; open(sys.argv[1], 'w').write(repr(time.time())); os._exit(0)"


def short(store: Store, program: str, *, rounds: int) -> Table:
    """What one run costs its caller, in a store of this size, and how late its end is seen."""
    commands: dict[str, Prepare] = {
        "run -- true, until the prompt is back": fixed(program, "run", "--", "true"),
        "run --wait -- true": fixed(program, "run", "--wait", "--", "true"),
        "runs": fixed(program, "runs"),
        "notices": fixed(program, "notices"),
    }
    samples = interleaved(commands, store.place, rounds=rounds)
    _wait_for_all(store.place, program)
    limits = {"run -- true, until the prompt is back": _RETURN_LIMIT}
    p = samples[BASE]
    lines = [in_multiples(name, samples[name], p, limit=limits.get(name)) for name in commands]
    late = Sample(tuple(_lateness(store.place, program, n) for n in range(rounds)))
    lines.append(
        in_multiples("end of the process to its end in the index", late, p, limit_ms=_VISIBLE_LIMIT_MS)
    )
    return Table(f"Runs, {len(store.ids):,} tasks", (base_line(p), *lines))


def in_a_row(store: Store, program: str, *, count: int) -> Table:
    """`count` runs one after another: what is left of them, and whether the last ones cost more."""
    place = store.place._replace(env={**store.place.env, _MARK: "in-a-row"})
    tenth = max(count // 10, 1)
    # Beside P each time: a machine that gets busier is no run that gets slower.
    pairs = [
        (run_once((program, "run", "--", "true"), place), run_once(base(n), place)) for n in range(count)
    ]
    _wait_for_all(place, program)
    left = _processes_left()
    first, last = _in_multiples(pairs[:tenth]), _in_multiples(pairs[-tenth:])
    known = json.loads(call((program, "runs", "--all", "--json"), place))["runs"]
    lines = (
        _line(f"the first {tenth}", first),
        _line(f"the last {tenth}", last)._replace(
            limit=f"{_SLOWER_LIMIT:g} x first", passed=last.ratio <= first.ratio * _SLOWER_LIMIT
        ),
        counted("processes left behind", left),
        counted("runs not completed", sum(run["status"] != "completed" for run in known)),
        counted("runs forgotten", max(count - len(known), 0)),
    )
    return Table(f"{count:,} runs in a row", lines)


class _Multiple(NamedTuple):
    """What some runs cost: the median in milliseconds, and as a multiple of the median of P beside them."""

    median_ms: float
    ratio: float


def _in_multiples(pairs: Sequence[tuple[float, float]]) -> _Multiple:
    runs, bases = (statistics.median(times) for times in zip(*pairs, strict=True))
    return _Multiple(runs * 1000, runs / bases)


def _line(what: str, found: _Multiple) -> Line:
    return Line(what, f"{found.median_ms:.1f}", ratio=f"{found.ratio:.1f}")


def _lateness(place: Place, program: str, n: int) -> float:
    """Seconds from the last act of a command to its end in the index; asks the program whether that is so."""
    stamp = place.folder.parent / f"stamp-{n}"
    command = (sys.executable, "-I", "-S", "-c", _STAMP, str(stamp))
    run_id = call((program, "run", "--", *command), place).split()[0]
    seen = _seen_completed(place.folder / ".task_outputs" / "index.jsonl", run_id)
    status = json.loads(call((program, "runs", "--all", "--json"), place))["runs"]
    if not any(run["id"] == run_id and run["status"] == "completed" for run in status):
        raise AssertionError(f"the index knows the end of {run_id}, `runs` does not")
    return seen - float(stamp.read_text())


def _seen_completed(index: Path, run_id: str) -> float:
    head = f'{{"id": "{run_id}", '.encode()
    deadline = time.time() + _DEADLINE_S
    while time.time() < deadline:
        # Only the end of the file can be new, and it is short.
        lines = index.read_bytes()[-20_000:].split(b"\n") if index.exists() else []
        if any(line.startswith(head) and b'"status": "completed"' in line for line in lines):
            return time.time()
        time.sleep(0.0005)
    raise AssertionError(f"run {run_id} did not end")


def _wait_for_all(place: Place, program: str) -> None:
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        runs = json.loads(call((program, "runs", "--json", "--status", "running"), place))["runs"]
        if not runs and not _processes_left():
            return
        time.sleep(0.05)


def _processes_left() -> int:
    """How many processes still carry the mark of `in_a_row` (Linux; nothing can be told elsewhere)."""
    mark = f"{_MARK}=".encode()
    return sum(mark in _environment(entry) for entry in Path("/proc").glob("[0-9]*"))


def _environment(process: Path) -> bytes:
    try:
        return (process / "environ").read_bytes()
    except OSError:
        return b""
