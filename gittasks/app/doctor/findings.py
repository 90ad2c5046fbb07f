"""What a check says, and what it looks at."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import worktrees
from gittasks.repo.git import GitError

if TYPE_CHECKING:
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.repo.worktrees import Worktree
    from gittasks.workgraph.snapshot import Snapshot

ERROR, WARNING, INFO = "error", "warning", "info"


class Finding(NamedTuple):
    """One thing that is wrong. `code` is a stable word for programs, `where` a path (with a line) or a task;
    `info` is no fault. `fixable`: `doctor --fix` can mend it.
    """

    severity: str
    code: str
    where: str
    what: str
    cure: str
    fixable: bool = False

    def as_json(self) -> dict[str, Any]:
        """The finding as it stands in a JSON document."""
        return self._asdict()


class Scene(NamedTuple):
    """What all checks look at: the tasks, and the worktrees of the clone (none where git cannot say)."""

    project: Project
    snapshot: Snapshot
    trees: tuple[Worktree, ...]

    @classmethod
    def of(cls, project: Project) -> Scene:
        """The scene of `project`. Raises `NoTasksError`."""
        try:
            trees = tuple(worktrees.list_worktrees(project.git, project.checkout))
        except GitError:  # too old for it, for instance, which is a finding of its own
            trees = ()
        return cls(project, project.snapshot(), trees)

    @property
    def worktree_names(self) -> set[str]:
        """The names of all worktrees, the one we stand in among them."""
        return {tree.name for tree in self.trees if tree.name} | {self.project.checkout.name}
