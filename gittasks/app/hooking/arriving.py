"""post-checkout: which task this worktree is on, and binding one that plain git made for a task."""

from __future__ import annotations

import os

from gittasks.app.binding import find_worked_on
from gittasks.app.hooking.answer import QUIET, Answer
from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import index
from gittasks.repo.places import output_place
from gittasks.repo.siblings import find_siblings
from gittasks.workgraph import store
from gittasks.workgraph.record import CLOSED, BadTaskError, TaskId

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.workgraph.record import Row

_HEADS = "refs/heads/"
# Folders of branches that say what comes behind them; a task's number may also stand alone.
_PREFIXES = ("wt/", "task/", "tasks/")
_MAX_LOG_BYTES = 1 << 12


def arrive(project: Project) -> Answer:
    """What is to be said after a checkout of another commit or branch; nothing in the steps of a rebase or bisect."""
    hide_outputs(project)
    if not os.path.isdir(project.tasks_folder) or index.operation_in_progress(project.checkout.git_dir):
        return QUIET
    branch = _branch(project)
    task_id = find_worked_on(project)
    lines = []
    if task_id is None and branch is not None and project.checkout.is_linked:
        task_id, problem = _bind(project, branch)
        lines += [problem] if problem else []
    if task_id is None:
        return Answer(tuple(lines))
    task = store.read_task(project.tasks_folder, task_id)
    live = _live_runs(project, task_id)
    runs = "" if not live else ", 1 live run" if live == 1 else f", {live} live runs"
    line = f"on #{task_id}, {task.status.replace('_', ' ')}{runs}: {task.subject}"
    moved = _moved(project, branch)
    return Answer(
        (*lines, line + (f"; its branch was {moved}, here is {branch or 'none'} now" if moved else ""))
    )


def hide_outputs(project: Project) -> None:
    """Make the folder of outputs ignore itself, where it is there and does not. Raises `UnsafeFolderError`."""
    outputs = output_place(project.checkout.common_dir, project.checkout.private_dir).folder
    if not os.path.isdir(outputs) or os.path.lexists(os.path.join(outputs, ".gitignore")):
        return
    from gittasks.runtime.folders import prepare_outputs

    prepare_outputs(outputs)


def named_task(branch: str) -> TaskId | None:
    """The task whose number a branch names: `12`, `12-auth`, `task/12`, `wt/12-auth`; `None` for any other."""
    for prefix in _PREFIXES:
        branch = branch.removeprefix(prefix)
    digits = branch.replace("_", "-").partition("-")[0]
    return store.parse_file_name(digits + ".yaml") if digits.isascii() else None


def _bind(project: Project, branch: str) -> tuple[TaskId | None, str]:
    """Bind this worktree to the task that its branch names; the task, or why it was not bound."""
    task_id = named_task(branch) or _of_worktree(project, branch)
    if task_id is None:
        return None, ""
    try:
        task = store.read_task(project.tasks_folder, task_id)
        if task.status in CLOSED:
            return None, ""
        from gittasks.app import starting

        starting.start_task(project, task_id, starting.Options(here=True, offline=True))
    except (store.UnknownTaskError, BadTaskError):
        return None, ""
    except GittasksError as error:
        return None, f"not bound to #{task_id}, which {branch} names: {error.message.splitlines()[0]}"
    return task_id, ""


def _of_worktree(project: Project, branch: str) -> TaskId | None:
    """The one open task that was worked on in a worktree, gone now, that had the branch `wt/<name>`."""
    name = branch.removeprefix("wt/")
    if name == branch or any(sibling.name == name for sibling in find_siblings(project.checkout)):
        return None
    rows: list[Row] = [
        row for row in project.snapshot().rows if row.worktree == name and row.status not in CLOSED
    ]
    return rows[0].id if len(rows) == 1 else None


def _branch(project: Project) -> str | None:
    name = project.git.capture("symbolic-ref", "--quiet", "HEAD")
    ref = os.fsdecode(name or b"").strip()
    return ref.removeprefix(_HEADS) if ref.startswith(_HEADS) else None


def _moved(project: Project, branch: str | None) -> str | None:
    """The branch that this worktree was on when its task was bound, where that is another one.

    What `start` remembered; for others, what git's log says of the checkout that has just happened.
    """
    private = project.checkout.private_dir
    if os.path.isdir(os.path.join(private, "worktrees")):
        from gittasks.app import memos

        known = memos.load(private, project.checkout.name).branch
        if known is not None:
            return known if known != branch else None
    before, after = _last_checkout(project.checkout.git_dir)
    return before if before != after and before is not None and before != branch else None


def _last_checkout(git_dir: str) -> tuple[str | None, str | None]:
    """From where to where the last checkout went, as git's log of HEAD has it; nothing where it keeps none."""
    try:
        with open(os.path.join(git_dir, "logs", "HEAD"), "rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(file.tell() - _MAX_LOG_BYTES, 0))
            line = os.fsdecode(file.read().rstrip(b"\n").rpartition(b"\n")[2])
    except OSError:
        return None, None
    words = line.partition("\tcheckout: moving from ")[2].split(" to ")
    return (words[0], words[1]) if len(words) == 2 else (None, None)


def _live_runs(project: Project, task_id: TaskId) -> int:
    """How many runs of the task live; only looks, and mends nothing."""
    if not os.path.isdir(os.path.join(project.checkout.private_dir, "runs", "live")):
        return 0
    from gittasks.app.runs import run_folders
    from gittasks.runtime import journal, live

    folders = run_folders(project)
    wanted = 0
    for run_id in live.list_live(folders):
        line = live.read_part(folders, run_id, live.RECORD)
        if (
            line is not None
            and journal.may_belong_to_task(line, task_id)
            and live.is_guarded(folders, run_id)
        ):
            wanted += 1
    return wanted
