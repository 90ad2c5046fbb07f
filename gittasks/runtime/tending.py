"""Runs whose command only tends something that goes on elsewhere: on another machine, in a cluster.

The end of such a command is not the end of the run: that comes when the command has left its outcome. Whatever ends
it before (a crash, a reboot of this machine) changes nothing about what goes on there, so it is started again, as
often as it takes. And it is never killed for the run's sake: it is told to stop, and passes that on.
"""

from __future__ import annotations

import os
import sys

from gittasks.base import files
from gittasks.base.jsontext import dumps
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import live
from gittasks.runtime.record import EXIT, FAILED, REASONS, TERMINAL, UNVERIFIED

if TYPE_CHECKING:
    from typing import Any

    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import RunId

OUTCOME = "outcome.json"
_GIVEN_UP = "given-up"
# In the environment of the first command alone: what is needed to start the thing, and may hold secrets.
FIRST_VARIABLE = "GITTASKS_TEND"
FIRST_PAUSE_S, LAST_PAUSE_S = 0.5, 60.0
# A command that was told to stop and died so often without an outcome will not have one.
MAX_DEATHS = 3


def command(worker: str) -> list[str]:
    """The command of our own worker called `worker`; never taken from a file, for a stranger may have left that."""
    # Without -P a folder `gittasks` in whatever repository it works in would be imported instead of us.
    return [sys.executable, "-P", "-m", "gittasks", "worker", worker]


class Outcome(NamedTuple):
    """How such a run ended, in the words of a record. `end_time` is `None` where it is now."""

    status: str
    reason: str = EXIT
    exit_code: int | None = None
    signal: int | None = None
    end_time: float | None = None
    usage: dict[str, Any] | None = None
    message: str | None = None


UNVERIFIED_OUTCOME = Outcome(
    FAILED, UNVERIFIED, message="told to stop, its worker failed: what became of the run is unknown"
)


def write_outcome(folders: Folders, run_id: RunId, outcome: Outcome) -> None:
    """Say that the run is over, and how; its supervisor records that. Raises `DiskError`."""
    path = os.path.join(folders.live_folder(run_id), OUTCOME)
    files.replace_file(path, dumps(outcome._asdict()).encode(), mode=0o600)


def read_outcome(folders: Folders, run_id: RunId) -> Outcome | None:
    """How a run ended that its command only tended; `None` as long as it goes on."""
    data = live.read_part(folders, run_id, OUTCOME)
    if data is None:
        return None
    import json

    try:
        outcome = Outcome(**json.loads(data))
    except (ValueError, TypeError):
        return None
    return outcome if outcome.status in TERMINAL and outcome.reason in REASONS else None


def give_up(folders: Folders, run_id: RunId) -> None:
    """Let a live run that is stopped end here as lost, where what it is on cannot be reached."""
    path = os.path.join(folders.live_folder(run_id), _GIVEN_UP)
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except FileNotFoundError:
        # It has ended.
        return


def is_given_up(folders: Folders, run_id: RunId) -> bool:
    """Whether somebody gave the run up."""
    return os.path.lexists(os.path.join(folders.live_folder(run_id), _GIVEN_UP))
