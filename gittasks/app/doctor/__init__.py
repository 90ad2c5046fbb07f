"""Finding what is broken, and mending what can be mended without a person: `examine` and `mend`.

The checks live in `tasks` (files, graph, bindings), `clone` (git, caches, what is private to this clone) and
`claims`, the mending in `mending`. A finding is mended when it is gone afterwards, not when we believe that we did
something.
"""

from __future__ import annotations

from gittasks.app.doctor import claims, clone, hooks, mending, tasks
from gittasks.app.doctor.findings import ERROR, INFO, WARNING, Finding, Scene
from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gittasks.app.project import Project

__all__ = ["ERROR", "INFO", "WARNING", "Finding", "Report", "examine", "mend"]


class Report(NamedTuple):
    """What `mend` came to: what is gone now, what is still wrong, and why a mending was refused."""

    mended: tuple[Finding, ...]
    findings: tuple[Finding, ...]
    refusals: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def examine(project: Project) -> tuple[Finding, ...]:
    """Everything that is wrong in this worktree and clone, worst first. Changes nothing. Raises `NoTasksError`."""
    scene = Scene.of(project)
    found: list[Finding] = []
    for check in (*tasks.CHECKS, *clone.CHECKS, *claims.CHECKS, *hooks.CHECKS):
        try:
            found += check(scene)
        except GittasksError as error:
            name = check.__name__.replace("_", " ")
            found.append(Finding(ERROR, "check-failed", name, error.message, error.hint or ""))
    ranks = {ERROR: 0, WARNING: 1, INFO: 2}
    return tuple(sorted(dict.fromkeys(found), key=lambda finding: ranks[finding.severity]))


def mend(project: Project, *, commit: bool = False) -> Report:
    """Mend what is safe to mend, then examine again. Changed task files are staged, and committed when asked."""
    before = examine(project)
    refusals: list[str] = []
    warnings: list[str] = []
    codes = {finding.code for finding in before if finding.fixable}
    for code_words, mender in mending.MENDERS:
        if codes.isdisjoint(code_words):
            continue
        try:
            warnings += mender(project, commit)
        except (GittasksError, OSError) as error:
            refusals.append(f"{', '.join(sorted(codes.intersection(code_words)))}: {error}")
    after = examine(project)
    gone = tuple(finding for finding in before if finding.fixable and finding not in after)
    return Report(gone, after, tuple(refusals), tuple(warnings))
