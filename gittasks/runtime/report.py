"""How far a run is, in its own words: a small file that a worker of ours replaces as often as it likes.

It is laid over the record of a run that lives wherever that is shown, and becomes part of the last record when the
run ends. It costs no lock, no line of the index and no fsync; after a crash of the machine it is gone.
"""

from __future__ import annotations

import os

from gittasks.base.errors import InvalidError
from gittasks.base.jsontext import dumps
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import shorten
from gittasks.runtime.record import EXIT, FAILED, FIELDS, KILLED, REASONS, UNVERIFIED, Ending, is_value

if TYPE_CHECKING:
    from typing import Any

    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import Run, RunId

    # Fields of the record by name; never one that is not `REPORTABLE` or unknown to `Run`.
    Report = dict[str, Any]

REPORT = "report.json"
# The fields of a record that a worker may speak of; what `Run` does not know goes to its `extra`.
REPORTABLE = frozenset(
    ("progress", "message", "session", "events", "stale_since", "commit_after", "reason", "usage")
)
MAX_BYTES = 65_536
MAX_MESSAGE_CHARS = 2000


class BadReportError(InvalidError):
    """A report is too long, or speaks of what only the supervisor knows."""


def write_report(
    folders: Folders, run_id: RunId, *, progress: Any = None, message: str | None = None, **more: Any
) -> bool:
    """Say how far a run is; `False` where it has ended, or the disk refuses.

    What is not spoken of stays as it was said last; so do `progress` and `message` where they are `None`. `message`
    is cut to `MAX_MESSAGE_CHARS`. `more` are further fields of the record (`REPORTABLE`, or names that `Run` does
    not have); `None` there takes back what was said.
    `reason` counts only in the end, where the worker fails; with `unverified` a run is never called killed.
    A run has one writer, its worker. Raises `BadReportError`.
    """
    said = {"progress": progress, "message": message, **more}
    said = {name: value for name, value in said.items() if value is not None}
    _check(said)
    if message is not None:
        said["message"] = shorten(message, MAX_MESSAGE_CHARS)
    try:
        before = read_report(folders, run_id)
        kept = {name: value for name, value in before.items() if name not in more}
        text = dumps(kept | said).encode("ascii")
    except (TypeError, ValueError) as error:
        raise BadReportError(f"the report of run {run_id} is no JSON: {error}") from None
    if len(text) > MAX_BYTES:
        raise BadReportError(
            f"the report of run {run_id} has {len(text)} bytes: expected at most {MAX_BYTES}"
        )
    return _replace(os.path.join(folders.live_folder(run_id), REPORT), text)


def read_report(folders: Folders, run_id: RunId) -> Report:
    """What the worker of a live run said last; empty where it said nothing, or where that cannot be read."""
    try:
        with open(os.path.join(folders.live_folder(run_id), REPORT), "rb", buffering=0) as file:
            data = file.read(MAX_BYTES + 1)
    except OSError:
        return {}
    import json  # most runs say nothing

    try:
        said = json.loads(data)
        _check(said)
    except (ValueError, RecursionError, BadReportError):
        return {}
    return dict(said)


def forget(folders: Folders, run_id: RunId) -> None:
    """Take back what was said: another attempt speaks for itself. The record has it."""
    try:
        os.unlink(os.path.join(folders.live_folder(run_id), REPORT))
    except FileNotFoundError:
        return


def lay_over(run: Run, said: Report) -> Run:
    """The record of a live run together with what its worker said; the reason of an end is none yet."""
    known = {name: value for name, value in said.items() if name in FIELDS and name != "reason"}
    extra = dict(run.extra) | {name: value for name, value in said.items() if name not in FIELDS}
    return run._replace(**known, extra=tuple(extra.items()))


def judge(ending: Ending, said: Report) -> Ending:
    """How a run ended, together with the reason that its worker gave, where the supervisor knows no better."""
    reason = said.get("reason")
    if ending.status == KILLED and reason == UNVERIFIED:
        return ending._replace(status=FAILED, reason=UNVERIFIED)
    if ending.status == FAILED and ending.reason == EXIT and reason is not None:
        return ending._replace(reason=reason)
    return ending


def _check(said: object) -> None:
    if not isinstance(said, dict):
        raise BadReportError("a report is no map")
    for name, value in said.items():
        if name == "progress" or name not in FIELDS:
            continue
        if name not in REPORTABLE:
            raise BadReportError(f"a report cannot set {name!r}: only {', '.join(sorted(REPORTABLE))}")
        if not is_value(name, value) or (name == "reason" and value not in REASONS):
            raise BadReportError(f"a report says {name}: {str(value)[:40]!r}, which is no such value")


def _replace(path: str, data: bytes) -> bool:
    temp = f"{path}.{os.getpid()}"
    try:
        # The folder is never made here: a run that has ended must not come back.
        fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            whole = os.write(fd, data) == len(data)
        finally:
            os.close(fd)
        if whole:
            os.replace(temp, path)
    except OSError:
        return False
    return whole
