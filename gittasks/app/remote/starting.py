"""Starting a run on a host, under the supervisor that every run has: once, however often it is asked for."""

from __future__ import annotations

import os

from gittasks.app.remote import place as places
from gittasks.app.remote import trees
from gittasks.base.errors import GittasksError, RefusedError
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo.git import scrub
from gittasks.runtime import folders as run_folder_files
from gittasks.runtime import launcher, record
from gittasks.runtime.settings import settings_of
from gittasks.runtime.tree import RUN_VARIABLE, SUPERVISOR_VARIABLE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from gittasks.app.remote.place import Place

# Fields of the record that the client knows and the host does not.
_FACTS = ("description", "work_graph_task_id", "owner", "timeout_s")


class NotOursError(RefusedError):
    """A job with this id is there, and it is another one."""


def start(place: Place, job: Mapping[str, Any], env: Mapping[str, str], own_env: Mapping[str, str]) -> None:
    """Start a job, with `env` added to the host's own environment; one that is there already is left as it is.

    That it cannot be started is remembered, and told by whoever looks at the job. Raises `NotOursError`.
    """
    job_id = str(job["job_id"])
    facts = {"nonce": job["nonce"], "repository": job["repository"], "commit": job["commit"]}
    held = places.claim(place, job_id, facts)
    if held is None:
        require_ours(place, job_id, str(job["nonce"]))
        return
    try:
        failure = _launch(place, job, env, own_env)
    except (GittasksError, OSError) as error:
        failure = error.message if isinstance(error, GittasksError) else f"{error.filename}: {error.strerror}"
    if failure is not None:
        places.note_failure(place, job_id, failure)
    os.close(held)


def require_ours(place: Place, job_id: str, nonce: str) -> dict[str, Any] | None:
    """What the host knows of a job; `None` where there is none. Raises `NotOursError`."""
    found = places.read_job(place, job_id)
    if found is not None and found.get("nonce") != nonce:
        raise NotOursError(f"run {job_id} is there already, and is another one")
    return found


def _launch(
    place: Place, job: Mapping[str, Any], env: Mapping[str, str], own_env: Mapping[str, str]
) -> str | None:
    """Start the command; `None` once it has a record, which may also say why it could not be run."""
    job_id = str(job["job_id"])
    tree = trees.plant(place, job_id, str(job["repository"]), str(job["commit"]), own_env)
    cwd = os.path.normpath(os.path.join(tree, str(job["folder"])))
    folders = place.folders
    run_folder_files.prepare(folders)
    starting = launcher.begin(folders, record.LOCAL_BASH, own_env)
    try:
        places.note_run(place, job_id, starting.run_id)
    except BaseException:
        starting.give_up()
        raise
    run = record.Run(starting.run_id, phase=record.QUEUED)._replace(
        output_file=folders.shown_output(starting.run_id),
        command=record.describe_command(tuple(os.fsencode(word) for word in job["argv"])),
        cwd=cwd,
        **{name: job["facts"].get(name) for name in _FACTS},
    )
    given = scrub(own_env) | dict(env) | {RUN_VARIABLE: run.id}
    given.pop(SUPERVISOR_VARIABLE, None)
    starting.go(
        run,
        settings_of(**job["limits"], at_end={}),
        argv=[os.fsencode(word) for word in job["argv"]],
        env={os.fsencode(name): os.fsencode(value) for name, value in given.items()},
        cwd=os.fsencode(cwd),
    )
    return None
