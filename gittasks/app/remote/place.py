"""Where a host keeps runs that others sent, and the mark by which each is started once at most.

    <root>/code/<version>/        the modules that were sent (see `parcel`)
    <root>/repositories/<key>.git one for each clone that sends runs, and <key>.lock
    <root>/jobs/<id>/             made first of all, whole and in one step: whoever makes it may start the run
        job.json                  whose it is, and of which repository
        lock                      held while the run is started, brought back or cleared away
        run                       the id that its run has here
        failure                   why it could never be started
        cleared                   there once its run was cleared away
        tree/                     the worktree that the command works in
    <root>/runs, outputs, ...     the runs themselves, kept as in any clone (see `runtime.folders`)

A job is called by the id of the run that its client has of it; here its run has an id of its own, for client and host
may be one machine. A job's folder outlives its run, so that a request to start it which comes late is still refused.
"""

from __future__ import annotations

import errno
import json
import os

from gittasks.base import flock, ids
from gittasks.base.errors import InvalidError
from gittasks.base.jsontext import dumps
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime.folders import Folders
from gittasks.runtime.record import RunId, is_run_id

if TYPE_CHECKING:
    from typing import Any

TREE = "tree"
_JOB, _LOCK, _RUN, _FAILURE, _CLEARED = "job.json", "lock", "run", "failure", "cleared"
_LOCK_TIMEOUT_S = 300.0
_KEY_LETTERS = frozenset("0123456789abcdef-")


class BadRequestError(InvalidError):
    """A request that no client of ours sends."""


class Place(NamedTuple):
    """The folder of everything on this host, absolute."""

    root: str

    @property
    def folders(self) -> Folders:
        """Where the runs are."""
        outputs = os.path.join(self.root, "outputs")
        return Folders(outputs, self.root, outputs)

    @property
    def repositories(self) -> str:
        """One bare repository for each clone that sends runs."""
        return os.path.join(self.root, "repositories")

    @property
    def jobs(self) -> str:
        """One folder for each run that was ever sent."""
        return os.path.join(self.root, "jobs")

    def repository(self, key: str) -> str:
        """The repository of one clone. Raises `BadRequestError`."""
        if not key or not _KEY_LETTERS.issuperset(key):
            raise BadRequestError(f"{key[:40]!r} names no repository")
        return os.path.join(self.repositories, key + ".git")

    def job(self, job_id: str) -> str:
        """The folder of one run. Raises `BadRequestError`."""
        if not is_run_id(job_id):
            raise BadRequestError(f"{job_id[:40]!r} is no run id")
        return os.path.join(self.jobs, job_id)

    def tree(self, job_id: str) -> str:
        """The worktree of one run."""
        return os.path.join(self.job(job_id), TREE)

    def lock(self, job_id: str) -> flock.Hold:
        """The lock of one job, to be held by `with`."""
        path = os.path.join(self.job(job_id), _LOCK)
        return flock.Hold(path, purpose="see to a job", timeout_s=_LOCK_TIMEOUT_S)


def claim(place: Place, job_id: str, facts: dict[str, Any]) -> int | None:
    """Make the folder of a job, which nobody made before, and answer its open, held lock; `None` where it is there.

    Killed at any point, either the whole folder is there or nothing that counts.
    """
    os.makedirs(place.jobs, 0o700, exist_ok=True)
    made = os.path.join(place.jobs, f".{job_id}-{ids.new_base36(8)}")
    os.mkdir(made, 0o700)
    fd = os.open(os.path.join(made, _LOCK), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        flock.try_lock(fd)
        _write(os.path.join(made, _JOB), dumps(facts).encode())
        # Onto a folder that is not empty, as each of these is, a folder cannot be renamed (rename(2)).
        os.rename(made, place.job(job_id))
    except OSError as error:
        os.close(fd)
        for name in os.listdir(made):
            os.unlink(os.path.join(made, name))
        os.rmdir(made)
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return None
        raise
    return fd


def read_job(place: Place, job_id: str) -> dict[str, Any] | None:
    """What stands in a job's folder; `None` where there is no such job."""
    data = _read(os.path.join(place.job(job_id), _JOB))
    if data is None:
        return None
    try:
        found = json.loads(data)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def note_run(place: Place, job_id: str, run_id: RunId) -> None:
    """Remember the run that a job is about to have."""
    _write(os.path.join(place.job(job_id), _RUN), run_id.encode())


def find_run(place: Place, job_id: str) -> RunId | None:
    """The run that a job has, or was about to have; `None` where it has none."""
    found = (_read(os.path.join(place.job(job_id), _RUN)) or b"").decode("ascii", "replace")
    return RunId(found) if is_run_id(found) else None


def note_failure(place: Place, job_id: str, why: str) -> None:
    """Remember why a job could not be started."""
    _write(os.path.join(place.job(job_id), _FAILURE), why.encode("utf-8", "replace"))


def read_failure(place: Place, job_id: str) -> str | None:
    """Why a job could not be started; `None` where nobody noted that."""
    found = _read(os.path.join(place.job(job_id), _FAILURE))
    return None if found is None else found.decode("utf-8", "replace")


def note_cleared(place: Place, job_id: str) -> None:
    """Remember that a job has left nothing behind any more."""
    _write(os.path.join(place.job(job_id), _CLEARED), b"")


def is_cleared(place: Place, job_id: str) -> bool:
    """Whether nothing of a job is here any more."""
    return os.path.lexists(os.path.join(place.job(job_id), _CLEARED))


def _write(path: str, data: bytes) -> None:
    with open(path, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        return None
