"""Checks of the clone: git itself, what git ignores or should, worktrees, caches, the write journal."""

from __future__ import annotations

import os
import tempfile

from gittasks.app import setup
from gittasks.app.doctor.findings import ERROR, INFO, WARNING, Finding, Scene
from gittasks.base import clock, files, locks
from gittasks.base.flock import LockHeldError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable
from gittasks.repo import discover
from gittasks.repo.git import GitTooOldError
from gittasks.repo.places import OUTPUTS
from gittasks.workgraph import store
from gittasks.workgraph.config import CONFIG_PATH, BadConfigError, load_config
from gittasks.workgraph.snapshot import load_snapshot

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gittasks.app.project import Project
    from gittasks.workgraph.snapshot import Snapshot

# A reader that is alive renames its temporary file within moments.
LEFTOVER_AGE_S = 3600.0
_MAX_EXCLUDE_BYTES = 1 << 20


def git_version(scene: Scene) -> Iterator[Finding]:
    """A git that is too old for what we ask of it."""
    try:
        scene.project.git.require_version()
    except GitTooOldError as error:
        yield Finding(ERROR, "git-too-old", "git", error.message, error.hint or "")


def ignored(scene: Scene) -> Iterator[Finding]:
    """Tasks that git ignores, outputs of runs that it does not."""
    rule = setup.ignore_rule(scene.project)
    if rule:
        what = f"is ignored by {rule}: tasks are not committed with the code"
        yield Finding(WARNING, "ignored-tasks", store.FOLDER, what, "take that line away")
    tracked = scene.project.git.fields("ls-files", "-z", "--", OUTPUTS)
    if tracked:
        what = f"{len(tracked)} files of the runtime are tracked by git: they belong to this machine alone"
        cure = "`gittasks doctor --fix` takes them out of the index, and leaves the files"
        yield Finding(ERROR, "outputs-tracked", OUTPUTS, what, cure, fixable=True)


def runs(scene: Scene) -> Iterator[Finding]:
    """Runs whose records cannot be read (an error of its own), or whose outputs git would show."""
    from gittasks.app.runs import list_runs, run_folders

    outputs = run_folders(scene.project).outputs
    if os.path.isdir(outputs) and os.path.basename(outputs) == OUTPUTS:
        git = scene.project.git._replace(folder=os.path.dirname(outputs))
        if not git.success("check-ignore", "--quiet", "--", f"{OUTPUTS}/x"):
            cure = "`gittasks doctor --fix` makes it ignore itself again"
            yield Finding(WARNING, "outputs-shown", outputs, "git does not ignore it", cure, fixable=True)
    uids = {row.uid for row in scene.snapshot.rows}
    for run in list_runs(scene.project).runs:
        task_id = run.work_graph_task_id
        if task_id is None or run.work_graph_task_uid in uids:
            continue
        if scene.snapshot.find(task_id) is None:
            what = f"was started for #{task_id}, which cannot be read or is not in this worktree"
            yield Finding(
                INFO, "run-without-task", run.id, what, "nothing, where another branch has the task"
            )


def on_finish(scene: Scene) -> Iterator[Finding]:
    """That the command for ended runs did not run, or failed, when it did so last."""
    from gittasks.app.on_finish import last_failure

    failed = last_failure(scene.project)
    if failed is not None:
        what = printable(f"on_finish for the run {failed.run}, {failed.time}: {failed.what}")
        yield Finding(INFO, "on-finish", CONFIG_PATH, what, f"{failed.path} says more; it stays as history")


def worktrees(scene: Scene) -> Iterator[Finding]:
    """Worktrees whose folder is gone, or that git shows as untracked files of another one."""
    main = discover.main_top(scene.project.checkout.common_dir)
    for tree in scene.trees:
        if not tree.is_linked:
            continue
        if not tree.exists and tree.locked is None:
            what = f"the folder of worktree {tree.name} is gone, or holds something else"
            cure = (
                "moved: `git worktree repair <new path>`; deleted: `gittasks rescue` lists the task edits that went "
                f"with it, `gittasks worktree remove {tree.name}` forgets it; on a disk that is not mounted: nothing"
            )
            yield Finding(WARNING, "gone-worktree", tree.path, what, cure)
        elif (
            main is not None
            and tree.path.startswith(main + os.sep)
            and not _is_ignored(scene, main, tree.path)
        ):
            what = f"git shows the worktree {tree.name} as untracked files"
            cure = f"add its folder to {os.path.join(scene.project.checkout.common_dir, 'info', 'exclude')}"
            yield Finding(WARNING, "unexcluded-worktree", tree.path, what, cure)


