"""Hooks in this clone: installing them, taking exactly them away again, saying what is installed.

`core.hooksPath` is never set, and nobody else's hook is moved, replaced or made executable. Each file is written in
one step; killed in between and run again, either way ends the same.
"""

from __future__ import annotations

import os
import shlex

from gittasks.app.hooking import shims, written
from gittasks.app.hooking.places import (
    CONFIG,
    FILE,
    HUSKY,
    LEFTHOOK,
    LEFTHOOK_FILES,
    NOWHERE,
    find_folder,
    read_hook,
    shim_path,
    survey,
)
from gittasks.base import files
from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import hook_text
from gittasks.repo.hook_text import EVENTS, MADE, MADE_FOLDER
from gittasks.repo.siblings import find_siblings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.app.hooking.places import Place
    from gittasks.app.project import Project

INSTALLED, OUTDATED, MISSING, LEFT = "installed", "outdated", "missing", "left"
_SUFFIXES = ("", ".legacy", ".old")


class State(NamedTuple):
    """One event: where its hook goes, and how it stands: `installed`, `outdated`, `missing`, or `left` alone."""

    place: Place
    state: str


class Installed(NamedTuple):
    """What `install_hooks` came to: the states afterwards, the files that it changed, what a person should know."""

    states: tuple[State, ...]
    changed: tuple[str, ...]
    messages: tuple[str, ...]


class Uninstalled(NamedTuple):
    """What `uninstall_hooks` took away (files, `hook.*` sections), and what it had to leave, with the reason."""

    removed: tuple[str, ...]
    left: tuple[str, ...]


def hook_states(project: Project, *, with_optional: bool = False) -> tuple[State, ...]:
    """How each hook of ours stands in this clone. Raises `GitError`, `NoWorktreeError`."""
    places = survey(project, with_optional=with_optional)
    wanted = _lefthook_text([place for place in places if place.way == LEFTHOOK])
    configured = _configured(project) if any(place.way == CONFIG for place in places) else frozenset()
    return tuple(State(place, _state(place, wanted, configured)) for place in places)


def install_hooks(project: Project, *, with_optional: bool = False) -> Installed:
    """Put each hook of ours where it may stand in this clone; what stands already is brought up to date.

    `with_optional`: also those that a rebase pays for with each of its commits.

    Raises `LockHeldError`, `DiskError`, `GitError`, `NoWorktreeError`.
    """
    changed, messages = [], []
    with project.lock("hooks install"):
        states = hook_states(project, with_optional=with_optional)
        written.remember(
            project, {os.path.dirname(place.path) for place, _ in states if place.way in (FILE, HUSKY)}
        )
        for place, state in states:
            if state in (INSTALLED, LEFT) or place.way == LEFTHOOK:
                continue
            _write(project, place)
            changed.append(place.path)
        local = [state.place for state in states if state.place.way == LEFTHOOK]
        if any(state.state != INSTALLED for state in states if state.place.way == LEFTHOOK):
            _write_lefthook(local)
            changed.append(local[0].path)
            messages.append(
                f"lefthook runs them: {local[0].path} is for this worktree alone; have git ignore it, and name it in "
                ".worktreeinclude to get it into new worktrees"
            )
    shared = sorted({place.path for place, _ in states if place.shared and place.path in changed})
    if shared:
        messages.append(f"others get these with your next commit of them: {', '.join(shared)}")
    return Installed(hook_states(project), tuple(changed), tuple(messages))


def uninstall_hooks(project: Project) -> Uninstalled:
    """Take every line, file and setting of ours out of the hooks of this clone, and nothing else.

    Files that were there before are byte for byte what they would be without us. Raises `LockHeldError`, `GitError`.
    """
    removed, left, made = [], [], set()
    with project.lock("hooks uninstall"):
        for path in _candidates(project):
            try:
                mark = _take_out(path)
                if mark is not None:
                    removed.append(path)
                if mark == MADE_FOLDER:
                    made.add(os.path.dirname(path))
            except (GittasksError, OSError) as error:
                left.append(str(error))
        for event in sorted(_configured(project)):
            project.git.output("config", "--local", "--remove-section", _section(event), write=True)
            removed.append(_section(event))
        for event in EVENTS:
            files.remove_cache(shim_path(project, event))
        for folder in (*made, os.path.dirname(shim_path(project, EVENTS[0]))):
            if os.path.isdir(folder) and not os.listdir(folder):
                os.rmdir(folder)
    return Uninstalled(tuple(removed), tuple(left))


def _state(place: Place, lefthook: bytes, configured: frozenset[str]) -> str:
    if place.way == NOWHERE:
        return LEFT
    if place.way == CONFIG:
        return INSTALLED if place.event in configured and _has_shim(place) else MISSING
    if place.block is None or place.data is None:
        return MISSING
    ours = place.data[place.block.start : place.block.end]
    wanted = _lines(place, place.block.mark) if place.way != LEFTHOOK else place.block.mark + lefthook
    return INSTALLED if ours == wanted else OUTDATED


def _has_shim(place: Place) -> bool:
    return read_hook(place.path) == b"#!/bin/sh\n" + _lines(place, MADE)


