"""What reading a foreign tracker has to tell, beside the tasks themselves. Pure.

Nothing is dropped in silence: every source field is booked under where it landed, and every value that had to be
changed to fit is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from gittasks.workgraph.drafts import Draft

LEFT_OUT = "left out"


class Fitted(NamedTuple):
    """A value that was changed to fit: of which foreign task, in which field, and how."""

    key: str
    field: str
    message: str


class Edge(NamedTuple):
    """A foreign relation that is no edge here: `field` is blockedBy, parent or a foreign word, `target` an id."""

    key: str
    field: str
    target: str


class Skipped(NamedTuple):
    """A file of the source that was not read, and why."""

    path: str
    reason: str


class Findings:
    """A collector: importers add to it while they read."""

    def __init__(self) -> None:
        # source field -> where it landed -> in how many tasks
        self.fields: dict[str, dict[str, int]] = {}
        self.fitted: list[Fitted] = []
        self.skipped: list[Skipped] = []
        self.remarks: list[str] = []

    def land(self, field: str, where: str) -> None:
        """Book that `field` of one task landed in `where`."""
        landings = self.fields.setdefault(field, {})
        landings[where] = landings.get(where, 0) + 1

    def fit(self, key: str, field: str, message: str) -> None:
        """Book that a value of `key` was changed to fit into `field`."""
        self.fitted.append(Fitted(key, field, message))

    def skip(self, path: str, reason: str) -> None:
        """Book that `path` was not read."""
        self.skipped.append(Skipped(path, reason))

    def remark(self, text: str) -> None:
        """Book a sentence about the source as a whole."""
        self.remarks.append(text)


class Parsed(NamedTuple):
    """A foreign tracker, read: drafts with foreign ids as keys and as references, each key once.

    `uids` maps the key of a draft that comes from this program itself to its uid, `refs` to the `ref` it had there.
    `speaks_of` names the fields that such a source has at all; empty means every one.
    """

    kind: str
    drafts: list[Draft]
    found: Findings
    uids: dict[str, str]
    refs: dict[str, str]
    speaks_of: frozenset[str] = frozenset()


def collect(
    kind: str,
    drafts: Iterable[Draft],
    found: Findings,
    *,
    uids: dict[str, str] | None = None,
    refs: dict[str, str] | None = None,
) -> Parsed:
    """Put the drafts together; where two have one key, the later one goes by `key~2`, and that is told."""
    taken: set[str] = set()
    unique: list[Draft] = []
    for draft in drafts:
        key, number = draft.key, 1
        while key in taken:
            number += 1
            key = f"{draft.key}~{number}"
        if number > 1:
            found.fit(draft.key, "id", f"stands in the source more than once: this one is kept as {key}")
            draft = draft._replace(key=key)
        taken.add(key)
        unique.append(draft)
    return Parsed(kind, unique, found, uids or {}, refs or {})


def fields_as_json(found: Findings) -> dict[str, Any]:
    """`{"issue_type": {"kept as issue_type": 704}}`, by name."""
    return {name: dict(sorted(found.fields[name].items())) for name in sorted(found.fields)}
