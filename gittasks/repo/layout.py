"""What git's folder, and ours in it, must look like before anything is done there.

An unpacked archive may bring both along: a pipe makes every reader wait, a link leads out, a file may claim any size.
git itself is no help: it opens what it finds. Looked at once a command; git is only asked where others own it.
"""

from __future__ import annotations

import os
import stat

from gittasks.base.errors import SetupError
from gittasks.base.files import first_line
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.repo.discover import Checkout

MAX_PACKED_BYTES = 1 << 28
_SMALL, _LARGE, _INDEX = 1 << 20, 1 << 26, 1 << 32
_OWN_FILES = (("HEAD", _SMALL), ("index", _INDEX), ("config.worktree", _SMALL), ("commondir", _SMALL))
_COMMON_FILES = (
    ("config", _SMALL),
    ("packed-refs", MAX_PACKED_BYTES),
    ("info/exclude", _LARGE),
    ("info/attributes", _LARGE),
    ("shallow", _LARGE),
    ("objects/info/alternates", _SMALL),
)
# Files that git reads wherever it looks at the working tree.
_TOP_FILES = (
    *(
        f"{folder}{name}"
        for folder in ("", ".tasks/", ".task_outputs/")
        for name in (".gitignore", ".gitattributes")
    ),
    ".mailmap",
    ".gitmodules",
    ".worktreeinclude",
)
_PRIVATE_FOLDERS = ("", "/cache", "/runs", "/runs/live", "/runs/ended", "/worktrees", "/trash")


class StrangeLayoutError(SetupError):
    """git's folder, or ours in it, holds something else than it should: a link, a pipe, a device, a giant."""


def refuse_strange(checkout: Checkout) -> None:
    """Raise `StrangeLayoutError` where a file that git reads is none, or a folder of ours is a link."""
    for folder, names in ((checkout.git_dir, _OWN_FILES), (checkout.common_dir, _COMMON_FILES)):
        for name, limit in names:
            _require_file(f"{folder}/{name}", limit)
    head = first_line(f"{checkout.git_dir}/HEAD") or ""
    if head.startswith("ref: refs/") and "/../" not in head:
        _require_file(f"{checkout.common_dir}/{head[len('ref: ') :].strip()}", _SMALL)
    if checkout.top is not None:
        for name in _TOP_FILES:
            _require_file(f"{checkout.top}/{name}", _LARGE)
    for name in _PRIVATE_FOLDERS:
        _require_folder(checkout.private_dir + name)


def refuse_foreign(checkout: Checkout, env: Mapping[str, str]) -> None:
    """Raise `GitError` where git does nothing in this repository since it is somebody else's.

    What it holds of ours (consent, claims, half-done writes) is as little to be believed as its git configuration.
    git is asked only where an owner differs: who is trusted nevertheless is its own affair (git-config(1),
    safe.directory), and it never minds a repository that is named by GIT_DIR.
    """
    if "GIT_DIR" in env or not hasattr(os, "geteuid"):
        return
    top = checkout.top
    paths = (checkout.git_dir,) if top is None else (checkout.git_dir, top, os.path.join(top, ".git"))
    if all(_is_own(path) for path in paths):
        return
    from gittasks.repo.git import Git

    Git(top or checkout.git_dir, env).output("rev-parse", "--git-dir")


def _is_own(path: str) -> bool:
    try:
        return os.lstat(path).st_uid == os.geteuid()
    except OSError:  # no `.git` beside files that core.worktree names
        return True


def require_readable_worktrees(common_dir: str) -> None:
    """Raise `StrangeLayoutError` where git's entry of a linked worktree would make a reader wait."""
    admin = f"{common_dir}/worktrees"
    for name in os.listdir(admin) if os.path.isdir(admin) else ():
        for file in ("gitdir", "HEAD", "commondir", "locked"):
            _require_file(f"{admin}/{name}/{file}", _SMALL)


def _require_file(path: str, limit_bytes: int) -> None:
    try:
        info = os.stat(path)
    except (OSError, ValueError):  # not there, or a link to nothing: git deals with it
        return
    if not stat.S_ISREG(info.st_mode) and not stat.S_ISDIR(info.st_mode):
        raise StrangeLayoutError(
            f"{path} is no regular file: git would wait for it for ever",
            hint="somebody put it there: look at where this folder came from",
        )
    if info.st_size > limit_bytes and stat.S_ISREG(info.st_mode):
        raise StrangeLayoutError(
            f"{path} has {info.st_size} bytes: expected at most {limit_bytes}",
            hint="somebody put it there: look at where this folder came from",
        )


def _require_folder(path: str) -> None:
    try:
        info = os.lstat(path)
    except OSError:  # not there yet
        return
    if not stat.S_ISDIR(info.st_mode):
        raise StrangeLayoutError(
            f"{path} is no folder but {'a link' if stat.S_ISLNK(info.st_mode) else 'a file'}",
            hint="what this clone keeps for itself lies there, and nowhere else: move it away",
        )
