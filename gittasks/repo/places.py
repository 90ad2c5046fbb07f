"""Where a clone keeps what its worktrees share, and what git says of a worktree at one moment."""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo.discover import main_top

if TYPE_CHECKING:
    from gittasks.repo.git import Git

OUTPUTS = ".task_outputs"


class OutputPlace(NamedTuple):
    """The folder for the outputs of runs, absolute, and how records name it."""

    folder: str
    shown: str


class Head(NamedTuple):
    """The commit that a worktree stood on, and whether files that git tracks differed from it."""

    commit: str | None
    dirty: bool


def output_place(common_dir: str, private_dir: str) -> OutputPlace:
    """`.task_outputs` at the main worktree's root, or a folder in the git directory where there is none.

    All worktrees of a clone get the same answer: it depends on their common git directory alone.
    """
    top = main_top(common_dir)
    if top is None or not os.path.isdir(top):
        folder = os.path.join(private_dir, "outputs")
        return OutputPlace(folder, folder)
    return OutputPlace(os.path.join(top, OUTPUTS), OUTPUTS)


def read_head(git: Git) -> Head | None:
    """Where a worktree stands now, by one git process; `None` where git cannot say."""
    done = git.call(
        "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=no", "--ignore-submodules=dirty"
    )
    if done.returncode:
        return None
    fields = [field for field in done.stdout.split(b"\0") if field]
    commit = None
    for field in fields:
        if field.startswith(b"# branch.oid "):
            word = field[len(b"# branch.oid ") :].decode("ascii", "replace")
            commit = None if word == "(initial)" else word
    return Head(commit, any(not field.startswith(b"# ") for field in fields))
