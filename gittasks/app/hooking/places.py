"""Where a hook of each event goes in this clone: git's folder, `core.hooksPath`, husky, lefthook, git's settings.

Only looks. What is somebody else's and no shell script is never touched: there git's own configuration takes our
hook where git has that (2.54), lefthook's local file where it manages the hook, and else a person has to add it.
"""

from __future__ import annotations

import os

from gittasks.base import files
from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo.git import parse_version
from gittasks.repo.hook_text import EVENTS, OPTIONAL, DamagedBlockError, find, remove, shell_problem

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.repo.hook_text import Block

FILE, HUSKY, LEFTHOOK, CONFIG, NOWHERE = "file", "husky", "lefthook", "config", "nowhere"
CONFIG_SINCE = (2, 54)
LEFTHOOK_FILES = ("lefthook-local.yml", ".lefthook-local.yml", ".config/lefthook-local.yml")
_MAX_BYTES = 1 << 20


class HooksFolder(NamedTuple):
    """The folder that git runs hooks from.

    `folder` is where a person's hooks are (husky's own ones only lead there). `shared`: it lies among the files of
    the worktree, so others may get what is written there. `outside`: it belongs to more than this repository.
    """

    folder: str
    husky: str | None
    shared: bool
    outside: bool


class Place(NamedTuple):
    """Where the hook of one event goes: `way`, and the file that it concerns (`None` for git's configuration).

    `data` is what is in that file now (`None`: nothing there), `block` our lines in it. `why` says what keeps our
    lines out of the hook's own file; with the way `nowhere`, out of everywhere.
    """

    event: str
    way: str
    path: str
    data: bytes | None = None
    block: Block | None = None
    shared: bool = False
    why: str = ""


def find_folder(project: Project) -> HooksFolder:
    """The folder that git runs the hooks of this worktree from. Raises `GitError`, `NoWorktreeError`."""
    named = os.path.join(project.top, project.git.line("rev-parse", "--git-path", "hooks"))
    folder = os.path.realpath(named)
    husky = None
    if os.path.basename(folder) == "_" and os.path.isfile(os.path.join(folder, "h")):
        husky, folder = folder, os.path.dirname(folder)
    common = os.path.realpath(project.checkout.common_dir)
    if _is_within(folder, common):
        return HooksFolder(folder, husky, shared=False, outside=False)
    return HooksFolder(folder, husky, shared=True, outside=not _is_within(folder, project.top))


def survey(project: Project, *, with_optional: bool = False) -> list[Place]:
    """Where each hook of ours is, or would go, in git's order of events; an optional one also where it is there."""
    found = find_folder(project)
    has_config = parse_version(project.git.line("version")) >= CONFIG_SINCE
    places = [_place(project, found, event, has_config=has_config) for event in EVENTS]
    return [
        place for place in places if place.event not in OPTIONAL or with_optional or place.block is not None
    ]


def lefthook_file(top: str) -> str:
    """Lefthook's settings for one person: the file that is there, or the usual one."""
    paths = [os.path.join(top, name) for name in LEFTHOOK_FILES]
    return next((path for path in paths if os.path.lexists(path)), paths[0])


def read_hook(path: str) -> bytes | None:
    """A regular file's bytes, `None` where nothing is there. Raises `UnsafeFileError`."""
    try:
        return files.read_regular(path, limit_bytes=_MAX_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _place(project: Project, found: HooksFolder, event: str, *, has_config: bool) -> Place:
    path = os.path.join(found.folder, event)
    place = Place(event, HUSKY if found.husky else FILE, path, shared=found.shared)
    try:
        data = read_hook(path)
        block = find(data, path) if data is not None else None
    except (files.UnsafeFileError, DamagedBlockError) as error:
        return _elsewhere(project, place._replace(why=_reason(path, error)), has_config=has_config)
    place = place._replace(data=data, block=block)
    if block is not None:
        return place
    why = _why_not(found, place, data)
    if why is None:
        return _legacy(place) or place
    return _elsewhere(project, place._replace(why=why), has_config=has_config)


def _legacy(place: Place) -> Place | None:
    """The hook that the pre-commit framework moved aside and still runs, where it holds our lines."""
    if place.data is None or b"pre-commit.com" not in place.data:
        return None
    path = place.path + ".legacy"
    try:
        data = read_hook(path)
        block = find(data, path) if data is not None else None
    except (files.UnsafeFileError, DamagedBlockError):
        return None
    return place._replace(path=path, data=data, block=block) if block is not None else None


def _reason(path: str, error: RefusedError | files.UnsafeFileError) -> str:
    return error.message.removeprefix(path + ": ")


def _why_not(found: HooksFolder, place: Place, data: bytes | None) -> str | None:
    """Why our lines may not go into the hook's own file."""
    if found.outside:
        return f"git runs hooks from {found.folder}, which belongs to more than this repository"
    if data is None:
        return None
    if is_lefthook(data):
        return "is written by lefthook, again and again"
    if place.way == FILE and not os.access(place.path, os.X_OK):
        return "may not be executed, so git leaves it out"
    return shell_problem(data)


def is_lefthook(data: bytes) -> bool:
    """Whether lefthook wrote this hook."""
    return b"call_lefthook" in data


def _elsewhere(project: Project, place: Place, *, has_config: bool) -> Place:
    is_theirs = place.data is not None and is_lefthook(place.data)
    local = _in_lefthook(project, place) if is_theirs else None
    if local is not None and (local.block is not None or not has_config):
        return local
    if has_config:
        return place._replace(way=CONFIG, path=shim_path(project, place.event), block=None)
    return place._replace(way=NOWHERE)


def _in_lefthook(project: Project, place: Place) -> Place:
    path = lefthook_file(project.top)
    if not _is_within(os.path.realpath(path), project.top):
        return place._replace(way=NOWHERE, why=f"{path} leads out of this worktree")
    try:
        data = read_hook(path)
        block = find(data, path) if data is not None else None
    except (files.UnsafeFileError, DamagedBlockError) as error:
        return place._replace(way=NOWHERE, why=f"{path}: {_reason(path, error)}")
    own = (data or b"") if block is None else (remove(data or b"", block) or b"")
    if _has_key(own, place.event):
        return place._replace(way=NOWHERE, why=f"{path} has settings for {place.event} already")
    return place._replace(way=LEFTHOOK, path=path, data=data, block=block)


def _has_key(data: bytes, event: str) -> bool:
    return any(line.split(b":")[0].strip(b" \"'") == event.encode() for line in data.splitlines())


def shim_path(project: Project, event: str) -> str:
    """Where the shim lies that git's configuration names."""
    return os.path.join(project.checkout.private_dir, "hooks", event)


def _is_within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + os.sep)
