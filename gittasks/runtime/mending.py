"""Runs whose supervisor died: found, judged by proof, ended or given a new supervisor.

Costs nothing while all is well: one lock is tried for each run that lives. Everything here can be killed at any point
and done again by the next command, also by several at once: whoever holds a run's lock decides about it alone.
"""

from __future__ import annotations

import os

from gittasks.base import clock, identity
from gittasks.base.errors import GittasksError
from gittasks.base.identity import ALIVE, DEAD
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import announcing, journal, launcher, live, record, report, tree
from gittasks.runtime.folders import NoFolderError, prepare_private
from gittasks.runtime.output import DEFAULT_LIMIT_BYTES, OutputWriter, tail_files
from gittasks.runtime.record import IN_PROCESS_TEAMMATE, BadRunError, RunId, parse_run
from gittasks.runtime.settings import settings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from gittasks.base.identity import Process
    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import Run


class _Orphan(NamedTuple):
    """A run without supervisor; `alive_fd` is its lock, held by us."""

    run: Run
    alive_fd: int


def mend(
    folders: Folders, run_ids: Iterable[RunId], env: Mapping[str, str], lines: journal.Lines
) -> list[Run]:
    """See to all runs of `run_ids` that no supervisor guards; answer how each of them stands now.

    `lines` is the folded index, for runs whose private record is gone. What cannot be proven stays as it is.
    """
    orphans = []
    over: dict[RunId, int] = {}
    for run_id in run_ids:
        alive_fd = live.take(folders, run_id)
        if alive_fd is None:
            continue
        run = _last_record(folders, run_id, lines.get(run_id.encode()))
        if run is not None and not live.has_ended(folders, run_id):
            orphans.append(_Orphan(run, alive_fd))
        else:
            # Its supervisor had recorded the end, or had not started anything: only the folder was left over.
            over[run_id] = alive_fd
    alive = _alive(orphans)
    settled = [_settle(folders, orphan, env, alive) for orphan in orphans]
    return settled + _clear_up(folders, over)


def _clear_up(folders: Folders, over: dict[RunId, int]) -> list[Run]:
    """Remove the folders of runs that are over, once the index knows their ends; answer these."""
    lines, told = live.retell(folders, over)
    for run_id, alive_fd in over.items():
        if told:
            live.clear(folders, run_id)
        os.close(alive_fd)
    return [parse_run(line) for line in lines.values()]


def reopen(folders: Folders, line: bytes) -> bool:
    """Give a run, that the index calls running but that has no private folder, one to be mended in.

    `False` where its process may be alive out of our sight: nothing can be proven about it from here.
    """
    try:
        run = parse_run(line)
    except BadRunError:
        return False
    process = identity.parse_process(run.process)
    if process is not None and identity.state_of(process) == identity.UNKNOWN:
        return False
    try:
        prepare_private(folders)
        os.mkdir(folders.live_folder(run.id), 0o700)
    except (NoFolderError, FileExistsError):
        # Where nothing can be written, nothing can be mended; where the folder is there, somebody else is at it.
        return os.path.isdir(folders.live_folder(run.id))
    return True


def _alive(orphans: list[_Orphan]) -> set[RunId]:
    """Which of these have processes that live."""
    found = set()
    quiet = []
    for orphan in orphans:
        process = identity.parse_process(orphan.run.process)
        if process is not None and identity.state_of(process) == ALIVE:
            found.add(orphan.run.id)
        elif process is None or not identity.is_rebooted(process):
            quiet.append(orphan.run.id)
    return found | (tree.find_marked(quiet) if quiet else set())


def _settle(folders: Folders, orphan: _Orphan, env: Mapping[str, str], alive: set[RunId]) -> Run:
    run, alive_fd = orphan
    leader = identity.parse_process(run.process)
    try:
        if leader is None:
            return _settle_unstarted(folders, run)
        if run.type == IN_PROCESS_TEAMMATE:
            return _settle_hosted(folders, run, leader)
        settings = _settings(folders, run)
        is_dead = identity.state_of(leader) == DEAD
        if run.id in alive or (is_dead and settings["tends"]):
            return _take_over(folders, run, settings, os.dup(alive_fd), env)
        if is_dead:
            rebooted = identity.is_rebooted(leader)
            return _end(folders, run, record.REBOOT if rebooted else record.LOST)
        return run._replace(message=f"runs on {leader.host}, out of sight from here")
    finally:
        os.close(alive_fd)


