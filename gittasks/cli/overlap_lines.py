"""Overlaps of worktrees as lines for a person."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import count, printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.app.overlaps import Overlaps

_MOST_PATHS = 3
_MOST_PAIRS = 10


def overlap_lines(overlaps: Overlaps) -> list[str]:
    """`overlap: login and payments would not merge: src/a.py`; the first ten pairs, and what was not looked at."""
    lines = []
    for found in overlaps.found[:_MOST_PAIRS]:
        pair = f"overlap: {found.one} and {found.other}"
        if found.conflicts:
            lines.append(f"{pair} would not merge: {_paths(found.conflicts)}")
        if found.both:
            lines.append(f"{pair} both change {_paths(found.both)}")
    if len(overlaps.found) > _MOST_PAIRS:
        lines.append(f"overlap: and {len(overlaps.found) - _MOST_PAIRS} more pairs")
    if overlaps.left_out:
        lines.append(f"overlap: {count(overlaps.left_out, 'more worktree')} not looked at")
    return [printable(line) for line in lines]


def _paths(paths: Sequence[str]) -> str:
    more = f" and {len(paths) - _MOST_PATHS} more" if len(paths) > _MOST_PATHS else ""
    return ", ".join(paths[:_MOST_PATHS]) + more
