"""Claiming a task: who has taken it, now, for all worktrees of the clone and for the remotes that are told.

A claim changes no task file. It is made, replaced and dropped by compare-and-swap, so that of all who try at once one
succeeds; no lock is held.
"""

from __future__ import annotations

import os

from gittasks.app import claim_moves, holders
from gittasks.app.holders import OWN, STALE, Acquired, ClaimHeldError
from gittasks.base import clock
from gittasks.base.errors import GittasksError
from gittasks.base.ids import new_uid
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable
from gittasks.repo import claim_writes, claims
from gittasks.repo.claim_blobs import Claim, format_claim
from gittasks.workgraph import rules, store
from gittasks.workgraph.record import IN_PROGRESS, BadTaskError, TaskId

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gittasks.app.holders import Holding
    from gittasks.app.project import Project
    from gittasks.app.publishing import Publication
    from gittasks.workgraph.record import Row, Task

_ATTEMPTS = 5


class Options(NamedTuple):
    """How to claim: for whom, which remote to tell, for how long, and why it is taken from whoever has it."""

    owner: str | None = None
    remote: str | None = None
    ttl_s: float | None = None
    steal: str | None = None


class Claimed(NamedTuple):
    """What `claim` did; `messages` are for a person, safe to print."""

    task: Task
    acquired: Acquired
    publication: Publication | None = None
    messages: tuple[str, ...] = ()


def claim(project: Project, task_id: TaskId, options: Options) -> Claimed:
    """Take a task; nothing but its time and its remote changes where the owner has it already.

    Raises `ClaimHeldError`, `NotAllowedError`, `UnknownTaskError`, `UnknownRemoteError`, `GitError`.
    """
    task = require_task(project, task_id)
    rules.require_open(task)
    new = draft(project, task, project.actor(options.owner), remote=options.remote)
    if options.ttl_s is not None:
        new = new._replace(expires=clock.format_utc(clock.now_s() + options.ttl_s))
    if options.remote is not None:
        from gittasks.app import publishing

        publishing.require_remote(project, options.remote)
        if options.steal is not None:
            publishing.look_again(project, options.remote)  # from whom?
    acquired = acquire(project, task, new, steal=options.steal)
    if options.remote is None and not acquired.created and acquired.before is None:
        return Claimed(task, acquired)
    told, messages = tell_remote(project, task, acquired, steal=options.steal is not None)
    return Claimed(task, acquired, told, (*messages_of(acquired), *messages))


def tell_remote(
    project: Project, task: Row | Task, acquired: Acquired, *, steal: bool = False
) -> tuple[Publication | None, tuple[str, ...]]:
    """Tell the remote that a claim names, if it names one: what came of it, and what a person should know (safe to
    print). Raises `ClaimHeldError`: another has the task there, and the claim here is undone.
    """
    if acquired.claim.remote is None:
        return None, ()
    from gittasks.app import publishing

    told = publishing.publish(project, task, acquired, steal=steal)
    return told, () if told.done else (publishing.not_told(task.id, told),)


def drop_claims(project: Project, found: Mapping[TaskId, Holding]) -> list[str]:
    """Drop these claims (by task, as `holders.find_local` has them), whoever holds them; what is to be said of that.

    Never in the way of what was done to the task's own file: a claim that cannot be dropped is only told of, and one
    that is another now stays.
    """
    messages = []
    for task_id, local in found.items():
        try:
            messages += _drop(project, task_id, local)
        except GittasksError as error:
            messages.append(f"the claim on #{task_id} stays: {error.message}")
    return messages


