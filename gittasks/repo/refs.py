"""Branches: names, tips, creation and deletion by compare-and-swap, and what would be lost with one.

Knows nothing of tasks. Commits are full object ids, so nothing here can be taken for an option.
"""

from __future__ import annotations

from gittasks.base.errors import BusyError, InvalidError, NotFoundError
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.repo.git import Git

HEADS = "refs/heads/"
_REMOTES = "refs/remotes/"
_MAX_NAME = 200


class BadRefNameError(InvalidError):
    """A name that git does not take for a branch, or that could be mistaken for an option."""


class UnknownRevisionError(NotFoundError):
    """No commit has this name."""


class RefMovedError(BusyError):
    """Somebody else moved, made or deleted the branch in the same moment."""


class Commit(NamedTuple):
    """One commit: full id, first line of its message (as written: a stranger's text)."""

    oid: str
    subject: str


def check_branch_name(git: Git, name: str) -> str:
    """`name` when git takes it for a branch. Raises `BadRefNameError`."""
    if not 0 < len(name) <= _MAX_NAME or not name.isprintable() or name.startswith("-"):
        raise BadRefNameError(
            f"{name[:60]!r} is no branch name: expected at most {_MAX_NAME} printable characters"
        )
    if not git.success("check-ref-format", HEADS + name):
        raise BadRefNameError(f"{name[:60]!r} is no branch name", hint="see `git help check-ref-format`")
    return name


def resolve_commit(git: Git, revision: str) -> str:
    """The id of the commit that `revision` (anything git understands) names. Raises `UnknownRevisionError`."""
    fits = 0 < len(revision) <= _MAX_NAME and revision.isprintable() and not revision.startswith("-")
    found = _find_commit(git, revision) if fits else None
    if found is None:
        raise UnknownRevisionError(
            f"{revision[:60]!r} names no commit here",
            hint="`git log` and `git branch --all` show what there is",
        )
    return found


def find_tip(git: Git, branch: str) -> str | None:
    """The commit that a branch points to, `None` where there is no such branch."""
    return _find_commit(git, HEADS + branch)


def find_head(git: Git) -> str | None:
    """The commit that is checked out, `None` before the first one."""
    return _find_commit(git, "HEAD")


def find_current_branch(git: Git) -> str | None:
    """The branch that is checked out, `None` for a detached HEAD."""
    name = git.find_line("symbolic-ref", "--quiet", "HEAD")
    return name.removeprefix(HEADS) if name and name.startswith(HEADS) else None


def newest_tips(git: Git, prefixes: Sequence[str], *, limit: int) -> list[str]:
    """The commits that the refs below `prefixes` point to, those made last first; at most `limit` refs are asked."""
    return git.lines(
        *("for-each-ref", "--sort=-committerdate", f"--count={limit}", "--format=%(objectname)"), *prefixes
    )


def holding_path(git: Git, prefixes: Sequence[str], path: str, *, limit: int) -> list[str]:
    """The refs below `prefixes` whose commits hold a file at `path`: in the order of `prefixes`, then those made last
    first; at most `limit` refs of each are asked (two git processes a prefix).
    """
    found = []
    for prefix in prefixes:
        names = git.lines(
            "for-each-ref", "--sort=-committerdate", f"--count={limit}", "--format=%(refname)", prefix
        )
        asked = "".join(f"{name}:{path}\n" for name in names).encode("utf-8", "surrogateescape")
        answers = git.lines("cat-file", "--batch-check=%(objecttype)", stdin=asked) if names else []
        found += [name for name, answer in zip(names, answers, strict=True) if answer == "blob"]
    return found


def find_base_branch(git: Git, revision: str) -> str | None:
    """The local branch that `revision` stands for: itself, or the local one of a remote-tracking branch's name."""
    full = git.find_line(
        "rev-parse", "--quiet", "--verify", "--symbolic-full-name", "--end-of-options", revision
    )
    # git 2.39 repeats `--end-of-options` in its answer.
    full = (full or "").splitlines()[-1] if full else ""
    if full.startswith(HEADS):
        return full.removeprefix(HEADS)
    if full.startswith(_REMOTES):
        local = full.removeprefix(_REMOTES).partition("/")[2]
        return local if local and find_tip(git, local) else None
    return None


