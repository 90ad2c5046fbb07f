"""Tasks that git has and this worktree does not show: a sparse checkout, files that were deleted, `clone -n`.

Asked where `.tasks` is missing and before it is made, so whoever has tasks never pays for it.
"""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph import store

if TYPE_CHECKING:
    from gittasks.app.project import Project


def refuse_unseen(project: Project) -> None:
    """Raise `NoTasksError` with the cure where `.tasks` is not there and git knows that it should be.

    Settings made anew would stand in the place of the committed ones, and the next commit would lose the tasks.
    """
    git = project.git
    if os.path.lexists(project.tasks_folder):
        return
    if not os.path.lexists(os.path.join(project.checkout.git_dir, "index")):  # nothing was checked out yet
        if git.success("rev-parse", "--quiet", "--verify", f"HEAD:{store.FOLDER}"):
            raise store.NoTasksError(
                f"{project.tasks_folder} is not checked out yet", hint="`git checkout` brings its files"
            )
        return
    if not git.fields("ls-files", "-z", "--", store.FOLDER):
        return
    if git.find_line("config", "--type=bool", "core.sparseCheckout") == "true":
        raise store.NoTasksError(
            f"{project.tasks_folder} is not part of this sparse checkout",
            hint=f"`git sparse-checkout add {store.FOLDER}` brings it into this worktree",
        )
    raise store.NoTasksError(
        f"{project.tasks_folder} is gone, and git still has its files",
        hint=f"`git checkout -- {store.FOLDER}` brings them back",
    )
