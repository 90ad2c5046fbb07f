"""Asking runs to stop. The supervisor does it; it is signalled only once it is proven to be that process."""

from __future__ import annotations

import os
import signal

from gittasks.base import identity
from gittasks.base.identity import ALIVE
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import live
from gittasks.runtime.record import BadRunError, parse_run

if TYPE_CHECKING:
    from gittasks.base.identity import Process
    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import RunId


def ask_to_stop(folders: Folders, run_id: RunId, grace_s: float) -> bool:
    """Ask for the end of a run's whole tree: SIGTERM, `grace_s` seconds, SIGKILL. `False` where it has ended already.

    Answers at once; `waiting.wait` tells when it is over. A supervisor that starts later finds the request too.
    """
    if not live.ask_to_stop(folders, run_id, grace_s):
        return False
    supervisor = _supervisor(folders, run_id)
    if supervisor is not None and live.is_guarded(folders, run_id):
        wake(supervisor)
    return True


def wake(supervisor: Process) -> None:
    """Let a supervisor look for requests; whoever else has its pid now gets nothing."""
    if not hasattr(os, "pidfd_open"):
        if identity.state_of(supervisor) == ALIVE:
            os.kill(supervisor.pid, signal.SIGTERM)
            os.kill(supervisor.pid, signal.SIGCONT)
        return
    try:
        fd = os.pidfd_open(supervisor.pid)
    except OSError:
        return
    try:
        # Looked at after it was opened: from here on the descriptor means this very process.
        if identity.state_of(supervisor) == ALIVE:
            signal.pidfd_send_signal(fd, signal.SIGTERM)
            # One that somebody stopped hears nothing.
            signal.pidfd_send_signal(fd, signal.SIGCONT)
    except ProcessLookupError:
        return
    finally:
        os.close(fd)


def _supervisor(folders: Folders, run_id: RunId) -> Process | None:
    data = live.read_part(folders, run_id, live.RECORD)
    try:
        return identity.parse_process(parse_run(data).supervisor) if data is not None else None
    except BadRunError:
        return None
