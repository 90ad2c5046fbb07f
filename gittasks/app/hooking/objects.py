"""git as a hook has to ask it: with the objects and the index that git's own process sees; raw diffs, read."""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.repo.git import Git
    from gittasks.repo.history import Version

    # Path -> the version before (`None`: not there) and the one that is to be.
    Changes = dict[str, tuple[Version | None, Version]]

RAW = ("--raw", "-z", "--no-renames", "--no-abbrev")
_OBJECTS = ("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES")
_NO_FILE = "0" * 6


def git_in_hook(project: Project, *names: str) -> Git:
    """git commands that see the objects which git's own process sees, and its index with `GIT_INDEX_FILE` in `names`.

    A commit of some paths has an index of its own. Relative paths are from the worktree's root, where hooks run.
    """
    git = project.git
    found = {name: project.env[name] for name in (*_OBJECTS, *names) if project.env.get(name)}
    if "GIT_INDEX_FILE" in found:
        found["GIT_INDEX_FILE"] = os.path.join(project.top, found["GIT_INDEX_FILE"])
    return git._replace(fixed={**git.fixed, **found})


def parse_raw(facts: bytes, *, with_gone: bool = False) -> Changes:
    """Raw lines of git's diff by path, of several the first; files that are gone only where asked for."""
    if not facts:
        return {}
    from gittasks.repo.history import Version

    tokens = facts.split(b"\0")
    changes: Changes = {}
    for head, name in zip(tokens[::2], tokens[1::2], strict=False):
        modes = head.decode("ascii", "replace").lstrip("\n:").split()
        if len(modes) < 5 or (modes[1] == _NO_FILE and not with_gone):
            continue
        old = None if modes[0] == _NO_FILE else Version(modes[0], modes[2])
        changes.setdefault(os.fsdecode(name), (old, Version(modes[1], modes[3])))
    return changes
