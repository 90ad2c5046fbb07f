"""The other worktrees of a clone and where their heads are, read from git's own files: no git process.

On the path of every read of the board. Where a repository keeps its refs in another way (reftable), git is asked.
"""

from __future__ import annotations

import os

from gittasks.base.files import first_line, read_start
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo.discover import MAIN_NAME, main_top
from gittasks.repo.layout import MAX_PACKED_BYTES

if TYPE_CHECKING:
    from gittasks.repo.discover import Checkout
    from gittasks.repo.git import Git

_MAX_LINKS = 5
_LINK = "ref: "


class Sibling(NamedTuple):
    """Another worktree of the same clone: its name, its root, its private git folder."""

    name: str
    top: str
    git_dir: str


def find_siblings(checkout: Checkout, *, also_gone: bool = False) -> list[Sibling]:
    """All worktrees of the clone whose root is there, but `checkout` itself; the main one first, then by name.

    `also_gone` has those too that git still knows, though their root is not there.
    """
    common = checkout.common_dir
    admin = os.path.join(common, "worktrees")
    try:
        names = sorted(os.listdir(admin))
    except OSError:
        names = []
    found = []
    if checkout.git_dir != common and (top := main_top(common)) is not None:
        found.append(Sibling(MAIN_NAME, top, common))
    for name in names:
        git_dir = os.path.join(admin, name)
        link = first_line(os.path.join(git_dir, "gitdir"))
        if git_dir != checkout.git_dir and link:
            found.append(Sibling(name, os.path.dirname(os.path.join(git_dir, link)), git_dir))
    return [item for item in found if also_gone or os.path.lexists(os.path.join(item.top, ".git"))]


def read_head(git_dir: str, common_dir: str) -> str | None:
    """The commit that a worktree has checked out; `None` before its first commit, and where only git can tell."""
    return _follow("HEAD", git_dir, common_dir)


def read_shared_ref(name: str, common_dir: str) -> str | None:
    """The commit that a ref of the clone (`refs/...`) stands at; `None` where there is none."""
    return _follow(name, common_dir, common_dir)


def read_link(name: str, common_dir: str) -> str | None:
    """The name of the ref that one of the clone (or its HEAD) stands for; `None` where it stands for itself."""
    value = _read_ref(name, common_dir, common_dir) or ""
    return value[len(_LINK) :].strip() if value.startswith(_LINK) else None


def require_head(git: Git, git_dir: str, common_dir: str) -> str | None:
    """Like `read_head`, asking git where the files do not tell."""
    return read_head(git_dir, common_dir) or git.find_line(
        "rev-parse", "--verify", "--quiet", "HEAD^{commit}"
    )


def _follow(name: str, git_dir: str, common_dir: str) -> str | None:
    for _ in range(_MAX_LINKS):
        value = _read_ref(name, git_dir, common_dir)
        if value is None or not value.startswith(_LINK):
            return value
        name = value[len(_LINK) :].strip()
    return None


def _read_ref(name: str, git_dir: str, common_dir: str) -> str | None:
    if ".." in name or name.startswith("/"):
        return None
    shared = name.startswith("refs/") and not name.startswith(
        ("refs/bisect/", "refs/worktree/", "refs/rewritten/")
    )
    value = first_line(os.path.join(common_dir if shared else git_dir, name))
    return value or (_find_packed(name, common_dir) if shared else None)


def _find_packed(name: str, common_dir: str) -> str | None:
    data = read_start(os.path.join(common_dir, "packed-refs"), MAX_PACKED_BYTES)
    if data is None:
        return None
    wanted = b" " + os.fsencode(name) + b"\n"
    end = data.find(wanted)
    return data[data.rfind(b"\n", 0, end) + 1 : end].decode("ascii", "replace") if end >= 0 else None
