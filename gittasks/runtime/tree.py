"""All processes of one run, also those that left its group or session; and signals to them.

While its supervisor lives it is their subreaper (prctl(2)): whatever loses its parent becomes the supervisor's child,
so the descendants are all there is. A supervisor that took over from a dead one finds them by what they cannot shed
by moving: the environment they were started with, and the leader's session.
Supervisors of other runs that were started from this one, and all below them, belong to those runs.
"""

from __future__ import annotations

import os
import signal

from gittasks.base import identity
from gittasks.base.identity import ALIVE, Process, Stat
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gittasks.runtime.record import RunId

# In the environment of each process of a run, and of its supervisor.
RUN_VARIABLE = "GITTASKS_RUN_ID"
SUPERVISOR_VARIABLE = "GITTASKS_SUPERVISOR"


def find_members(run_id: RunId, leader: Process | None) -> list[Stat]:
    """The live processes of a run whose supervisor is this process, or is dead. Ended ones are left out."""
    processes = {
        stat.pid: stat for pid in identity.all_pids() if (stat := identity.read_stat(pid)) is not None
    }
    me = os.getpid()
    roots = {stat.pid for stat in processes.values() if stat.parent == me}
    roots |= _by_mark(processes, f"{RUN_VARIABLE}={run_id}\0".encode())
    if leader is not None and identity.state_of(leader) == ALIVE:
        roots |= {stat.pid for stat in processes.values() if stat.session == leader.pid}
    roots.discard(me)
    members = _with_descendants(roots, processes)
    return [stat for stat in members if not stat.has_ended]


def find_marked(run_ids: Iterable[RunId]) -> set[RunId]:
    """Which of these runs have live processes, told by the environment alone: one look at all processes."""
    marks = {f"{RUN_VARIABLE}={run_id}\0".encode(): run_id for run_id in run_ids}
    found = set()
    for pid in identity.all_pids():
        environ = b"\0" + identity.read_environ(pid)
        found |= {run_id for mark, run_id in marks.items() if b"\0" + mark in environ}
    return found


def signal_all(members: Iterable[Stat], number: int) -> None:
    """Send signal `number` to each of `members`, and wake those that are stopped so that they notice.

    Each is looked at again right before: a pid that changed hands in between gets nothing.
    """
    for member in members:
        now = identity.read_stat(member.pid)
        if now is None or now.start_ticks != member.start_ticks:
            continue
        try:
            os.kill(member.pid, number)
            if number != signal.SIGKILL:
                os.kill(member.pid, signal.SIGCONT)
        except (ProcessLookupError, PermissionError):
            # Gone, or another user's: whoever counts what is left sees the difference.
            continue


def _by_mark(processes: dict[int, Stat], mark: bytes) -> set[int]:
    return {pid for pid in processes if _has_mark(pid, mark)}


def _has_mark(pid: int, mark: bytes) -> bool:
    environ = identity.read_environ(pid)
    return environ.startswith(mark) or b"\0" + mark in environ


def _with_descendants(roots: set[int], processes: dict[int, Stat]) -> list[Stat]:
    children: dict[int, list[int]] = {}
    for stat in processes.values():
        children.setdefault(stat.parent, []).append(stat.pid)
    found: dict[int, Stat] = {}
    todo = list(roots)
    while todo:
        pid = todo.pop()
        if pid in found or _is_supervisor(pid):
            continue
        found[pid] = processes[pid]
        todo += children.get(pid, ())
    return list(found.values())


def _is_supervisor(pid: int) -> bool:
    return identity.read_environ(pid).startswith(SUPERVISOR_VARIABLE.encode() + b"=")
