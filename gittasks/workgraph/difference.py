"""What changed between two versions of a task, field by field. Pure.

Knows nothing of where the versions come from.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gittasks.workgraph.record import Task


class FieldChange(NamedTuple):
    """One field that changed: its name as in the file, and its values as in JSON (`None`: not there)."""

    field: str
    old: Any
    new: Any

    @property
    def added(self) -> list[Any]:
        """Of a list field, the items that only the new value has."""
        return _minus(self.new, self.old)

    @property
    def removed(self) -> list[Any]:
        """Of a list field, the items that only the old value has."""
        return _minus(self.old, self.new)

    def as_json(self) -> dict[str, Any]:
        """The change as it stands in a JSON document."""
        return {"field": self.field, "old": self.old, "new": self.new}


def difference(olds: Sequence[Task | None], new: Task | None) -> tuple[FieldChange, ...]:
    """The fields in which `new` differs from every one of `olds` (a merge has several), in file order.

    A task that is not there has no fields: of a new one every field that is not empty counts as changed. The old
    value is the first version's.
    """
    before = [_fields(old) for old in olds]
    after = _fields(new)
    names = dict.fromkeys([*after, *(name for fields in before for name in fields)])
    changed = [name for name in names if all(fields.get(name) != after.get(name) for fields in before)]
    return tuple(FieldChange(name, before[0].get(name), after.get(name)) for name in changed)


def _fields(task: Task | None) -> dict[str, Any]:
    if task is None:
        return {}
    fields = task.as_json()
    if task.written_blocks:
        fields["blocks"] = list(task.written_blocks)
    # An empty value and a missing field say the same.
    return {name: value for name, value in fields.items() if value not in (None, "", [])}


def _minus(left: Any, right: Any) -> list[Any]:
    kept = right if isinstance(right, list) else []
    return [item for item in left if item not in kept] if isinstance(left, list) else []
