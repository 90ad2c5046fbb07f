"""Telling a remote of claims. What it cannot be told (no network, no right to push) is answered, never raised."""

from __future__ import annotations

from gittasks.app import holders
from gittasks.app.holders import STALE, Acquired, ClaimHeldError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable
from gittasks.repo import claim_remotes, claim_writes, claims
from gittasks.repo.claim_blobs import is_same_claim, read_claims
from gittasks.repo.claim_remotes import FAILED, PUSHED, UnreachableError
from gittasks.workgraph.record import Task, TaskId

if TYPE_CHECKING:
    from typing import Any

    from gittasks.app.holders import Holding
    from gittasks.app.project import Project
    from gittasks.repo.claim_blobs import Claim
    from gittasks.workgraph.record import Row

_ATTEMPTS = 4


class Publication(NamedTuple):
    """What became of telling a remote: `done`, or in `words` why it does not know."""

    remote: str
    done: bool
    words: str = ""

    def as_json(self) -> dict[str, Any]:
        """As it stands under `remote` in a JSON document."""
        return {"name": self.remote, "told": self.done, "message": self.words or None}


def require_remote(project: Project, remote: str) -> None:
    """Raise `UnknownRemoteError` where this clone has no such remote."""
    claim_remotes.require_remote(holders.git_of(project), remote)


def look_again(project: Project, remote: str) -> str | None:
    """Bring what is known of a remote's claims up to date; `None`, or why that was not possible."""
    try:
        claim_remotes.fetch(holders.git_of(project), project.checkout, remote)
    except UnreachableError as error:
        return error.message
    return None


def publish(project: Project, task: Row | Task, acquired: Acquired, *, steal: bool = False) -> Publication:
    """Tell the remote that the claim names. Where another holds the task there, the claim is undone in this clone.

    Raises `ClaimHeldError` then.
    """
    remote = str(acquired.claim.remote)
    try:
        require_remote(project, remote)  # a claim is anybody's text: a URL in it may be a program
    except claim_remotes.UnknownRemoteError as error:
        return Publication(remote, False, error.message)
    other = _under_another_number(project, task, remote)
    if other is not None:
        if not steal:
            raise _lost(project, task, acquired, other)
        _withdraw(project, other.number, remote, other.oid)
    told = _push(project, task, acquired, remote, steal=steal)
    if told.done:
        _withdraw_elsewhere(project, task.id, remote, acquired.oid)
    if told.done or steal:
        return told
    # Also when the remote did not answer: what it was last known to have still holds.
    other = _seen(project, task, remote)
    if other is None or other.is_free:
        return told
    raise _lost(project, task, acquired, other)


def _lost(project: Project, task: Row | Task, acquired: Acquired, other: Holding) -> ClaimHeldError:
    """Undo the claim here, and answer the error that says who has the task there."""
    git = holders.git_of(project)
    claim_writes.drop(git, project.checkout, claims.claim_ref(task.id), old=acquired.oid)
    return holders.held_error(task.id, other)


def _under_another_number(project: Project, task: Row | Task, remote: str) -> Holding | None:
    """The claim of another that stands on the remote under a number that the task had: no lease speaks of that."""
    for is_news in (False, True):
        other = _seen(project, task, remote)
        if other is None or other.is_free or not holders.is_astray(other, task.id):
            return None
        if not is_news:
            look_again(project, remote)
    return other


def exchange(project: Project, remote: str, *, push: bool = True) -> list[str]:
    """Learn what a remote has of claims and, with `push`, tell it those that it was to be told and was not.

    Answers what a person should know, safe to print: what was not told, and which claims were lost to others.
    """
    unreachable = look_again(project, remote)
    if unreachable is not None:
        return [printable(unreachable)]
    messages = []
    for task_id, (oid, claim) in (_own_claims(project) if push else {}).items():
        if claim.remote != remote or _known(project, remote, task_id) == oid:
            continue
        try:
            told = publish(project, Task(TaskId(task_id), claim.uid), Acquired(oid, claim, False))
        except ClaimHeldError as error:
            messages.append(f"{error.message}; it is no longer claimed here")
        else:
            messages += [] if told.done else [not_told(task_id, told)]
    return messages


def named_remotes(project: Project) -> list[str]:
    """The remotes that claims of this clone are to be told to, or that it knows claims of; sorted by name."""
    refs = claims.claim_refs(project.checkout, project.env)
    found = {remote for names in refs.values() for name in names if (remote := claims.remote_of(name))}
    found |= {claim.remote for _, claim in _own_claims(project).values() if claim.remote is not None}
    # A claim is anybody's text: only what this clone has as a remote is one.
    return sorted(found.intersection(holders.git_of(project).lines("remote"))) if found else []


