"""Projects to measure on: a git repository with a plan of a given size in it, made by the program itself."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.timing import Place, call

_VERBS = ("Implement", "Test", "Document", "Refactor", "Measure", "Fix", "Review", "Design", "Remove", "Port")
_THINGS = ("auth", "cache", "parser", "board", "index", "lock", "worktree", "journal", "merge", "export")
_PARTS = ("module", "on macOS", "for large files", "error texts", "edge cases", "API", "command", "format")
_LABELS = ("security", "speed", "docs", "bug", "later", "ui")
_TASKS_PER_EPIC = 24


class Entry(NamedTuple):
    """One task of a generated plan; `parent` and `blocked_by` are positions in the plan."""

    subject: str
    status: str
    priority: int
    labels: tuple[str, ...]
    description: str
    owner: str | None
    parent: int | None
    blocked_by: tuple[int, ...]


class Store(NamedTuple):
    """A repository whose plan is committed. `ids` are in the order of the plan's entries."""

    place: Place
    ids: tuple[int, ...]
    plan: tuple[Entry, ...]

    @property
    def open_ids(self) -> list[int]:
        """The tasks that are pending."""
        return [task for task, entry in zip(self.ids, self.plan, strict=True) if entry.status == "pending"]


def make_plan(size: int) -> tuple[Entry, ...]:
    """`size` tasks as projects have them, always the same ones.

    Epics with a score of parts each; a part waits for up to three earlier ones, mostly of its own epic. The older
    half is done, a few are in progress, owned and labelled.
    """
    dice = random.Random(size)
    plan: list[Entry] = []
    epic = 0
    for n in range(size):
        is_epic = n % _TASKS_PER_EPIC == 0
        if is_epic:
            epic = n
        age = n / size
        status = _status(dice, age, is_epic=is_epic)
        plan.append(
            Entry(
                subject=f"{dice.choice(_VERBS)} the {dice.choice(_THINGS)} {dice.choice(_PARTS)} ({n})",
                status=status,
                priority=dice.choices(range(5), (1, 3, 8, 3, 1))[0],
                labels=tuple(sorted(dice.sample(_LABELS, dice.choices((0, 1, 2), (5, 4, 1))[0]))),
                description=_description(dice),
                owner=dice.choice(("alice", "bob", "carol")) if status != "pending" else None,
                parent=None if is_epic else epic,
                blocked_by=() if is_epic else _blockers(dice, n, epic),
            )
        )
    return tuple(plan)


def _status(dice: random.Random, age: float, *, is_epic: bool) -> str:
    if is_epic or age > 0.55:
        return "pending"
    if age > 0.5:
        return dice.choice(("pending", "in_progress", "completed"))
    return dice.choices(("completed", "deleted"), (19, 1))[0]


def _blockers(dice: random.Random, n: int, epic: int) -> tuple[int, ...]:
    count = dice.choices((0, 1, 2, 3), (3, 4, 2, 1))[0]
    near = [dice.randrange(epic + 1, n) for _ in range(count) if n > epic + 1]
    far = [dice.randrange(n)] if dice.random() < 0.05 else []
    # An epic waits for nobody and nobody waits for an epic: its parts would wait for each other through it.
    return tuple(sorted({at for at in (*near, *far) if at % _TASKS_PER_EPIC}))


def _description(dice: random.Random) -> str:
    lines = dice.choices((0, 1, 4, 12), (4, 3, 2, 1))[0]
    return "\n".join(
        " ".join(dice.choice(_THINGS + _PARTS + _LABELS) for _ in range(12)) + "." for _ in range(lines)
    )


def as_json_lines(plan: tuple[Entry, ...]) -> str:
    """The plan as `gittasks add --from` reads it."""
    return "".join(json.dumps(record) + "\n" for record in _records(plan))


def _records(plan: tuple[Entry, ...]) -> Iterator[dict[str, Any]]:
    for n, entry in enumerate(plan):
        yield {
            "key": f"t{n}",
            "subject": entry.subject,
            "status": entry.status,
            "owner": entry.owner,
            "parent": None if entry.parent is None else f"t{entry.parent}",
            "priority": entry.priority,
            "labels": list(entry.labels),
            "blockedBy": [f"t{at}" for at in entry.blocked_by],
            "description": entry.description,
        }


def make_store(folder: Path, size: int, place_env: dict[str, str], program: str) -> Store:
    """A new repository in `folder` with a plan of `size` tasks, added by the program in one call and committed."""
    folder.mkdir(parents=True)
    place = Place(folder, place_env)
    call(("git", "init", "-q", "-b", "main"), place)
    (folder / "README").write_text("A project to measure on.\n")
    call((program, "init"), place)
    plan = make_plan(size)
    answer = json.loads(call((program, "add", "--json", "--from", "-"), place, stdin=as_json_lines(plan)))
    call(("git", "add", "-A"), place)
    call(("git", "commit", "-q", "-m", "A plan"), place)
    return Store(place, tuple(answer["ids"]), plan)
