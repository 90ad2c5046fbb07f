"""Merge driver and merge tool in this clone's own configuration (git-config(1), gitattributes(5))."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

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


def present(git: Git, keys: Iterable[str]) -> list[str]:
    """Those of `keys` that this clone's configuration sets."""
    return [key for key in keys if git.find_line("config", "--local", "--get-all", key) is not None]


def unset(git: Git, keys: Iterable[str]) -> None:
    """Take `keys` out of this clone's configuration, and their sections where nothing else is in them.

    Raises `GitError`.
    """
    for key in keys:
        git.call("config", "--local", "--unset-all", key, write=True)
    for section in {key.rpartition(".")[0] for key in keys}:
        if not git.success("config", "--local", "--get-regexp", f"^{section}[.]"):
            git.call("config", "--local", "--remove-section", section, write=True)
