"""Remote-tracking branches on the board: what they changed of the tasks since they left us.

Only recent branches, and only those that nothing here holds already: an ancestor of this checkout, of another
worktree's head, or of a later remote branch says nothing of its own. What a branch changed is cached by (merge base,
tip), neither of which can change; a read where nothing moved costs one git process.
"""

from __future__ import annotations

import os
import time
import zlib

from gittasks.app.changes import Changes, parse_version, task_ids, task_path, unreadable
from gittasks.base import cache
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo import remote, siblings
from gittasks.workgraph import store
from gittasks.workgraph.record import MAX_FILE_BYTES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.repo.git import Git
    from gittasks.repo.remote import RemoteBranch
    from gittasks.repo.siblings import Sibling

_LAYOUT = "remotes-1"
_MAX_BRANCHES = 200
_DAY_S = 86_400


def wants_remotes(project: Project) -> bool:
    """Whether the settings ask for remote branches on the board; settings that cannot be read ask for nothing."""
    return _settings(project)[0]


def load_remote_changes(project: Project, others: Sequence[Sibling]) -> dict[str, Changes]:
    """Branch (`origin/x`) to what it changed, the newest first; branches that change nothing are left out.

    `others` are the other worktrees, which are on the board by themselves. Raises `GitError`.
    """
    checkout = project.checkout
    days = _settings(project)[1]
    since = time.time() - days * _DAY_S
    recent = [branch for branch in remote.list_remote_branches(project.git) if branch.time_s >= since]
    branches = recent[:_MAX_BRANCHES]
    here = siblings.require_head(project.git, checkout.git_dir, checkout.common_dir)
    if not branches or here is None:
        return {}
    heads = [siblings.read_head(other.git_dir, checkout.common_dir) for other in others]
    taken = sorted({head for head in heads if head} | {here})
    key = [here, *taken, *(f"{branch.name} {branch.tip}" for branch in branches)]
    path = os.path.join(project.cache_folder, f"remotes-{checkout.name}.bin")
    loaded = cache.load_cache(path, _LAYOUT)
    known = loaded if isinstance(loaded, dict) else {"key": [], "bases": {}, "answer": {}}
    if known["key"] != key:
        known = _ask_git(project.git, here, taken, branches, known["bases"])
        cache.save_cache(path, _LAYOUT, known | {"key": key})
    return {name: Changes(*found) for name, found in known["answer"].items()}


def _ask_git(
    git: Git, here: str, taken: list[str], branches: list[RemoteBranch], cached: dict[Any, Any]
) -> dict[str, Any]:
    """The new content of the cache: `bases` maps (base, tip) to changes, `answer` a branch to what it adds."""
    from gittasks.repo.differences import merge_base

    tips = [branch for branch in branches if branch.tip not in taken]
    trees = remote.folder_trees(git, [here, *(branch.tip for branch in tips)], store.FOLDER)
    differing = [branch for branch, tree in zip(tips, trees[1:], strict=True) if tree not in (None, trees[0])]
    bases: dict[tuple[str, str], tuple[Any, ...]] = {}
    found: list[tuple[RemoteBranch, tuple[Any, ...]]] = []
    for branch in differing:
        key = (merge_base(git, here, branch.tip), branch.tip)
        bases[key] = cached.get(key) or tuple(_read_changes(git, *key, branch.name))
        if any(bases[key]):
            found.append((branch, bases[key]))
    alone = remote.independent(git, [*taken, *(branch.tip for branch, _ in found)])
    return {"bases": bases, "answer": {b.name: changes for b, changes in found if b.tip in alone}}


def _read_changes(git: Git, base: str, tip: str, source: str) -> Changes:
    from gittasks.repo import differences, history

    found = differences.changed_in_commit(git, base, tip, store.FOLDER)
    ids = task_ids(found)
    versions = {task_id: found[task_path(task_id)] for task_id in ids}
    oids = {oid for version in versions.values() for oid in version if oid}
    blobs = history.read_blobs(git, oids, limit_bytes=MAX_FILE_BYTES)
    changes = Changes([], [])
    for task_id, version in versions.items():
        old = parse_version(blobs.get(version.old or ""), task_id, source, [])
        new = parse_version(blobs.get(version.new or ""), task_id, source, changes.problems)
        if version.new is not None and version.new not in blobs:
            changes.problems.append(unreadable(task_id, source, "is no regular file, missing or too large"))
        elif new is not None or version.new is None:
            changes.changed.append((task_id, old and tuple(old), new and tuple(new)))
    return changes


def _settings(project: Project) -> tuple[bool, int]:
    """(whether remote branches are asked for, for how many days), parsed again only when the file changed."""
    from gittasks.workgraph import config

    try:
        data = config.read_config(project.tasks_folder)
    except config.BadConfigError:
        data = b""
    # The settings may need a YAML library, which costs a read as much as everything else together.
    path = os.path.join(project.cache_folder, f"remotes-settings-{project.checkout.name}.bin")
    stamp = (len(data), zlib.crc32(data))
    known = cache.load_cache(path, _LAYOUT)
    if isinstance(known, tuple) and known[0] == stamp:
        return bool(known[1]), int(known[2])
    try:
        said = config.parse_config(data)
    except config.BadConfigError:
        said = config.Config()
    cache.save_cache(path, _LAYOUT, (stamp, said.remotes, said.remote_days))
    return said.remotes, said.remote_days
