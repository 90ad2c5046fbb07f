"""Worktrees that work on the same files: told while it is early (`start`, `ready --overlap`).

Two heads whose merge would stop are in conflict; a file that both changed, one of them without a commit yet, may
become so. Files that merge cleanly are no overlap. Task files have their own merge, and do not count.
"""

from __future__ import annotations

import os
from itertools import combinations

from gittasks.base import cache
from gittasks.base.proc import ProgramMissingError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import landing, siblings
from gittasks.repo.git import Git, GitError, scrub
from gittasks.repo.trial import colliding_paths, touched_paths
from gittasks.workgraph import store

if TYPE_CHECKING:
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.repo.trial import Touched

_LAYOUT = "overlaps-1"
_MOST_WORKTREES = 50
_MOST_KNOWN = 5_000


class Overlap(NamedTuple):
    """Two worktrees by name; `conflicts` are the paths on which their heads would not merge, `both` those that both
    changed and at least one did not commit.
    """

    one: str
    other: str
    conflicts: tuple[str, ...]
    both: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The overlap as it stands under `overlaps` in a JSON document."""
        return {
            "worktrees": [self.one, self.other],
            "conflicts": list(self.conflicts),
            "both": list(self.both),
        }


class Overlaps(NamedTuple):
    """The overlaps that were `found`, sorted by names; `left_out` counts the worktrees that were not looked at."""

    found: list[Overlap]
    left_out: int = 0

    def as_json(self) -> dict[str, Any]:
        """What a JSON document says of them."""
        return {
            "overlaps": [overlap.as_json() for overlap in self.found],
            "worktreesLeftOut": self.left_out,
        }


def find_overlaps(project: Project, name: str | None = None) -> Overlaps:
    """The overlaps of all worktrees of this clone, or those of the worktree `name`.

    Of very many worktrees only some are looked at, the one we stand in and `name` among them. A worktree that git
    cannot read has none.
    """
    touched, left_out = _touched(project, name)
    path = os.path.join(project.cache_folder, "overlaps.bin")
    loaded = cache.load_cache(path, _LAYOUT)
    known = loaded if isinstance(loaded, dict) else {}
    before = len(known)
    found = []
    for one, other in combinations(sorted(touched), 2):
        if name in (None, one, other):
            overlap = _compare(project, (one, touched[one]), (other, touched[other]), known)
            if overlap.conflicts or overlap.both:
                found.append(overlap)
    if len(known) != before:
        cache.save_cache(path, _LAYOUT, dict(list(known.items())[-_MOST_KNOWN:]))
    return Overlaps(found, left_out)


def _touched(project: Project, wanted: str | None) -> tuple[dict[str, Touched], int]:
    """What each worktree changed, by its name, but for those that changed nothing; how many were not looked at."""
    checkout = project.checkout
    # The same from wherever it is asked: all are measured against the branch they will land on.
    target = landing.find_target(lambda: project.git, checkout.common_dir)
    if target is None:
        return {}, 0
    places = [(sibling.name, sibling.top, sibling.git_dir) for sibling in siblings.find_siblings(checkout)]
    if checkout.top is not None:
        places.append((checkout.name, checkout.top, checkout.git_dir))
    places.sort(key=lambda place: place[0] not in (checkout.name, wanted))
    found = {}
    for name, top, git_dir in places[:_MOST_WORKTREES]:
        git = Git(top, scrub(project.env))
        try:
            head = siblings.require_head(git, git_dir, checkout.common_dir)
            touched = head and touched_paths(git, head, target.commits[0], besides=store.FOLDER)
        except (GitError, ProgramMissingError):  # broken, or gone meanwhile: it warns of nothing
            continue
        if touched and touched.paths:
            found[name] = touched
    return found, len(places[_MOST_WORKTREES:])


def _compare(
    project: Project, one: tuple[str, Touched], other: tuple[str, Touched], known: dict[Any, Any]
) -> Overlap:
    (one_name, ours), (other_name, theirs) = one, other
    conflicts: tuple[str, ...] = ()
    if ours.committed & theirs.committed:
        key = (ours.head, theirs.head)
        if key not in known:
            known[key] = colliding_paths(project.git, *key)
        conflicts = tuple(path for path in known[key] if not path.startswith(store.FOLDER + "/"))
    shared = (ours.uncommitted & theirs.paths) | (theirs.uncommitted & ours.paths)
    return Overlap(one_name, other_name, conflicts, tuple(sorted(shared.difference(conflicts))))
