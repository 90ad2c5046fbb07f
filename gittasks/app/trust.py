"""Whether this clone may run the commands that `.tasks/config.yaml` and the workflows name.

Whoever can push can change these files; so their commands run only after a person has looked at them and said so,
here. The consent is to the exact bytes: any change asks again, a version that was trusted once stays trusted. It
holds for this clone on this machine: the record says which folder it was written in, so one that an archive brings
along, or a copy of the clone, asks again.
"""

from __future__ import annotations

import hashlib
import json
import os

from gittasks.base import clock, files, identity
from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph import config as configs
from gittasks.workgraph import store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.app.project import Project
    from gittasks.workgraph.config import Config

TRUSTED, UNTRUSTED, CHANGED, NOTHING = "trusted", "untrusted", "changed", "nothing"
_FILE_NAME = "trust.json"
_MAX_BYTES = 1 << 20
_KEPT = 500
_WORKFLOW = "workflow "


class UntrustedError(RefusedError):
    """Commands of the configuration were to run, and nobody has trusted them in this clone."""


class ChangedMeanwhileError(RefusedError):
    """The configuration changed between being shown and being trusted."""


class FileTrust(NamedTuple):
    """Whether one version of a file may run; `state` as in `Trust`, but never `nothing`."""

    state: str
    sha256: str
    since: str | None


class Trust(NamedTuple):
    """Where we stand. `state`: `trusted`; `untrusted`; `changed` (an earlier version was trusted); `nothing` (the
    configuration names no command). `sha256` is of the file as it is now, empty without one; `since` when it was
    trusted.
    """

    state: str
    sha256: str
    since: str | None
    config: Config


def trust_state(project: Project) -> Trust:
    """What the configuration of this worktree would run, and whether it may. Raises `BadConfigError`."""
    data = configs.read_config(project.require_tasks())
    config = configs.parse_config(data)
    sha256 = hashlib.sha256(data).hexdigest() if data else ""
    trusted = _load(project)
    since = trusted.get(sha256)
    if not config.has_commands:
        return Trust(NOTHING, sha256, since, config)
    was_trusted = any(not key.startswith(_WORKFLOW) for key in trusted)
    state = TRUSTED if since else CHANGED if was_trusted else UNTRUSTED
    return Trust(state, sha256, since, config)


def state_of(project: Project, data: bytes, workflow: str) -> FileTrust:
    """Whether this clone trusts `data` as the file of the workflow called `workflow`."""
    sha256 = hashlib.sha256(data).hexdigest()
    trusted = _load(project)
    since = trusted.get(_key(workflow, sha256))
    was_trusted = any(key.startswith(_key(workflow, "")) for key in trusted)
    return FileTrust(TRUSTED if since else CHANGED if was_trusted else UNTRUSTED, sha256, since)


def untrusted(path: str, state: str) -> UntrustedError:
    """The error that says why nothing of the file `path` runs."""
    what = "was changed since this clone trusted it" if state == CHANGED else "is not trusted in this clone"
    return UntrustedError(
        f"{path} {what}: its commands do not run", hint="`gittasks trust` shows them and asks"
    )


def grant(project: Project, sha256: str | None, workflows: Mapping[str, str] | None = None) -> None:
    """Trust the configuration whose hash is `sha256` (`None`: leave it), and workflows by name with theirs, as shown.

    Raises `ChangedMeanwhileError` where the configuration is another one by now. What is trusted is what was shown:
    a file that has changed since is not it.
    """
    with project.lock("trust"):
        if sha256 is not None and trust_state(project).sha256 != sha256:
            raise ChangedMeanwhileError(
                "the configuration changed while you looked at it; nothing is trusted",
                hint="look at it again",
            )
        trusted = _load(project)
        keys = [_key(name, known) for name, known in (workflows or {}).items()]
        for key in [sha256, *keys] if sha256 is not None else keys:
            trusted.pop(key, None)
            trusted[key] = clock.now_utc()
        _save(project, dict(list(trusted.items())[-_KEPT:]))


def revoke(project: Project) -> bool:
    """Trust no version any longer; answer whether one was trusted."""
    with project.lock("trust"):
        had = bool(_load(project))
        _save(project, {})
    return had


def require_trusted(project: Project) -> Config:
    """The configuration, whose commands may run: it is the very version that was trusted, or names no command.

    Raises `UntrustedError`, `BadConfigError`.
    """
    trust = trust_state(project)
    if trust.state in (TRUSTED, NOTHING):
        return trust.config
    raise untrusted(f"{store.FOLDER}/{configs.CONFIG_NAME}", trust.state)


def _key(workflow: str, sha256: str) -> str:
    """How a trusted workflow is kept; a trusted configuration is kept by its hash alone."""
    return f"{_WORKFLOW}{workflow} {sha256}"


def _path(project: Project) -> str:
    return os.path.join(project.checkout.private_dir, _FILE_NAME)


def _seal(project: Project) -> str:
    """What no other clone can say: this user, this machine, this very folder."""
    try:
        folder = os.stat(project.checkout.private_dir).st_ino
    except OSError:
        folder = 0
    return hashlib.sha256(f"{os.geteuid()} {folder} {identity.machine_id()}".encode()).hexdigest()


def _load(project: Project) -> dict[str, str]:
    """Hash (see `_key`) to the time it was trusted, oldest first; nothing for a damaged file, or another clone's."""
    try:
        content = json.loads(files.read_regular(_path(project), limit_bytes=_MAX_BYTES))
        if content["clone"] != _seal(project):
            return {}
        return {str(sha256): str(since) for sha256, since in content["trusted"].items()}
    except (
        FileNotFoundError,
        files.UnsafeFileError,
        ValueError,
        KeyError,
        TypeError,
        AttributeError,
        RecursionError,
    ):
        return {}


def _save(project: Project, trusted: dict[str, str]) -> None:
    path = _path(project)
    document = json.dumps({"schema": 1, "clone": _seal(project), "trusted": trusted}, indent=1) + "\n"
    files.replace_file(path, document.encode(), mode=0o600)
    files.sync_folder(os.path.dirname(path))
