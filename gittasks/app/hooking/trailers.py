"""commit-msg and prepare-commit-msg: the trailer `Task: #12` in the message of a commit made in a bound worktree.

commit-msg alone does it, behind the editor. prepare-commit-msg, where it is installed, shows the trailer in the
editor, and serves `--no-verify`; it leaves an empty message alone, since one with a trailer would no longer call the
commit off when nothing else is written.
"""

from __future__ import annotations

import os

from gittasks.app.binding import find_worked_on
from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo.index import operation_in_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.app.project import Project

KEY = "Task"
_MAX_BYTES = 1 << 22
_SCISSORS = b"------------------------ >8 ------------------------"
# What `git rebase --autosquash` folds into another commit, message and all.
_FOLDED = (b"fixup! ", b"squash! ", b"amend! ")


def add_trailer(project: Project, args: Sequence[str]) -> None:
    """Add the trailer to the message file `args[0]`, unless one is there, or the commit is none of this task's.

    `args` are those of either hook; of the source of the message (`args[1]`) merges and squashes count. Raises
    `GitError`.
    """
    path = os.path.join(project.top, args[0])
    if args[1:2] in (["merge"], ["squash"]) or not os.path.isdir(project.tasks_folder):
        return
    git_dir = project.checkout.git_dir
    if operation_in_progress(git_dir) not in (None, "a bisect"):
        return
    message = files.read_regular(path, limit_bytes=_MAX_BYTES)
    text = _without_comments(message, _comment_char(project))
    if not text.strip() or text.lstrip().startswith(_FOLDED) or _has_trailer(text):
        return
    task_id = find_worked_on(project)
    if task_id is None:
        return
    how = ("--in-place", "--where=end", "--if-exists=doNothing", "--if-missing=add")
    settings = ("-c", "trailer.separators=:")
    project.git.output(*settings, "interpret-trailers", *how, f"--trailer={KEY}: #{task_id}", "--", path)


def _has_trailer(text: bytes) -> bool:
    start = f"{KEY}:".lower().encode()
    return any(line.lower().startswith(start) for line in text.splitlines())


def _without_comments(message: bytes, comment: bytes) -> bytes:
    kept = []
    for line in message.splitlines(keepends=True):
        if line.startswith(comment):
            if _SCISSORS in line:
                break
            continue
        kept.append(line)
    return b"".join(kept)


def _comment_char(project: Project) -> bytes:
    """What comments start with; `auto` picks another one only where the message itself has lines that start so."""
    named = project.git.config("core.commentChar")
    return (named or "#").encode() if named != "auto" else b"#"
