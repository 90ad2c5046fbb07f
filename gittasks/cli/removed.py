"""How `finish` and `worktree remove` say what became of a worktree, its branch, and what was lost."""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.cli.context import Context
    from gittasks.repo.refs import Commit

_WORDS = {
    "removed": "the worktree {name} is removed",
    "kept": "the worktree {name} is kept",
    "retained_unmerged": "the worktree {name} is removed; the branch {branch} stays: not all of it is in {base}",
    "retained_checked_out": "the worktree {name} is removed; the branch {branch} stays: it is checked out elsewhere",
    "retained_base": "the worktree {name} is removed; the branch {branch} stays: others go back to it",
    "already_finished": "it was finished already",
}


def words(outcome: str, *, name: str | None, branch: str | None, base: str | None) -> str:
    """One sentence for an outcome."""
    text = _WORDS[outcome].format(name=name, branch=branch, base=base or "any other branch")
    return printable(text)


def show_lost(ctx: Context, files: Sequence[str], commits: Sequence[Commit], path: str | None) -> None:
    """Name everything that was lost, and tell someone who stands in a folder that is gone."""
    for file in files:
        ctx.say(f"lost: {printable(file)}")
    for commit in commits:
        ctx.say(f"lost: commit {commit.oid} {printable(commit.subject)}")
    here = os.path.realpath(ctx.cwd) + os.sep
    if path is not None and here.startswith(path + os.sep) and not os.path.isdir(path):
        ctx.say("you stood in it: change to another folder")
