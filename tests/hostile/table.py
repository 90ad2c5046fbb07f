"""The table of cases: what a stranger wrote, what is called, what must hold besides `yard.check`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from tests.hostile.yard import Told as Told
from tests.hostile.yard import Yard as Yard

# What a case is tried with each time; the tour comes on top in the long tests.
READS = ("list", "show 2 --json")
WRITES = ("edit 2 --priority 0", "add Four")
GRAPHS = ("graph", "graph --format svg", "graph --format mermaid", "graph --format dot")
EXPORTS = ("export csv", "export markdown", "export json", "export beads")
TOUR = (
    *(
        "list --all",
        "list --json",
        "list --remotes",
        "list --at HEAD",
        "ready",
        "blocked",
        "show 1",
        "show 2 --json",
    ),
    *(
        "search words",
        "next",
        *GRAPHS,
        *EXPORTS,
        "log 2",
        "log 2 --json",
        "doctor",
        "trust --status",
        "hooks status",
    ),
    *(
        "edit 2 --priority 0",
        "note 2 hello",
        "block 3 --on 1",
        "done 1",
        "reopen 1",
        "add Four",
        "undo",
        "rescue",
    ),
    *(
        "claim 2",
        "release 2",
        "init",
        "hooks install",
        "start 3",
        "worktree list",
        "worktree status",
        "worktree add x",
    ),
    *(
        "worktree events",
        "run --wait -- true",
        "run --task 3 --wait -- true",
        "runs",
        "runs --json",
        "logs b",
        "notices",
    ),
    *(
        "finish 3 --merge",
        "prune --keep 0",
        "resolve",
        "doctor --fix",
        "delete 2",
        "hooks uninstall",
        "deinit",
    ),
)


class Case(NamedTuple):
    """`says` is what the attacker wrote, `ends` what comes of it: both stand in docs/safety.md.

    `codes`: the exit codes that the calls must have, `None` where any refusal will do.
    """

    group: str
    name: str
    says: str
    ends: str
    arrange: Callable[[Yard], object]
    calls: Sequence[str]
    codes: Sequence[int] | None = None
    then: Callable[[Yard, Told], None] | None = None
    stdin: bytes = b""
    folder: str = "."
    is_long: bool = False


class Group:
    """Cases about one thing."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.cases: list[Case] = []

    def add(
        self, name: str, says: str, arrange: Callable[[Yard], object], *calls: str, ends: str, **more: object
    ) -> None:
        """One more case; `more` are the other fields of `Case`."""
        self.cases.append(
            Case(self.title, name, says, ends, arrange, calls or READS)._replace(**more)  # type: ignore[arg-type]
        )


def says(*words: str) -> Callable[[Yard, Told], None]:
    """The terminal was told all of `words`."""

    def then(yard: Yard, told: Told) -> None:
        missing = [word for word in words if word not in told.text.replace("\r\n", "\n")]
        assert not missing, (missing, told)

    return then


def never_says(*words: str) -> Callable[[Yard, Told], None]:
    """The terminal was told none of `words`."""

    def then(yard: Yard, told: Told) -> None:
        found = [word for word in words if word in told.text]
        assert not found, (found, told)

    return then
