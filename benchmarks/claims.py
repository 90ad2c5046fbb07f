"""Claims: what one costs, and whether many who take tasks at once ever get the same one."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import Counter
from pathlib import Path

from benchmarks.report import Line, Table, base_line, counted, in_multiples
from benchmarks.stores import Store, make_store
from benchmarks.timing import BASE, Place, Prepare, call, fixed, interleaved

_LIMIT = 8.0
_LIMITED_SIZE = 10_000
_AGENTS = 16
_PLACES = 8
_NOTHING_READY = _LOST = _BUSY = 4
_STANDING = 200


def claims(store: Store, program: str, *, rounds: int) -> Table:
    """`claim` and what is near it, one task a call, with 200 claims standing. They are all dropped at the end."""
    tasks = store.open_ids
    for task in tasks[-_STANDING:]:
        call((program, "claim", str(task), "--owner", "standing"), store.place)
    free = iter(tasks[: len(tasks) - _STANDING])
    claimed: list[str] = []

    def take(_: int) -> tuple[str, ...]:
        claimed.append(str(next(free)))
        return (program, "claim", claimed[-1])

    def let_go(_: int) -> tuple[str, ...]:
        return (program, "release", claimed[-1])

    commands: dict[str, Prepare] = {
        "claim": take,
        "claim (has it already)": fixed(program, "claim", str(tasks[-1]), "--owner", "standing"),
        "release": let_go,
        "next": fixed(program, "next"),
        "next --claim": fixed(program, "next", "--claim"),
        "ready": fixed(program, "ready"),
    }
    samples = interleaved(commands, store.place, rounds=rounds)
    _drop_all(store.place)
    call(("git", "reset", "-q", "--hard"), store.place)
    limit = _LIMIT if len(store.ids) == _LIMITED_SIZE else None
    lines = [
        in_multiples(name, samples[name], samples[BASE], limit=limit if name.startswith("claim") else None)
        for name in commands
    ]
    title = f"Claims, {len(store.ids):,} tasks, {min(_STANDING, len(tasks))} claims"
    return Table(title, (base_line(samples[BASE]), *lines))


def race(folder: Path, env: dict[str, str], program: str, *, tasks: int, rounds: int) -> Table:
    """16 agents in 8 worktrees call `next --claim` until nothing is ready; each task must go to exactly one."""
    taken: Counter[int] = Counter()
    odd: Counter[int] = Counter()
    missing = 0
    started = time.monotonic()
    for number in range(rounds):
        store = make_store(folder / f"race-{number}", 1, env, program)
        lines = "".join(f'{{"subject": "Task {n}"}}\n' for n in range(1, tasks))
        call((program, "add", "--from", "-"), store.place, stdin=lines)
        call(("git", "commit", "-q", "-m", "More"), store.place)
        agents = [_Agent(place, program) for place in _places(store.place) for _ in range(_AGENTS // _PLACES)]
        for agent in agents:
            agent.start()
        for agent in agents:
            agent.join()
        got = Counter(task for agent in agents for task in agent.taken)
        taken.update(got.values())
        odd.update(code for agent in agents for code in agent.odd)
        missing += tasks - len(got)
    seconds = time.monotonic() - started
    return Table(
        f"{_AGENTS} agents in {_PLACES} worktrees take {tasks} tasks, {rounds} rounds",
        (
            Line("tasks taken", f"{sum(taken.values()):,}"),
            Line("taken a second", f"{sum(taken.values()) / seconds:.0f}"),
            counted("tasks that two agents got", sum(n for times, n in taken.items() if times > 1)),
            counted("tasks that nobody got", missing),
            counted("other exit codes", odd.total()),
        ),
    )


def rivals(folder: Path, env: dict[str, str], program: str, *, rounds: int) -> Table:
    """Two clones of a bare remote call `claim N --remote origin` in one moment: of each task exactly one wins."""
    store = make_store(folder / "one", 1, env, program)
    lines = "".join(f'{{"subject": "Task {n}"}}\n' for n in range(1, rounds))
    if lines:
        call((program, "add", "--from", "-"), store.place, stdin=lines)
    call(("git", "commit", "-q", "--allow-empty", "-m", "More"), store.place)
    call(("git", "clone", "-q", "--bare", ".", str(folder / "hub")), store.place)
    places = [store.place, Place(folder / "two", env)]
    call(("git", "remote", "add", "origin", str(folder / "hub")), places[0])
    call(("git", "clone", "-q", str(folder / "hub"), str(folder / "two")), places[0])
    winners: Counter[tuple[int, ...]] = Counter()
    for number in range(1, rounds + 1):
        argv = (program, "claim", str(number), "--remote", "origin")
        racers = [
            subprocess.Popen(
                argv,
                cwd=place.folder,
                env=place.env,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for place in places
        ]
        winners[tuple(racer.wait() for racer in racers)] += 1
    fair = winners[0, _LOST] + winners[_LOST, 0]
    return Table(
        f"Two clones of one remote claim the same task, {rounds} tasks",
        (
            Line("won by the one, by the other", f"{winners[0, _LOST]}, {winners[_LOST, 0]}"),
            counted("tasks with two winners, or none", rounds - fair),
        ),
    )


class _Agent(threading.Thread):
    """Calls the program again and again, and notes what it was given."""

    def __init__(self, place: Place, program: str) -> None:
        super().__init__()
        self._place = place
        self._argv = (program, "next", "--claim")
        self.taken: list[int] = []
        self.odd: list[int] = []

    def run(self) -> None:
        while True:
            done = subprocess.run(
                self._argv,
                cwd=self._place.folder,
                env=self._place.env,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode == _BUSY and "nothing is ready" not in done.stderr:
                continue  # the writers' lock was held for too long: try again, as the exit code says
            if done.returncode:
                self.odd += [done.returncode] if done.returncode != _NOTHING_READY else []
                return
            self.taken.append(int(done.stdout.split()[0].removeprefix("#")))


def _places(main: Place) -> list[Place]:
    places = [main]
    for number in range(1, _PLACES):
        folder = main.folder.parent / f"{main.folder.name}-tree-{number}"
        call(("git", "worktree", "add", "-q", str(folder)), main)
        places.append(Place(folder, main.env))
    return places


def _drop_all(place: Place) -> None:
    refs = call(("git", "for-each-ref", "--format=delete %(refname)", "refs/gittasks/claims"), place)
    call(("git", "update-ref", "--stdin"), place, stdin=refs)