def _lines(place: Place, mark: bytes) -> bytes:
    return shims.lines_for(place.event, mark, shared=place.shared and place.way != CONFIG)


def _write(project: Project, place: Place) -> None:
    folder = os.path.dirname(place.path)
    if place.way in (FILE, HUSKY) and place.data is not None:
        if place.block is not None:
            data = hook_text.replace(place.data, place.block, lambda mark: _lines(place, mark))
        else:
            data = hook_text.insert(place.data, lambda mark: _lines(place, mark))
        files.replace_file(place.path, data)
    else:
        mark = MADE if os.path.isdir(folder) or place.way == CONFIG else MADE_FOLDER
        os.makedirs(folder, exist_ok=True)
        # Whoever may look into the folder may run what is in it.
        mode = os.stat(folder).st_mode & 0o777
        files.replace_file(place.path, b"#!/bin/sh\n" + _lines(place, mark), mode=mode)
    if place.way == CONFIG:
        section = _section(place.event)
        for key, value in (("command", shlex.quote(place.path)), ("event", place.event)):
            project.git.output("config", "--local", "--replace-all", f"{section}.{key}", value, write=True)


def _section(event: str) -> str:
    return f"hook.gittasks-{event}"


def _configured(project: Project) -> frozenset[str]:
    """The events whose hook of ours stands in the settings of this clone."""
    done = project.git.call(
        "config", "--local", "-z", "--name-only", "--get-regexp", r"^hook\.gittasks-.*\.event$"
    )
    names = done.stdout.decode("utf-8", "replace").split("\0")
    return frozenset(event for event in EVENTS if f"{_section(event)}.event" in names)


def _lefthook_text(places: Sequence[Place]) -> bytes:
    """The settings that have lefthook run our hooks; 65 alone is a refusal."""
    parts = []
    for event in (place.event for place in places):
        call = f"{shims.program()} hook {event} {{0}} || [ $? -ne 65 ]"
        stdin = "      use_stdin: true\n" if event == "pre-push" else ""
        run = f"if test -x {shims.program().split(' -P ')[0]}; then {call}; fi"
        parts.append(f"{event}:\n  jobs:\n    - name: gittasks\n{stdin}      run: |-\n        {run}\n")
    return "".join(parts).encode() + hook_text.END


def _write_lefthook(places: Sequence[Place]) -> None:
    path, data, block = places[0].path, places[0].data, places[0].block
    text = _lefthook_text(places)
    if data is None:
        files.replace_file(path, MADE + text)
    elif block is not None:
        files.replace_file(path, hook_text.replace(data, block, lambda mark: mark + text))
    elif not data or data.endswith(b"\n"):
        files.replace_file(path, data + hook_text.ADDED + text)
    else:
        files.replace_file(path, data + b"\n" + hook_text.ADDED_JOINED + text)


def files_with_lines(project: Project, *, also_elsewhere: bool = True) -> list[str]:
    """Every file that holds lines of ours; `also_elsewhere`: in other worktrees too. Raises `GitError`."""
    return [path for path in _candidates(project, also_elsewhere=also_elsewhere) if _holds_lines(path)]


def files_left_behind(project: Project) -> list[str]:
    """Files with lines of ours, here or in git's folder, that git does not run hooks from any more."""
    runs = find_folder(project).folder
    found = files_with_lines(project, also_elsewhere=False)
    lefthook = {os.path.join(project.top, name) for name in LEFTHOOK_FILES}
    return [path for path in found if os.path.dirname(path) != runs and path not in lefthook]


def _candidates(project: Project, *, also_elsewhere: bool = True) -> list[str]:
    """Every file that may hold lines of ours: also where others moved a hook, or hooks were looked for before."""
    tops = [project.top]
    if also_elsewhere:
        tops += [sibling.top for sibling in find_siblings(project.checkout)]
    folders = set(written.find_folders(project, tops))
    found = find_folder(project)
    if not found.outside:
        folders.add(found.folder)
    paths = [
        os.path.join(folder, event + suffix)
        for folder in sorted(folders)
        for event in EVENTS
        for suffix in _SUFFIXES
    ]
    return paths + [os.path.join(top, name) for top in tops for name in LEFTHOOK_FILES]


def _holds_lines(path: str) -> bool:
    """Whether whole lines of ours are in a file; where their marks were changed, `uninstall_hooks` says so."""
    try:
        data = read_hook(path)
        return data is not None and hook_text.find(data, path) is not None
    except (files.UnsafeFileError, hook_text.DamagedBlockError):
        return False


def _take_out(path: str) -> bytes | None:
    """Take our lines out of a file and answer the mark that opened them, `None` where there were none.

    Raises `DamagedBlockError`, `DiskError`.
    """
    try:
        data = read_hook(path)
    except files.UnsafeFileError:  # a link, or too large: never written by us
        return None
    block = hook_text.find(data, path) if data is not None else None
    if data is None or block is None:
        return None
    rest = hook_text.remove(data, block)
    if rest is None:
        os.unlink(path)
    else:
        files.replace_file(path, rest)
    return block.mark
