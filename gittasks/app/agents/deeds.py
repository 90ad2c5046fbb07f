"""What an agent did, whatever it says: commits, changes it left, checks."""

from __future__ import annotations

from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import count
from gittasks.repo import refs
from gittasks.workgraph import store

if TYPE_CHECKING:
    from typing import Any

    from gittasks.app.checks import Failure
    from gittasks.repo.git import Git


class Deeds(NamedTuple):
    """What became of an agent's work.

    `code` is how its program ended, as `subprocess` gives it; `commits` how many its worktree's head has that were
    not there before, `dirty` whether it left changes or new files besides tasks: both `None` where git cannot say.
    `failed` is why it gave up, by its own words. `passed`: whether all `checks` did, `None` where they were not run.
    """

    code: int = 0
    commits: int | None = None
    dirty: bool | None = None
    failed: str | None = None
    checks: tuple[str, ...] = ()
    passed: bool | None = None
    failed_check: Failure | None = None

    def as_json(self) -> dict[str, Any]:
        """The facts for the run's record."""
        return {
            "exit_code": self.code if self.code >= 0 else None,
            "signal": -self.code if self.code < 0 else None,
            "commits": self.commits,
            "dirty": self.dirty,
            "failed": self.failed,
            "checks_passed": self.passed if self.checks else None,
            "failed_check": self.failed_check.name if self.failed_check is not None else None,
        }


def look_at_work(git: Git, before: str | None) -> Deeds:
    """What a worktree has now that stood on the commit `before`."""
    commits = dirty = None
    try:
        head = refs.find_head(git)
        if head is not None:
            new = (head,) if before is None else (f"{before}..{head}",)
            commits = int(git.line("rev-list", "--count", *new, "--"))
        # Not the tasks: `start` has staged the binding there, and that is no work of the agent's.
        dirty = bool(
            git.output("status", "--porcelain", "-z", "--", ":(top)", f":(top,exclude){store.FOLDER}")
        )
    except (GittasksError, ValueError, OSError):
        # It took its own worktree away, or broke it.
        return Deeds(commits=commits)
    return Deeds(commits=commits, dirty=dirty)


def put_in_words(name: str, deeds: Deeds, said: str | None) -> str:
    """The message of the ended run: why it failed, or what it did, and the last that the agent said."""
    if deeds.code < 0:
        what = f"{name} was ended by signal {-deeds.code}"
    elif deeds.failed is not None:
        what = f"{name} gave up: {deeds.failed}"
    elif deeds.code:
        what = f"{name} ended with exit code {deeds.code}"
    elif deeds.failed_check is not None:
        what = str(deeds.failed_check)
    else:
        what = ""
    facts = [what] if what else []
    if deeds.commits is not None:
        facts.append(count(deeds.commits, "commit") if deeds.commits else "no commit")
    if deeds.dirty:
        facts.append("changes left uncommitted")
    if deeds.passed and deeds.checks:
        facts.append("checks passed")
    return ", ".join(facts) + (f"; it said: {said}" if said else "")
