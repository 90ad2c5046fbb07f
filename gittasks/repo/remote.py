"""Remote-tracking branches: what is there, and which of them hold something of a folder that we do not.

On the path of reads of the board: no `subprocess` where one process answers.
"""

from __future__ import annotations

import os

from gittasks.base import proc
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo.git import scrub

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from gittasks.repo.git import Git

# Symbolic refs (`origin/HEAD`) only repeat another branch; what is no commit has no date.
_FORMAT = "%(if)%(symref)%(then)-%(else)%(objectname)%(end) %(committerdate:unix) %(refname:lstrip=2)"


class RemoteBranch(NamedTuple):
    """A remote-tracking branch: `origin/x`, the commit it stands at, when that was made (Unix seconds)."""

    name: str
    tip: str
    time_s: int


def list_remote_branches(git: Git) -> list[RemoteBranch]:
    """All remote-tracking branches, newest first; of those at one commit the first by name."""
    argv = ("git", "-C", git.folder, "for-each-ref", f"--format={_FORMAT}", "refs/remotes")
    output = proc.capture(argv, env={**scrub(git.env), "LC_ALL": "C"}) or b""
    found: dict[str, RemoteBranch] = {}
    for line in os.fsdecode(output).splitlines():
        tip, time_s, name = line.split(" ", 2)
        if tip != "-" and time_s.isdecimal():
            found.setdefault(tip, RemoteBranch(name, tip, int(time_s)))
    return sorted(found.values(), key=lambda branch: (-branch.time_s, branch.name))


def folder_trees(git: Git, commits: Sequence[str], folder: str) -> list[str | None]:
    """The id of the tree that `folder` is in each of `commits`; `None` where there is no such folder."""
    asked = "".join(f"{commit}:{folder}\n" for commit in commits)
    lines = git.lines("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked.encode())
    return [line.split()[0] if line.endswith(" tree") else None for line in lines]


def independent(git: Git, commits: Iterable[str]) -> frozenset[str]:
    """Those of `commits` that no other one of them holds already."""
    asked = sorted(set(commits))
    return frozenset(git.lines("merge-base", "--independent", *asked) if len(asked) > 1 else asked)
