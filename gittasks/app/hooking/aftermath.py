"""post-commit, post-merge and post-rewrite: what came in with it. Quiet where it touched no task.

The cache is brought up to date, so that the next read need not; the mark of ids rises above what came in, so that no
number is issued again though its branch goes away; claims follow tasks that got other numbers; said is what landed,
and what a merge made that nobody wrote.
"""

from __future__ import annotations

import os

from gittasks.app.hooking.answer import QUIET, Answer
from gittasks.app.hooking.objects import RAW, git_in_hook, parse_raw
from gittasks.base.errors import BusyError
from gittasks.base.records import TYPE_CHECKING
from gittasks.workgraph import store
from gittasks.workgraph.record import COMPLETED, CONFLICT, DELETED, MAX_FILE_BYTES, BadTaskError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from gittasks.app.hooking.objects import Changes
    from gittasks.app.project import Project
    from gittasks.workgraph.record import Row, TaskId
    from gittasks.workgraph.snapshot import Snapshot

_SHOWN = 10


def after_commit(project: Project) -> Answer:
    """post-commit: what this commit landed. What it broke, pre-commit has said."""
    show = ("-c", "log.showRoot=true", "show", "--format=", "-m", "--first-parent", *RAW)
    options = ("--no-show-signature", "--no-color", "HEAD", "--", store.FOLDER)
    return Answer(
        tuple(tell_landed(project, parse_raw(git_in_hook(project).capture(*show, *options) or b"")))
    )


def after_merge(project: Project) -> Answer:
    """post-merge, post-rewrite: what came in since ORIG_HEAD, where git left HEAD before it."""
    facts = git_in_hook(project).capture("diff-tree", "-r", *RAW, "ORIG_HEAD", "HEAD", "--", store.FOLDER)
    changes = _tasks(parse_raw(facts or b""))
    if not changes:
        return QUIET
    snapshot = project.snapshot()
    raise_mark(project, changes)
    from gittasks.app import claim_moves

    moved = claim_moves.follow(project)
    return Answer((*_landed(project, snapshot, changes), *_broken(snapshot, changes), *moved))


def tell_landed(project: Project, found: Changes) -> list[str]:
    """What lands on the default branch with these changes, for a commit; the mark of ids rises above them."""
    changes = _tasks(found)
    if not changes:
        return []
    raise_mark(project, changes)
    return _landed(project, project.snapshot(), changes)


def _tasks(changes: Changes) -> dict[TaskId, Changes]:
    """The changes of task files, by id."""
    found: dict[TaskId, Changes] = {}
    for path, versions in changes.items():
        task_id = store.parse_file_name(os.path.basename(path))
        if task_id is not None and os.path.dirname(path) == store.FOLDER:
            found[task_id] = {path: versions}
    return found


def raise_mark(project: Project, changes: Collection[TaskId]) -> None:
    """Raise the mark of ids above `changes`; where a writer is at work, that one looks at all branches itself."""
    from gittasks.app import ids

    try:
        ids.raise_mark(project, max(changes, default=0))
    except BusyError:
        return


def _landed(project: Project, snapshot: Snapshot, changes: dict[TaskId, Changes]) -> list[str]:
    """Tasks whose completion came onto the default branch with this."""
    from gittasks.repo import landing

    rows = [row for task_id in sorted(changes) if (row := snapshot.find(task_id)) and row.status == COMPLETED]
    if not rows:
        return []
    target = landing.find_target(lambda: project.git, project.checkout.common_dir)
    head = project.git.capture("symbolic-ref", "--quiet", "HEAD")
    if target is None or os.fsdecode(head or b"").strip() != f"refs/heads/{target.branch}":
        return []
    known = _completed_before(project, [changes[row.id] for row in rows])
    landed = [f"#{row.id} {row.subject}" for row in rows if row.id not in known]
    return [f"landed on {target.branch}: {joined(landed)}"] if landed else []


def _completed_before(project: Project, changes: Sequence[Changes]) -> set[int]:
    from gittasks.repo import history
    from gittasks.workgraph import codec

    olds = {path: old for versions in changes for path, (old, _) in versions.items()}
    oids = {path: old.oid for path, old in olds.items() if old is not None and old.is_file}
    blobs = history.read_blobs(project.git, oids.values(), limit_bytes=MAX_FILE_BYTES)
    found: set[int] = set()
    for path, oid in oids.items():
        task_id = store.parse_file_name(os.path.basename(path))
        try:
            if task_id and codec.parse_task(blobs.get(oid, b""), path, task_id=task_id).status == COMPLETED:
                found.add(task_id)
        except BadTaskError:
            continue
    return found


def _broken(snapshot: Snapshot, changes: dict[TaskId, Changes]) -> list[str]:
    """What a merge makes though no side wrote it."""
    from gittasks.workgraph.graph import cycles

    paths = {f"{store.FOLDER}/{store.file_name(task_id)}" for task_id in changes}
    bad = [problem for problem in snapshot.problems if problem.path in paths]
    lines = []
    if bad:
        names = sorted({problem.path for problem in bad})
        cure = "resolve" if any(problem.kind == CONFLICT for problem in bad) else "doctor"
        lines.append(f"cannot be read now: {joined(names)}; `gittasks {cure}` helps")
    for cycle in (*cycles.find_cycles(snapshot.rows), *cycles.find_parent_cycles(snapshot.rows)):
        if not changes.keys().isdisjoint(cycle):
            way = " -> ".join(f"#{task_id}" for task_id in cycle)
            lines.append(
                f"these tasks wait for each other now: {way}; `gittasks doctor` says how to part them"
            )
    owners: dict[str, list[Row]] = {}
    for row in snapshot.rows:
        if row.uid and row.status != DELETED:
            owners.setdefault(row.uid, []).append(row)
    for rows in owners.values():
        if len(rows) > 1 and not changes.keys().isdisjoint(row.id for row in rows):
            numbers = " and ".join(f"#{row.id}" for row in rows)
            lines.append(
                f"{numbers} are one task under several numbers now: `gittasks resolve` makes them one"
            )
    return lines


def joined(names: Sequence[str]) -> str:
    """Some names in one line, and how many more there are."""
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more
