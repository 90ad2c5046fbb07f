"""`.worktreeinclude`: which ignored files (`.env`, local settings) a new worktree gets a copy of.

The file holds patterns as `.gitignore` does. A file is copied when git ignores it *and* a pattern matches it: tracked
and merely untracked files never are. Nothing that is there already is overwritten.
"""

from __future__ import annotations

import os
import shutil

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from gittasks.repo.git import Git

NAME = ".worktreeinclude"
_MAX_BYTES = 1 << 20
# Other worktrees and the outputs of runs are ignored as well, and never meant.
_NEVER = frozenset((".git", ".worktrees", ".task_outputs"))


def included_files(git: Git) -> list[str]:
    """The paths, relative to the root of git's folder, that `.worktreeinclude` there names; empty without one.

    Raises `UnsafeFileError` for a `.worktreeinclude` that is no regular file, `GitError`.
    """
    patterns = os.path.join(git.folder, NAME)
    try:
        files.read_regular(patterns, limit_bytes=_MAX_BYTES)
    except FileNotFoundError:
        return []
    matched = git.output("ls-files", "-z", "--others", "--ignored", f"--exclude-from={patterns}")
    if not matched:
        return []
    # check-ignore exits 1 when none of them is ignored.
    ignored = git.call("check-ignore", "-z", "--stdin", stdin=matched).stdout
    paths = [os.fsdecode(path) for path in ignored.split(b"\0") if path]
    return [path for path in paths if path.split("/", 1)[0] not in _NEVER and not path.endswith("/")]


def copy_files(paths: list[str], source: str, target: str) -> list[str]:
    """Copy `paths` from the folder `source` into `target`, a new worktree; answer what could not be copied.

    Links are copied as links. A killed copy leaves no half file under its own name, and can be run again.
    """
    return [path for path in paths if not _copy(os.path.join(source, path), target, path)]


def _copy(source: str, root: str, path: str) -> bool:
    target = os.path.join(root, path)
    parent = os.path.dirname(target)
    temp = os.path.join(parent, f".{os.path.basename(path)}{files.TEMP_SUFFIX}")
    try:
        if os.path.lexists(target):
            return True
        os.makedirs(parent, exist_ok=True)
        if os.path.realpath(parent) != os.path.normpath(
            os.path.join(os.path.realpath(root), os.path.dirname(path))
        ):
            return False  # the branch has a symbolic link on the way: it may lead anywhere
        if os.path.lexists(temp):
            os.unlink(temp)
        shutil.copy2(source, temp, follow_symlinks=False)
        os.rename(temp, target)
    except OSError:
        return False
    return True
