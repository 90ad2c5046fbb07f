"""One simulation: random steps, and from time to time all clones meet and everything is checked."""

from __future__ import annotations

import shutil
import traceback
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from gittasks.app import doctor
from gittasks.app.board import Board
from gittasks.app.reading import as_json
from gittasks.workgraph.record import CLOSED, Task
from tests.simulator.ledger import BrokenLawError, Facts, Key, facts_of
from tests.simulator.places import Clone, Place
from tests.simulator.seal import sealed
from tests.simulator.steps import STEPS, add
from tests.simulator.world import World

# What doctor says of tasks bound to worktrees that are elsewhere, of edges onto tombstones, and of circles (checked
# apart) is true, and no fault of the program.
_FIRST_TASKS = 4
_ALLOWED = frozenset(("cycle", "parent-cycle"))


class Outcome(NamedTuple):
    """How a simulation ended: `failure` is empty where every law held; `log` are the steps."""

    seed: int
    counts: Counter[str]
    failure: str
    log: tuple[str, ...]


def simulate(folder: Path, *, seed: int, clones: int = 3, steps: int = 100, every: int = 50) -> Outcome:
    """Run `steps` random steps and let all meet after each `every` of them, and at the end."""
    with sealed(folder, seed) as seal:
        world = World(folder, seal, clones=clones)
        try:
            while len(world.clones[0].main.tasks()) < _FIRST_TASKS:
                add(world, world.clones[0])
            _meet(world)
            for number in range(1, steps + 1):
                _step(world, number)
                if number % every == 0 or number == steps:
                    _meet(world)
        except Exception:
            return Outcome(seed, world.counts, traceback.format_exc(), tuple(world.log))
    return Outcome(seed, world.counts, "", tuple(world.log))


def _step(world: World, number: int) -> None:
    world.seal.tick()
    step = world.random.choices(list(STEPS), list(STEPS.values()))[0]
    clone = world.random.choice(world.clones)
    world.log.append(f"{number}: {step.__name__} in {clone.main}")
    step(world, clone)
    world.counts["steps"] += 1


def _meet(world: World) -> None:
    """Everybody brings everything together; then all is checked."""
    world.log.append("all meet")
    for clone in world.clones:
        _bring_home(world, clone)
    for clone in (*world.clones, *world.clones):
        world.pull(clone, by_rebase=False)
        clone.main.git("push", "-q", "origin", "HEAD:main")
    for clone in world.clones:
        for tree in clone.trees:
            tree.git("merge", "-q", "--ff-only", "main")
    world.counts["meetings"] += 1
    _check(world)


def _bring_home(world: World, clone: Clone) -> None:
    """Merge all that is open in a clone; what its board said before must come true."""
    main = clone.main
    for place in clone.places:
        _forget_and_compare(place)
    foreseen = _Foreseen(main)
    for place in clone.places:
        world.commit(place)
    for tree in clone.trees:
        world.merge(main, tree.branch)
    foreseen.check(main)


def _forget_and_compare(place: Place) -> None:
    """The board that was kept from one read to the next, bit by bit, is the one that is made anew."""
    kept = _shown(place)
    shutil.rmtree(place.project.cache_folder)
    if kept != _shown(place):
        raise BrokenLawError(f"{place}: the board is not what it would be without its caches")


def _shown(place: Place) -> Any:
    board = place.project.board()
    return as_json(board, board.tasks()), board.derived, [str(problem) for problem in board.elsewhere]


class _Foreseen:
    """What a board said. Of a field on which worktrees disagree it says nothing."""

    def __init__(self, main: Place) -> None:
        board = main.project.board()
        self._open: set[Key] = set()
        self._facts: Facts | None = None
        overlaid = board.overlaid if isinstance(board, Board) else {}
        if not any(found.strangers for found in overlaid.values()):
            self._facts = facts_of(board.tasks())
        for found in overlaid.values():
            if found.task is not None:
                self._open |= {(found.task.uid, said.field) for said in found.disagreements}

    def check(self, main: Place) -> None:
        if self._facts is None:
            return
        now = main.facts()
        wrong = {
            key: (value, now.values.get(key))
            for key, value in self._facts.values.items()
            if key not in self._open and value != now.values.get(key)
        }
        items = self._facts.items ^ frozenset(item for item in now.items if item[1] != "note")
        odd = {item for item in items if item[:2] not in self._open}
        if wrong or odd:
            raise BrokenLawError(f"{main}: the board said otherwise: {wrong} {odd}")


def _check(world: World) -> None:
    facts = [clone.main.facts() for clone in world.clones]
    heads = {clone.main.head for clone in world.clones}
    if len(heads) != 1:
        raise BrokenLawError(f"the clones do not meet: {heads}")
    broken = list(world.ledger.broken(facts[0]))
    if broken:
        world.counts["losses"] += len(broken)
        raise BrokenLawError("\n".join(broken))
    tasks = [clone.main.tasks() for clone in world.clones]
    for clone in world.clones:
        if clone.main.project.board().tasks() != tasks[0]:
            raise BrokenLawError(f"{clone.main}: another board than that of {world.clones[0].main}")
        _examine(clone)
    world.counts["tasks"] = len(tasks[0])


def _examine(clone: Clone) -> None:
    """Ask doctor, which has to name every circle, and nothing else that is broken."""
    for place in clone.places:
        doctor.mend(place.project)
        if place.leftovers():
            raise BrokenLawError(f"left behind: {place.leftovers()}")
        if place.is_dirty:
            raise BrokenLawError(
                f"{place}: doctor changed files: {place.git('diff', 'HEAD')}{place.git('status')}"
            )
    findings = doctor.examine(clone.main.project)
    errors = [finding for finding in findings if finding.severity == doctor.ERROR]
    if {finding.code for finding in errors} - _ALLOWED:
        raise BrokenLawError(f"{clone.main}: {errors}")
    tasks = clone.main.tasks()
    is_named = any(finding.code == "cycle" for finding in errors)
    is_there = _has_circle([task for task in tasks if task.status not in CLOSED])
    if is_there != is_named and is_named != _has_circle(tasks):
        raise BrokenLawError(f"{clone.main}: circles are not named, or are none: {errors}")


def _has_circle(tasks: list[Task]) -> bool:
    """Whether tasks wait for each other: taken apart from the ends until nothing goes any more."""
    waits = {task.id: set(task.blocked_by) for task in tasks}
    while free := [task_id for task_id, blockers in waits.items() if not blockers & waits.keys()]:
        for task_id in free:
            del waits[task_id]
    return bool(waits)
