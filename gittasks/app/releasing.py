"""Letting a claimed task go: its claim is dropped, and what `next --claim` did to its file is put back."""

from __future__ import annotations

import os

from gittasks.app import claiming, holders, publishing, writing
from gittasks.app.holders import ClaimHeldError
from gittasks.app.publishing import Publication
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import claim_writes
from gittasks.repo.git import scrub
from gittasks.workgraph import store
from gittasks.workgraph.record import IN_PROGRESS, PENDING, BadTaskError, TaskId

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gittasks.app.holders import Holding, Holdings
    from gittasks.app.project import Project
    from gittasks.repo.claim_blobs import Claim
    from gittasks.workgraph.record import Task

VIA_NEXT = "next"
_ATTEMPTS = 5


class Released(NamedTuple):
    """What `release` did: the claim that was dropped, if there was one, and the task, if it can be read.

    `given_back`: the task was in progress by that claim alone, and is pending again. `messages` are safe to print.
    """

    task_id: TaskId
    task: Task | None
    claim: Claim | None
    given_back: bool = False
    publication: Publication | None = None
    messages: tuple[str, ...] = ()


def release(
    project: Project, task_id: TaskId, *, owner: str | None = None, remote: str | None = None
) -> Released:
    """Drop the claim on a task, here and on the remote that it was told to, or on `remote`.

    Somebody else's claim only where it was made in this very worktree, and nobody was named as the one who acts.
    Raises `ClaimHeldError`, `UnknownTaskError` (neither task nor claim), `UnknownRemoteError`, `GitError`.
    """
    if remote is not None:
        publishing.require_remote(project, remote)
    task = claiming.find_task(project, task_id)
    me = project.actor(owner)
    is_named = bool(owner or project.env.get("GITTASKS_OWNER"))
    for _ in range(_ATTEMPTS):
        found = holders.look(project, task_id, task.uid if task is not None else "", me)
        local = found.local
        if local is None:
            break
        if not _may_release(project, local, me, is_named=is_named):
            raise ClaimHeldError(
                f"#{task_id} is {holders.describe(local)}",
                local,
                hint="--owner NAME acts for somebody else; `gittasks claim --steal --reason T` takes it over",
            )
        given_back, messages = give_back(project, task_id, local.claim)
        if claim_writes.drop(holders.git_of(project), project.checkout, local.ref, old=local.oid):
            told = _tell(project, task_id, local, remote)
            if told is not None and not told.done:
                messages = (*messages, publishing.not_withdrawn(task_id, told))
            task = claiming.find_task(project, task_id)
            return Released(task_id, task, local.claim, given_back, told, messages)
    else:
        raise holders.restless_error(task_id)
    if remote is not None:
        return _release_there(project, task_id, task, me, remote)
    return _nothing_here(project, task_id, task, found)


def give_back(project: Project, task_id: TaskId, claim: Claim | None) -> tuple[bool, tuple[str, ...]]:
    """Make a task pending again that is in progress only because `next --claim` put it there: nothing was started.

    Answers whether that was so, and warnings. It comes before the claim is dropped: killed in between, both can be
    done again.
    """
    if claim is None or claim.via != VIA_NEXT:
        return False, ()
    from gittasks.app.project import open_project

    def decide(task: Task) -> Mapping[str, Any]:
        is_ours = (task.status, task.owner, task.worktree) == (IN_PROGRESS, claim.owner, None)
        if not is_ours or (task.uid and claim.uid and task.uid != claim.uid):
            return {}
        return {"status": PENDING} | ({} if claim.assigned else {"owner": None})

    numbers = dict.fromkeys((task_id, TaskId(claim.id)))  # the worktree may know it by the number that it had
    for top in holders.find_tops(project, claim.worktree):
        site = project if top == project.checkout.top else open_project(top, env=scrub(project.env))
        for number in numbers:
            try:
                written = writing.edit_task(site, number, decide, purpose="release")
            except (store.UnknownTaskError, store.NoTasksError, BadTaskError):
                continue
            if written.changed:
                return True, written.warnings
    return False, ()


def _tell(project: Project, task_id: TaskId, dropped: Holding, remote: str | None) -> Publication | None:
    if remote is None and dropped.claim is not None:
        remote = dropped.claim.remote
    return publishing.withdraw(project, task_id, remote, dropped.oid) if remote is not None else None


def _nothing_here(project: Project, task_id: TaskId, task: Task | None, found: Holdings) -> Released:
    """This clone holds no claim: say who does elsewhere."""
    if task is None:
        claiming.require_task(project, task_id)
    seen = tuple(f"#{task_id} is {holders.describe(one)}" for one in found.remotes)
    return Released(task_id, task, None, messages=seen)


def _release_there(project: Project, task_id: TaskId, task: Task | None, me: str, remote: str) -> Released:
    """This clone holds no claim: drop the one that its owner still has on the remote."""
    unreachable = publishing.look_again(project, remote)
    if unreachable is not None:
        told = Publication(remote, False, unreachable)
        return Released(
            task_id, task, None, publication=told, messages=(publishing.not_withdrawn(task_id, told),)
        )
    found = holders.look(project, task_id, task.uid if task is not None else "", me)
    there = next((one for one in found.remotes if one.remote == remote), None)
    if there is None:
        return _nothing_here(project, task_id, task, found)
    if there.claim is None or there.claim.owner != me:
        raise ClaimHeldError(
            f"#{task_id} is {holders.describe(there)}", there, hint="--owner NAME acts for somebody else"
        )
    told = publishing.withdraw(project, task_id, remote, there.oid)
    messages = () if told.done else (publishing.not_withdrawn(task_id, told),)
    return Released(task_id, task, there.claim if told.done else None, publication=told, messages=messages)


def _may_release(project: Project, holding: Holding, me: str, *, is_named: bool) -> bool:
    claim = holding.claim
    if holding.is_free or claim is None or claim.owner == me:
        return True
    here = (project.checkout.name, os.uname().nodename)
    return not is_named and (claim.worktree, claim.host) == here
