"""Where a clone keeps what its worktrees share, and what git says of a worktree at one moment."""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo.discover import main_top

if TYPE_CHECKING:
    from gittasks.base.proc import Question
    from gittasks.repo.git import Git

OUTPUTS = ".task_outputs"


class OutputPlace(NamedTuple):
    """The folder for the outputs of runs, absolute, and how records name it."""

    folder: str
    shown: str


class Head(NamedTuple):
    """The commit that a worktree stood on, and whether files that git tracks (but one folder) differed from it."""

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


def ask_head(git: Git, *, besides: str) -> Question:
    """Let git look where a worktree stands now; `parse_head` understands the answer.

    Changes in the folder `besides` of its root do not count, and git spares itself the look at these files.
    """
    options = ("--porcelain=v2", "--branch", "-z", "--untracked-files=no", "--ignore-submodules=dirty")
    return git.ask("status", *options, "--", f":(top,exclude){besides}")


def parse_head(answer: bytes | None) -> Head | None:
    """Where a worktree stood when git was asked; `None` where git could not say."""
    if answer is None:
        return None
    fields = [field for field in answer.split(b"\0") if field]
    commit = None
    for field in fields:
        if field.startswith(b"# branch.oid "):
            word = field[len(b"# branch.oid ") :].decode("ascii", "replace")
            commit = None if word == "(initial)" else word
    return Head(commit, any(not field.startswith(b"# ") for field in fields))
