"""Checks of claims: those that hold nothing any more, here or on a remote, and those that nobody can read."""

from __future__ import annotations

from gittasks.app import claim_moves, claiming, holders
from gittasks.app.doctor.findings import INFO, WARNING, Finding, Scene
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.repo import claim_writes
from gittasks.repo.claims import claim_refs
from gittasks.workgraph.record import CLOSED, TaskId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gittasks.app.holders import Holding, Holdings
    from gittasks.app.project import Project


def claims(scene: Scene) -> Iterator[Finding]:
    """Claims of this clone on tasks that are closed, gone, or others than they were made for; unreadable ones."""
    astray = claim_moves.find_astray(scene.project)
    for task_id, status, holding in _local_claims(scene.project):
        where, words = f"#{task_id}", holders.describe(holding)
        release = f"`gittasks release {task_id}` drops it"
        if task_id in astray:
            what = f"is {words}: that is #{astray[task_id]} now"
            cure = "`gittasks doctor --fix` moves the claim there"
            yield Finding(WARNING, "claim-astray", where, what, cure, fixable=True)
        elif _is_over(status, holding):
            what = f"is {status}, and still {words}" if status in CLOSED else f"is {words}"
            cure = "`gittasks doctor --fix` drops the claim"
            yield Finding(WARNING, "claim-over", where, what, cure, fixable=True)
        elif holding.claim is None:
            yield Finding(WARNING, "claim-unreadable", where, f"is {words}", release)
        elif status is None:
            what = f"is {words}, but no worktree has a file of it that can be read"
            yield Finding(INFO, "claim-without-task", where, what, f"another branch may have it; {release}")


def remote_claims(scene: Scene) -> Iterator[Finding]:
    """Claims of ours that a remote was last known to have on tasks that are closed: it was not told of the end."""
    me = scene.project.actor()
    for task_id, status, found in _all_claims(scene.project):
        for there in found.remotes if status in CLOSED else ():
            if there.claim is not None and there.claim.owner == me and there.state != holders.STALE:
                what = f"is {status}, and still {holders.describe(there)}"
                cure = f"`gittasks release {task_id} --remote {printable(there.remote or '')}` drops it there"
                yield Finding(WARNING, "remote-claim-over", f"#{task_id}", what, cure)


def move_claims(project: Project, commit: bool) -> tuple[str, ...]:
    """Move the claims whose tasks have other numbers now."""
    return tuple(claim_moves.follow(project))


def drop_claims(project: Project, commit: bool) -> tuple[str, ...]:
    """Drop the claims that hold nothing any more."""
    over: dict[TaskId, Holding] = {}
    for task_id, status, holding in _local_claims(project):
        if holding.state == holders.STALE:
            claim_writes.drop(holders.git_of(project), project.checkout, holding.ref, old=holding.oid)
        elif _is_over(status, holding):
            over[task_id] = holding
    return tuple(claiming.drop_claims(project, over))


def _local_claims(project: Project) -> Iterator[tuple[TaskId, str | None, Holding]]:
    """This clone's claims with the status of their tasks on the board (`None`: no such task)."""
    for task_id, status, found in _all_claims(project):
        if found.local is not None and not holders.is_astray(found.local, task_id):
            yield task_id, status, found.local


def _all_claims(project: Project) -> Iterator[tuple[TaskId, str | None, Holdings]]:
    refs = claim_refs(project.checkout, project.env)
    if not refs:
        return
    board = project.board()
    rows = {number: board.find(number) for number in sorted(refs)}
    found = holders.look_all(project, {number: row.uid if row else "" for number, row in rows.items()}, None)
    for number, row in rows.items():
        yield TaskId(number), row.status if row else None, found[number]


def _is_over(status: str | None, holding: Holding) -> bool:
    return status in CLOSED or holding.state == holders.STALE


CHECKS: tuple[Callable[[Scene], Iterator[Finding]], ...] = (claims, remote_claims)
