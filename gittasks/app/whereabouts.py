"""Where a task is that is not in this checkout: for the error that says so, and only once it is to be said."""

from __future__ import annotations

import os
import shlex

from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable
from gittasks.repo import refs, siblings
from gittasks.workgraph import store

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.workgraph.record import TaskId

_MOST_BRANCHES = 200
_REMOTES = "refs/remotes/"


class Whereabouts(NamedTuple):
    """What to add to an error: `words` say where the task is, `cure` what to do about it. Safe to print."""

    words: str
    cure: str


def find_task(project: Project, task_id: TaskId) -> Whereabouts | None:
    """The worktree that has the task, else the branch: local ones first, of these the newest; `None` for none.

    Never raises: who asks has an error to tell already.
    """
    try:
        return _in_worktree(project, task_id) or _on_branch(project, task_id)
    except (GittasksError, OSError):
        return None


def _in_worktree(project: Project, task_id: TaskId) -> Whereabouts | None:
    for other in siblings.find_siblings(project.checkout):
        if os.path.lexists(os.path.join(other.top, store.FOLDER, store.file_name(task_id))):
            enter = f'`cd "$(gittasks worktree enter {_word(other.name)})"` leads there'
            head = siblings.read_link("HEAD", other.git_dir) or ""
            branch = head.removeprefix(refs.HEADS)
            here = f"; `git merge {_word(branch)}` brings what is committed there here" if branch else ""
            return Whereabouts(f"it is in the worktree {printable(other.name)}", enter + here)
    return None


def _on_branch(project: Project, task_id: TaskId) -> Whereabouts | None:
    path = f"{store.FOLDER}/{store.file_name(task_id)}"
    for name in refs.holding_path(project.git, (refs.HEADS, _REMOTES), path, limit=_MOST_BRANCHES):
        short = name.removeprefix(refs.HEADS).removeprefix(_REMOTES)
        here = f"`git merge {_word(short)}` brings it here"
        there = f"; `git switch {_word(short)}` leads there" if name.startswith(refs.HEADS) else ""
        return Whereabouts(f"it is on the branch {printable(short)}", here + there)
    return None


def _word(name: str) -> str:
    """`name` as one word of a shell line."""
    return shlex.quote(printable(name))