def acquire(
    project: Project,
    task: Row | Task,
    new: Claim,
    *,
    steal: str | None = None,
    adopt: Callable[[Claim], bool] | None = None,
) -> Acquired:
    """Make the claim `new` in this clone, or answer the one that its owner has.

    With `adopt`, that one is replaced where `adopt` says so of it, and in the way where not. What takes the place of
    a claim on the task in this clone goes on for the remote that it was told to: `tell_remote` is for the caller.
    What a remote is known to have counts, unless `new` is to be told to it. `steal` is why it is taken from whoever
    has it. Raises `ClaimHeldError`, `GitError`.
    """
    for _ in range(_ATTEMPTS):
        found = holders.look(project, task.id, task.uid, new.owner)
        if found.local is not None and holders.is_astray(found.local, task.id):
            claim_moves.move(project, {found.local.number: task.id})
            continue
        if found.local is not None and found.local.state == STALE:
            moves = claim_moves.find_astray(project)
            if moves and claim_moves.move(project, moves):
                continue  # it was no claim on this task, but is one on another
        if steal is None:
            found = found._replace(remotes=tuple(one for one in found.remotes if one.remote != new.remote))
        standing = found.deciding
        wanted = _continued(_wanted(task, new, standing, adopt, steal), found.local)
        if standing is not None and standing.claim == wanted:
            return Acquired(standing.oid, wanted, False)
        if standing is None and steal is None:
            _refuse_owner(task, new.owner, found.local)
        old = found.local.oid if found.local is not None else None
        oid = claim_writes.put(
            holders.git_of(project),
            project.checkout,
            claims.claim_ref(task.id),
            format_claim(wanted),
            old=old,
        )
        if oid is not None:
            before = standing or found.local
            is_ours = before is not None and before.state == OWN
            if steal is not None and before is not None and not is_ours:
                _remember(project, task.id, before, wanted)
            return Acquired(oid, wanted, not is_ours, before)
    raise holders.restless_error(task.id)


def undo(project: Project, task_id: TaskId, acquired: Acquired) -> None:
    """Drop a claim that came to nothing; the one that held here before, its owner's or a stolen one, is put back, and
    what a remote knows of.
    """
    git, ref = holders.git_of(project), claims.claim_ref(task_id)
    before = acquired.before
    if before is None and not acquired.created:
        return  # it stood already, just like this
    if before is not None and before.remote is None and (not before.is_free or _is_told(before)):
        claim_writes.point(git, project.checkout, ref, before.oid, old=acquired.oid)
    else:
        claim_writes.drop(git, project.checkout, ref, old=acquired.oid)


def settle(project: Project, task: Row | Task, acquired: Acquired) -> Acquired:
    """Take the process out of the claim that has put the task in progress. Raises `ClaimHeldError`: it was stolen."""
    done = acquired.claim._replace(taker=None)
    git, ref = holders.git_of(project), claims.claim_ref(task.id)
    oid = claim_writes.put(git, project.checkout, ref, format_claim(done), old=acquired.oid)
    if oid is None:
        raise ClaimHeldError(f"the claim on #{task.id} was taken over meanwhile")
    return acquired._replace(oid=oid, claim=done)


def draft(project: Project, task: Row | Task, owner: str, *, remote: str | None = None) -> Claim:
    """A claim on `task` as it is made here and now."""
    from gittasks.runtime.record import is_run_id
    from gittasks.runtime.tree import RUN_VARIABLE

    run = project.env.get(RUN_VARIABLE, "")
    return Claim(
        id=task.id,
        uid=task.uid,
        owner=owner,
        host=os.uname().nodename,
        worktree=project.checkout.name,
        time=clock.now_utc(),
        nonce=new_uid(),
        run=run if is_run_id(run) else None,
        remote=remote,
        assigned=task.owner == owner,
    )


def require_task(project: Project, task_id: TaskId) -> Task:
    """The copy of a task that is worked on: that of the worktree it is bound to, else this one's, else any.

    Raises `UnknownTaskError`, `BadTaskError`, `NoTasksError`.
    """
    here = None
    try:
        here = store.read_task(project.require_tasks(), task_id)
    except store.UnknownTaskError as error:
        unknown = error
    if here is not None and here.worktree == project.checkout.name:
        return here
    elsewhere = None
    for name, copy in copies_elsewhere(project, task_id):
        if here is not None and here.uid != copy.uid:
            continue
        if copy.worktree == name:
            return copy
        elsewhere = elsewhere or copy
    found = here or elsewhere
    if found is None:
        raise unknown
    return found