def _settle_hosted(folders: Folders, run: Run, host: Process) -> Run:
    """A run that lived in somebody's program: there is nothing to take over, and the program is never touched."""
    state = identity.state_of(host)
    if identity.is_rebooted(host):
        return _end(folders, run, record.REBOOT)
    if state == DEAD:
        return _end(folders, run, record.LOST, message=record.HOST_GONE)
    where = (
        "lives on, but has let go of it" if state == ALIVE else f"is on {host.host}, out of sight from here"
    )
    return run._replace(message=f"its host {where}")


def _take_over(
    folders: Folders, run: Run, settings: dict[str, Any], alive_fd: int, env: Mapping[str, str]
) -> Run:
    """Give a run another supervisor. Where that cannot be, it goes on unguarded, and the next command tries again."""
    try:
        return launcher.take_over(folders, run, settings, alive_fd, env)
    except GittasksError as error:
        return run._replace(message=f"goes on without a supervisor: {error.message}")


def _settle_unstarted(folders: Folders, run: Run) -> Run:
    """A run whose command does not run: it waited for its turn, or to be tried again, and now it never will."""
    supervisor = identity.parse_process(run.supervisor)
    if run.phase != record.QUEUED or supervisor is None:
        return _end(folders, run, record.UNVERIFIED)
    if identity.state_of(supervisor) == identity.UNKNOWN:
        return run._replace(message=f"waits on {supervisor.host}, out of sight from here")
    if live.read_stop(folders, run.id) is not None:
        message = "stopped before its command was started"
        return _end(folders, run, record.NOT_STARTED, status=record.KILLED, message=message)
    what = "the machine was restarted" if identity.is_rebooted(supervisor) else "its supervisor was killed"
    reason = record.REBOOT if identity.is_rebooted(supervisor) else record.NOT_STARTED
    if run.attempts:
        return _end(folders, run, record.LOST, message=f"{what} before attempt {(run.attempt or 1) + 1}")
    return _end(folders, run, reason, message=f"{what} while it waited: its command was never started")


def _end(
    folders: Folders, run: Run, reason: str, *, status: str = record.FAILED, message: str | None = None
) -> Run:
    """Record the end of a run. Where the disk refuses, it is at least answered; the next command tries again."""
    message = message or record.MESSAGES[reason]
    run = report.lay_over(run, report.read_report(folders, run.id))
    settings = _settings(folders, run)
    ended = record.end(run, status=status, reason=reason, end_time=clock.now_s(), message=message)
    try:
        if tail_files(folders.live_folder(run.id)):
            writer = OutputWriter(folders, run.id, limit_bytes=settings["limit_bytes"])
            writer.close()
            ended = ended._replace(output_bytes=writer.position, truncated=writer.truncated)
        else:
            info = os.stat(folders.output(run.id))
            ended = ended._replace(output_bytes=info.st_size, last_output_time=info.st_mtime)
    except (GittasksError, OSError):
        # No output to look at: it was deleted, or its folder cannot be read.
        pass
    try:
        live.finish(folders, ended)
    except OSError:
        return ended._replace(message=f"{message} (the disk refuses to record it)")
    announcing.announce(run.id, settings)
    return ended


def _last_record(folders: Folders, run_id: RunId, line: bytes | None) -> Run | None:
    """The last that is known of a live run; `None` where nothing was ever recorded, so nothing was started."""
    for data in (live.read_part(folders, run_id, live.RECORD), line):
        if data is not None:
            try:
                return parse_run(data)
            except BadRunError:
                continue
    return None


def _settings(folders: Folders, run: Run) -> dict[str, Any]:
    """What its first supervisor was told; the usual where that is gone."""
    import json

    usual = settings_of(
        limit_bytes=DEFAULT_LIMIT_BYTES, timeout_s=run.timeout_s, leave_children=False, at_end={}
    )
    try:
        found = json.loads(live.read_part(folders, run.id, live.SETTINGS) or b"")
    except ValueError:
        return usual
    return usual | found if isinstance(found, dict) else usual
