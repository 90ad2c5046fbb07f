"""The named checks of a project's configuration, run in a worktree before its task is finished."""

from __future__ import annotations

from gittasks.app.trust import require_trusted
from gittasks.base import proc
from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable
from gittasks.repo.git import scrub
from gittasks.workgraph.config import load_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import TypeGuard

    from gittasks.app.project import Project


class CheckFailedError(RefusedError):
    """A check of the project failed: the task is not finished."""


def has_checks(site: Project | None) -> TypeGuard[Project]:
    """Whether the configuration in this worktree, if there is one, names any. Raises `BadConfigError`."""
    return site is not None and bool(load_config(site.tasks_folder).checks)


def run_checks(site: Project, tell: Callable[[str], None]) -> list[str]:
    """Run each check at the root of the worktree `site`, in the order of the configuration there; their names.

    What they say goes to stderr; `tell` announces each. Stops at the first that fails, with `CheckFailedError`.
    Raises `UntrustedError` before anything runs.
    """
    checks = require_trusted(site).checks
    for failure in failing(site, checks, tell):
        raise CheckFailedError(
            f"{failure}: nothing was changed",
            hint="mend it and run the command again, or leave the checks out with --no-checks",
        )
    return list(checks)


class Failure(NamedTuple):
    """A check that failed, and how, in words: `exit code 3`, or why it could not be run."""

    name: str
    how: str

    def __str__(self) -> str:
        return f"the check {printable(self.name)} failed ({self.how})"


def failing(
    site: Project, checks: Mapping[str, Sequence[str]], tell: Callable[[str], None]
) -> Iterator[Failure]:
    """Run these checks one after the other, and answer each that fails; see `run_checks`. Trust is the caller's."""
    for name, command in checks.items():
        tell(f"check {name}")
        try:
            code = proc.run_attached(command, cwd=site.top, env=scrub(site.env), to_stderr=True)
        except proc.ProgramMissingError as error:
            yield Failure(name, error.message)
            continue
        if code:
            yield Failure(name, f"exit code {code}" if code > 0 else f"signal {-code}")