def excludes(scene: Scene) -> Iterator[Finding]:
    """Lines in `info/exclude` that hide the folder of a worktree that is gone."""
    path = os.path.join(scene.project.checkout.common_dir, "info", "exclude")
    try:
        folder = os.path.dirname(load_config(scene.project.tasks_folder).worktree_path)
        lines = (
            files.read_regular(path, limit_bytes=_MAX_EXCLUDE_BYTES).decode("utf-8", "replace").splitlines()
        )
    except (BadConfigError, FileNotFoundError):  # bad settings are a finding of their own
        return
    for number, line in enumerate(lines, 1):
        parent, _, name = line.strip("/").rpartition("/")
        if line.startswith("/") and parent == folder and name and name not in scene.worktree_names:
            what = f"hides {line.strip('/')}, a worktree that is gone"
            yield Finding(INFO, "stale-exclude", f"{path}:{number}", what, "delete the line")


def _is_ignored(scene: Scene, main: str, path: str) -> bool:
    git = scene.project.git._replace(folder=main)
    return git.success("check-ignore", "--quiet", "--", os.path.relpath(path, main))


def interrupted_write(scene: Scene) -> Iterator[Finding]:
    """A write of several files that was killed half-way."""
    journal = scene.project.journal
    if not os.path.exists(journal):
        return
    lock = os.path.join(scene.project.checkout.private_dir, "write.lock")
    try:
        with locks.hold(lock, purpose="doctor", timeout_s=0.5):
            left = os.path.exists(journal)
    except LockHeldError:
        return  # a writer is at work
    if left:
        what = "a write of several files was interrupted: some are written, some not"
        cure = "the next command that writes finishes it, or `gittasks doctor --fix`"
        yield Finding(ERROR, "interrupted-write", journal, what, cure, fixable=True)


def caches(scene: Scene) -> Iterator[Finding]:
    """Caches that say something else than the files, belong to worktrees that are gone, or were left half-written."""
    folder = scene.project.cache_folder
    # Twice, since somebody may write a task between two looks.
    if _differs(scene.project, scene.snapshot) and _differs(scene.project, scene.project.snapshot()):
        what = "the cache says something else than the task files"
        yield Finding(ERROR, "stale-cache", folder, what, "`gittasks doctor --fix` deletes it", fixable=True)
    for name in unused_caches(scene.project.cache_folder, scene.worktree_names):
        what = "is of no use: its worktree is gone, or its writer was killed"
        yield Finding(
            INFO,
            "unused-cache",
            os.path.join(folder, name),
            what,
            "`gittasks doctor --fix` deletes it",
            fixable=True,
        )


def _differs(project: Project, cached: Snapshot) -> bool:
    with tempfile.TemporaryDirectory(prefix="gittasks-doctor-") as empty:
        fresh = load_snapshot(project.tasks_folder, empty, project.checkout.name)
    return (fresh.rows, fresh.derived, fresh.problems) != (cached.rows, cached.derived, cached.problems)


def unused_caches(folder: str, worktree_names: set[str]) -> list[str]:
    """Names of files in the cache folder that nobody will read again."""
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        return []
    return [name for name in names if _is_unused(os.path.join(folder, name), worktree_names)]


def _is_unused(path: str, worktree_names: set[str]) -> bool:
    name = os.path.basename(path)
    if name.endswith(files.TEMP_SUFFIX):
        try:
            return clock.now_s() - os.lstat(path).st_mtime > LEFTOVER_AGE_S
        except FileNotFoundError:
            return False
    kind, _, worktree = name.removesuffix(".bin").partition("-")
    return name.endswith(".bin") and kind in ("tasks", "texts") and worktree not in worktree_names


CHECKS: tuple[Callable[[Scene], Iterator[Finding]], ...] = (
    git_version,
    ignored,
    runs,
    on_finish,
    worktrees,
    excludes,
    interrupted_write,
    caches,
)
