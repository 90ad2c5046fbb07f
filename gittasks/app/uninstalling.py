"""Taking away everything that was put outside `.tasks/` in this clone, and saying what is left (`deinit`).

First everything is looked at; what would lose something that exists nowhere else refuses it. Each step takes away
what is still there, so a killed one is run again.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

from gittasks.app import driver, rescuing
from gittasks.app.hooking.installing import files_with_lines, hook_states, uninstall_hooks
from gittasks.app.runs import run_folders
from gittasks.app.teammates import inbox
from gittasks.base import files, flock, locks
from gittasks.base.errors import RefusedError
from gittasks.base.text import count, listed, printable
from gittasks.repo import claims, merge_config, removal
from gittasks.repo.discover import main_top
from gittasks.repo.git import Git
from gittasks.repo.worktrees import list_worktrees
from gittasks.runtime import live
from gittasks.runtime.folders import INDEX
from gittasks.runtime.record import is_run_id
from gittasks.workgraph import store
from gittasks.workgraph.agents import SHIPPED

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.repo.discover import Checkout

_DRAFT = "edit-"
_ASIDE = ".gone-"
_WORKTREES = b"/.worktrees/"
_TEMPORARY = f".*{files.TEMP_SUFFIX}".encode()
_OWN_OUTPUTS = (INDEX, f"{INDEX}.foreign", ".gitignore")


class StillNeededError(RefusedError):
    """Something here lives, or exists nowhere else; nothing was taken away."""


class Removed(NamedTuple):
    """One thing that is taken away: `kind` is one word, `name` a path or what git calls it."""

    kind: str
    name: str

    def as_json(self) -> dict[str, str]:
        """As it stands in a JSON document."""
        return self._asdict()


class Uninstalled(NamedTuple):
    """What was taken away (or, in a rehearsal, would be), and in words what is left; safe to print."""

    removed: tuple[Removed, ...]
    left: tuple[str, ...]


class _Step(NamedTuple):
    """Things that go together, and how."""

    things: tuple[Removed, ...]
    act: Callable[[], object]


def deinit(project: Project, *, force: bool = False, dry_run: bool = False) -> Uninstalled:
    """Take away what this clone has of us outside `.tasks/`; with `dry_run` only say what that is.

    `force`: also what exists nowhere else (texts that an editor's result was refused from, uncommitted edits of
    worktrees that are gone). Raises `StillNeededError`, `LockHeldError`, `GitError`.
    """
    _refuse_live(project)
    if not force:
        _refuse_lost(project)
    left = list(_left(project))
    steps = list(_steps(project))
    if not dry_run:
        left += _take_away(project, steps)
    return Uninstalled(tuple(thing for step in steps for thing in step.things), tuple(left))


def _refuse_live(project: Project) -> None:
    folders = run_folders(project)
    running = [run_id for run_id in live.list_live(folders) if live.is_live(folders, run_id)]
    if running:
        raise StillNeededError(
            "\n".join([f"{count(len(running), 'run')} still there:", *listed(sorted(running))]),
            hint="wait for them, or `gittasks kill` them, first",
        )


def _refuse_lost(project: Project) -> None:
    """Raise where the private folder has the only copy of what somebody wrote."""
    private = project.checkout.private_dir
    texts = [
        f"your text in {os.path.join(private, name)}" for name in _names(private) if name.startswith(_DRAFT)
    ]
    if project.checkout.top is not None and os.path.isdir(project.tasks_folder):
        texts += [
            f"an edit of {store.FOLDER}/{lost.name} in the worktree {lost.worktree}, which is gone"
            for lost in rescuing.find_lost(project)
        ]
    texts += [f"{count(number, 'message')} to {name}" for name, number in inbox.unread(project).items()]
    if texts:
        raise StillNeededError(
            "\n".join(["this is nowhere else:", *listed([printable(text) for text in texts])]),
            hint="take it over (`gittasks rescue` brings edits back); --force gives it up",
        )


def _steps(project: Project) -> Iterator[_Step]:
    """Everything that is there to be taken away, in the order in which it goes."""
    checkout = project.checkout
    git = Git(checkout.top or checkout.common_dir, project.env)
    if checkout.top is not None:
        standing = {
            state.place.path for state in hook_states(project) if state.state in ("installed", "outdated")
        }
        if hooks := sorted(standing.union(files_with_lines(project))):
            things = tuple(Removed("hook", path) for path in hooks)
            yield _Step(things, lambda: None)  # before the lock is taken: see `_take_away`
    if refs := _claim_refs(checkout, git):
        yield _Step(
            tuple(Removed("claim", ref) for ref in refs), lambda: _drop(git, _claim_refs(checkout, git))
        )
    if keys := merge_config.present(git, driver.setting_names()):
        yield _Step(tuple(Removed("setting", key) for key in keys), lambda: merge_config.unset(git, keys))
    exclude = os.path.join(checkout.common_dir, "info", "exclude")
    ours = _excluded_by_us(project)
    lines = tuple(Removed("line", f"{exclude}: {line.decode()}") for line in ours if line in _lines(exclude))
    # Also where none of them is there now: the lock that is taken for this adds one.
    yield _Step(lines, lambda: _uncover(exclude, ours))
    folders = run_folders(project)
    if outputs := [name for name in _names(folders.outputs) if _is_ours(name)]:
        things = tuple(Removed("output", os.path.join(folders.outputs, name)) for name in outputs)
        yield _Step(things, lambda: _clear(folders.outputs, outputs))
    # Also where it is not there now: the locks that are taken for this make it.
    private = [checkout.private_dir] if os.path.lexists(checkout.private_dir) else []
    things = tuple(Removed("folder", folder) for folder in private)
    yield _Step(things, lambda: _drop_private(checkout.private_dir))


def _left(project: Project) -> Iterator[str]:
    """What is not ours to take away, or was never in this clone; safe to print."""
    checkout = project.checkout
    git = Git(checkout.top or checkout.common_dir, project.env)
    if checkout.top is not None and os.path.lexists(project.tasks_folder):
        yield f"{printable(project.tasks_folder)}: the tasks; `git rm -r {store.FOLDER}` takes them out"
    for tree in list_worktrees(git, checkout):
        if tree.is_linked:
            yield f"worktree {printable(tree.path)}: `git worktree remove` takes it away"
    exclude = os.path.join(checkout.common_dir, "info", "exclude")
    if _inside_worktrees(project) and _WORKTREES in _lines(exclude):
        yield f"the line {_WORKTREES.decode()} in {printable(exclude)}: it hides these worktrees from git"
    branches = git.lines("for-each-ref", "--format=%(refname:short)", "refs/heads/wt/")
    if branches:
        yield f"{count(len(branches), 'branch')} of worktrees: {printable(', '.join(branches[:10]))}"
    told = sorted(
        {remote for ref in _claim_refs(checkout, git) if (remote := claims.remote_of(ref)) is not None}
    )
    for remote in told:
        yield f"claims on {printable(remote)}: `gittasks release N --remote` drops one there"
    folders = run_folders(project)
    others = [name for name in _names(folders.outputs) if not _is_ours(name)]
    if others:
        yield f"{printable(folders.outputs)}: {count(len(others), 'file')} that we did not make"
    yield "completion and `shell-init`, if you put them into your shell's start file"


def _take_away(project: Project, steps: list[_Step]) -> list[str]:
    """Do all steps with every lock held; answer what had to stay, safe to print."""
    left: list[str] = []
    if project.checkout.top is not None:  # also where there is only what it has to leave, and names
        left += [printable(text) for text in uninstall_hooks(project).left]
    folders = run_folders(project)
    private = project.private_folder()
    with (
        locks.hold(os.path.join(private, "worktrees.lock"), purpose="deinit"),
        project.lock("deinit"),
        flock.Hold(folders.lock_file, purpose="deinit"),
    ):
        _refuse_live(project)
        for step in steps:
            step.act()
    top = main_top(project.checkout.common_dir)
    if top is not None:
        with contextlib.suppress(OSError):  # worktrees are in it, or it is not there
            os.rmdir(os.path.join(top, ".worktrees"))
    return left


def _inside_worktrees(project: Project) -> bool:
    """Whether worktrees stay for which git must go on ignoring their folder."""
    top = main_top(project.checkout.common_dir)
    return top is not None and bool(_names(os.path.join(top, ".worktrees")))


def _claim_refs(checkout: Checkout, git: Git) -> list[str]:
    claims.require_plain(checkout)
    return git.lines("for-each-ref", "--format=%(refname)", claims.ROOT)


def _drop(git: Git, refs: list[str]) -> None:
    git.output(
        "update-ref",
        "--no-deref",
        "--stdin",
        stdin="".join(f"delete {ref}\n" for ref in refs).encode(),
        write=True,
    )


def _excluded_by_us(project: Project) -> tuple[bytes, ...]:
    """The lines of `info/exclude` that are ours and no longer needed."""
    litter = sorted(pattern.encode() for agent in SHIPPED.values() for pattern in agent.litter)
    folder = () if _inside_worktrees(project) else (_WORKTREES,)
    return (*folder, _TEMPORARY, *litter)


def _lines(exclude: str) -> list[bytes]:
    return (files.read_start(exclude, 1 << 26) or b"").splitlines(keepends=False)


def _uncover(exclude: str, ours: Sequence[bytes]) -> None:
    before = files.read_start(exclude, 1 << 26) or b""
    after = b"".join(line for line in before.splitlines(keepends=True) if line.rstrip(b"\n") not in ours)
    if after != before:
        files.replace_file(exclude, after)


def _is_ours(name: str) -> bool:
    return name in _OWN_OUTPUTS or (name.endswith(".txt") and is_run_id(name[:-4]))


def _clear(folder: str, names: list[str]) -> None:
    for name in names:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(folder, name))
    with contextlib.suppress(OSError):  # somebody else's files are in it
        os.rmdir(folder)


def _drop_private(folder: str) -> None:
    """Out of everybody's reach first: whoever waits for one of its locks then makes it anew.

    From there on another one of us may be here too, and take away what we, or one that was killed, put aside.
    """
    os.rename(folder, f"{folder}{_ASIDE}{os.getpid()}")
    parent, name = os.path.split(folder)
    for other in _names(parent):
        if other.startswith(name + _ASIDE):
            with contextlib.suppress(FileNotFoundError):
                removal.delete_tree(os.path.join(parent, other))


def _names(folder: str) -> list[str]:
    if os.path.islink(folder):
        return []
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def as_json(done: Uninstalled) -> Mapping[str, Any]:
    """The answer as it stands in a JSON document."""
    return {"removed": [thing.as_json() for thing in done.removed], "left": list(done.left)}
