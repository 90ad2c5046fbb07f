"""Notices as lines on a terminal, those that say the same folded into one. Strangers' text is made printable here."""

from __future__ import annotations

from gittasks.base import clock
from gittasks.base.durations import format_duration
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import count, printable, shorten
from gittasks.cli.run_tables import run_lines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.runtime.notices import Group, Notice

_MAX_CHARS = 160
_MAX_IDS = 4


def group_lines(groups: Sequence[Group]) -> list[str]:
    """One line a group: its youngest run, and how many more say the same; a monitor, and what it saw."""
    ends = [group.last.run for group in groups if not group.last.events]
    lines = iter(run_lines(ends) if ends else ())
    return [event_line(group.last) if group.last.events else next(lines) + _more(group) for group in groups]


def event_line(notice: Notice) -> str:
    """`m8k2m1qz  12 events  the last 3.0s ago  #2  api health: down (11 times); up`."""
    run, now_s = notice.run, clock.now_s()
    seen = count(sum(event.times for event in notice.events), "event")
    task = "" if run.work_graph_task_id is None else f"#{run.work_graph_task_id}  "
    kinds = "; ".join(
        printable(event.text) + (f" ({event.times} times)" if event.times > 1 else "")
        for event in notice.events
    )
    name = shorten(printable(run.name or run.description), 60)
    ago = format_duration(now_s - notice.time)
    return f"{run.id}  {seen}  the last {ago} ago  {task}{name}: {shorten(kinds, _MAX_CHARS)}"


def _more(group: Group) -> str:
    others = group.notices[:-1]
    if not others:
        return ""
    ids = " ".join(notice.run.id for notice in others[-_MAX_IDS:])
    return f"  (and {len(others)} more: {ids}{' ...' if len(others) > _MAX_IDS else ''})"
