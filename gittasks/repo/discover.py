"""Finding the checkout we stand in, by reading git's own files: no git process (gitrepository-layout(5)).

Understands linked worktrees, submodules, bare repositories, symbolic links, and GIT_DIR / GIT_WORK_TREE
when the caller passes them on.
"""

from __future__ import annotations

import os

from gittasks.base.errors import SetupError
from gittasks.base.files import first_line, read_start
from gittasks.base.records import NamedTuple

MAIN_NAME = "main"
_MAX_CONFIG_BYTES = 1 << 20


class NoRepositoryError(SetupError):
    """No git repository here or above, or a broken link to one."""


class NoWorktreeError(SetupError):
    """The command needs checked-out files, and this place (a bare repository, a git folder) has none."""


class Checkout(NamedTuple):
    """One worktree of a clone. All paths are absolute and free of symbolic links.

    `top` is the worktree's root, `None` in a bare repository. `git_dir` is private to the worktree,
    `common_dir` shared by all worktrees of the clone. `name` is the worktree's name: git's own for a linked
    one, `main` else.
    """

    top: str | None
    git_dir: str
    common_dir: str
    name: str

    @property
    def private_dir(self) -> str:
        """Where everything that is private to this clone lives: `<git common dir>/gittasks`."""
        return os.path.join(self.common_dir, "gittasks")

    @property
    def is_linked(self) -> bool:
        """Whether this is a linked worktree (`git worktree add`)."""
        return self.git_dir != self.common_dir

    def require_top(self) -> str:
        """The worktree's root; raises `NoWorktreeError` where nothing is checked out."""
        if self.top is None:
            raise NoWorktreeError(
                f"{self.git_dir} is a bare repository: no files are checked out here",
                hint=self._worktrees_hint(),
            )
        return self.top

    def _worktrees_hint(self) -> str:
        registered = os.path.join(self.common_dir, "worktrees")
        names = sorted(os.listdir(registered)) if os.path.isdir(registered) else []
        links = (first_line(os.path.join(registered, name, "gitdir")) for name in names)
        tops = [os.path.dirname(link) for link in links if link is not None and os.path.lexists(link)]
        if not tops:
            return "`git worktree add ../NAME BRANCH` makes a worktree of it: run the command there"
        more = f" and {len(tops) - 3} more" if len(tops) > 3 else ""
        return f"run the command in one of its worktrees: {', '.join(tops[:3])}{more}"


def find_checkout(start: str, *, git_dir: str | None = None, work_tree: str | None = None) -> Checkout:
    """The checkout that `start` lies in; `git_dir` and `work_tree` as git's own variables mean them.

    Raises `NoRepositoryError`.
    """
    start = os.path.realpath(start)
    named_top = os.path.realpath(os.path.join(start, work_tree)) if work_tree else None
    if git_dir:
        found = os.path.realpath(os.path.join(start, git_dir))
        if not _is_git_dir(found):
            raise NoRepositoryError(f"GIT_DIR names {found}, which is not a git repository")
        return _checkout(named_top or _top_of(found, start), found)
    folder = start
    while True:
        dot_git = os.path.join(folder, ".git")
        if os.path.isdir(dot_git) and _is_git_dir(dot_git):
            found = os.path.realpath(dot_git)
            return _checkout(named_top or _top_beside(found, folder), found)
        if os.path.isfile(dot_git):
            found = _follow(dot_git)
            return _checkout(named_top or _top_beside(found, folder), found)
        if _is_git_dir(folder):
            _refuse_bare_inside(folder)
            return _checkout(named_top, folder)
        parent = os.path.dirname(folder)
        if parent == folder:
            raise NoRepositoryError(
                f"{start} is not inside a git repository",
                hint="change to your project's folder, or make one with `git init`",
            )
        folder = parent


def _refuse_bare_inside(git_dir: str) -> None:
    """Raise where a bare repository lies among the files of another one: a clone may have brought it along.

    git would do what its configuration says, and that can start programs (git-config(1), safe.bareRepository).
    """
    folder = os.path.dirname(git_dir)
    while True:
        dot_git = os.path.join(folder, ".git")
        if os.path.lexists(dot_git):
            link = first_line(dot_git) or ""
            named = os.path.join(folder, link[len("gitdir: ") :]) if link.startswith("gitdir: ") else dot_git
            if os.path.realpath(named) == git_dir or git_dir.startswith(os.path.realpath(named) + os.sep):
                return  # `proj/.git` names `proj/.bare`; or git's own folder for a submodule
            raise NoRepositoryError(
                f"{git_dir} is a bare repository inside the files of {folder}: it may be a stranger's",
                hint=f"change to {folder}; if you made it yourself, name it with GIT_DIR",
            )
        parent = os.path.dirname(folder)
        if parent == folder:
            return
        folder = parent


