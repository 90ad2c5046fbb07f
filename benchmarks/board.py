"""The board with many worktrees: what each of them costs a read, and the first read after something moved elsewhere.

One clone with all worktrees; to read with fewer of them, git's entries of the others are put aside, and each number
of worktrees has a cache of its own. Times are processor times: ratios between states of one store.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.report import Line, Table, base_line, in_multiples
from benchmarks.stores import Store
from benchmarks.timing import Argv, Place, Sample, base, call, cpu_once

_NUMBERS = (1, 5, 20, 50)
_CHANGED = 3
# Issue 4: the board of 20 worktrees beside that of one, and the first fold beside a warm one.
_LIMITED_SIZE = 10_000
_LIMITED_NUMBER = 20
_MANY_FACTOR = 1.5
_FIRST_FACTOR = 2.0
# A cache cannot trust the date of a file that is younger than its clock's tick; all tools wait for that.
_SETTLE_S = 2.2


class _Times:
    """Seconds, by what was done with how many worktrees."""

    def __init__(self) -> None:
        self.bases: list[float] = []
        self.warm: dict[int, list[float]] = {number: [] for number in _NUMBERS}
        self.after_commit: dict[int, list[float]] = {number: [] for number in _NUMBERS}
        self.after_edit: dict[int, list[float]] = {number: [] for number in _NUMBERS}
        self.after_own: dict[int, list[float]] = {number: [] for number in _NUMBERS}


def board(store: Store, program: str, *, rounds: int) -> Table:
    """`list` with 1 to 50 worktrees that each changed three tasks, and right after something moved in one of them."""
    trees = [_add_tree(store, program, number) for number in range(_NUMBERS[-1])]
    argv = (program, "list")
    for number in _NUMBERS:
        with _only(store, number):
            cpu_once(argv, store.place)
            cpu_once(argv, store.place)
    time.sleep(_SETTLE_S)
    times = _Times()
    for n in range(rounds):
        for number in _NUMBERS:
            with _only(store, number):
                _measure(times, store, trees[n % number], argv, number)
    for tree in trees:
        call(("git", "worktree", "remove", "--force", str(tree.folder)), store.place)
    lines = [
        line
        for number in _NUMBERS
        for line in _lines(times, number, is_limited=len(store.ids) == _LIMITED_SIZE)
    ]
    note = "Processor time. The factor of a warm board is to that of one worktree, the others are to the warm board."
    title = f"The board, {len(store.ids):,} tasks, {_CHANGED} of them changed in each worktree"
    return Table(title, (base_line(Sample(tuple(times.bases))), *lines), note)


def _measure(times: _Times, store: Store, tree: Place, argv: Argv, number: int) -> None:
    """One of each, after a read that knows everything."""
    cpu_once(argv, store.place)
    times.bases.append(cpu_once(base(0), store.place))
    times.warm[number].append(cpu_once(argv, store.place))
    _touch(store, tree)
    times.after_edit[number].append(cpu_once(argv, store.place))
    call(("git", "commit", "-q", "-a", "-m", "Work"), tree)
    times.after_commit[number].append(cpu_once(argv, store.place))
    call(("git", "commit", "-q", "--allow-empty", "-m", "Own work"), store.place)
    times.after_own[number].append(cpu_once(argv, store.place))


def _lines(times: _Times, number: int, *, is_limited: bool) -> Iterator[Line]:
    one, p = Sample(tuple(times.warm[1])), Sample(tuple(times.bases))
    warm = Sample(tuple(times.warm[number]))
    name = f"{number} worktree" + ("s" if number > 1 else "")
    limit = _MANY_FACTOR if is_limited and number == _LIMITED_NUMBER else None
    yield _times_of(f"list, {name}", warm, p, one, limit)
    kinds = {
        "a commit": times.after_commit,
        "an edit": times.after_edit,
    }
    for what, found in kinds.items():
        limit = _FIRST_FACTOR if is_limited else None
        yield _times_of(
            f"  the first after {what} in one of them", Sample(tuple(found[number])), p, warm, limit
        )
    yield _times_of("  the first after a commit here", Sample(tuple(times.after_own[number])), p, warm, None)


def _times_of(what: str, sample: Sample, p: Sample, other: Sample, limit: float | None) -> Line:
    factor = sample.median_ms / other.median_ms
    line = in_multiples(f"{what} (x {factor:.2f})", sample, p)
    return line if limit is None else line._replace(limit=f"x {limit:g}", passed=factor <= limit)


def _add_tree(store: Store, program: str, number: int) -> Place:
    """A worktree in which three tasks of its own are changed: two of them committed, one not."""
    main = store.place
    folder = main.folder.parent / f"{main.folder.name}-board-{number}"
    call(("git", "worktree", "add", "-q", "-b", folder.name, str(folder)), main)
    tree = Place(folder, main.env)
    tasks = store.open_ids[number * _CHANGED : (number + 1) * _CHANGED]
    for at, task in enumerate(tasks, 1):
        call((program, "edit", str(task), "--owner", "somebody", "--status", "in_progress"), tree)
        if at == len(tasks) - 1:
            call(("git", "commit", "-q", "-a", "-m", "Begin"), tree)
    return tree


def _touch(store: Store, tree: Place) -> None:
    """Change one more task there, as an editor does: the file is replaced."""
    path = tree.folder / ".tasks" / f"{store.ids[-1]}.yaml"
    text = path.read_text()
    new = path.with_suffix(".new")
    new.write_text(text.replace("subject: ", "subject: X", 1))
    new.replace(path)


@contextmanager
def _only(store: Store, number: int) -> Iterator[None]:
    """Only the first `number` worktrees are there, and the cache is theirs."""
    git_dir = store.place.folder / ".git"
    aside, cache = git_dir / "aside", git_dir / "gittasks" / "cache"
    kept = git_dir / f"cache-of-{number}"
    aside.mkdir(exist_ok=True)
    hidden = [entry for entry in (git_dir / "worktrees").iterdir() if _number(entry) >= number]
    for entry in hidden:
        entry.rename(aside / entry.name)
    shutil.rmtree(cache, ignore_errors=True)
    if kept.exists():
        kept.rename(cache)
    try:
        yield
    finally:
        cache.rename(kept)
        for entry in hidden:
            (aside / entry.name).rename(entry)


def _number(entry: Path) -> int:
    return int(entry.name.rpartition("-")[2])