def find_task(project: Project, task_id: TaskId) -> Task | None:
    """The task, `None` where it is gone or cannot be read: its claim can be dropped all the same."""
    try:
        return require_task(project, task_id)
    except (store.UnknownTaskError, BadTaskError):
        return None


def copies_elsewhere(project: Project, task_id: TaskId) -> Iterator[tuple[str, Task]]:
    """The copies of a task that the other worktrees have and that can be read, each with its worktree's name."""
    from gittasks.repo.siblings import find_siblings

    for sibling in find_siblings(project.checkout):
        try:
            yield sibling.name, store.read_task(os.path.join(sibling.top, store.FOLDER), task_id)
        except (store.UnknownTaskError, store.NoTasksError, BadTaskError, OSError):
            continue


def _wanted(
    task: Row | Task,
    new: Claim,
    standing: Holding | None,
    adopt: Callable[[Claim], bool] | None,
    steal: str | None,
) -> Claim:
    """What the claim should be. Raises `ClaimHeldError` where another's stands in the way."""
    if standing is None:
        return new
    kept = standing.claim
    if standing.state == OWN and kept is not None:
        if adopt is not None and adopt(kept):
            return new._replace(expires=new.expires or kept.expires)
        if adopt is not None:
            raise holders.held_error(task.id, standing)
        return kept._replace(expires=new.expires or kept.expires, remote=new.remote or kept.remote)
    if steal is None:
        raise holders.held_error(task.id, standing)
    return new._replace(reason=steal, previous=kept.owner if kept is not None else None)


def _continued(wanted: Claim, local: Holding | None) -> Claim:
    """`wanted`, as the same claim goes on where it takes the place of `local`: told to the same remote."""
    before = local.claim if local is not None and local.state != STALE else None
    if before is None:
        return wanted
    return wanted._replace(nonce=before.nonce, remote=wanted.remote or before.remote)


def _is_told(holding: Holding) -> bool:
    return holding.state != STALE and holding.claim is not None and holding.claim.remote is not None


def _refuse_owner(task: Row | Task, owner: str, free: Holding | None) -> None:
    """Raise where the task's own file says that it is another's, who did not lose it with a claim that fell free."""
    if task.owner in (None, owner):
        return
    if free is not None and free.state != STALE and free.claim is not None and free.claim.owner == task.owner:
        return
    hint = "ask them; `--steal --reason T` claims it all the same"
    if task.status == IN_PROGRESS:
        where = f" in the worktree {printable(task.worktree)}" if task.worktree else ""
        raise ClaimHeldError(
            f"#{task.id} is in progress, by {printable(task.owner)}{where}, without a claim", hint=hint
        )
    raise rules.NotAllowedError(f"#{task.id} belongs to {printable(task.owner)}", hint=hint)


def _remember(project: Project, task_id: int, before: Holding, after: Claim) -> None:
    """The blob of a claim that was taken over is soon forgotten by git: the events keep it, and the reason."""
    from gittasks.app import events

    events.record(
        project.private_folder(),
        "claim_stolen",
        worktree=project.checkout.name,
        task=task_id,
        before=before.as_json(),
        after=after.as_json(),
    )


def messages_of(acquired: Acquired) -> tuple[str, ...]:
    """What a person should know of a claim that took another's place; safe to print."""
    if acquired.before is None or not acquired.created:
        return ()
    return (f"taken over; it was {holders.describe(acquired.before)}",)


def _drop(project: Project, task_id: TaskId, local: Holding) -> list[str]:
    if not claim_writes.drop(holders.git_of(project), project.checkout, local.ref, old=local.oid):
        return []
    claim, messages = local.claim, []
    if claim is not None and claim.owner != project.actor():
        messages.append(f"#{task_id} was {holders.describe(local)}: that claim is dropped")
    if claim is not None and claim.remote is not None:
        from gittasks.app import publishing

        told = publishing.withdraw(project, task_id, claim.remote, local.oid)
        messages += [] if told.done else [publishing.not_withdrawn(task_id, told)]
    return messages
