"""Who holds a task, as far as it can be proven. Only looks.

A claim of this clone decides where it holds; else what a remote was last known to have. Its uid says which task it is
on: a merge may have given that one another number, and its number to another task. One whose time is up, and one
whose holder is provably dead hold nothing. Whatever else cannot be proven holds: it may be alive.
"""

from __future__ import annotations

import os
from itertools import chain

from gittasks.base import clock
from gittasks.base.errors import BusyError
from gittasks.base.identity import ALIVE, DEAD, UNKNOWN
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable, shorten
from gittasks.repo import claims
from gittasks.repo.claim_blobs import is_same_claim, read_claims

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.repo.claim_blobs import Claim
    from gittasks.repo.git import Git
    from gittasks.runtime.record import Run
    from gittasks.workgraph.record import Row, TaskId

HELD = "held"
OWN = "own"
TAKING = "taking"
STALE = "stale"
EXPIRED = "expired"
ABANDONED = "abandoned"
_FREE = frozenset((STALE, EXPIRED, ABANDONED))
_SHOWN = 60


class ClaimHeldError(BusyError):
    """Somebody else has taken the task; `holding` says who, since when, where, and whether that one lives."""

    def __init__(self, message: str, holding: Holding | None = None, *, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.holding = holding

    @property
    def details(self) -> Mapping[str, Any]:
        """The claim, for a JSON document."""
        return {"claim": self.holding.as_json() if self.holding is not None else None}


class Holding(NamedTuple):
    """One claim as it stands for one who asks. `claim` is `None` where it cannot be read.

    `state`: `held` by another, the asker's `own`, being taken right now (`taking`), or free to be taken over:
    `stale`, `expired`, `abandoned` by one who is dead. `life` is `alive`, `dead` or `unknown`: that of the claim's
    run, or where the claim `is_unfinished` that of the process which is putting the task in progress.
    """

    ref: str
    oid: str
    claim: Claim | None
    state: str
    life: str = UNKNOWN
    is_unfinished: bool = False

    @property
    def is_free(self) -> bool:
        """Whether it keeps nobody out."""
        return self.state in _FREE

    @property
    def keeps_out(self) -> bool:
        """Whether it keeps the asker out."""
        return not self.is_free and self.state != OWN

    @property
    def number(self) -> int:
        """The number that it stands under: that of its task, or one which the task had."""
        return int(self.ref.rpartition("/")[2])

    @property
    def remote(self) -> str | None:
        """The remote that it was seen on, `None` for a claim of this clone."""
        return claims.remote_of(self.ref)

    def as_json(self) -> dict[str, Any]:
        """The claim with what can be said of it; strangers' text as it came."""
        facts = {"state": self.state, "alive": self.life, "seenOn": self.remote}
        return (self.claim.as_json() if self.claim is not None else {}) | facts


class Acquired(NamedTuple):
    """A claim that stands, and its blob; `created` by this call. `before` is the one that it took the place of."""

    oid: str
    claim: Claim
    created: bool
    before: Holding | None = None


class Holdings(NamedTuple):
    """All claims on one task: this clone's own, and those of its remotes; see `is_astray`."""

    local: Holding | None
    remotes: tuple[Holding, ...]

    @property
    def deciding(self) -> Holding | None:
        """The one that keeps others out; `None` where the task is free."""
        return next((one for one in (self.local, *self.remotes) if one is not None and not one.is_free), None)

    @property
    def shown(self) -> Holding | None:
        """The one that people should know of: the one that decides, else one that keeps nobody out."""
        return self.deciding or self.local or next(iter(self.remotes), None)


def look(project: Project, task_id: TaskId, uid: str, me: str | None) -> Holdings:
    """The claims on a task with this uid (empty: not known), as they stand for the owner `me`."""
    return look_all(project, {int(task_id): uid}, me)[int(task_id)]


def find_local(project: Project, uids: Mapping[TaskId, str]) -> dict[TaskId, Holding]:
    """This clone's claims on the tasks in `uids`, as far as their blobs tell: they may be free for other reasons."""
    refs = claims.claim_refs(project.checkout, project.env)
    found = _gather(project, refs, {int(task_id): uid for task_id, uid in uids.items()}) if refs else {}
    picked = {task_id: _pick(task_id, found.get(int(task_id), ())).local for task_id in uids}
    return {task_id: one for task_id, one in picked.items() if one is not None and one.state != STALE}


def look_all(project: Project, uids: Mapping[int, str], me: str | None) -> dict[int, Holdings]:
    """The claims on all tasks in `uids`, as `look` says them of one."""
    refs = claims.claim_refs(project.checkout, project.env)
    found = _judge_all(project, _gather(project, refs, uids), me) if refs else {}
    return {task_id: _pick(task_id, found.get(task_id, ())) for task_id in uids}


def git_of(project: Project) -> Git:
    """git commands that work in a bare repository too."""
    from gittasks.repo.git import Git

    return Git(project.checkout.top or project.checkout.common_dir, project.env)


def find_all(
    project: Project,
    rows: Sequence[Row],
    refs: Mapping[int, tuple[str, ...]],
    owner: Callable[[], str] | None,
) -> dict[int, Holding]:
    """The claim to be shown of each of `rows` that has any; `refs` as `claim_refs` answers them."""
    found = _gather(project, refs, {row.id: row.uid for row in rows})
    if not found:
        return {}
    judged = _judge_all(project, found, owner() if owner is not None else None)
    shown = {task_id: _pick(task_id, holdings).shown for task_id, holdings in judged.items()}
    return {task_id: one for task_id, one in shown.items() if one is not None}


def held_error(task_id: int, holding: Holding) -> ClaimHeldError:
    """The error for a task that `holding` keeps others from."""
    remote = printable(holding.remote or "")
    again = f"`gittasks claim {task_id} --remote {remote}` looks again; " if remote else ""
    return ClaimHeldError(
        f"#{task_id} is {describe(holding)}",
        holding,
        hint=f"{again}`gittasks next --claim` takes another one; `--steal --reason T` takes this one over",
    )


def restless_error(task_id: int) -> ClaimHeldError:
    """The error for a claim that others change as often as we look at it."""
    return ClaimHeldError(f"the claim on #{task_id} keeps changing hands", hint="try again")


def describe(holding: Holding) -> str:
    """`claimed by ada since 2026-11-23T10:00:00Z in the worktree main on host; ...`, safe to print."""
    claim = holding.claim
    if claim is None:
        return "claimed by somebody: the claim cannot be read"
    parts = [f"claimed by {_safe(claim.owner)} since {_safe(claim.time)}"]
    if claim.worktree:
        parts.append(f"in the worktree {_safe(claim.worktree)}")
    parts.append(f"on {_safe(claim.host)}")
    if holding.remote is not None:
        parts.append(f"(seen on {_safe(holding.remote)})")
    if claim.expires:
        parts.append(f"until {claim.expires}")
    if claim.reason:
        parts.append(f"(taken over from {_safe(claim.previous or 'somebody')}: {_safe(claim.reason)})")
    return f"{' '.join(parts)}; {_life_words(holding, claim)}"


def _life_words(holding: Holding, claim: Claim) -> str:
    if holding.state == STALE:
        return "for another task, which had this number"
    if holding.state == EXPIRED:
        return "its time is up"
    who = f"its run {_safe(claim.run)}" if claim.run else "who works on it"
    if holding.is_unfinished:
        who = "who was putting it in progress"
    return f"not known whether {who} is alive" if holding.life == UNKNOWN else f"{who} is {holding.life}"


def _safe(text: str | None) -> str:
    return printable(shorten(text or "", _SHOWN))


def is_astray(holding: Holding, task_id: int) -> bool:
    """Whether a claim on a task stands under another number than the task has."""
    return holding.number != task_id


def _gather(
    project: Project, refs: Mapping[int, tuple[str, ...]], uids: Mapping[int, str]
) -> dict[int, list[Holding]]:
    """The claims on the tasks in `uids`, told apart by uid alone: held, or stale for the task that has the number."""
    oids = claims.read_refs(project.checkout, project.env, chain.from_iterable(refs.values()))
    read = read_claims(project.checkout, project.env, dict.fromkeys(oids.values()))
    numbers = {uid: task_id for task_id, uid in uids.items() if uid}
    found: dict[int, list[Holding]] = {}
    for number, names in refs.items():
        for ref in names:
            if ref not in oids:
                continue
            claim = read[oids[ref]]
            is_other = bool(claim is not None and claim.uid and uids.get(number) not in (claim.uid, ""))
            if number in uids:
                state = STALE if is_other else HELD
                found.setdefault(number, []).append(Holding(ref, oids[ref], claim, state))
            if claim is not None and is_other and claim.uid in numbers:
                moved = Holding(ref, oids[ref], claim, HELD)
                found.setdefault(numbers[claim.uid], []).append(moved)
    return found


def _judge_all(
    project: Project, found: Mapping[int, Sequence[Holding]], me: str | None
) -> dict[int, list[Holding]]:
    known = _find_runs(project, [one.claim for held in found.values() for one in held])
    return {
        task_id: [_judge(project, task_id, one, me, known) for one in held] for task_id, held in found.items()
    }


def _pick(task_id: int, found: Sequence[Holding]) -> Holdings:
    """What counts for a task: under its own number first, unless what stands there is for another task."""
    ranked = sorted(found, key=lambda one: (one.state == STALE, is_astray(one, task_id)))
    local = next((one for one in ranked if one.remote is None), None)
    # What we pushed ourselves stands there too.
    others = (one for one in ranked if one.remote is not None)
    return Holdings(local, tuple(one for one in others if local is None or not _is_what_we_told(one, local)))


def _is_what_we_told(there: Holding, local: Holding) -> bool:
    return there.oid == local.oid or is_same_claim(there.claim, local.claim)


def _judge(
    project: Project, task_id: int, holding: Holding, me: str | None, known: Mapping[str, Run]
) -> Holding:
    claim = holding.claim
    if claim is None or holding.state == STALE:
        return holding
    if claim.expires is not None and claim.expires <= clock.now_utc():
        return holding._replace(state=EXPIRED)
    if holding.remote is not None:
        return holding  # of another clone, whose worktrees and runs are not ours to see
    life = _taker_life(project, task_id, claim)
    if life is not None:
        state = ABANDONED if life == DEAD else TAKING
        return holding._replace(state=state, life=life, is_unfinished=True)
    life = _run_life(claim, known)
    if life == DEAD:
        return holding._replace(state=ABANDONED, life=life)
    return holding._replace(state=OWN if claim.owner == me else HELD, life=life)


def _taker_life(project: Project, task_id: int, claim: Claim) -> str | None:
    """Whether the process lives that set out to put the task in progress; `None` where it has done so, or there is
    none. Its death is proven first and its worktree looked at then: a dead process writes nothing any more.
    """
    from gittasks.base import identity

    taker = identity.parse_process(claim.taker)
    if taker is None:
        return None
    life = identity.state_of(taker)
    return life if is_untouched(project, task_id, claim) else None


def is_untouched(project: Project, task_id: int, claim: Claim) -> bool:
    """Whether the worktree in which a task was to be put in progress still has it pending, or is gone."""
    tops = find_tops(project, claim.worktree)
    numbers = {task_id, claim.id}  # that one may know the task by the number that it had
    if not tops:
        return _is_removed(project, claim.worktree)
    return all(_is_pending(top, number, claim.uid) for top in tops for number in numbers)


def find_tops(project: Project, worktree: str | None) -> list[str]:
    """The roots of the worktrees of this name: none, one, or two where a linked one is called like the main one."""
    from gittasks.repo.siblings import find_siblings

    own = [project.checkout.top] if project.checkout.top and worktree == project.checkout.name else []
    return own + [sibling.top for sibling in find_siblings(project.checkout) if sibling.name == worktree]


def _is_pending(top: str, task_id: int, uid: str) -> bool:
    from gittasks.workgraph import store
    from gittasks.workgraph.record import PENDING, BadTaskError, TaskId

    try:
        task = store.read_task(os.path.join(top, store.FOLDER), TaskId(task_id))
        return task.status == PENDING or bool(uid and task.uid and task.uid != uid)
    except (store.UnknownTaskError, store.NoTasksError):
        return True
    except (BadTaskError, OSError):
        return False


def _is_removed(project: Project, worktree: str | None) -> bool:
    """Whether git has forgotten a linked worktree; one whose disk is merely not there may come back."""
    from gittasks.repo.discover import MAIN_NAME

    if not worktree or worktree in (MAIN_NAME, os.curdir, os.pardir) or "/" in worktree or "\0" in worktree:
        return False
    return not os.path.lexists(os.path.join(project.checkout.common_dir, "worktrees", worktree))


def _find_runs(project: Project, made: Iterable[Claim | None]) -> dict[str, Run]:
    """The runs that made these claims, of those that this clone knows: the index is read once for all."""
    from gittasks.runtime.record import RunId, is_run_id

    host = os.uname().nodename
    names = {claim.run for claim in made if claim is not None and claim.run and claim.host == host}
    wanted = [RunId(name) for name in sorted(names) if is_run_id(name)]
    if not wanted:
        return {}
    from gittasks.app import runs

    return {run.id: run for run in runs.current_runs(project, wanted)}


def _run_life(claim: Claim, known: Mapping[str, Run]) -> str:
    """Whether the run that claimed lives, as far as this clone can tell."""
    run = known.get(claim.run) if claim.run and claim.host == os.uname().nodename else None
    if run is None:
        return UNKNOWN
    if run.is_live:
        return ALIVE
    from gittasks.runtime.record import UNVERIFIED

    return UNKNOWN if run.reason == UNVERIFIED else DEAD
