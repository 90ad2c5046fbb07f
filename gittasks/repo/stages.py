"""A merge that stopped: git's index stages, which operation it is, and who the two sides are (git-ls-files(1), -u).

Knows nothing of what the files mean. In a rebase "ours" is what is rebased onto and "theirs" the commit that is
replayed: that is why a side has a name for people.
"""

from __future__ import annotations

import os

from gittasks.base.files import first_line, read_start
from gittasks.base.proc import ProgramMissingError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo.git import failure
from gittasks.repo.history import Version

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.repo.git import Git

_SQUASH_BYTES = 8192
_STAGES = {"1": "base", "2": "ours", "3": "theirs"}


class Unmerged(NamedTuple):
    """One path that git could not merge; a side that has no such file is `None`."""

    path: str
    base: Version | None = None
    ours: Version | None = None
    theirs: Version | None = None


class Side(NamedTuple):
    """One side of a merge: its name for people (a branch, a commit with its subject), and its commit if known."""

    name: str
    commit: str | None


class Sides(NamedTuple):
    """The `operation` under way (`merge`, `squash`, `rebase`, `cherry-pick`, `revert`, `stash`; empty for none that
    git remembers), its two sides, and the commit that they are compared with (`None`: none, or not known).

    Branches that merged each other have several such commits: then `base` is one of them, and not `is_only_base`.
    """

    operation: str
    ours: Side
    theirs: Side
    base: str | None
    is_only_base: bool = True


def read_unmerged(git: Git) -> dict[str, Unmerged]:
    """Path (from the worktree's root) to its stages, for every unmerged path. Raises `GitError`."""
    versions: dict[str, dict[str, Version]] = {}
    for line in git.fields("ls-files", "--unmerged", "-z", "--full-name"):
        facts, path = line.split("\t", 1)
        mode, oid, stage = facts.split()
        versions.setdefault(path, {})[_STAGES[stage]] = Version(mode, oid)
    return {path: Unmerged(path, **sides) for path, sides in versions.items()}


def find_sides(git: Git, git_dir: str, unmerged: dict[str, Unmerged]) -> Sides:
    """Who is merged with whom in the worktree with this private git folder."""
    ours = Side(_branch(git) or "HEAD", git.find_line("rev-parse", "--quiet", "--verify", "HEAD^{commit}"))
    for name in ("rebase-merge", "rebase-apply"):
        if os.path.isdir(os.path.join(git_dir, name)):
            return _rebase(git, os.path.join(git_dir, name), ours)
    merged = _commit(git, "MERGE_HEAD")
    if merged:
        return Sides("merge", ours, Side(name_commit(git, merged), merged), *_merge_base(git, "HEAD", merged))
    picked = _commit(git, "CHERRY_PICK_HEAD")
    if picked:
        return Sides("cherry-pick", ours, Side(_title(git, picked), picked), _parent(git, picked))
    reverted = _commit(git, "REVERT_HEAD")
    if reverted:
        side = Side(f"the revert of {_title(git, reverted)}", _parent(git, reverted))
        return Sides("revert", ours, side, reverted)
    stash = _commit(git, "refs/stash")
    if stash and _holds(git, stash, unmerged):
        return Sides("stash", ours, Side("stash@{0}", stash), _parent(git, stash))
    squashed = _squashed(git, git_dir)
    if squashed:
        side = Side(name_commit(git, squashed), squashed)
        return Sides("squash", ours, side, *_merge_base(git, "HEAD", squashed))
    return Sides("", ours, Side("the incoming side", None), None)


def find_finished(git: Git) -> Sides | None:
    """The sides of the merge that HEAD is, `None` where it is none."""
    ours, theirs = _commit(git, "HEAD^1"), _commit(git, "HEAD^2")
    if ours is None or theirs is None:
        return None
    sides = (Side(name_commit(git, ours), ours), Side(name_commit(git, theirs), theirs))
    return Sides("", sides[0], sides[1], *_merge_base(git, ours, theirs))


def find_rebase(git_dir: str) -> tuple[str, str] | None:
    """Of a rebase under way, the commit that is rebased onto and the one that the branch had; `None` for none."""
    for name in ("rebase-merge", "rebase-apply"):
        onto, before = (
            (first_line(os.path.join(git_dir, name, part)) or "").strip() for part in ("onto", "orig-head")
        )
        if onto and before:
            return onto, before
    return None


def find_rebased(git: Git, onto: str, before: str) -> Sides | None:
    """The sides of a rebase that has ended: HEAD came from `before` and lies on `onto`. `None` where it does not."""
    if not git.success("merge-base", "--is-ancestor", onto, "HEAD"):
        return None
    sides = (Side(name_commit(git, onto), onto), Side(_title(git, before), before))
    return Sides("", sides[0], sides[1], *_merge_base(git, onto, before))