def _checkout(top: str | None, git_dir: str) -> Checkout:
    common = first_line(os.path.join(git_dir, "commondir"))
    if common is None:
        return Checkout(top, git_dir, git_dir, MAIN_NAME)
    found = os.path.realpath(os.path.join(git_dir, common.replace("\0", "")))
    if not _is_git_dir(found):
        raise NoRepositoryError(
            f"{git_dir}/commondir names {found}, which is gone or no git folder",
            hint="the main repository was moved: `git worktree repair` there mends that",
        )
    return Checkout(top, git_dir, found, os.path.basename(git_dir))


def _top_beside(git_dir: str, folder: str) -> str | None:
    """The worktree of the git folder that `folder`'s `.git` is or names: `folder`, unless git's config differs."""
    if os.path.isfile(os.path.join(git_dir, "commondir")):
        return folder  # what follows does not hold for linked worktrees (git-worktree(1), CONFIGURATION FILE)
    configured = core_setting(git_dir, "worktree")
    if configured is not None:
        return os.path.realpath(os.path.join(git_dir, configured))
    # `proj/.git` beside worktrees that are all linked: a bare repository, whatever its name.
    return None if is_bare(git_dir) else folder


def _top_of(git_dir: str, start: str) -> str | None:
    """The worktree of a named git folder: a linked one knows it, else the folder above `.git`."""
    link = first_line(os.path.join(git_dir, "gitdir"))
    if link is not None:
        return os.path.realpath(os.path.dirname(os.path.join(git_dir, link)))
    if os.path.basename(git_dir) == ".git":
        return _top_beside(git_dir, os.path.dirname(git_dir))
    inside = start == git_dir or start.startswith(git_dir + os.sep)
    return _top_beside(git_dir, start) if not inside else None


def _follow(dot_git: str) -> str:
    line = first_line(dot_git) or ""
    if not line.startswith("gitdir: "):
        raise NoRepositoryError(f"{dot_git} is not a git link: expected `gitdir: <path>`")
    target = os.path.realpath(os.path.join(os.path.dirname(dot_git), line[len("gitdir: ") :]))
    if not _is_git_dir(target):
        raise NoRepositoryError(
            f"{dot_git} points to {target}, which is gone or no git folder",
            hint="the main repository was moved, or the worktree removed: `git worktree repair` mends a move",
        )
    return target


def _is_git_dir(folder: str) -> bool:
    if not os.path.lexists(os.path.join(folder, "HEAD")):
        return False
    return os.path.isfile(os.path.join(folder, "commondir")) or (
        os.path.isdir(os.path.join(folder, "objects")) and os.path.isdir(os.path.join(folder, "refs"))
    )


def main_top(common_dir: str) -> str | None:
    """The root of a clone's main worktree; `None` for a bare repository, and for a separate git folder, which does
    not know it.
    """
    configured = core_setting(common_dir, "worktree")
    if configured is not None:
        return os.path.realpath(os.path.join(common_dir, configured))
    beside = os.path.basename(common_dir) == ".git" and not is_bare(common_dir)
    return os.path.dirname(common_dir) if beside else None


def is_bare(git_dir: str) -> bool:
    """Whether the config of a clone's common git folder says that nothing is checked out beside it."""
    value = core_setting(git_dir, "bare")
    return value is not None and value.lower() in ("", "true", "yes", "on", "1")


def core_setting(git_dir: str, name: str) -> str | None:
    """`core.<name>` as the repository's own config files say it, `None` where they do not."""
    found = None
    for file in ("config", "config.worktree"):
        lines = os.fsdecode(read_start(os.path.join(git_dir, file), _MAX_CONFIG_BYTES) or b"").split("\n")
        section = ""
        for line in lines:
            line = line.strip()
            if line.startswith("["):
                head, _, line = line[1:].partition("]")
                section, line = head.strip().lower(), line.strip()
            key, _, value = line.partition("=")
            if section == "core" and key.strip().lower() == name:
                found = value.strip().strip('"')
    return found
