"""The merge driver of task files: what it does with three files, and telling git about it (gitattributes(5)).

It is never needed: where git does not know it (a forge, a fresh clone), files merge by lines, and `resolve` mends
what is left. It must never be worse than that: whatever it cannot read goes to `git merge-file`.
"""

from __future__ import annotations

import os
import sys

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import attributes
from gittasks.repo.git import Git, failure
from gittasks.workgraph import file_merge, store
from gittasks.workgraph.record import MAX_FILE_BYTES, BadTaskError
from gittasks.workgraph.renumber import is_same_task
from gittasks.workgraph.text_merge import merge_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.app.project import Project
    from gittasks.workgraph.record import TaskId

NAME = "gittasks"
ATTRIBUTES_PATH = f"{store.FOLDER}/{attributes.FILE_NAME}"
_OURS, _BASE, _THEIRS = "ours", "base", "theirs"


def merge_in_place(
    base: str, ours: str, theirs: str, *, path: str, marker_size: int, env: Mapping[str, str]
) -> bool:
    """Merge the files `ours` and `theirs`, which come from the file `base`, into `ours`; answer whether it is clean.

    `path` is where the result belongs in the repository. Raises `GitError` where git itself could not merge.
    """
    data = _merge(base, ours, theirs, path=path, marker_size=marker_size)
    if data is None:
        return _merge_lines(base, ours, theirs, marker_size=marker_size, env=env)
    result, is_clean = data
    with open(ours, "wb") as file:
        file.write(result)
    return is_clean


def register(project: Project) -> list[str]:
    """Tell git in this clone about the driver and the merge tool; answer the settings that were changed.

    The caller holds the writers' lock. Other clones are not concerned: each registers its own.
    """
    from gittasks.repo.merge_config import set_missing

    return set_missing(project.git, _settings())


def write_attributes(project: Project) -> bool:
    """Give task files to the driver in `.tasks/.gitattributes`; answer whether that file was changed.

    Lines that a person wrote there stay. The caller holds the writers' lock. Raises `UnsafeFileError`, `DiskError`.
    """
    path = os.path.join(project.tasks_folder, attributes.FILE_NAME)
    try:
        before = files.read_regular(path, limit_bytes=MAX_FILE_BYTES)
    except FileNotFoundError:
        before = b""
    after = attributes.with_driver(before, NAME)
    if after == before:
        return False
    files.replace_file(path, after)
    return True


def _merge(base: str, ours: str, theirs: str, *, path: str, marker_size: int) -> tuple[bytes, bool] | None:
    """The merged file and whether it is clean; `None` where the files are no two versions that we can read."""
    task_id = store.parse_file_name(os.path.basename(path))
    if task_id is None:
        return None
    try:
        before, mine, other = (
            files.read_regular(name, limit_bytes=MAX_FILE_BYTES) for name in (base, ours, theirs)
        )
        left, right = _read(mine, path, task_id), _read(other, path, task_id)
    except (BadTaskError, files.UnsafeFileError, OSError):
        return None
    if not is_same_task(left.task, right.task):
        # Two tasks of one number: loud, and nothing of either lost. `resolve` gives one of them another number.
        text = merge_text(None, mine.decode(), other.decode())
        return text.marked(ours=_OURS, theirs=_THEIRS, size=marker_size).encode(), False
    # git gives an empty file where both sides added one.
    root = (
        file_merge.read_base(before, path, task_id=file_merge.own_id(before) or task_id) if before else None
    )
    if root is not None and not root.unknown and not is_same_task(root.task, left.task):
        root = None
    merged = file_merge.merge_versions(root, left, right, path)
    if not merged.merged.conflicts:
        return merged.data, True
    return file_merge.mark_conflicts(merged, path, ours=_OURS, theirs=_THEIRS, size=marker_size), False


def _read(data: bytes, path: str, task_id: TaskId) -> file_merge.Version:
    """A side's task, as number `task_id`: git may have found that its file was renamed. Raises `BadTaskError`."""
    own = file_merge.own_id(data) or task_id
    return file_merge.renumbered(file_merge.read_version(data, path, task_id=own), path, {own: task_id})


def _merge_lines(base: str, ours: str, theirs: str, *, marker_size: int, env: Mapping[str, str]) -> bool:
    labels = ("-L", _OURS, "-L", _BASE, "-L", _THEIRS)
    args = ("merge-file", f"--marker-size={marker_size}", *labels, "--", ours, base, theirs)
    done = Git(os.path.dirname(ours) or ".", env).call(*args, write=True)
    if done.returncode > 127:
        raise failure(args, done)
    return done.returncode == 0


def setting_names() -> tuple[str, ...]:
    """The settings of git that `register` makes."""
    return tuple(_settings())


def _settings() -> dict[str, str]:
    return {
        f"merge.{NAME}.name": "tasks, field by field",
        f"merge.{NAME}.driver": _program(
            "merge-driver %O %A %B %L %P",
            otherwise="git merge-file --marker-size=%L -L ours -L base -L theirs %A %O %B",
            is_expanded=True,
        ),
        f"mergetool.{NAME}.cmd": _program('resolve -- "$MERGED"', otherwise="false"),
        f"mergetool.{NAME}.trustExitCode": "true",
    }


def _program(call: str, *, otherwise: str, is_expanded: bool = False) -> str:
    """A line for the shell that runs `gittasks call` as it runs now, as it is on PATH, or `otherwise`.

    `-P`: the folder of the call is somebody's repository, nothing is to be imported from there.
    """
    import shlex

    python = shlex.quote(sys.executable)
    if is_expanded:  # git fills in what stands behind a per cent sign
        python = python.replace("%", "%%")
    return (
        f"if test -x {python}; then {python} -P -m gittasks {call}; "
        f"elif command -v gittasks >/dev/null; then gittasks {call}; else {otherwise}; fi"
    )
