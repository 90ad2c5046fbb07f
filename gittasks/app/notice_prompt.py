"""What happened in the background, as a block to put before the next turn of an agent.

Ids, statuses, times and numbers are ours; names, messages and output are other people's and stand in a fence.
"""

from __future__ import annotations

from gittasks.app.runs import read_output
from gittasks.base.durations import format_duration
from gittasks.base.fencing import WARNING, fence
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import count, shorten
from gittasks.runtime.notices import fold
from gittasks.runtime.outcomes import outcome
from gittasks.runtime.record import COMPLETED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.app.project import Project
    from gittasks.runtime.notices import Group, Notice

_LAST_LINES = 10
_LINE_CHARS = 300
_MAX_NAMED = 5
_MAX_GROUPS = 30


def format_prompt(project: Project, notices: Sequence[Notice]) -> str:
    """The block for `notices`; empty where there are none."""
    groups = fold(notices)
    if not groups:
        return ""
    shown = groups[:_MAX_GROUPS]
    facts = [f"- {_fact(group)}" for group in shown]
    if len(groups) > len(shown):
        facts.append(f"- and {len(groups) - len(shown)} more; `gittasks runs --all` lists them")
    data = "\n\n".join(_data(project, group) for group in shown)
    ended = count(sum(not notice.events for notice in notices), "background run")
    return "\n".join(
        (
            f"Since you were last told, {ended} of this repository ended"
            + (", and monitors saw something:" if any(notice.events for notice in notices) else ":"),
            *facts,
            "",
            f"What they are called, said and wrote last follows. {WARNING}",
            fence(data),
            "",
            "`gittasks logs ID` shows the whole output of a run.",
        )
    )


def _fact(group: Group) -> str:
    """What we know ourselves, in one line."""
    run = group.last.run
    task = "" if run.work_graph_task_id is None else f", for task #{run.work_graph_task_id}"
    if group.last.events:
        seen = sum(event.times for event in group.last.events)
        return f"{run.id} saw {count(seen, 'event')}{task}"
    took = format_duration((run.end_time or run.start_time) - run.start_time)
    more = len(group.notices) - 1
    ids = ", ".join(notice.run.id for notice in group.notices[-1 - _MAX_NAMED : -1])
    cut = ", and not all of its output was kept" if run.truncated else ""
    return f"{run.id} {outcome(run)} after {took}{task}{cut}" + (
        f"; so did {more} more of that name ({ids}{', ...' if more > _MAX_NAMED else ''})" if more else ""
    )


def _data(project: Project, group: Group) -> str:
    run = group.last.run
    lines = [f"{run.id} is: {shorten(run.description or run.name or '', _LINE_CHARS)}"]
    if run.message:
        lines.append(f"{run.id} says: {shorten(run.message, _LINE_CHARS)}")
    for event in group.last.events:
        times = f" ({event.times} times)" if event.times > 1 else ""
        lines.append(f"{run.id} saw: {shorten(event.text, _LINE_CHARS)}{times}")
    if not group.last.events and run.status != COMPLETED:
        output = b"".join(read_output(project, run, last_lines=_LAST_LINES))
        text = output[-_LAST_LINES * _LINE_CHARS :].decode("utf-8", "replace").rstrip("\n")
        if text:
            lines += [f"{run.id} wrote last:", *(f"  {line}" for line in text.split("\n"))]
    return "\n".join(lines)
