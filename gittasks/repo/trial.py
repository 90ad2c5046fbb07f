"""What a worktree changed, and whether two heads would merge: looked at without touching either."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo.differences import merge_base
from gittasks.repo.git import GitError
from gittasks.repo.merging import try_merge

if TYPE_CHECKING:
    from gittasks.repo.git import Git

_PLAIN = ("--name-only", "-z", "--no-renames", "--no-ext-diff", "--ignore-submodules")


class Touched(NamedTuple):
    """The paths that a worktree changed since it left the branch it will land on: in commits up to `head`, and
    `uncommitted` on top.
    """

    head: str
    committed: frozenset[str]
    uncommitted: frozenset[str]

    @property
    def paths(self) -> frozenset[str]:
        """All of them."""
        return self.committed | self.uncommitted


def touched_paths(git: Git, head: str, target: str, *, besides: str) -> Touched:
    """What the worktree of `git`, at `head`, changed since it left the commit `target`, outside the folder `besides`.

    Raises `GitError`.
    """
    where = ("--", ":(top)", f":(top,exclude,literal){besides}")
    base = merge_base(git, target, head)
    committed = git.fields("diff-tree", "-r", *_PLAIN[:3], base, head, *where)
    changed = git.fields("diff", *_PLAIN, "HEAD", *where)
    untracked = git.fields("ls-files", "-z", "--others", "--exclude-standard", "--full-name", *where)
    return Touched(head, frozenset(committed), frozenset((*changed, *untracked)))


def colliding_paths(git: Git, one: str, other: str) -> tuple[str, ...]:
    """The paths that a merge of two commits would leave in conflict; histories without a common start have none."""
    try:
        return try_merge(git, one, other).conflicts
    except GitError:
        return ()
