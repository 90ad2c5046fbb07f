"""One task as it would be if the work of all worktrees were merged now, and who says what. Pure.

The board lays the versions of other worktrees over ours with the same `fold` that a merge uses: it previews the
merge, and where a merge would ask, it shows the disagreement instead of guessing.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.record import FIELDS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gittasks.workgraph.record import Task

HERE = "here"
# Fields whose merged value may be nobody's alone: each side that changed it has a part in it.
_SHARED = frozenset(("labels", "blockedBy", "description"))
_ATTRIBUTES = {"blockedBy": "blocked_by"}


class Version(NamedTuple):
    """A task as another place holds it. `base` is what that place and ours had in common, `None` for nothing;
    `theirs` is `None` where the file was removed there.
    """

    source: str
    base: Task | None
    theirs: Task | None


class Disagreement(NamedTuple):
    """A field that two places changed, each in its own way: who says what, ours (`here`) first."""

    field: str
    values: tuple[tuple[str, Any], ...]


class Overlaid(NamedTuple):
    """The merged task, `None` where it is removed. `origins` maps each field that is not as here to where its value
    comes from; `strangers` are other tasks (by uid) that another place keeps under the same id.
    """

    task: Task | None
    origins: dict[str, tuple[str, ...]]
    disagreements: tuple[Disagreement, ...]
    strangers: tuple[tuple[str, Task], ...]


def overlay(ours: Task | None, versions: Sequence[Version]) -> Overlaid:
    """Fold `versions` of one id into `ours`, which is `None` where this checkout has no such file."""
    from gittasks.workgraph.merge import fold  # a board that is as it was needs no merging

    if ours is None:
        return _overlay_new(versions)
    same = [version for version in versions if version.theirs is None or _is_same(ours, version.theirs)]
    strangers = tuple((v.source, v.theirs) for v in versions if v not in same and v.theirs is not None)
    edits = [version for version in same if version.theirs is not None]
    removed = [version for version in same if version.theirs is None and version.base == ours]
    if removed and not edits:
        return Overlaid(None, {"file": tuple(version.source for version in removed)}, (), strangers)
    folded = fold(ours, [(version.base, version.theirs) for version in edits if version.theirs is not None])
    disagreements = tuple(_disagreement(clash.field, ours, edits) for clash in folded.clashes)
    return Overlaid(folded.task, _origins(ours, folded.task, edits), disagreements, strangers)


def _overlay_new(versions: Sequence[Version]) -> Overlaid:
    """A task that only exists elsewhere, or was removed here and edited there: the edit stands."""
    found = sorted((version for version in versions if version.theirs is not None), key=lambda v: v.source)
    if not found or found[0].theirs is None:
        return Overlaid(None, {}, (), ())
    first = found[0]
    rest = overlay(first.theirs, found[1:])
    sources = tuple(version.source for version in found)
    return rest._replace(origins={**rest.origins, "file": sources})


def _origins(ours: Task, merged: Task, edits: Sequence[Version]) -> dict[str, tuple[str, ...]]:
    origins: dict[str, tuple[str, ...]] = {}
    for name in FIELDS:
        value = _value(merged, name)
        if value != _value(ours, name):
            origins[name] = tuple(v.source for v in edits if _has_part(v, name, value))
    before = dict(ours.extra)
    for name, value in merged.extra:
        if name not in before or before[name] != value:
            origins[name] = tuple(
                v.source for v in edits if v.theirs and dict(v.theirs.extra).get(name) == value
            )
    return origins


def _has_part(version: Version, name: str, merged: Any) -> bool:
    theirs = _value(version.theirs, name)
    if name in _SHARED:
        return bool(version.base is None or theirs != _value(version.base, name))
    return bool(theirs == merged)


def _disagreement(field: str, ours: Task, edits: Sequence[Version]) -> Disagreement:
    values = [(HERE, _value(ours, field))]
    for version in edits:
        if version.base is None or _value(version.theirs, field) != _value(version.base, field):
            values.append((version.source, _value(version.theirs, field)))
    return Disagreement(field, tuple(values))


def _is_same(ours: Task, theirs: Task) -> bool:
    # A file written by hand may have no uid yet: then its id is all that says which task it is.
    return not ours.uid or not theirs.uid or ours.uid == theirs.uid


def _value(task: Task | None, name: str) -> Any:
    if task is None:
        return None
    if name in FIELDS:
        return getattr(task, _ATTRIBUTES.get(name, name))
    return dict(task.extra).get(name)