def _own_claims(project: Project) -> dict[int, tuple[str, Claim]]:
    """The claims of this clone that can be read, by task, each with the id of its blob."""
    oids = {
        task_id: oid
        for task_id in claims.claim_refs(project.checkout, project.env)
        if (oid := claims.read_ref(project.checkout, project.env, claims.claim_ref(task_id))) is not None
    }
    read = read_claims(project.checkout, project.env, oids.values())
    return {task_id: (oid, claim) for task_id, oid in oids.items() if (claim := read.get(oid)) is not None}


def withdraw(project: Project, task_id: TaskId, remote: str, oid: str) -> Publication:
    """Take the claim `oid` away from a remote, if it is still there; also as it was before it was renewed here."""
    git = holders.git_of(project)
    try:
        claim_remotes.require_remote(git, remote)  # a claim is anybody's text: a URL in it may be a program
    except claim_remotes.UnknownRemoteError as error:
        return Publication(remote, False, error.message)
    _withdraw_elsewhere(project, task_id, remote, oid)
    return _withdraw(project, task_id, remote, oid)


def _withdraw_elsewhere(project: Project, task_id: int, remote: str, oid: str) -> None:
    """Take the claim away from the number that its task had when the remote was told, as far as that is known."""
    for number, refs in claims.claim_refs(project.checkout, project.env).items():
        there = _known(project, remote, number) if claims.tracking_ref(remote, number) in refs else None
        if number != task_id and there is not None and _is_same(project, there, oid):
            _withdraw(project, number, remote, oid)


def _withdraw(project: Project, task_id: int, remote: str, oid: str) -> Publication:
    git = holders.git_of(project)
    lease = _known(project, remote, task_id)
    if lease is None or not _is_same(project, lease, oid):
        lease = oid
    words = ""
    for _ in range(_ATTEMPTS):
        answer = claim_remotes.push_deletion(git, project.checkout, remote, task_id, lease=lease)
        words = answer.words
        if answer.outcome == PUSHED:
            return Publication(remote, True)
        unreachable = look_again(project, remote) if answer.outcome != FAILED else words
        if unreachable is not None:
            return Publication(remote, False, unreachable)
        there = _known(project, remote, task_id)
        if there is None or not _is_same(project, there, oid):
            # Where something else is there now, ours is gone, and that is all that was wanted.
            return Publication(remote, True)
        if there == lease:  # nothing is in the way: the remote itself says no
            break
        lease = there
    return Publication(remote, False, words)


def not_told(task_id: int, publication: Publication) -> str:
    """What a person should know of a remote that was not told; safe to print."""
    return (
        f"{printable(publication.remote)} was not told of #{task_id}: {printable(publication.words)}; "
        "it counts in this clone alone until the same command gets through"
    )


def not_withdrawn(task_id: int, publication: Publication) -> str:
    """What a person should know of a remote that still has a claim which was dropped here; safe to print."""
    remote = printable(publication.remote)
    return (
        f"{remote} was not told of #{task_id}: {printable(publication.words)}; "
        f"`gittasks release {task_id} --remote {remote}` takes the claim away there"
    )


def _push(project: Project, task: Row | Task, acquired: Acquired, remote: str, *, steal: bool) -> Publication:
    git = holders.git_of(project)
    known = _known(project, remote, task.id)
    is_replaced = acquired.before is not None and acquired.before.oid == known
    lease = known if known is not None and (is_replaced or _is_same(project, known, acquired.oid)) else None
    words = ""
    for _ in range(_ATTEMPTS):
        answer = claim_remotes.push(git, project.checkout, remote, task.id, acquired.oid, lease=lease)
        words = answer.words
        if answer.outcome == PUSHED:
            return Publication(remote, True)
        unreachable = look_again(project, remote) if answer.outcome != FAILED else words
        if unreachable is not None:
            return Publication(remote, False, unreachable)
        there = _known(project, remote, task.id)
        if there == acquired.oid:  # an earlier push had arrived, though its answer had not
            return Publication(remote, True)
        if there == lease:  # nothing of a claim is in the way: the remote itself says no
            return Publication(remote, False, words)
        other = _seen(project, task, remote)
        if other is not None and other.state == STALE:
            # Not ours to overwrite: in their clone that may be a task like any other.
            return Publication(remote, False, "another task of this number is claimed there")
        if other is not None and not other.is_free and not steal:
            return Publication(remote, False, words)
        lease = there
    return Publication(remote, False, words)


def _is_same(project: Project, one: str, other: str) -> bool:
    """Whether two blobs are one claim of this clone, before and after it was renewed."""
    if one == other:
        return True
    read = read_claims(project.checkout, project.env, (one, other))
    return is_same_claim(read[one], read[other])


def _known(project: Project, remote: str, task_id: int) -> str | None:
    return claims.read_ref(project.checkout, project.env, claims.tracking_ref(remote, task_id))


def _seen(project: Project, task: Row | Task, remote: str) -> Holding | None:
    """The claim of another that the remote was last known to have."""
    found = holders.look(project, TaskId(task.id), task.uid, None)
    return next((one for one in found.remotes if one.remote == remote), None)
