"""The named checks of a project's configuration, run in a worktree before its task is finished."""

from __future__ import annotations

from gittasks.app.trust import require_trusted
from gittasks.base import proc
from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo.git import scrub
from gittasks.workgraph.config import load_config

if TYPE_CHECKING:
    from collections.abc import Callable
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
    for name, command in checks.items():
        tell(f"check {name}")
        code = proc.run_attached(command, cwd=site.top, env=scrub(site.env), to_stderr=True)
        if code:
            how = f"exit code {code}" if code > 0 else f"signal {-code}"
            raise CheckFailedError(
                f"the check {name} failed ({how}): nothing was changed",
                hint="mend it and run the command again, or leave the checks out with --no-checks",
            )
    return list(checks)
