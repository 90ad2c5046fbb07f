"""Making a repository a gittasks project: `.tasks/` with its settings, staged. Running it again changes nothing."""

from __future__ import annotations

import os

from gittasks.app import driver
from gittasks.app.unseen import refuse_unseen
from gittasks.base import files
from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo.git import GitError
from gittasks.workgraph import store
from gittasks.workgraph.config import CONFIG_NAME, DEFAULT_TEXT

if TYPE_CHECKING:
    from gittasks.app.project import Project

CONFIG_PATH = f"{store.FOLDER}/{CONFIG_NAME}"


class FolderTakenError(RefusedError):
    """`.tasks`, or the settings in it, is something that we must not write through or replace."""


class Initialised(NamedTuple):
    """What `init_project` did: the `.tasks` folder, what it made (paths from the worktree's root), what to know.

    `is_registered` says that git in this clone learned of the merge driver just now.
    """

    folder: str
    created: tuple[str, ...]
    staged: bool
    warnings: tuple[str, ...] = ()
    is_registered: bool = False


def init_project(project: Project) -> Initialised:
    """Make `.tasks/`, its settings and attributes where they are missing, stage them, and register the merge driver.

    Raises `NoWorktreeError` (bare), `GitTooOldError`, `FolderTakenError`, `NoTasksError` (git has tasks that are not
    checked out), `LockHeldError`, `DiskError`.
    """
    folder = project.tasks_folder
    project.git.require_version()
    with project.lock("init"):
        _refuse_strange(folder)
        refuse_unseen(project)
        created = []
        if not os.path.isdir(folder):
            os.mkdir(folder)
            files.sync_folder(project.top)
            created.append(store.FOLDER)
        config = os.path.join(folder, CONFIG_NAME)
        if not os.path.exists(config):
            files.create_file(config, DEFAULT_TEXT.encode())
            files.sync_folder(folder)
            created.append(CONFIG_PATH)
        if driver.write_attributes(project):
            created.append(driver.ATTRIBUTES_PATH)
        unstaged = _stage(project)
        is_registered, unregistered = _register(project)
    warnings = tuple(text for text in (unstaged, unregistered) if text)
    return Initialised(folder, tuple(created), unstaged is None, warnings, is_registered)


def _register(project: Project) -> tuple[bool, str | None]:
    """Whether git learned of the merge driver just now, and why it could not."""
    try:
        return bool(driver.register(project)), None
    except GitError as error:  # a configuration that is locked or read-only: merging by lines still works
        return False, f"the merge driver is not registered: {error.message}"


def _refuse_strange(folder: str) -> None:
    """Raise before anything is made: never write through a link, never replace what is not ours."""
    if os.path.islink(folder):
        raise FolderTakenError(
            f"{folder} is a symbolic link to {os.readlink(folder)}",
            hint="tasks live in the repository itself: move the link away, then run `gittasks init` again",
        )
    if os.path.lexists(folder) and not os.path.isdir(folder):
        raise FolderTakenError(
            f"{folder} is in the way: it is a file", hint="move it away, then run `gittasks init` again"
        )
    for path in (CONFIG_PATH, driver.ATTRIBUTES_PATH):
        path = os.path.join(os.path.dirname(folder), path)
        if os.path.islink(path) or (os.path.lexists(path) and not os.path.isfile(path)):
            raise FolderTakenError(
                f"{path} is not a regular file", hint="move it away, then run `gittasks init` again"
            )


def _stage(project: Project) -> str | None:
    """Stage the settings unless git has them already; `None`, or why they are not staged."""
    from gittasks.repo import index

    paths = (CONFIG_PATH, driver.ATTRIBUTES_PATH)
    missing = set(paths).difference(project.git.fields("ls-files", "-z", "--", *paths))
    if not missing:
        return None
    rule = ignore_rule(project)
    if rule:
        return f"not staged: {store.FOLDER} is ignored by {rule}; tasks will not be committed with the code"
    return index.stage_paths(project.git, sorted(missing))


def ignore_rule(project: Project) -> str | None:
    """The rule that makes git ignore task files, as `.gitignore:3: .tasks/`; `None` where it does not."""
    asked = f"{store.FOLDER}/1.yaml\0".encode()
    done = project.git.call("check-ignore", "--verbose", "--no-index", "-z", "--stdin", stdin=asked)
    # source, line, pattern, path; a pattern that starts with `!` is an exception from another one
    parts = done.stdout.decode("utf-8", "replace").split("\0")
    if len(parts) < 4 or parts[2].startswith("!"):
        return None
    return f"{parts[0]}:{parts[1]}: {parts[2]}"
