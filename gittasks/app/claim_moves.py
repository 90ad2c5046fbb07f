"""Claims follow their tasks: where a merge gave a task another number, its claim gets that number too.

Whoever renumbers, or takes in what others renumbered, calls `follow`. Until then readers know the claim by the uid in
it (`holders`), and `claiming` moves the one that it is about to replace.
"""

from __future__ import annotations

from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import claim_writes, claims
from gittasks.repo.claim_blobs import read_claims
from gittasks.repo.git import Git

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.app.project import Project


def follow(project: Project) -> list[str]:
    """Move this clone's claims to the numbers that their tasks have in this checkout; what a person should know.

    A claim stays where the task is claimed under its new number already, and where others were quicker. Never in the
    way of what was done to the tasks: what git cannot write is only told of.
    """
    try:
        moves = find_astray(project)
        if not moves or not move(project, moves):
            return []
    except GittasksError as error:
        return [f"claims do not follow the new numbers of their tasks: {error.message}"]
    return [f"the claim on #{old} is on #{new} now, as the task is" for old, new in sorted(moves.items())]


def find_astray(project: Project) -> dict[int, int]:
    """The claims of this clone whose tasks have another number in this checkout: by their number, the task's."""
    oids = _local_oids(project)
    if not oids:
        return {}
    uids = {int(row.id): row.uid for row in project.snapshot().rows if row.uid}
    numbers: dict[str, list[int]] = {}
    for number, uid in uids.items():
        numbers.setdefault(uid, []).append(number)
    read = read_claims(project.checkout, project.env, dict.fromkeys(oids.values()))
    found = {}
    for old, oid in oids.items():
        claim = read[oid]
        places = numbers.get(claim.uid, []) if claim is not None else []
        if len(places) != 1 or places[0] == old:
            continue
        there = oids.get(places[0])
        other = read[there] if there is not None else None
        # A claim for another task stands there for nothing: it moves on itself, or its task is claimed or gone.
        if there is None or (other is not None and other.uid not in (uids[places[0]], "")):
            found[old] = places[0]
    return found


def move(project: Project, moves: Mapping[int, int]) -> bool:
    """Move claims from number to number, all at once; `False`, and nothing is moved, where others changed them.

    Raises `GitError`, `ClaimLockedError`.
    """
    oids = _local_oids(project)
    if not moves.keys() <= oids.keys():
        return False
    after: dict[int, str | None] = dict.fromkeys(moves)
    after |= {new: oids[old] for old, new in moves.items()}
    changes = {claims.claim_ref(number): (oids.get(number), oid) for number, oid in after.items()}
    git = Git(project.checkout.top or project.checkout.common_dir, project.env)
    return claim_writes.point_all(git, project.checkout, changes)


def _local_oids(project: Project) -> dict[int, str]:
    checkout, env = project.checkout, project.env
    return {
        number: oid
        for number, names in claims.claim_refs(checkout, env).items()
        if claims.claim_ref(number) in names
        and (oid := claims.read_ref(checkout, env, claims.claim_ref(number))) is not None
    }
