"""Which folders hooks of ours were written to: git forgets a folder when `core.hooksPath` changes, we must not.

One small file in the private folder, `hook-folders.json`. Losing it loses no work: lines in the folders that git runs
hooks from now are found without it.
"""

from __future__ import annotations

import json
import os

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gittasks.app.project import Project

_NAME = "hook-folders.json"
_MAX_BYTES = 1 << 20


class Folders(NamedTuple):
    """Folders relative to the root of a worktree, where each worktree has its own, and to git's common folder."""

    worktree: frozenset[str]
    git: frozenset[str]


# Also without a word about them: some were written before this was remembered.
_USUAL = Folders(frozenset((".husky",)), frozenset(("hooks",)))


def load(project: Project) -> Folders:
    """What is remembered; little where there is nothing, or it is damaged."""
    try:
        content = json.loads(files.read_regular(_path(project), limit_bytes=_MAX_BYTES))
        return Folders(
            _USUAL.worktree.union(_names(content["worktree"])), _USUAL.git.union(_names(content["git"]))
        )
    except (OSError, ValueError, TypeError, KeyError, RecursionError, files.UnsafeFileError):
        return _USUAL


def remember(project: Project, folders: Iterable[str]) -> None:
    """Add `folders`, absolute, before anything is written there; the caller holds the writers' lock.

    Raises `DiskError`.
    """
    old = load(project)
    common = os.path.realpath(project.checkout.common_dir)
    worktree, git = set(old.worktree), set(old.git)
    for folder in folders:
        inside = os.path.relpath(folder, common)
        if _is_below(inside):
            git.add(inside)
        elif _is_below(inside := os.path.relpath(folder, project.top)):
            worktree.add(inside)
    new = Folders(frozenset(worktree), frozenset(git))
    if new != old:
        data = json.dumps({"worktree": sorted(new.worktree), "git": sorted(new.git)}) + "\n"
        files.replace_file(_path(project), data.encode())


def find_folders(project: Project, tops: Iterable[str]) -> list[str]:
    """Each folder that lines of ours may be in: git's own, and those of the worktrees at `tops`."""
    known = load(project)
    places = [(os.path.realpath(project.checkout.common_dir), name) for name in known.git]
    places += [(os.path.realpath(top), name) for top in tops for name in known.worktree]
    found = {
        folder
        for root, name in places
        if _is_below(os.path.relpath(folder := os.path.realpath(os.path.join(root, name)), root))
    }
    return sorted(found)


def _is_below(path: str) -> bool:
    """Whether a relative path leads into the folder that it is relative to, or is that folder."""
    return not os.path.isabs(path) and path.split(os.sep)[0] != os.pardir


def _names(value: list[object]) -> list[str]:
    return [name for name in value if isinstance(name, str) and "\0" not in name]


def _path(project: Project) -> str:
    return os.path.join(project.checkout.private_dir, _NAME)
