"""Many writers at once: afterwards every change that was confirmed must be there, and nothing else broken."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections import Counter
from typing import NamedTuple

from benchmarks.report import Line, Table, counted
from benchmarks.stores import Store
from benchmarks.timing import call

_WRITERS = 16
_SHARED_TASKS = 8
_BUSY = 4


class Writer(NamedTuple):
    """What one writer was told it had done."""

    name: str
    added: dict[int, str]
    labelled: list[tuple[int, str]]
    codes: Counter[int]


def writers(store: Store, program: str, *, seconds: float) -> Table:
    """16 processes at a time add tasks and edit the same eight for `seconds`; then all is counted."""
    before = len(_tasks(store, program))
    team = [Writer(f"w{n}", {}, [], Counter()) for n in range(_WRITERS)]
    deadline = time.monotonic() + seconds
    threads = [threading.Thread(target=_work, args=(store, program, member, deadline)) for member in team]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Table(
        f"{_WRITERS} writers for {seconds:g} s, {before:,} tasks", _count(store, program, team, before)
    )


def _work(store: Store, program: str, member: Writer, deadline: float) -> None:
    """Add and edit in turn until `deadline`, and note each change that the program confirmed."""
    n = 0
    while time.monotonic() < deadline:
        n += 1
        label = f"{member.name}-{n}"
        if n % 2:
            done = _call(store, program, "add", f"Added by {label}", "--label", "stress")
            if done.returncode == 0:
                member.added[int(done.stdout.strip().removeprefix("#"))] = f"Added by {label}"
        else:
            task = store.ids[n % _SHARED_TASKS]
            done = _call(store, program, "edit", str(task), "--label", label)
            if done.returncode == 0:
                member.labelled.append((task, label))
        member.codes[done.returncode] += 1


def _call(store: Store, program: str, *args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (program, *args),
        cwd=store.place.folder,
        env=store.place.env,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _tasks(store: Store, program: str) -> dict[int, dict[str, object]]:
    document = json.loads(call((program, "list", "--all", "--deleted", "--json"), store.place))
    if document["problems"]:
        raise AssertionError(document["problems"])
    return {task["id"]: task for task in document["tasks"]}


def _count(store: Store, program: str, team: list[Writer], before: int) -> tuple[Line, ...]:
    tasks = _tasks(store, program)
    added = [task for member in team for task in member.added]
    lost_tasks = sum(
        tasks.get(task, {}).get("subject") != subject
        for member in team
        for task, subject in member.added.items()
    )
    lost_labels = sum(
        label not in str(tasks[task]["labels"]) for member in team for task, label in member.labelled
    )
    codes = sum((member.codes for member in team), Counter[int]())
    unstaged = call(("git", "status", "--porcelain", "--untracked-files=all"), store.place).splitlines()
    return (
        Line("changes confirmed", f"{codes[0]:,}"),
        Line("told to try again (exit code 4)", f"{codes[_BUSY]:,}"),
        counted("other exit codes", sum(codes.values()) - codes[0] - codes[_BUSY]),
        counted("ids given twice", len(added) - len(set(added))),
        counted("confirmed tasks lost", lost_tasks),
        counted("confirmed edits lost", lost_labels),
        counted("tasks that nobody added", max(len(tasks) - before - len(set(added)), 0)),
        counted("files left unstaged", sum(line[1] != " " for line in unstaged)),
    )
