"""What this clone remembers of a worktree: for which task, from which branch it came, what was carried into it.

One small file each under `<git common dir>/gittasks/worktrees/`. It is written before the first step of `start` and
goes with the last one of `finish`, so that either can be killed anywhere and run again. Losing one loses no work: git
and the task files say the rest.
"""

from __future__ import annotations

import json
import os

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_FOLDER = "worktrees"
_MAX_BYTES = 1 << 20

STARTING = "starting"
READY = "ready"
LEAVING = "leaving"


class Memo(NamedTuple):
    """A worktree's memo; every part but the name may be unknown.

    `phase`: `starting` until the task is bound in it, then `ready`; `leaving` once everything in it is safe elsewhere
    and it is being removed. `base` is the branch it goes back to, `base_commit` where it started, `carried` the task
    files that were not committed there (path to git's blob id), `subject` that of a task not yet added.
    """

    name: str
    task: int | None = None
    uid: str = ""
    branch: str | None = None
    base: str | None = None
    base_commit: str | None = None
    path: str | None = None
    carried: Mapping[str, str] = {}
    subject: str | None = None
    phase: str = READY
    kept: bool = False


def load(private: str, name: str) -> Memo:
    """The memo of the worktree `name`; an empty one where there is none, or a damaged one."""
    try:
        content = json.loads(files.read_regular(_path(private, name), limit_bytes=_MAX_BYTES))
        return Memo(**{**_parse(content), "name": name})
    except (OSError, ValueError, TypeError, RecursionError, files.UnsafeFileError):
        return Memo(name)


def load_all(private: str) -> list[Memo]:
    """All memos, sorted by name."""
    folder = os.path.join(private, _FOLDER)
    names = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    return [load(private, name[:-5]) for name in names if name.endswith(".json")]


def save(private: str, memo: Memo) -> None:
    """Write a memo; the caller holds the worktrees' lock. Raises `DiskError`."""
    os.makedirs(os.path.join(private, _FOLDER), exist_ok=True)
    path = _path(private, memo.name)
    files.replace_file(path, (json.dumps(memo._asdict()) + "\n").encode())
    files.sync_folder(os.path.dirname(path))


def forget(private: str, name: str) -> None:
    """Remove a memo, if it is there."""
    try:
        os.unlink(_path(private, name))
    except FileNotFoundError:
        return


def _path(private: str, name: str) -> str:
    return os.path.join(private, _FOLDER, name + ".json")


def _parse(content: Any) -> dict[str, Any]:
    """The parts that have the type they should have; a newer version's unknown ones are left out."""
    types: dict[str, Any] = dict.fromkeys(
        ("uid", "branch", "base", "base_commit", "path", "subject", "phase"), str
    )
    types |= {"task": int, "carried": dict, "kept": bool}
    if not isinstance(content, dict):
        return {}
    return {key: value for key, value in content.items() if key in types and isinstance(value, types[key])}
