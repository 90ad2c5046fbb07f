"""Use cases of runs that are there: list, find, follow, wait, kill, tell, forget. Starting one is `run_start`.

`list_runs` is on the hot path: what it imports, each `runs` pays for, and each `show` of a task that has some.
"""

from __future__ import annotations

import os

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import journal, store
from gittasks.runtime.record import LOW, RUNNING, is_of_task

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from gittasks.app.project import Project
    from gittasks.runtime.folders import Folders
    from gittasks.runtime.journal import Lines
    from gittasks.runtime.notices import Notice
    from gittasks.runtime.pruning import Pruned
    from gittasks.runtime.record import Run, RunId

# How much longer than its grace a stop may take before `kill_runs` answers what is left.
_KILL_PATIENCE_S = 10.0


class RunList(NamedTuple):
    """Some of the runs of a clone, oldest first, and how many ended ones were left out."""

    runs: list[Run]
    left_out: int


def run_folders(project: Project) -> Folders:
    """Where this clone keeps its runs: the same for all its worktrees."""
    return project.run_folders


def list_runs(
    project: Project, *, task_id: int | None = None, statuses: Sequence[str] = (), limit: int | None = None
) -> RunList:
    """Runs, oldest first: of one task, with one of `statuses`; all that live, and the last `limit` that ended.

    The task is the one that has the number in this worktree; where it has none, runs are found by the number alone.
    """
    folders = run_folders(project)
    lines = store.load(folders, project.env)
    if statuses:
        lines = {key: line for key, line in lines.items() if journal.status_of(line) in statuses}
    if task_id is not None:
        uid = find_uid(project, task_id)
        lines = {key: line for key, line in lines.items() if journal.may_belong_to_task(line, task_id, uid)}
    shown = lines if limit is None else _last_ended(lines, limit)
    runs = _parsed(folders, shown.values())
    if task_id is not None:
        runs = [run for run in runs if is_of_task(run, task_id, uid)]
    return RunList(runs, len(lines) - len(shown))


def find_uid(project: Project, task_id: int) -> str | None:
    """The uid of the task that has this number in this worktree; `None` where there is none that can be read."""
    from gittasks.base.errors import GittasksError
    from gittasks.workgraph import store
    from gittasks.workgraph.record import TaskId

    if project.checkout.top is None:
        return None
    try:
        return store.read_task(project.tasks_folder, TaskId(task_id)).uid
    except (GittasksError, OSError):
        return None


def _parsed(folders: Folders, lines: Iterable[bytes]) -> list[Run]:
    """The runs of these lines, those that live with what can be seen of them: how far they say they are, whether they
    are stalled.
    """
    runs = store.parse(lines)
    if not any(run.is_live for run in runs):
        return runs
    from gittasks.base import clock
    from gittasks.runtime import report, stalls

    now_s = clock.now_s()
    return [
        stalls.mark(folders, report.lay_over(run, report.read_report(folders, run.id)), now_s)
        if run.is_live
        else run
        for run in runs
    ]


def _last_ended(lines: Lines, limit: int) -> Lines:
    """All that live, and the `limit` youngest of those that ended, in the order of `lines`."""
    live = frozenset(journal.running(lines))
    ended = [key for key in lines if key not in live]
    chosen = live.union(ended[max(len(ended) - limit, 0) :])
    return {key: line for key, line in lines.items() if key in chosen}


def live_runs_in(project: Project, folder: str) -> list[Run]:
    """The runs that live and work in `folder` or below it: the folder must not go away under them."""
    root = os.path.realpath(folder)
    return [
        run
        for run in list_runs(project, statuses=(RUNNING,)).runs
        if run.cwd is not None and f"{os.path.realpath(run.cwd)}{os.sep}".startswith(root + os.sep)
    ]


def find_run(project: Project, prefix: str) -> Run:
    """The run whose id starts with `prefix`. Raises `UnknownRunError`, `AmbiguousRunError`."""
    return find_runs(project, [prefix])[0]


def find_runs(project: Project, prefixes: Sequence[str]) -> list[Run]:
    """The runs whose ids start with these, in the same order. Raises as `find_run` does, before anything is done."""
    folders = run_folders(project)
    lines = store.load(folders, project.env)
    return _parsed(folders, [lines[store.find(lines, prefix).encode()] for prefix in prefixes])


