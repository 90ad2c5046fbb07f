"""Commands that change one task and stage it."""

from __future__ import annotations

import json

from benchmarks.report import Table, base_line, in_multiples
from benchmarks.stores import Store
from benchmarks.timing import BASE, Prepare, call, interleaved

_LIMIT = 10.0
_LIMITED_SIZE = 10_000
_WARM_UP = 2


def writes(store: Store, program: str, *, rounds: int) -> Table:
    """`add`, `edit`, `done` and their like, one task a call. What they did is thrown away at the end."""
    open_ids = store.open_ids
    commands: dict[str, Prepare] = {
        "add": lambda n: (
            program,
            "add",
            f"One more task {n}",
            "--label",
            "speed",
            "--blocked-by",
            str(open_ids[0]),
        ),
        "edit --priority": lambda n: (program, "edit", str(open_ids[1]), "--priority", str(n % 5)),
        "edit -d": lambda n: (program, "edit", str(open_ids[2]), "-d", f"Words {n}.\nMore words."),
        "block": lambda n: (program, "block", str(open_ids[-1 - n % 7]), "--on", str(open_ids[3])),
        "note": lambda n: (program, "note", str(open_ids[4]), f"Note {n}"),
        "done": lambda n: (program, "done", str(open_ids[5 + _WARM_UP + n])),
    }
    samples = interleaved(commands, store.place, rounds=rounds, warm_up=_WARM_UP)
    _check(store, program, done=open_ids[5 + _WARM_UP])
    call(("git", "reset", "-q", "--hard"), store.place)
    call(("git", "clean", "-q", "-fd"), store.place)
    limit = _LIMIT if len(store.ids) == _LIMITED_SIZE else None
    limited = ("add", "edit --priority", "edit -d", "done")
    lines = [
        in_multiples(name, samples[name], samples[BASE], limit=limit if name in limited else None)
        for name in commands
    ]
    return Table(f"Writes, staged, {len(store.ids):,} tasks", (base_line(samples[BASE]), *lines))


def _check(store: Store, program: str, *, done: int) -> None:
    """The commands did what was measured: a quick failure would look like a quick success."""
    task = json.loads(call((program, "show", "--json", str(done)), store.place))["task"]
    if task["status"] != "completed":
        raise AssertionError(f"#{done} is {task['status']}, not completed")
    unstaged = call(("git", "diff", "--name-only"), store.place)
    if unstaged:
        raise AssertionError(f"not staged: {unstaged}")
