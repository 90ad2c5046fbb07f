"""The same plan in other programs, where they are installed: taskwarrior, dstask, tk, task-spooler.

Their files are written as they write them themselves, or brought in by their own import.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.report import Line, Table, base_line, in_multiples
from benchmarks.stores import Entry, Store
from benchmarks.timing import BASE, Place, Prepare, Sample, base, call, fixed, interleaved, run_once

_CREATED = "20260101T000000Z"
_ENDED = "20260201T000000Z"
_TSP = "tsp -n true"
_NOTE = (
    "nohup keeps neither an exit code nor a list; task-spooler keeps a server in memory and loses its queue with it; "
    "a run here has its own supervisor, and its record on disk before the prompt is back."
)


def trackers(store: Store, program: str, scratch: Path, *, rounds: int) -> Table | None:
    """`ready` and its like, side by side; `None` where no other tracker is installed."""
    candidates: dict[str, tuple[Place, Prepare]] = {}
    if shutil.which("task"):
        candidates |= _taskwarrior(store, scratch)
    if shutil.which("dstask"):
        candidates |= _dstask(store, scratch)
    if shutil.which("tk"):
        candidates |= _tk(store, scratch)
    if not candidates:
        return None
    ours = {
        "gittasks ready": (store.place, fixed(program, "ready")),
        "gittasks list": (store.place, fixed(program, "list")),
        "git status": (store.place, fixed("git", "status", "--porcelain")),
    }
    base: Sample | None = None
    lines = []
    for name, (place, prepare) in (ours | candidates).items():
        samples = interleaved({name: prepare}, place, rounds=rounds, warm_up=1)
        base = base or samples[BASE]
        lines.append(in_multiples(name, samples[name], samples[BASE]))
    assert base is not None
    return Table(f"Beside other trackers, {len(store.ids):,} tasks", (base_line(base), *lines))


def spooler(store: Store, program: str, scratch: Path, *, rounds: int) -> Table:
    """Starting a background command, and starting one and hearing of its end: here, by `nohup`, and by task-spooler
    where it is installed.
    """
    with _submitters(store, program, scratch) as (place, submitters):
        candidates = {name: fixed(*argv) for name, argv in submitters.items()}
        candidates["gittasks run --wait -- true"] = fixed(program, "run", "--wait", "--", "true")
        candidates["nohup true"] = fixed("sh", "-c", "nohup true >/dev/null 2>&1")
        if (tsp := submitters.get(_TSP)) is not None:
            candidates["tsp -n -f true"] = fixed(tsp[0], "-n", "-f", "true")
        samples = interleaved(candidates, place, rounds=rounds)
    lines = [in_multiples(what, samples[what], samples[BASE]) for what in candidates]
    return Table("Beside other ways into the background", (base_line(samples[BASE]), *lines), _NOTE)


def submits(store: Store, program: str, scratch: Path, *, count: int) -> Table:
    """`count` commands started one after another, by each of them, and P as often; and all of them listed."""
    lines = []
    with _submitters(store, program, scratch) as (place, submitters):
        totals = {
            name: sum(run_once(argv, place) for _ in range(count))
            for name, argv in ({BASE: tuple(base(0))} | submitters).items()
        }
        lists = {"gittasks runs": fixed(program, "runs")}
        if (tsp := submitters.get(_TSP)) is not None:
            lists["tsp"] = fixed(tsp[0])
        listed = interleaved(lists, place, rounds=5)
    for name, total in totals.items():
        shown = f"{total * 1000 / count:.1f}"
        lines.append(Line(f"{name}, each", shown, ratio=f"{total / totals[BASE]:.1f}"))
    lines += [in_multiples(f"{name}, the list then", listed[name], listed[BASE]) for name in lists]
    return Table(f"{count:,} submits", tuple(lines), _NOTE)


@contextmanager
def _submitters(
    store: Store, program: str, scratch: Path
) -> Iterator[tuple[Place, dict[str, tuple[str, ...]]]]:
    """What puts `true` into the background, by name, and where; its server is stopped afterwards."""
    submitters: dict[str, tuple[str, ...]] = {
        "gittasks run -- true": (program, "run", "--", "true"),
        "nohup true &": ("sh", "-c", "nohup true >/dev/null 2>&1 &"),
    }
    name = shutil.which("tsp") or shutil.which("ts")
    if name is None or b"TS_SOCKET" not in Path(name).resolve().read_bytes():
        yield store.place, submitters
        return
    env = {**store.place.env, "TS_SOCKET": str(scratch / "tsp.socket"), "TMPDIR": str(scratch)}
    place = store.place._replace(env=env)
    call((name, "-n", "true"), place)
    try:
        yield place, submitters | {_TSP: (name, "-n", "true")}
    finally:
        call((name, "-K"), place)


def _identities(store: Store) -> list[str]:
    """A version 4 UUID for each task, the same ones in every run."""
    return [str(uuid.UUID(int=(n + 1) << 80 | 1, version=4)) for n in range(len(store.ids))]


def _taskwarrior(store: Store, scratch: Path) -> dict[str, tuple[Place, Prepare]]:
    home = scratch / f"taskwarrior-{len(store.ids)}"
    home.mkdir()
    (home / "rc").write_text(f"data.location={home}\nconfirmation=off\nhooks=off\n")
    place = Place(home, {**store.place.env, "TASKRC": str(home / "rc"), "TASKDATA": str(home)})
    names = _identities(store)
    records = [_taskwarrior_record(entry, n, names) for n, entry in enumerate(store.plan)]
    (home / "plan.json").write_text(json.dumps(records))
    call(("task", "import", "plan.json"), place)
    return {
        "taskwarrior ready": (place, fixed("task", "ready")),
        "taskwarrior list": (place, fixed("task", "list")),
        "taskwarrior add": (place, fixed("task", "add", "One more task")),
    }


def _taskwarrior_record(entry: Entry, n: int, names: list[str]) -> dict[str, object]:
    closed = entry.status in ("completed", "deleted")
    record: dict[str, object] = {
        "uuid": names[n],
        "description": entry.subject,
        "status": entry.status if closed else "pending",
        "entry": _CREATED,
        "priority": "HHMLL"[entry.priority],
        "tags": list(entry.labels),
        "depends": [names[at] for at in entry.blocked_by],
    }
    return record | ({"end": _ENDED} if closed else {})


def _dstask(store: Store, scratch: Path) -> dict[str, tuple[Place, Prepare]]:
    home = scratch / f"dstask-{len(store.ids)}"
    home.mkdir()
    place = Place(home, {**store.place.env, "DSTASK_GIT_REPO": str(home)})
    names = _identities(store)
    for n, entry in enumerate(store.plan):
        if entry.status != "deleted":
            _write_dstask(home, entry, names[n], [names[at] for at in entry.blocked_by])
    _commit(place)
    return {
        "dstask next": (place, fixed("dstask", "next")),
        "dstask show-open": (place, fixed("dstask", "show-open")),
        "dstask add": (place, fixed("dstask", "add", "One", "more", "task")),
    }


def _write_dstask(home: Path, entry: Entry, name: str, depends: list[str]) -> None:
    folder = home / ("resolved" if entry.status == "completed" else "pending")
    folder.mkdir(exist_ok=True)
    lines = [
        f"summary: {json.dumps(entry.subject)}",
        f"notes: {json.dumps(entry.description)}",
        f"tags: {json.dumps(list(entry.labels))}",
        'project: ""',
        f"priority: P{min(entry.priority, 3)}",
        'delegatedto: ""',
        "subtasks: []",
        f"dependencies: {json.dumps(depends)}",
        "created: 2026-01-01T00:00:00Z",
        f"resolved: {'2026-02-01' if entry.status == 'completed' else '0001-01-01'}T00:00:00Z",
        "due: 0001-01-01T00:00:00Z",
    ]
    (folder / f"{name}.yml").write_text("\n".join(lines) + "\n")


def _tk(store: Store, scratch: Path) -> dict[str, tuple[Place, Prepare]]:
    home = scratch / f"tk-{len(store.ids)}"
    (home / ".tickets").mkdir(parents=True)
    place = Place(home, store.place.env)
    for n, entry in enumerate(store.plan):
        _write_tk(home / ".tickets" / f"tk-{n:05}.md", entry, n)
    _commit(place)
    return {
        "tk ready": (place, fixed("tk", "ready")),
        "tk ls": (place, fixed("tk", "ls")),
        "tk create": (place, fixed("tk", "create", "One more task")),
    }


def _write_tk(path: Path, entry: Entry, n: int) -> None:
    status = {"pending": "open", "in_progress": "in_progress"}.get(entry.status, "closed")
    lines = [
        "---",
        f"id: tk-{n:05}",
        f"status: {status}",
        f"deps: [{', '.join(f'tk-{at:05}' for at in entry.blocked_by)}]",
        "links: []",
        "created: 2026-01-01T00:00:00Z",
        "type: task",
        f"priority: {entry.priority}",
        *([] if entry.parent is None else [f"parent: tk-{entry.parent:05}"]),
        "---",
        f"# {entry.subject}",
        "",
        entry.description,
    ]
    path.write_text("\n".join(lines) + "\n")


def _commit(place: Place) -> None:
    call(("git", "init", "-q"), place)
    call(("git", "add", "-A"), place)
    call(("git", "commit", "-q", "-m", "The same plan"), place)