def wait_runs(
    project: Project, run_ids: Sequence[RunId], *, timeout_s: float | None = None
) -> tuple[list[Run], bool]:
    """Wait until all these runs have ended; the runs as they are then, and whether all have ended.

    `timeout_s` is how long to wait at most; for ever where it is `None`.
    """
    from gittasks.runtime import waiting

    folders = run_folders(project)
    waiting.wait(folders, run_ids, project.env, timeout_s=timeout_s)
    runs = current_runs(project, run_ids)
    return runs, not any(run.is_live for run in runs)


def kill_runs(
    project: Project, run_ids: Sequence[RunId], *, grace_s: float, give_up: bool = False
) -> list[Run]:
    """Stop the whole trees of these runs (SIGTERM, `grace_s` seconds, SIGKILL); the runs as they are then.

    One that still lives could not be stopped in time, and goes on being stopped. One that had ended is answered as
    it ended. `give_up` ends runs on machines that do not answer as lost.
    """
    from gittasks.runtime import stopping, tending, waiting

    folders = run_folders(project)
    for run_id in run_ids if give_up else ():
        tending.give_up(folders, run_id)
    asked = [run_id for run_id in run_ids if stopping.ask_to_stop(folders, run_id, grace_s)]
    # Whose supervisor is dead gets a new one here, which finds the request.
    store.load(folders, project.env)
    waiting.wait(folders, asked, project.env, timeout_s=grace_s + _KILL_PATIENCE_S)
    return current_runs(project, run_ids)


def read_output(project: Project, run: Run, *, last_lines: int | None = None) -> Iterator[bytes]:
    """What a run wrote up to now, in blocks; of `last_lines` only so many at its end."""
    from gittasks.runtime import live, reading

    folders = run_folders(project)
    if not live.is_live(folders, run.id):
        return reading.read_ended(folders, run.id, last_lines=last_lines)
    reader = reading.LiveReader(folders, run.id)
    if last_lines is not None:
        reader.skip_to_last_lines(last_lines)
    return reader.read_new()


def follow_output(project: Project, run: Run, *, last_lines: int | None = None) -> Iterator[bytes]:
    """What a run wrote and will write, in blocks, until it has ended; of `last_lines` only so many of the past."""
    from gittasks.runtime import waiting

    return waiting.follow(run_folders(project), run.id, project.env, last_lines=last_lines)


def send_input(project: Project, run: Run, data: bytes) -> None:
    """Give input to a run; see `runtime.inputs.send`."""
    from gittasks.runtime import inputs

    inputs.send(run_folders(project), run.id, data)


def peek_notices(project: Project, *, at_least: str = LOW) -> list[Notice]:
    """Ends and events that nobody was told of and that are `at_least` so important, the most important first."""
    from gittasks.runtime import notices

    return notices.peek(run_folders(project), project.env, at_least=at_least)


def drain_notices(project: Project, *, at_least: str = LOW, with_events: bool = True) -> list[Notice]:
    """Like `peek_notices`, and no other reader is told of them from now on.

    Raises `LockHeldError`, `IndexWriteError`.
    """
    from gittasks.runtime import notices

    return notices.drain(run_folders(project), project.env, at_least=at_least, with_events=with_events)


def put_back_notices(project: Project, told: Iterable[Notice]) -> None:
    """Let what `drain_notices` answered be told after all; see `runtime.notices.put_back`."""
    from gittasks.runtime import notices

    notices.put_back(run_folders(project), told)


def follow_notices(project: Project, *, at_least: str = LOW) -> Iterator[list[Notice]]:
    """What `drain_notices` answers, again and again for ever, whenever there is something."""
    from gittasks.runtime import notices

    return notices.follow(run_folders(project), project.env, at_least=at_least)


def prune_runs(
    project: Project,
    *,
    older_than_s: float | None,
    keep: int | None = None,
    max_bytes: int | None = None,
    dry_run: bool = False,
    among: Container[RunId] | None = None,
) -> Pruned:
    """Forget ended runs; see `runtime.pruning.prune`."""
    from gittasks.runtime import pruning

    return pruning.prune(
        run_folders(project),
        project.env,
        older_than_s=older_than_s,
        keep=keep,
        max_bytes=max_bytes,
        dry_run=dry_run,
        among=among,
    )


def current_runs(project: Project, run_ids: Sequence[RunId]) -> list[Run]:
    """The runs with these ids as they are now; one that was forgotten meanwhile is left out."""
    folders = run_folders(project)
    lines = store.load(folders, project.env)
    return _parsed(folders, [lines[run_id.encode()] for run_id in run_ids if run_id.encode() in lines])
