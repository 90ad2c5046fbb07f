"""A host's answers about a job: its output as it comes, what became of it, requests to stop it, its last traces."""

from __future__ import annotations

import os
import select

from gittasks.app.remote import frames, trees
from gittasks.app.remote import place as places
from gittasks.app.remote.engine import ENDED, NOT_STARTED, UNKNOWN
from gittasks.app.remote.starting import require_ours
from gittasks.base import clock
from gittasks.base.errors import BusyError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import journal, live, pruning, reading, stopping, store
from gittasks.runtime.record import parse_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from gittasks.app.remote.place import Place
    from gittasks.runtime.record import RunId

_FIRST_PAUSE_S, _LAST_PAUSE_S = 0.01, 0.25
_BEAT_S = 10.0
# How often we look whether the supervisor of the run was killed.
_MEND_S = 2.0
_OLD_S = 30 * 86400.0


class StillThereError(BusyError):
    """The run has not ended, so nothing of it can be collected or cleared away."""


class ClientGoneError(Exception):
    """Whoever listened does so no longer."""


class Feed:
    """All that happens to one job, told by `send` while the other side keeps its end of a pipe open."""

    def __init__(self, place: Place, env: Mapping[str, str], send: Callable[[bytes], None]) -> None:
        self._place = place
        self._folders = place.folders
        self._env = env
        self._send = send
        self._poll = select.poll()
        self._beat_at = 0.0
        self._mend_at = 0.0

    def serve(self, request: Mapping[str, Any], listen_fd: int) -> dict[str, Any]:
        """Tell of a job until it has ended; the answer says what became of it.

        Raises `ClientGoneError` once `listen_fd` is closed, `NotOursError`.
        """
        # Nothing is ever said there: it becomes readable when it is closed.
        self._poll.register(listen_fd, select.POLLIN)
        self._beat()
        job = settle(self._place, request)
        if job.run_id is None:
            return job.answer
        reader = reading.LiveReader(self._folders, job.run_id)
        reader.position = int(request["position"])
        pause_s = _FIRST_PAUSE_S
        while live.is_live(self._folders, job.run_id):
            some = self._pass_on(reader.read_new(), reader)
            pause_s = _FIRST_PAUSE_S if some else min(pause_s * 1.5, _LAST_PAUSE_S)
            self._rest(pause_s, job.run_id)
        return self._ending(job.run_id, reader)

    def _pass_on(self, blocks: Iterator[bytes], reader: reading.LiveReader) -> bool:
        some = False
        for block in blocks:
            some = True
            self._send(frames.format_output(block, reader.position))
        return some

    def _rest(self, pause_s: float, run_id: RunId) -> None:
        now = clock.monotonic_s()
        if now >= self._beat_at:
            self._beat()
        if now >= self._mend_at:
            self._mend_at = now + _MEND_S
            if not live.is_guarded(self._folders, run_id):
                store.load(self._folders, self._env)
        if self._poll.poll(pause_s * 1000):
            raise ClientGoneError

    def _beat(self) -> None:
        self._beat_at = clock.monotonic_s() + _BEAT_S
        self._send(frames.format_frame(frames.BEAT))

    def _ending(self, run_id: RunId, reader: reading.LiveReader) -> dict[str, Any]:
        line = store.load(self._folders, self._env).get(run_id.encode())
        if line is None or not journal.has_ended(line):
            return {"what": UNKNOWN}
        run = parse_run(line)
        self._pass_on(reader.read_rest(run.output_bytes), reader)
        return {
            "what": ENDED,
            "record": run.as_json(),
            "age_s": max(clock.now_s() - (run.end_time or 0.0), 0.0),
        }


class Settled(NamedTuple):
    """A job's run here; or, where it has none, what is to be said of it."""

    run_id: RunId | None
    answer: dict[str, Any]


def settle(place: Place, request: Mapping[str, Any]) -> Settled:
    """What there is of a job. One that nobody ever sent is marked, so that it cannot be started any more.

    Raises `NotOursError`.
    """
    job_id, nonce = str(request["job_id"]), str(request["nonce"])
    held = places.claim(place, job_id, {"nonce": nonce})
    if held is not None:
        places.note_cleared(place, job_id)
        os.close(held)
    require_ours(place, job_id, nonce)
    # Whoever starts it right now holds this.
    with place.lock(job_id):
        failure, run_id = places.read_failure(place, job_id), places.find_run(place, job_id)
    if failure is not None:
        return Settled(None, {"what": NOT_STARTED, "message": failure})
    if places.is_cleared(place, job_id):
        return Settled(None, {"what": UNKNOWN})
    if run_id is None or not _is_known(place, run_id):
        return Settled(
            None, {"what": NOT_STARTED, "message": "this host went down while it was being started"}
        )
    return Settled(run_id, {})


def stop(place: Place, request: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """Ask for the end of a run's whole tree. Raises `NotOursError`."""
    run_id = settle(place, request).run_id
    if run_id is not None:
        stopping.ask_to_stop(place.folders, run_id, float(request["grace_s"]))
        # Whose supervisor is dead gets a new one here, which finds the request.
        store.load(place.folders, env)
    return {}


def collect(place: Place, request: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """What an ended run left: `result`, a commit or null, and how many `files` differ. Raises `StillThereError`."""
    job_id, facts = _ended(place, request)
    with place.lock(job_id):
        result, files = trees.collect(place, job_id, facts["repository"], facts["commit"], env)
    return {"result": result, "files": files}


def clean(place: Place, request: Mapping[str, Any], env: Mapping[str, str]) -> dict[str, Any]:
    """Delete all of an ended run but its mark; and what is long outdated of others. Raises `StillThereError`."""
    job_id, facts = _ended(place, request)
    with place.lock(job_id):
        # First of all: what is half cleared away must not look like something that was never started.
        places.note_cleared(place, job_id)
        if "repository" in facts:
            trees.clear(place, job_id, facts["repository"], facts["commit"], env)
        run_id = places.find_run(place, job_id)
        if run_id is not None:
            pruning.forget(place.folders, [run_id])
    _sweep(place)
    return {}


def _ended(place: Place, request: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    job_id = str(request["job_id"])
    facts = require_ours(place, job_id, str(request["nonce"])) or {}
    run_id = places.find_run(place, job_id)
    if run_id is not None and live.is_live(place.folders, run_id):
        raise StillThereError(f"run {job_id} has not ended")
    return job_id, facts


def _is_known(place: Place, run_id: RunId) -> bool:
    return live.has_ended(place.folders, run_id) or live.is_live(place.folders, run_id)


def _sweep(place: Place) -> None:
    """Marks of runs that were cleared away a month ago, and modules that nobody used for a month."""
    import shutil

    limit = clock.now_s() - _OLD_S
    for name in os.listdir(place.jobs):
        path = os.path.join(place.jobs, name)
        if os.stat(path).st_mtime < limit and (name[0] == "." or places.is_cleared(place, name)):
            shutil.rmtree(path, ignore_errors=True)
    code = os.path.join(place.root, "code")
    for name in os.listdir(code):
        path = os.path.join(code, name)
        if os.stat(path).st_mtime < limit:
            shutil.rmtree(path, ignore_errors=True)
