"""`commit: auto` in the settings: whether a change that is made now is committed without being asked."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import index
from gittasks.workgraph import store
from gittasks.workgraph.config import load_config

if TYPE_CHECKING:
    from gittasks.app.project import Project


class Automatic(NamedTuple):
    """Whether to commit, and the warning where the settings ask for what cannot be done now."""

    commit: bool
    warning: str | None = None


def decide(project: Project) -> Automatic:
    """What the settings ask for in this worktree: in the middle of somebody's merge a change is only staged.

    `--commit` is refused there, since it was asked for now; a setting must not keep anybody from writing. Raises
    `BadConfigError`.
    """
    if load_config(project.tasks_folder).commit != "auto":
        return Automatic(False)
    try:
        index.refuse_commit(project.git, project.checkout.git_dir, (), folder=store.FOLDER)
    except index.OperationInProgressError as error:
        return Automatic(False, f"not committed, as `commit: auto` says: {error.message}")
    return Automatic(True)
