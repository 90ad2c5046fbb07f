"""Starting what tells of an ended run elsewhere: detached, after the end is on record, never waited for.

Whatever it does or fails to do, the run has ended; nobody takes notice of it. It is started at most once a run.
"""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime.tree import SUPERVISOR_VARIABLE

if TYPE_CHECKING:
    from typing import Any

    from gittasks.runtime.record import RunId

_SHELL = "/bin/sh"
# The shell ends at once: whoever starts it waits for nothing, and has no zombie of ours.
_DETACH = '"$@" &'


def announcement(argv: list[str], env: dict[str, str]) -> dict[str, Any]:
    """What `announce` starts, as the settings of a run keep it: no secrets."""
    return {"argv": argv, "env": env}


def announce(run_id: RunId, settings: dict[str, Any]) -> None:
    """Start what the settings of an ended run say, if they say anything; never raises."""
    wanted = settings.get("on_end")
    if not wanted:
        return
    null = os.devnull
    actions = [(os.POSIX_SPAWN_OPEN, fd, null, os.O_RDWR, 0) for fd in (0, 1, 2)]
    # Marked as a supervisor is: it belongs to no run, also not to one that this one was started from.
    env = {SUPERVISOR_VARIABLE: run_id, **wanted["env"]}
    try:
        pid = os.posix_spawn(
            _SHELL, [_SHELL, "-c", _DETACH, "sh", *wanted["argv"]], env, file_actions=actions, setsid=True
        )
        os.waitpid(pid, 0)
    except OSError:
        return