def create_branch(git: Git, name: str, commit: str) -> None:
    """Make a branch that is not there yet. Raises `RefMovedError` where it is."""
    done = git.call("update-ref", "-m", "branch: made by gittasks", HEADS + name, commit, "", write=True)
    if done.returncode:
        raise RefMovedError(
            f"the branch {name} cannot be made: {_last_line(done.stderr)}",
            hint="choose another name with --worktree NAME, or try again",
        )


def move_branch(git: Git, name: str, *, new: str, old: str, reason: str) -> None:
    """Move a branch that nobody has checked out from `old` to `new`. Raises `RefMovedError` where it moved."""
    done = git.call("update-ref", "-m", reason, HEADS + name, new, old, write=True)
    if done.returncode:
        raise RefMovedError(f"the branch {name} moved meanwhile: {_last_line(done.stderr)}", hint="try again")


def delete_branch(git: Git, name: str, tip: str) -> None:
    """Delete a branch that still points to `tip`, with its section in git's config. Raises `RefMovedError`."""
    done = git.call("update-ref", "-d", HEADS + name, tip, write=True)
    if done.returncode:
        raise RefMovedError(
            f"the branch {name} was not deleted: {_last_line(done.stderr)}",
            hint="somebody moved it: look at it first",
        )
    git.call("config", "--local", "--remove-section", f"branch.{name}", write=True)


def is_ancestor(git: Git, older: str, newer: str) -> bool:
    """Whether `newer` holds everything that `older` holds."""
    return git.success("merge-base", "--is-ancestor", older, newer)


def integrated(git: Git, tip: str, target: str, *, started_at: str | None = None) -> str | None:
    """How the commit `target` already holds what `tip` holds; `None` where something would be lost.

    `empty`: nothing was committed since `started_at`; `merged`: an ancestor; `squashed`: merging would change
    nothing, or one commit in `target` has the whole change; `patch_ids`: each commit's change was applied.
    """
    if is_ancestor(git, tip, target):
        return "empty" if tip == started_at else "merged"
    merged = git.call("merge-tree", "--write-tree", "--no-messages", target, tip)
    if merged.returncode == 0 and merged.stdout.decode().strip() == git.line(
        "rev-parse", f"{target}^{{tree}}"
    ):
        return "squashed"
    base = git.find_line("merge-base", target, tip)
    if base is None:
        return None
    if _is_applied(git, target, dangling_commit(git, f"{tip}^{{tree}}", base)):
        return "squashed"
    # A merge commit has no patch id: what it decided would go unseen.
    if not git.lines("rev-list", "--merges", f"{target}..{tip}") and _is_applied(git, target, tip):
        return "patch_ids"
    return None


def commits_between(git: Git, target: str, tip: str) -> list[Commit]:
    """The commits that `tip` has and `target` has not, newest first."""
    return _commits(git, f"{target}..{tip}")


def commits_only_here(git: Git, tip: str, branch: str | None) -> list[Commit]:
    """The commits of `tip` that no other branch, tag or remote-tracking branch than `branch` holds, newest first."""
    exclude = (f"--exclude={HEADS}{branch}",) if branch else ()
    return _commits(git, tip, "--not", *exclude, "--glob=refs/heads", "--tags", "--remotes")


def dangling_commit(git: Git, tree: str, parent: str) -> str:
    """A commit that nobody refers to, and that git forgets in time: what `parent` would be with this tree."""
    identity = ("-c", "user.name=gittasks", "-c", "user.email=gittasks@localhost")
    return git.line(*identity, "commit-tree", "--no-gpg-sign", "-p", parent, "-m", "trial", tree)


def _find_commit(git: Git, name: str) -> str | None:
    return git.find_line("rev-parse", "--quiet", "--verify", "--end-of-options", name + "^{commit}")


def _commits(git: Git, *revisions: str) -> list[Commit]:
    output = git.output("rev-list", "--no-commit-header", "--format=%H %s", *revisions)
    lines = [line.partition(" ") for line in output.decode("utf-8", "replace").split("\n") if line]
    return [Commit(oid, subject) for oid, _, subject in lines]


def _is_applied(git: Git, target: str, tip: str) -> bool:
    """Whether every commit of `tip` that `target` has not has its change in one of those that `tip` has not."""
    lines = git.lines("cherry", target, tip)
    return bool(lines) and all(line.startswith("-") for line in lines)


def _last_line(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else "git gave no reason"
