"""What the configuration says of runs that start now: when they count as stalled, what is started at their end.

Paid by every `run`: a configuration that speaks of neither is not even parsed.
"""

from __future__ import annotations

import sys

from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime.announcing import announcement
from gittasks.workgraph.config import BadConfigError, Config, may_set, parse_config, read_config

if TYPE_CHECKING:
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.runtime.record import RunId

# In the environment of `on_finish`, and of all that it starts: the run that has ended.
FINISHED_RUN = "GITTASKS_FINISHED_RUN"
# What a program needs to reach the desktop of whoever started the run; none of it is a secret.
_KEPT = (
    "PATH",
    "HOME",
    "LANG",
    "USER",
    "PYTHONPATH",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "XDG_RUNTIME_DIR",
    "XDG_CONFIG_HOME",
    "DBUS_SESSION_BUS_ADDRESS",
    "GIT_CONFIG_NOSYSTEM",
)


def load_settings(project: Project) -> Config:
    """What the configuration says of runs that start now; the defaults where it says nothing, or cannot be read.

    A configuration that somebody is just editing is no reason to run nothing.
    """
    if project.checkout.top is None:
        return Config()
    try:
        data = read_config(project.tasks_folder)
        return parse_config(data) if may_set(data, b"stall_after", b"on_finish") else Config()
    except (BadConfigError, OSError):
        return Config()


def announcement_of(project: Project, config: Config, run_id: RunId) -> dict[str, Any] | None:
    """What is to be started once this run has ended; `None` for nothing."""
    if not config.on_finish or project.env.get(FINISHED_RUN):
        return None
    argv = [sys.executable, "-P", "-m", "gittasks", "-C", project.top, "announce", run_id]
    return announcement(argv, {name: project.env[name] for name in _KEPT if name in project.env})
