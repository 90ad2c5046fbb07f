"""Which files below a folder a worktree, or a branch, holds otherwise than the commit it has in common with us.

Versions are named by object id: git looks a path up in a folder of thousands by reading all of it.
"""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

    from gittasks.repo.git import Git

# The tree without files, by hash algorithm: what unrelated histories have in common.
_EMPTY_TREES = {
    40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_STATUS = (
    *("status", "--porcelain=v2", "-z", "--no-renames", "--ignore-submodules"),
    *("--untracked-files=all", "--ignored=traditional"),
)
# What `git status --porcelain=v2` tells of a path before it: how many words, which of them are mode and id in HEAD.
_TRACKED, _UNMERGED = b"1", b"u"
_FACTS = {_TRACKED: (8, 3, 6), _UNMERGED: (10, 4, 8)}


class Change(NamedTuple):
    """The object ids of the versions of a file in two commits: `None` where it is absent, "" for a link or folder."""

    old: str | None
    new: str | None


def merge_base(git: Git, ours: str, theirs: str) -> str:
    """The best common ancestor of two commits; the empty tree where they have none."""
    if ours == theirs:
        return ours
    return git.find_line("merge-base", ours, theirs) or _EMPTY_TREES[len(ours)]


def is_only_ahead(git: Git, old: str, new: str, heads: Collection[str]) -> bool:
    """Whether `new` is `old` with commits on top that none of `heads` holds.

    Then what each of them has in common with `new` is what it had in common with `old`.
    """
    counts = git.find_line("rev-list", "--left-right", "--count", f"{old}...{new}")
    behind, ahead = (counts or "1 0").split()
    return behind == "0" and git.find_line("rev-list", "--count", new, "--not", old, *heads) == ahead


def edited_files(git: Git, folder: str) -> dict[str, str | None]:
    """The paths below `folder` that the worktree of `git` holds otherwise than its HEAD (also untracked and ignored
    ones), with the object id of the version in HEAD, `None` where there is none.
    """
    found: dict[str, str | None] = {}
    for entry in git.output(*_STATUS, "--", folder).split(b"\0"):
        kind = entry[:1]
        if kind in _FACTS:
            words, mode, oid = _FACTS[kind]
            facts = entry.split(b" ", words)
            found[os.fsdecode(facts[words])] = _regular(facts[mode].decode(), facts[oid].decode())
        elif kind in (b"?", b"!"):
            found[os.fsdecode(entry[2:])] = None
    return found


def changed_in_commit(git: Git, base: str, commit: str, folder: str) -> dict[str, Change]:
    """The paths below `folder` that differ between two commits (or trees)."""
    if base == commit:
        return {}
    output = git.output(
        "diff-tree", "-r", "--raw", "-z", "--no-abbrev", "--no-renames", base, commit, "--", folder
    )
    fields = output.split(b"\0")
    found = {}
    for facts, path in zip(fields[::2], fields[1::2], strict=False):
        old_mode, new_mode, old, new, _ = facts.decode().lstrip(":").split(" ")
        found[os.fsdecode(path)] = Change(_regular(old_mode, old), _regular(new_mode, new))
    return found


def _regular(mode: str, oid: str) -> str | None:
    return oid if mode.startswith("100") else "" if mode.strip("0") else None
