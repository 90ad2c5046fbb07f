"""Merge driver and merge tool in this clone's own configuration (git-config(1), gitattributes(5))."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.repo.git import Git


def set_missing(git: Git, values: Mapping[str, str]) -> list[str]:
    """Set each key to its value in this clone's configuration where it is not so; answer the keys that were set.

    The caller holds a lock: git does not wait for another that writes its configuration. Raises `GitError`.
    """
    changed = []
    for key, value in values.items():
        if git.find_line("config", "--local", "--get", key) != value:
            git.output("config", "--local", "--replace-all", key, value, write=True)
            changed.append(key)
    return changed
