"""Which task files other branches and worktrees hold, so that no id is issued twice.

Knows only file names: `<folder>/<number>.yaml`.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from gittasks.repo.git import Git


def task_trees(git: Git, folder: str) -> set[str]:
    """The ids of the trees that `folder` is on all local and remote-tracking branches (two git processes)."""
    commits = set(git.lines("for-each-ref", "--format=%(objectname)", "refs/heads", "refs/remotes"))
    if not commits:
        return set()
    asked = "".join(f"{commit}:{folder}\n" for commit in sorted(commits))
    lines = git.lines("cat-file", "--batch-check=%(objectname) %(objecttype)", stdin=asked.encode())
    return {line.split()[0] for line in lines if line.endswith(" tree")}


def highest_number(git: Git, trees: Iterable[str], parse: Callable[[str], int | None]) -> int:
    """The highest number that `parse` finds in the file names of `trees`, 0 for none (one git process a tree)."""
    highest = 0
    for tree in trees:
        for name in git.fields("ls-tree", "-z", "--name-only", tree):
            highest = max(highest, parse(name) or 0)
    return highest
