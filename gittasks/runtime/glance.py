"""Whether a task can have runs at all: most tasks have none, and taking the index apart to see that is dear."""

from __future__ import annotations

import os

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime.folders import MAX_INDEX_BYTES

if TYPE_CHECKING:
    from gittasks.runtime.folders import Folders


def may_have_runs(folders: Folders, task_id: int, uid: str) -> bool:
    """False only where it is certain: nothing lives, and the index, which is whole then, names no run of the task."""
    if _listed(folders.live_folders):
        return True
    try:
        data = files.read_regular(folders.index_file, limit_bytes=MAX_INDEX_BYTES)
    except (OSError, files.UnsafeFileError):
        # Missing, it has to be made again where there is something to make it from.
        return bool(_listed(folders.ended_folder)) or os.path.lexists(folders.index_file)
    # Lines in another spelling are for whoever takes the index apart.
    is_plain = data.count(b'\n{"id": "') + data.startswith(b'{"id": "') == data.count(b"\n")
    return (
        not is_plain or b'"work_graph_task_id": %d,' % task_id in data or bool(uid and uid.encode() in data)
    )


def _listed(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except FileNotFoundError:
        return []
