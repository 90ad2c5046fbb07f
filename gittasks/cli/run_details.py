"""All that is known of one run, for people. Strangers' text is made printable here."""

from __future__ import annotations

from gittasks.base import clock
from gittasks.base.durations import format_duration
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.sizes import format_size
from gittasks.base.text import printable
from gittasks.runtime.outcomes import outcome
from gittasks.runtime.stalls import stall_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gittasks.runtime.record import Run


def run_details(run: Run) -> list[str]:
    """One line a fact, the empty ones left out."""
    usage = run.usage or {}
    facts = [
        ("status", outcome(run)),
        ("message", run.message),
        ("type", run.type),
        ("name", run.name),
        ("progress", None if run.progress is None else str(run.progress)),
        ("task", f"#{run.work_graph_task_id}" if run.work_graph_task_id else None),
        ("owner", run.owner),
        ("worktree", run.worktree),
        ("folder", run.cwd),
        ("started", _moment(run.start_time)),
        ("ended", _moment(run.end_time)),
        ("timeout", format_duration(run.timeout_s) if run.timeout_s is not None else None),
        ("after", ", ".join(f"{name} ({on})" for name, on in (run.after or {}).items())),
        ("slots", ", ".join(f"{name}={limit}" for name, limit in (run.slots or {}).items())),
        ("exit code", None if run.exit_code is None else str(run.exit_code)),
        ("signal", None if run.signal is None else str(run.signal)),
        ("cpu time", _seconds(usage.get("cpu_s"))),
        ("memory", _size(usage.get("peak_memory_bytes"))),
        ("output", f"{run.output_file}  ({_size(run.output_bytes)}{', cut' if run.truncated else ''})"),
        ("process", _process(run.process) if run.is_live else None),
        ("session", run.session),
        ("parent", run.parent),
        ("commit", _commits(run)),
    ]
    lines = [f"{run.id}  {printable(run.description)}"]
    lines += [f"  {name:<9} {printable(value)}" for name, value in facts if value]
    if (stall := stall_of(run)) is not None:
        lines += [
            f"  {'silent':<9} since {_moment(stall.since)}",
            *(f"    {printable(line)}" for line in stall.lines),
        ]
    return lines + [f"  attempt {_attempt(tried)}" for tried in run.attempts]


def _attempt(tried: Mapping[str, Any]) -> str:
    how = f"exit {tried.get('exit_code')}" if tried.get("signal") is None else f"signal {tried.get('signal')}"
    reason = tried.get("reason")
    return printable(f"{tried.get('attempt')}: {how if reason in ('exit', 'signal') else reason}")


def _moment(unix_s: float | None) -> str | None:
    if not unix_s:
        return None
    return f"{clock.format_utc(unix_s)}  ({format_duration(clock.now_s() - unix_s)} ago)"


def _seconds(value: object) -> str | None:
    return f"{value:.3f} s" if isinstance(value, (int, float)) else None


def _size(value: object) -> str | None:
    return format_size(value) if isinstance(value, int) and value >= 0 else None


def _process(process: Mapping[str, Any] | None) -> str | None:
    return f"{process.get('pid')} on {process.get('host')}" if process else None


def _commits(run: Run) -> str | None:
    before, after = (run.commit_before or "")[:12], (run.commit_after or "")[:12]
    dirty = " (changed files)" if run.dirty else ""
    return f"{before}{dirty}" + (f" → {after}" if after and after != before else "") if before else None
