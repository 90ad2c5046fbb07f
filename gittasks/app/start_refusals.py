"""What speaks against starting a task: who has it, what it waits for, what stands where the work would start."""

from __future__ import annotations

from gittasks.app import leaving, sites
from gittasks.base.errors import RefusedError
from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph import codec, store
from gittasks.workgraph.record import CLOSED, MAX_FILE_BYTES, Task, TaskId

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.app.planting import Site
    from gittasks.app.project import Project
    from gittasks.repo.worktrees import Worktree


class BlockedError(RefusedError):
    """The task waits for others that are still open."""


class StartedElsewhereError(RefusedError):
    """The task is being worked on in another worktree, or by somebody else."""


def refuse_others(task: Task, owner: str, *, force: bool) -> None:
    """Raise `StartedElsewhereError` where the task belongs to somebody else."""
    if task.owner not in (None, owner) and not force:
        raise StartedElsewhereError(
            f"#{task.id} belongs to {task.owner}", hint="ask them; --force takes it over"
        )


def refuse_losses(site: Site, trees: Sequence[Worktree], *, force: bool) -> None:
    """Raise `KeptWorktreeError` where the worktree is gone and making it anew would lose what its entry holds."""
    tree = sites.find_tree(trees, site.memo.name)
    if tree is None or tree.exists or tree.half_made or force:
        return
    leaving.refuse_staged(site.project, tree, besides=store.FOLDER)  # `rescue` brings edits of tasks back
    if tree.branch is None:
        memo = site.memo
        leaving.refuse_unmerged(leaving.Leave(site.project, tree, memo, None, memo.base, force))


def refuse_copy(site: Site, task: Task, owner: str, *, force: bool) -> None:
    """Raise `StartedElsewhereError` where the copy that the worktree will start with is closed, another's, or none of
    this task but of one that has its number there.
    """
    task_id, memo = task.id, site.memo
    there = copy_at(site.project, site.start, task_id)
    if there is None:
        return
    where = memo.base or site.start[:12] if site.start == memo.base_commit else site.branch
    if task.uid and there.uid and task.uid != there.uid:
        raise StartedElsewhereError(
            f"#{task_id} is another task on {where}, where the work would start: {there.subject}",
            hint=f"merge {where} here first: one of the two gets another number then",
        )
    if there.status in CLOSED:
        raise StartedElsewhereError(
            f"#{task_id} is {there.status} on {where}, where the work would start",
            hint=f"merge {where} to have it here too; --worktree NAME starts anew from here",
        )
    if there.owner not in (None, owner) and not force:
        raise StartedElsewhereError(
            f"#{task_id} belongs to {there.owner} on {where}, where the work would start",
            hint="ask them; --force takes it over",
        )


def refuse_blocked(project: Project, task_id: TaskId, *, force: bool) -> None:
    """Raise `BlockedError` where the task waits for others."""
    snapshot = project.snapshot()
    open_blockers = snapshot.derived.open_blockers.get(task_id, ())
    if not open_blockers or force:
        return
    rows = [snapshot.find(blocker) for blocker in open_blockers]
    names = [
        f"#{blocker} {row.subject} ({row.status})" if row is not None else f"#{blocker} (not here)"
        for blocker, row in zip(open_blockers, rows, strict=True)
    ]
    raise BlockedError(
        f"#{task_id} waits for {', '.join(names[:10])}" + (" and more" if len(names) > 10 else ""),
        hint="complete these first, take the edge away with `gittasks unblock`, or use --force",
    )


def copy_at(project: Project, commit: str, task_id: TaskId) -> Task | None:
    """The task as `commit` has it, `None` where it has none. Raises `BadTaskError`."""
    from gittasks.repo import history

    git = sites.anchor(project)
    path = f"{store.FOLDER}/{store.file_name(task_id)}"
    version = history.committed_versions(git, commit, (path,)).get(path)
    if version is None:
        return None
    blobs = history.read_blobs(git, (version.oid,), limit_bytes=MAX_FILE_BYTES)
    return codec.parse_task(blobs.get(version.oid, b""), f"{commit[:12]}:{path}", task_id=task_id)