def find_just_rebased(git: Git) -> tuple[str, str] | None:
    """Of a rebase that was the last thing to move HEAD, what it went onto and what the branch had before."""
    # Without a commit, or where the user keeps no such log, there is nothing to say.
    log = git.call("log", "--walk-reflogs", "--max-count=1000", "--format=%H %gs", "HEAD").stdout
    entries = [line.split(" ", 1) for line in log.decode("utf-8", "replace").splitlines()]
    if not entries or " (finish): " not in entries[0][-1]:
        return None
    starts = (place for place, entry in enumerate(entries) if " (start): " in entry[-1])
    start = next(starts, len(entries))
    return (entries[start][0], entries[start + 1][0]) if start + 1 < len(entries) else None


def _merge_base(git: Git, ours: str, theirs: str) -> tuple[str | None, bool]:
    """A commit that both come from, and whether it is the only best one; the same whoever is ours."""
    done = git.call("merge-base", "--all", ours, theirs)
    found = sorted(os.fsdecode(done.stdout).split())
    return (found[0] if found else None), len(found) < 2


def unstage_paths(git: Git, paths: Sequence[str]) -> str | None:
    """Take `paths` (from the worktree's root) out of the index, also unmerged ones; `None`, or why not.

    Those that are not there are no error. Like `index.stage_paths` it never raises for git's own refusals, nor
    where no git is.
    """
    stdin = b"".join(b":(top,literal)" + os.fsencode(path) + b"\0" for path in paths)
    options = ("--cached", "--quiet", "--ignore-unmatch", "--sparse")
    args = ("rm", *options, "--pathspec-from-file=-", "--pathspec-file-nul")
    try:
        done = git.call(*args, stdin=stdin, write=True)
    except ProgramMissingError as error:
        return f"removed, but not staged: {error.message}"
    return f"removed, but not staged: {failure(('rm',), done).message}" if done.returncode else None


def name_commit(git: Git, commit: str) -> str:
    """A branch that stands at `commit`, else the commit's short id and subject."""
    form = "--format=%(symref) %(refname:short)"
    lines = git.lines("for-each-ref", f"--points-at={commit}", form, "refs/heads", "refs/remotes")
    # `origin/HEAD` stands for another branch: nobody calls it by that name.
    names = (line[1:] for line in lines if line.startswith(" "))
    return next(names, None) or _title(git, commit)


def _rebase(git: Git, folder: str, ours: Side) -> Sides:
    onto = (first_line(os.path.join(folder, "onto")) or "").strip()
    if onto:
        ours = ours._replace(name=name_commit(git, onto))
    commit = _commit(git, "REBASE_HEAD")
    if commit is None:  # `git am`: the other side is a patch
        return Sides("rebase", ours, Side("the patch", None), None)
    branch = (first_line(os.path.join(folder, "head-name")) or "").strip().removeprefix("refs/heads/")
    title = _title(git, commit)
    name = title if branch in ("", "detached HEAD") else f"{branch}, commit {title}"
    return Sides("rebase", ours, Side(name, commit), _parent(git, commit))


def _holds(git: Git, commit: str, unmerged: dict[str, Unmerged]) -> bool:
    """Whether the incoming stages are the files of `commit`."""
    asked = [(f"{commit}:{path}", entry.theirs.oid) for path, entry in unmerged.items() if entry.theirs]
    stdin = os.fsencode("".join(f"{name}\n" for name, _ in asked if "\n" not in name))
    lines = git.lines("cat-file", "--batch-check=%(objectname)", stdin=stdin)
    return bool(lines) and lines == [oid for name, oid in asked if "\n" not in name]


def _squashed(git: Git, git_dir: str) -> str | None:
    """The tip of the branch that `git merge --squash` brought in and nobody committed yet.

    git keeps the message alone, which lists the commits from the tip on, and deletes it when HEAD moves.
    """
    lines = (read_start(os.path.join(git_dir, "SQUASH_MSG"), _SQUASH_BYTES) or b"").splitlines()
    first = next((line for line in lines if line.startswith(b"commit ")), b"")
    return _commit(git, os.fsdecode(first[7:])) if first[7:].isalnum() else None


def _branch(git: Git) -> str | None:
    return git.find_line("symbolic-ref", "--quiet", "--short", "HEAD")


def _commit(git: Git, name: str) -> str | None:
    return git.find_line("rev-parse", "--quiet", "--verify", f"{name}^{{commit}}")


def _parent(git: Git, commit: str) -> str | None:
    return _commit(git, f"{commit}^1")


def _title(git: Git, commit: str) -> str:
    line = git.find_line("log", "-1", "--no-show-signature", "--no-color", "--format=%h %s", commit)
    return line if line else commit[:12]
