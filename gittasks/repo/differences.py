"""Which files below a folder a worktree, or a branch, holds otherwise than the commit it has in common with us."""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gittasks.repo.git import Git

# The tree without files, by hash algorithm: what unrelated histories have in common.
_EMPTY_TREES = {
    40: "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    64: "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}


def merge_base(git: Git, ours: str, theirs: str) -> str:
    """The best common ancestor of two commits; the empty tree where they have none."""
    if ours == theirs:
        return ours
    return git.find_line("merge-base", ours, theirs) or _EMPTY_TREES[len(ours)]


def changed_in_worktree(git: Git, base: str, folder: str) -> list[str]:
    """The paths below `folder` whose file in the worktree of `git`, committed or not, differs from `base`."""
    plain = ("--no-renames", "--no-ext-diff", "--ignore-submodules")
    tracked = git.fields("diff", "--name-only", "-z", *plain, base, "--", folder)
    return sorted({*tracked, *git.fields("ls-files", "-z", "--others", "--", folder)})


def changed_in_commit(git: Git, base: str, commit: str, folder: str) -> list[str]:
    """The paths below `folder` that differ between two commits (or trees)."""
    return git.fields("diff-tree", "-r", "--name-only", "-z", "--no-renames", base, commit, "--", folder)


def read_files(git: Git, commit: str, paths: Iterable[str]) -> dict[str, bytes]:
    """The content of `paths` in `commit` (or a tree); those that are not there, or are no files, are left out."""
    # A path with a line feed cannot be asked for; no task file has such a name.
    asked = [path for path in paths if "\n" not in path]
    if not asked:
        return {}
    lines = b"".join(os.fsencode(f"{commit}:{path}\n") for path in asked)
    output = git.output("cat-file", "--batch", stdin=lines)
    found: dict[str, bytes] = {}
    at = 0
    for path in asked:
        end = output.index(b"\n", at)
        words = output[at:end].split()
        at = end + 1
        if len(words) == 3 and words[1] in (b"blob", b"tree", b"commit", b"tag"):
            size = int(words[2])
            if words[1] == b"blob":
                found[path] = output[at : at + size]
            at += size + 1
    return found
