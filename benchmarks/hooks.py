"""Hooks: what each costs where nothing is to be done, and a rebase of 50 commits with and without them."""

from __future__ import annotations

import os
import resource
import statistics
from collections.abc import Mapping
from pathlib import Path

from benchmarks.report import Line, Table
from benchmarks.timing import Argv, Place, base, call, run_once

_LIMIT = 3.0
_REBASE_LIMIT = 1.5
_COMMITS = 50
_TASKS = 100
_NAMES = {
    "pre-commit": (),
    "prepare-commit-msg": ("MESSAGE", "message"),
    "commit-msg": ("MESSAGE",),
    "post-commit": (),
    "post-checkout": ("HEAD", "HEAD", "1"),
    "post-merge": ("0",),
    "post-rewrite": ("rebase",),
    "pre-push": ("origin", "elsewhere"),
}


def hooks(folder: Path, env: Mapping[str, str], program: str, *, rounds: int) -> Table:
    """The processor time of everything that a hook starts, in multiples of P: the machine may be busy meanwhile."""
    place = _project(folder, env, program)
    call((program, "hooks", "install", "--all"), place)
    (folder / "MESSAGE").write_text("work\n")
    commands: dict[str, Argv] = {
        name: (str(folder / ".git" / "hooks" / name), *args) for name, args in _NAMES.items()
    }
    # Whoever has an editor open pays for commit-msg as well; without one the shim alone decides.
    asked = place._replace(env={**env, "GIT_EDITOR": "true"})
    times: dict[str, list[float]] = {name: [] for name in ("P", *commands)}
    for number in range(-2, rounds):
        for name in times:
            argv = base(number) if name == "P" else commands[name]
            spent = processor_s(argv, asked)
            if number >= 0:
                times[name].append(spent)
    base_s = statistics.median(times["P"])
    lines = [
        _line(name, values, base_s, limit=None if name == "P" else _LIMIT) for name, values in times.items()
    ]
    return Table(f"Hooks with nothing to do, {_TASKS} tasks, processor time", tuple(lines))


def rebase(folder: Path, env: Mapping[str, str], program: str, *, rounds: int) -> Table:
    """`git rebase` of 50 commits, again and again, without our hooks and with them, in turns; processor time."""
    place = _project(folder, env, program)
    for number in range(_COMMITS):
        (folder / f"file-{number % 10}").write_text(f"{number}\n")
        call(("git", "add", "-A"), place)
        call(("git", "commit", "-q", "-m", f"change {number}"), place)
    tree = Place(folder.parent / f"{folder.name}-tree", env)
    call(("git", "worktree", "add", "-q", "-b", "side", str(tree.folder)), place)
    again = ("git", "rebase", "-q", "--force-rebase", f"HEAD~{_COMMITS}")
    times: dict[str, list[float]] = {}
    for number in range(-1, rounds):
        for kind in ("without", "with"):
            call((program, "hooks", "install" if kind == "with" else "uninstall"), place)
            for name, where in (("rebase", place), ("rebase in a linked worktree", tree)):
                spent = processor_s(again, where)
                if number >= 0:
                    times.setdefault(f"{name}, {kind} hooks", []).append(spent)
    lines = []
    for name, values in times.items():
        bare = times[name.replace("with hooks", "without hooks")]
        lines.append(
            _line(
                name, values, statistics.median(bare), limit=_REBASE_LIMIT if "with hooks" in name else None
            )
        )
    note = "The ratio is to the same rebase without hooks."
    return Table(f"A rebase of {_COMMITS} commits, processor time", tuple(lines), note)


def processor_s(argv: Argv, place: Place) -> float:
    """The processor time, user and system, of a command with all that it starts, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run_once(argv, place)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def _line(name: str, values: list[float], base_s: float, *, limit: float | None) -> Line:
    median_s = statistics.median(values)
    ratio = median_s / base_s
    line = Line(name, f"{median_s * 1000:.1f}", f"{min(values) * 1000:.1f}", f"{ratio:.2f}")
    return line if limit is None else line._replace(limit=f"{limit:g}", passed=ratio <= limit)


def _project(folder: Path, env: Mapping[str, str], program: str) -> Place:
    """A repository with tasks and two commits."""
    os.makedirs(folder)
    place = Place(folder, env)
    call(("git", "init", "-q", "-b", "main"), place)
    call((program, "init"), place)
    call((program, "add", "--from", "-"), place, stdin='{"subject": "A task"}\n' * _TASKS)
    call(("git", "commit", "-q", "-m", "plan"), place)
    call(("git", "commit", "-q", "--allow-empty", "-m", "more"), place)
    call(("git", "update-ref", "ORIG_HEAD", "HEAD^"), place)
    return place
