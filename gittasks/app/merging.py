"""Merging the branch of a finished task: tried beforehand with the task completed, then done.

Task files that `start` carried out of a checkout without a commit lie in the way there when the branch comes back.
Where nobody touched them since, the branch's version takes their place.
"""

from __future__ import annotations

import os

from gittasks.app import carrying, sites
from gittasks.base import files
from gittasks.base.ids import new_base36
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import history, index, refs, removal, worktrees
from gittasks.repo import merging as git_merging
from gittasks.repo.removal import KeptWorktreeError
from gittasks.workgraph import codec, store
from gittasks.workgraph.record import COMPLETED, MAX_FILE_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.app.memos import Memo
    from gittasks.app.project import Project
    from gittasks.repo.worktrees import Worktree
    from gittasks.workgraph.record import TaskId


def survey(
    project: Project,
    site: Project,
    task_id: TaskId,
    memo: Memo,
    branch: str,
    base: str,
    trees: Sequence[Worktree],
) -> frozenset[str]:
    """Try the merge with the task completed; answer the task files of the worktree that it takes along.

    Touches nothing but git's object store. Raises `MergeRefusedError`, `KeptWorktreeError` (files in the way),
    `OperationInProgressError`.
    """
    index.refuse_during_operation(site.checkout.git_dir)
    git = sites.anchor(project)
    paths = changed_task_files(site)
    contents = {path: _read(site, path) for path in paths}
    own = f"{store.FOLDER}/{store.file_name(task_id)}"
    contents[own] = codec.edit_task(_read(site, own), own, task_id=task_id, changes={"status": COMPLETED})
    trash = os.path.join(project.private_folder(), "trash")  # where a killed trial leaves it to be swept up
    os.makedirs(trash, exist_ok=True)
    scratch = os.path.join(trash, f"trial.{new_base36(6)}.index")
    tip, into = refs.resolve_commit(git, refs.HEADS + branch), refs.resolve_commit(git, refs.HEADS + base)
    finished = git_merging.commit_with(site.git, tip, contents, scratch)
    trial = git_merging.try_merge(git, into, finished)
    if trial.conflicts:
        raise git_merging.conflict(branch, base, trial.conflicts)
    target = _target(trees, base)
    if target is not None:
        there = sites.project_at(project, target.path)
        index.refuse_during_operation(target.git_dir)
        _refuse_files_in_the_way(there, memo, into, trial.tree)
        if not refs.is_ancestor(git, into, finished):
            git_merging.refuse_hooks_and_staged(there.git, branch, base, besides=memo.carried)
    return frozenset((*paths, own))


def merge(project: Project, memo: Memo, branch: str, base: str) -> None:
    """Merge `branch` into `base`, unless that has it already. Raises `MergeRefusedError`, `RefMovedError`."""
    git = sites.anchor(project)
    tip, into = refs.resolve_commit(git, refs.HEADS + branch), refs.resolve_commit(git, refs.HEADS + base)
    if refs.is_ancestor(git, tip, into):
        return
    target = _target(sites.all_trees(project), base)
    if target is None:
        git_merging.merge_unseen(git, into=base, into_tip=into, branch=branch, tip=tip)
        return
    there = sites.project_at(project, target.path)
    put_back = _clear_the_way(there, memo)
    try:
        git_merging.merge_here(there.git, there.checkout.git_dir, branch, base)
    except BaseException:
        for path, (data, staged) in put_back.items():
            _restore(there, path, data, staged=staged)
        raise


def changed_task_files(site: Project) -> list[str]:
    """The task files and notes of a worktree that differ from what is committed there, but for deleted ones."""
    found = []
    options = ("--untracked-files=all", "--no-renames", "--ignore-submodules=none")
    for entry in site.git.fields("status", "--porcelain", "-z", *options, "--", f"{store.FOLDER}/"):
        path = entry[3:]
        name = path.removeprefix(f"{store.FOLDER}/")
        folder, _, note = name.rpartition("/")
        is_task = store.parse_file_name(name) or (folder.isdecimal() and note.endswith(".md"))
        full = os.path.join(site.top, path)
        if is_task and os.path.isfile(full) and not os.path.islink(full):
            found.append(path)
    return found


def _target(trees: Sequence[Worktree], base: str) -> Worktree | None:
    """The worktree that has `base` checked out; raises `MergeRefusedError` where it cannot be merged into there."""
    target = worktrees.find_by_branch(list(trees), base)
    if target is None or (not target.exists and target.locked is None):
        return None
    if not target.exists or target.branch != base:
        why = "is not there now (locked)" if not target.exists else "is in the middle of a rebase or bisect"
        raise git_merging.MergeRefusedError(
            f"{base} belongs to the worktree {target.path}, which {why}", hint="finish that first"
        )
    return target


def _refuse_files_in_the_way(target: Project, memo: Memo, into: str, tree: str) -> None:
    """Raise `KeptWorktreeError` where the merge would write over files that are not committed in the target."""
    changed = target.git.fields("diff-tree", "-r", "-z", "--name-only", "--no-renames", into, tree)
    dirty = frozenset(removal.dirty_files(target.git))
    in_the_way = [path for path in changed if path in dirty and not _is_ours(target, memo, path)]
    if in_the_way:
        raise KeptWorktreeError(
            f"the merge would write over files in {target.top} that are not committed there:",
            outcome="refused_in_the_way",
            files=in_the_way,
            hint="commit or stash them there first",
        )


def _is_ours(target: Project, memo: Memo, path: str) -> bool:
    """Whether `path` still is the version that `start` carried from there."""
    return path in memo.carried and carrying.is_carried(target, path, memo.carried[path])


def _clear_the_way(target: Project, memo: Memo) -> dict[str, tuple[bytes, bool]]:
    """Put carried files back to what is committed in the target; answer what they held and whether it was staged."""
    dirty = frozenset(removal.dirty_files(target.git))
    found: dict[str, tuple[bytes, bool]] = {}
    for path in memo.carried:
        if path not in dirty or not _is_ours(target, memo, path):
            continue
        versions, _ = history.staged_versions(target.git, (path,))
        found[path] = (_read(target, path), path in versions)
        committed = history.committed_versions(target.git, "HEAD", (path,))
        target.git.output("reset", "--quiet", "--", path, write=True)
        if path in committed:
            target.git.output("checkout", "--quiet", "HEAD", "--", path, write=True)
        else:
            os.unlink(os.path.join(target.top, path))
    return found


def _restore(target: Project, path: str, data: bytes, *, staged: bool) -> None:
    files.replace_file(os.path.join(target.top, path), data)
    if staged:
        index.stage_paths(target.git, (path,))


def _read(site: Project, path: str) -> bytes:
    return files.read_regular(os.path.join(site.top, path), limit_bytes=MAX_FILE_BYTES)
