"""Whether this clone may run the commands that `.tasks/config.yaml` names.

Whoever can push can change that file; so its commands run only after a person has looked at them and said so, here.
The consent is to the exact bytes: any change asks again, a version that was trusted once stays trusted.
"""

from __future__ import annotations

import hashlib
import json
import os

from gittasks.base import clock, files
from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph import config as configs
from gittasks.workgraph import store

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.workgraph.config import Config

TRUSTED, UNTRUSTED, CHANGED, NOTHING = "trusted", "untrusted", "changed", "nothing"
_FILE_NAME = "trust.json"
_MAX_BYTES = 1 << 20
_KEPT = 100


class UntrustedError(RefusedError):
    """Commands of the configuration were to run, and nobody has trusted them in this clone."""


class ChangedMeanwhileError(RefusedError):
    """The configuration changed between being shown and being trusted."""


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
    data = configs.read_config(store.require_folder(project.tasks_folder))
    config = configs.parse_config(data)
    sha256 = hashlib.sha256(data).hexdigest() if data else ""
    trusted = _load(_path(project))
    since = trusted.get(sha256)
    if not config.has_commands:
        return Trust(NOTHING, sha256, since, config)
    state = TRUSTED if since else CHANGED if trusted else UNTRUSTED
    return Trust(state, sha256, since, config)


def grant(project: Project, sha256: str) -> None:
    """Trust the configuration whose hash is `sha256`, as `trust_state` showed it.

    Raises `ChangedMeanwhileError` where the file is another one by now: nothing is trusted unseen.
    """
    with project.lock("trust"):
        if trust_state(project).sha256 != sha256:
            raise ChangedMeanwhileError(
                "the configuration changed while you looked at it; nothing is trusted",
                hint="look at it again",
            )
        trusted = _load(_path(project))
        trusted.pop(sha256, None)
        trusted[sha256] = clock.now_utc()
        _save(_path(project), dict(list(trusted.items())[-_KEPT:]))


def revoke(project: Project) -> bool:
    """Trust no version any longer; answer whether one was trusted."""
    with project.lock("trust"):
        had = bool(_load(_path(project)))
        _save(_path(project), {})
    return had


def require_trusted(project: Project) -> Config:
    """The configuration, whose commands may run: it is the very version that was trusted, or names no command.

    Raises `UntrustedError`, `BadConfigError`.
    """
    trust = trust_state(project)
    if trust.state in (TRUSTED, NOTHING):
        return trust.config
    what = (
        "was changed since this clone trusted it"
        if trust.state == CHANGED
        else "is not trusted in this clone"
    )
    raise UntrustedError(
        f"{store.FOLDER}/{configs.CONFIG_NAME} {what}: its commands do not run",
        hint="`gittasks trust` shows them and asks",
    )


def _path(project: Project) -> str:
    return os.path.join(project.checkout.private_dir, _FILE_NAME)


def _load(path: str) -> dict[str, str]:
    """Hash to the time it was trusted, oldest first; a missing or damaged file trusts nothing."""
    try:
        content = json.loads(files.read_regular(path, limit_bytes=_MAX_BYTES))
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


def _save(path: str, trusted: dict[str, str]) -> None:
    document = json.dumps({"schema": 1, "trusted": trusted}, indent=1) + "\n"
    files.replace_file(path, document.encode(), mode=0o600)
    files.sync_folder(os.path.dirname(path))
