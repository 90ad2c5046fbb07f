"""Taking the next task: however many ask at once, in whatever worktrees, each gets another one.

A task is claimed first, then put in progress in this worktree's copy, under the writers' lock and after another look
at it. Until that is done the claim names this process: killed in between, it holds nobody up. A remote is told last;
where somebody has the task there, it is put back.
"""

from __future__ import annotations

import os

from gittasks.app import claiming, holders, publishing, reading, releasing, writing
from gittasks.base import clock, identity
from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import claims
from gittasks.repo.siblings import find_siblings
from gittasks.workgraph import rules, store
from gittasks.workgraph.record import PENDING, BadTaskError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.repo.claim_blobs import Claim
    from gittasks.workgraph.record import Row, Task, TaskId

_POLL_S = 0.1
# What no folder shows (a claim whose time is up, a process that died, a file edited in place) is seen this late.
_LOOK_AGAIN_S = 5.0


class Taken(NamedTuple):
    """The task that was taken, its claim, and what a person should know; `messages` are safe to print."""

    task_id: TaskId
    claim: Claim
    messages: tuple[str, ...]


class _LostRaceError(Exception):
    """The task was no longer to be had when we looked at it under the lock."""


def take_next(
    project: Project, *, owner: str, remote: str | None = None, skip: Iterable[TaskId] = ()
) -> Taken:
    """Take the best ready task for `owner` that is not among `skip`, and tell `remote`.

    Raises `NothingReadyError`, `UnknownRemoteError`.
    """
    messages: list[str] = []
    if remote is not None:
        publishing.require_remote(project, remote)
        unreachable = publishing.look_again(project, remote)
        messages += [unreachable] if unreachable is not None else []
    tried = set(skip)
    while True:
        board = project.board()
        ready = reading.ready_rows(project, board, owner=lambda: owner)
        # Of tasks that only another worktree has, there is no file here to put in progress.
        here = [row for row in ready if _is_here(project, row.id)]
        rows = [row for row in here if row.id not in tried]
        if not rows:
            away = len(ready) - len(here)
            startable = len(reading.startable_rows(board, owner=lambda: owner))
            raise reading.nothing_ready(board, claimed=startable - away, away=away)
        for row in rows:
            tried.add(row.id)
            taken = _take(project, row, owner, remote)
            if taken is not None:
                return taken._replace(messages=(*messages, *taken.messages))


def wait_for_change(project: Project, before: tuple[Any, ...], *, timeout_s: float | None) -> bool:
    """Wait until something may be ready that was not: tasks or claims are not as `look_around` saw them `before`, or
    it is time to look again. `False` once `timeout_s` is over.
    """
    now = clock.monotonic_s()
    again = now + _LOOK_AGAIN_S
    end = None if timeout_s is None else now + timeout_s
    while look_around(project) == before and clock.monotonic_s() < again:
        if end is not None and clock.monotonic_s() >= end:
            return False
        clock.sleep_s(_POLL_S)
    return end is None or clock.monotonic_s() < end


def look_around(project: Project) -> tuple[Any, ...]:
    """What moves when somebody changes a task or a claim: a few stats, however many tasks there are."""
    common = project.checkout.common_dir
    tops = [project.top, *(sibling.top for sibling in find_siblings(project.checkout))]
    paths = [os.path.join(top, store.FOLDER) for top in tops]
    paths += [os.path.join(common, claims.ROOT, "claims"), os.path.join(common, "packed-refs")]
    return tuple(_moved(path) for path in paths)


def _moved(path: str) -> tuple[int, ...]:
    try:
        info = os.stat(path)
    except OSError:
        return ()
    return info.st_mtime_ns, info.st_ctime_ns, info.st_ino


def _is_here(project: Project, task_id: TaskId) -> bool:
    return os.path.lexists(os.path.join(project.tasks_folder, store.file_name(task_id)))


def _take(project: Project, row: Row, owner: str, remote: str | None) -> Taken | None:
    """Take one task; `None` where somebody else was quicker."""
    new = claiming.draft(project, row, owner, remote=remote)
    taker = identity.this_process().as_json()

    def is_only_claimed(claim: Claim) -> bool:
        # Somebody of the same name may have taken it since we looked at the board: that is none of ours.
        return claim.via is None or holders.is_untouched(project, row.id, claim)

    try:
        acquired = claiming.acquire(
            project, row, new._replace(via=releasing.VIA_NEXT, taker=taker), adopt=is_only_claimed
        )
    except (holders.ClaimHeldError, rules.NotAllowedError):
        return None
    try:
        written = writing.edit_task(project, row.id, _put_in_progress(project, owner), purpose="take")
    except (_LostRaceError, GittasksError) as error:
        claiming.undo(project, row.id, acquired)
        if isinstance(error, (_LostRaceError, store.UnknownTaskError, BadTaskError)):
            return None
        raise
    try:
        settled = claiming.settle(project, row, acquired)
        _, told = claiming.tell_remote(project, row, settled)
    except holders.ClaimHeldError:
        releasing.give_back(project, row.id, acquired.claim)
        return None
    return Taken(row.id, settled.claim, (*told, *written.warnings))


def _put_in_progress(project: Project, owner: str) -> writing.Decide:
    def decide(task: Task) -> Mapping[str, Any]:
        # No writer of this clone gets in between: what we see now is true until we have written.
        if task.status != PENDING or not _is_still_ready(project, task, owner):
            raise _LostRaceError
        return rules.take(task, owner)

    return decide


def _is_still_ready(project: Project, task: Task, owner: str) -> bool:
    """Whether nobody changed a task since we looked at the board. Where no worktree has it otherwise than pending, no
    merge of them is: then the board need not be made again, which takes the longest of all.
    """
    copies = (task, *(copy for _, copy in claiming.copies_elsewhere(project, task.id)))
    if all(copy.status == PENDING and copy.owner in (None, owner) for copy in copies):
        return True
    return task.id in {row.id for row in reading.startable_rows(project.board(), owner=lambda: owner)}
