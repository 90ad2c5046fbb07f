"""Forgetting runs that have ended, with all that they left: here, and on other machines."""

from __future__ import annotations

from gittasks.app import runs
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime.record import REMOTE_AGENT

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.runtime.pruning import Pruned
    from gittasks.runtime.record import RunId


def forget_runs(
    project: Project,
    *,
    older_than_s: float | None,
    keep: int | None = None,
    max_bytes: int | None = None,
    dry_run: bool = False,
) -> Pruned:
    """Forget ended runs (see `runtime.pruning.prune`), once what they left on other machines is gone too."""
    doomed = runs.prune_runs(project, older_than_s=older_than_s, keep=keep, max_bytes=max_bytes, dry_run=True)
    if dry_run or not doomed.runs:
        return doomed
    remembered: set[RunId] = set()
    notes: list[str] = []
    if any(run.type == REMOTE_AGENT for run in doomed.runs):
        from gittasks.app.remote import leftovers

        remembered, notes = leftovers.clear(project, doomed.runs)
    among = {run.id for run in doomed.runs} - remembered
    done = runs.prune_runs(project, older_than_s=older_than_s, keep=keep, max_bytes=max_bytes, among=among)
    return done._replace(notes=tuple(notes))
