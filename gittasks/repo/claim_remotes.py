"""Claims on a remote: pushed with a lease, so that of two clones one wins; looked at by fetching.

Only refs of claims are ever pushed, never code. Refs that were fetched lie beside this clone's own (see `claims`).
"""

from __future__ import annotations

from gittasks.base.errors import NotFoundError, SetupError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import claim_writes
from gittasks.repo.claims import ROOT, claim_ref, read_ref, require_plain, tracking_ref
from gittasks.repo.git import reason

if TYPE_CHECKING:
    from gittasks.repo.discover import Checkout
    from gittasks.repo.git import Git

# A claim is no code: hooks that test what is pushed, tags that follow and submodules have no part in it.
_PUSH = ("push", "--porcelain", "--no-verify", "--no-follow-tags", "--recurse-submodules=no")
_FETCH = ("fetch", "--quiet", "--prune", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
_FETCH_MORE = ("--no-auto-maintenance", "--refmap=")
_TRIES = 3

PUSHED, REJECTED, FAILED = "pushed", "rejected", "failed"


class UnknownRemoteError(NotFoundError):
    """This clone has no remote of that name."""


class UnreachableError(SetupError):
    """The remote does not answer, or does not let us in."""


class Answer(NamedTuple):
    """What came of a push: `PUSHED`; `REJECTED`, because something else is there, or the remote refuses; `FAILED`, it
    was not reached. `words` are git's own.
    """

    outcome: str
    words: str = ""


def require_remote(git: Git, remote: str) -> None:
    """Raise `UnknownRemoteError` where there is no such remote."""
    known = git.lines("remote")
    if remote not in known:
        raise UnknownRemoteError(
            f"there is no remote {remote[:60]!r}",
            hint=f"there is {', '.join(known)}" if known else "`git remote add` makes one",
        )


def push(git: Git, checkout: Checkout, remote: str, task_id: int, oid: str, *, lease: str | None) -> Answer:
    """Put the claim `oid` on the remote, if what is there is `lease` (`None`: nothing); remember it then."""
    answer = _push(git, remote, task_id, f"{oid}:{claim_ref(task_id)}", lease)
    if answer.outcome == PUSHED:
        _remember(git, checkout, tracking_ref(remote, task_id), oid)
    return answer


def push_deletion(git: Git, checkout: Checkout, remote: str, task_id: int, *, lease: str) -> Answer:
    """Take the claim `lease` away from the remote; forget it then."""
    answer = _push(git, remote, task_id, f":{claim_ref(task_id)}", lease)
    if answer.outcome == PUSHED:
        _remember(git, checkout, tracking_ref(remote, task_id), None)
    return answer


def fetch(git: Git, checkout: Checkout, remote: str) -> None:
    """Bring what we know of the remote's claims up to date. Raises `UnreachableError`."""
    require_plain(checkout)
    refspec = f"+{ROOT}claims/*:{tracking_ref(remote, '*')}"
    for _ in range(_TRIES):
        done = git.call(*_FETCH, *_FETCH_MORE, "--", remote, refspec, write=True)
        if done.returncode == 0:
            return
        if b"cannot lock ref" not in done.stderr:  # another fetch of this clone was at it
            break
    raise UnreachableError(f"{remote} cannot be asked for claims: {reason(done)}")


def _push(git: Git, remote: str, task_id: int, refspec: str, lease: str | None) -> Answer:
    guard = f"--force-with-lease={claim_ref(task_id)}:{lease or ''}"
    done = git.call(*_PUSH, guard, "--", remote, refspec, write=True)
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        flag, _, rest = line.partition("\t")
        if rest and len(flag) == 1:
            words = rest.partition("\t")[2]
            return Answer(REJECTED, words) if flag == "!" else Answer(PUSHED, words)
    return Answer(FAILED, reason(done))


def _remember(git: Git, checkout: Checkout, ref: str, oid: str | None) -> None:
    """Note what is on the remote now; only a note, so another who noted something else meanwhile is left alone."""
    old = read_ref(checkout, git.env, ref)
    if oid is not None and old != oid:
        claim_writes.point(git, checkout, ref, oid, old=old)
    elif oid is None and old is not None:
        claim_writes.drop(git, checkout, ref, old=old)
