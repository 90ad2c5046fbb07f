"""Commands that only read: warm, after a checkout, and with no cache at all."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

from benchmarks.report import Line, Table, base_line, in_multiples
from benchmarks.stores import Store
from benchmarks.timing import BASE, Argv, Prepare, Sample, base, call, fixed, interleaved, run_once

# Issue 2: warm `ready`, `list` and `show` in multiples of P; what a checkout may cost.
_WARM_LIMITS = {1_000: 3.0, 10_000: 7.0}
_LIMITED = ("ready", "list", "show")
_COLD_LIMITED_SIZE = 10_000
# 1.5 s where P is 12 ms.
_ALL_CHANGED_LIMIT = 125.0
_SOME_CHANGED = 100
_SOME_CHANGED_FACTOR = 1.3

# A cache cannot trust the date of a file that is younger than its clock's tick; all tools wait for that.
_SETTLE_S = 2.2


def warm(store: Store, program: str, *, rounds: int) -> Table:
    """Reads of a store where nothing changed since the last one, beside `git status`."""
    size = len(store.ids)
    commands: dict[str, Prepare] = {
        "ready": fixed(program, "ready"),
        "list": fixed(program, "list"),
        "show": lambda n: (program, "show", str(store.ids[(n * 37) % size])),
        "blocked": fixed(program, "blocked"),
        "next": fixed(program, "next"),
        "list --json": fixed(program, "list", "--json"),
        "list --all --json": fixed(program, "list", "--all", "--json"),
        "search cache": fixed(program, "search", "cache"),
        "graph": fixed(program, "graph"),
        "--help": fixed(program, "--help"),
        "git status": fixed("git", "status", "--porcelain"),
    }
    time.sleep(_SETTLE_S)
    samples = interleaved(commands, store.place, rounds=rounds)
    limit = _WARM_LIMITS.get(size)
    lines = [
        in_multiples(name, samples[name], samples[BASE], limit=limit if name in _LIMITED else None)
        for name in commands
    ]
    return Table(f"Warm reads, {size:,} tasks", (base_line(samples[BASE]), *lines))


def cold(store: Store, program: str, *, rounds: int) -> Table:
    """The first read after the files changed under the cache, and after the cache was deleted."""
    size = len(store.ids)
    argv = (program, "ready")
    branches = {"all": _branch(store, "all", size)}
    if size > _SOME_CHANGED:
        branches[str(_SOME_CHANGED)] = _branch(store, "some", _SOME_CHANGED)
    bases: list[float] = []
    lines: list[Line] = []
    for name, branch in branches.items():
        first, second, settled = _after_checkouts(store, branch, argv, bases, rounds)
        found = _checkout_lines(name, first, second, settled, Sample(tuple(bases)))
        lines += found if size == _COLD_LIMITED_SIZE else [line.without_limit() for line in found]
    bare = [_without_cache(store, argv) for _ in range(rounds)]
    base_sample = Sample(tuple(bases))
    lines.append(in_multiples("ready, cache deleted", Sample(tuple(bare)), base_sample))
    note = "`settled` is the same command once all files are older than two seconds, the normal state."
    return Table(f"First reads, {size:,} tasks", (base_line(base_sample), *lines), note)


def _checkout_lines(name: str, first: Sample, second: Sample, settled: Sample, base: Sample) -> list[Line]:
    what = f"ready after a checkout that changed {name if name != 'all' else 'every'} file"
    if name == "all":
        checked = in_multiples(what, first, base, limit=_ALL_CHANGED_LIMIT)
    else:
        factor = first.median_ms / settled.median_ms
        checked = in_multiples(what + "s", first, base)._replace(
            limit=f"{_SOME_CHANGED_FACTOR:g} x settled", passed=factor <= _SOME_CHANGED_FACTOR
        )
    return [
        checked,
        in_multiples("  the read after that", second, base),
        in_multiples("  settled", settled, base),
    ]


def _after_checkouts(
    store: Store, branch: str, argv: Argv, bases: list[float], rounds: int
) -> tuple[Sample, Sample, Sample]:
    first, second, settled = [], [], []
    for n in range(rounds):
        call(("git", "checkout", "-q", branch if n % 2 == 0 else "main"), store.place)
        bases.append(run_once(base(n), store.place))
        first.append(run_once(argv, store.place))
        second.append(run_once(argv, store.place))
        time.sleep(_SETTLE_S)
        run_once(argv, store.place)
        settled.append(run_once(argv, store.place))
    call(("git", "checkout", "-q", "main"), store.place)
    return Sample(tuple(first)), Sample(tuple(second)), Sample(tuple(settled))


def _without_cache(store: Store, argv: Argv) -> float:
    shutil.rmtree(store.place.folder / ".git" / "gittasks" / "cache", ignore_errors=True)
    return run_once(argv, store.place)


def _branch(store: Store, name: str, count: int) -> str:
    """A branch on which `count` task files have another priority."""
    call(("git", "checkout", "-q", "-b", name, "main"), store.place)
    step = max(len(store.ids) // count, 1)
    for task in store.ids[::step][:count]:
        _next_priority(store.place.folder / ".tasks" / f"{task}.yaml")
    call(("git", "commit", "-q", "-a", "-m", name), store.place)
    call(("git", "checkout", "-q", "main"), store.place)
    return name


def _next_priority(path: Path) -> None:
    text = path.read_text()
    found = re.search(r"^priority: (\d)$", text, re.MULTILINE)
    if found is None:
        raise ValueError(f"{path.name} has no priority")
    path.write_text(f"{text[: found.start(1)]}{(int(found[1]) + 1) % 5}{text[found.end(1) :]}")
