"""A project: one checkout, its tasks, its runs. What the command line and `import gittasks` both work with.

This module opens and locks; the use cases live beside it, one module each, and are imported when called.
"""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING
from gittasks.repo.discover import Checkout, find_checkout
from gittasks.workgraph import store

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager

    from gittasks.app.board import Board
    from gittasks.repo.git import Git
    from gittasks.workgraph.record import TaskId
    from gittasks.workgraph.snapshot import Snapshot


class Project:
    """The work graph of one checkout. `env` is the environment that git commands start from."""

    def __init__(self, checkout: Checkout, env: Mapping[str, str]) -> None:
        self.checkout = checkout
        self.env = env

    @property
    def top(self) -> str:
        """The root of this worktree. Raises `NoWorktreeError` in a bare repository."""
        return self.checkout.require_top()

    @property
    def tasks_folder(self) -> str:
        """The path of `.tasks` in this worktree, whether it exists or not."""
        return os.path.join(self.top, store.FOLDER)

    @property
    def git(self) -> Git:
        """git commands at the root of this worktree."""
        from gittasks.repo.git import Git

        return Git(self.top, self.env)

    def snapshot(self) -> Snapshot:
        """All tasks of this worktree as they are on disk now. Raises `NoTasksError`."""
        from gittasks.workgraph.snapshot import load_snapshot

        folder = store.require_folder(self.tasks_folder)
        return load_snapshot(folder, self.cache_folder, self.checkout.name)

    def board(self) -> Board | Snapshot:
        """All tasks as they would be if the work of every worktree were merged now. Raises `NoTasksError`."""
        from gittasks.app.board import load_board

        return load_board(self)

    @property
    def cache_folder(self) -> str:
        """Where caches of this clone lie; deleting it loses nothing."""
        return os.path.join(self.checkout.private_dir, "cache")

    def private_folder(self) -> str:
        """`<git common dir>/gittasks`, made when missing."""
        os.makedirs(self.checkout.private_dir, exist_ok=True)
        return self.checkout.private_dir

    def lock(self, purpose: str) -> AbstractContextManager[None]:
        """The writers' lock of this clone; on entry a killed writer's half-done write is finished first."""
        from gittasks.app.locking import writers_lock

        return writers_lock(self.private_folder(), purpose)

    @property
    def journal(self) -> str:
        """The redo journal of writes that touch several files."""
        return os.path.join(self.checkout.private_dir, "write.journal")

    def actor(self, name: str | None = None) -> str:
        """Who acts: `name`, else $GITTASKS_OWNER, else git's `user.name`, else $USER."""
        from gittasks.app.identity import actor

        return actor(self, name)

    def bound_task(self) -> TaskId | None:
        """The one open task that is bound to this worktree, if there is exactly one."""
        from gittasks.app.binding import find_bound

        return find_bound(self)


def open_project(start: str, *, env: Mapping[str, str] | None = None) -> Project:
    """The project that the folder `start` lies in. Raises `NoRepositoryError`.

    `env` is what git commands start from (default: this process's). GIT_DIR and GIT_WORK_TREE in it count.
    """
    env = os.environ if env is None else env
    checkout = find_checkout(start, git_dir=env.get("GIT_DIR"), work_tree=env.get("GIT_WORK_TREE"))
    return Project(checkout, env)
