"""A project: one checkout, its tasks, its runs. What the command line and `import gittasks` both work with.

The facade of the use cases, which live beside it, one module each, and are imported when called: a read command
must not pay for what it does not use.
"""

from __future__ import annotations

import os

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo.discover import Checkout, find_checkout
from gittasks.repo.layout import refuse_foreign, refuse_strange
from gittasks.workgraph import store
from gittasks.workgraph.record import TaskId

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from typing import Any

    from gittasks.app.board import Board
    from gittasks.app.claiming import Claimed
    from gittasks.app.finishing import Finished
    from gittasks.app.reading import Filter
    from gittasks.app.releasing import Released
    from gittasks.app.run_start import Order
    from gittasks.app.starting import Started
    from gittasks.app.writing import Decide, Written
    from gittasks.base.errors import GittasksError
    from gittasks.repo.git import Git
    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import Run
    from gittasks.workgraph.drafts import Draft
    from gittasks.workgraph.record import Task
    from gittasks.workgraph.snapshot import Snapshot


class Project:
    """The work graph of one checkout, and the runs of its clone.

    `env` is the environment that git commands and runs start from. Tasks are named by id. What changes tasks
    answers with `Written` (ids, changed paths, the commit made, warnings), stages its changes, and commits exactly
    the task files with `commit=True`. Every method raises `GittasksError` with a message and a hint; the functions
    that a method calls name the classes; an unknown field or option, or one of the wrong shape, is a `FieldError`.
    """

    def __init__(self, checkout: Checkout, env: Mapping[str, str]) -> None:
        self.checkout = checkout
        self.env = env

    @property
    def top(self) -> str:
        """The root of this worktree. Raises `NoWorktreeError` in a bare repository."""
        return self.checkout.require_top()

    @property
    def tasks_folder(self) -> str:
        """The path of `.tasks` in this worktree, whether it exists or not."""
        return os.path.join(self.top, store.FOLDER)

    def require_tasks(self) -> str:
        """The path of `.tasks`. Raises `NoTasksError`, also where git has it and did not check it out."""
        try:
            return store.require_folder(self.tasks_folder)
        except store.NoTasksError:
            from gittasks.app.unseen import refuse_unseen

            refuse_unseen(self)
            raise

    @property
    def git(self) -> Git:
        """git commands at the root of this worktree."""
        from gittasks.repo.git import Git

        if "GIT_DIR" not in self.env and "GIT_WORK_TREE" not in self.env:
            return Git(self.top, self.env)
        # The folder alone may not lead git here: a worktree without `.git`, as `--git-dir` and `--work-tree` make it.
        return Git(self.top, self.env, {"GIT_DIR": self.checkout.git_dir, "GIT_WORK_TREE": self.top})

    def snapshot(self) -> Snapshot:
        """All tasks of this worktree as they are on disk now. Raises `NoTasksError`."""
        from gittasks.workgraph.snapshot import load_snapshot

        return load_snapshot(self.require_tasks(), self.cache_folder, self.checkout.name)

    def board(self, *, remotes: bool | None = None) -> Board | Snapshot:
        """All tasks as they would be if the work of every worktree were merged now. Raises `NoTasksError`.

        `remotes`: that of recent remote-tracking branches too (`None`: if the settings say so).
        """
        from gittasks.app.board import load_board

        return load_board(self, remotes=remotes)

    def task(self, task_id: int) -> Task:
        """One task, as the board has it. Raises `UnknownTaskError`, `BadTaskError`."""
        from gittasks.app import reading

        board = self.board()
        return board.full([reading.require_row(board, _task_id(task_id))])[0]

    def tasks(self, wanted: Filter | None = None) -> list[Task]:
        """The tasks that match (default: all but tombstones), as the board has them, sorted by id."""
        from gittasks.app import reading

        board = self.board()
        return board.full(reading.list_rows(board, wanted or reading.Filter(completed=True)))

    def ready(self, *, owner: str | None = None) -> list[Task]:
        """What `owner` (default: who calls) can start now, best first."""
        from gittasks.app import reading

        board = self.board()
        return board.full(reading.ready_rows(self, board, owner=lambda: self.actor(owner)))

    def blocked(self) -> list[Task]:
        """Open tasks that wait for others, sorted by id."""
        from gittasks.app import reading

        board = self.board()
        return board.full(reading.blocked_rows(board))

    def search(self, words: str) -> list[Task]:
        """Tasks that hold all of `words` somewhere, sorted by id."""
        from gittasks.app import reading

        board = self.board()
        return board.full(reading.search_rows(self, board, _text("words", words)))

    def blocks(self, task_id: int) -> list[TaskId]:
        """The ids of the tasks that wait for a task, as the board has them, sorted: `blocked_by` from its other side.

        Deleted ones are left out. Of many tasks ask `board().derived.blocks`. Raises `UnknownTaskError`,
        `BadTaskError`.
        """
        from gittasks.app import reading

        board = self.board()
        row = reading.require_row(board, _task_id(task_id))
        return [TaskId(waiter) for waiter in board.derived.blocks.get(row.id, ())]

    def next(self, *, owner: str | None = None) -> Task:
        """The best of the ready tasks, which is not taken by that. Raises `NothingReadyError`."""
        from gittasks.app import reading

        board = self.board()
        return board.full([reading.next_row(self, board, owner=lambda: self.actor(owner))])[0]

    def add(self, subject: str, *, commit: bool = False, **fields: Any) -> Task:
        """Add one task and answer it; `fields` are those of `Draft`."""
        from gittasks.workgraph import store
        from gittasks.workgraph.drafts import Draft

        written = self.add_many([_make(Draft, fields, subject)], commit=commit)
        return store.read_task(self.tasks_folder, written.ids[0])

    def add_many(self, drafts: Sequence[Draft], *, commit: bool = False) -> Written:
        """Add all of `drafts`, or none; the ids are in the same order."""
        from gittasks.app import writing

        return writing.add_tasks(self, drafts, commit=commit)

    def edit(self, task_id: int, *, commit: bool = False, **changes: Any) -> Written:
        """Give fields of a task new values; the names are those of `Task`, or `extra:NAME` for an unknown field.

        `id` and `uid` say which task it is, and stay. Raises `FieldError`, `CycleError`.
        """
        from gittasks.app import writing

        return writing.edit_task(self, _task_id(task_id), lambda task: changes, purpose="edit", commit=commit)

    def complete(self, *task_ids: int, commit: bool = False) -> Written:
        """Complete tasks; a completed one stays as it is."""
        from gittasks.workgraph import rules

        return self._change(task_ids, rules.complete, "complete", commit=commit)

    def reopen(self, *task_ids: int, commit: bool = False) -> Written:
        """Make completed or deleted tasks pending again, and nobody's."""
        from gittasks.workgraph import rules

        return self._change(task_ids, rules.reopen, "reopen", commit=commit)

    def delete(self, *task_ids: int, commit: bool = False) -> Written:
        """Turn tasks into tombstones; `reopen` brings them back."""
        from gittasks.workgraph import rules

        return self._change(task_ids, rules.delete, "delete", commit=commit)

    def block(self, task_id: int, *, on: Sequence[int], commit: bool = False) -> Written:
        """Make a task wait for others too. Raises `CycleError`."""
        from gittasks.workgraph import rules

        others = _task_ids("on", on)
        return self._change([task_id], lambda task: rules.add_blockers(task, others), "block", commit=commit)

    def unblock(self, task_id: int, *, on: Sequence[int], commit: bool = False) -> Written:
        """Let a task no longer wait for others."""
        from gittasks.workgraph import rules

        others = _task_ids("on", on)
        return self._change(
            [task_id], lambda task: rules.remove_blockers(task, others), "unblock", commit=commit
        )

    def note(self, task_id: int, text: str, *, author: str | None = None, commit: bool = False) -> Written:
        """Add a note to a task."""
        from gittasks.app import notes

        return notes.add_note(self, _task_id(task_id), _text("text", text), author=author, commit=commit)

    def claim(self, task_id: int, **options: Any) -> Claimed:
        """Take a task, for all worktrees to see. Raises `ClaimHeldError` where somebody else has it.

        `options` are those of `app.claiming.Options`: `owner`, `remote`, `ttl_s`, `steal`.
        """
        from gittasks.app import claiming

        return claiming.claim(self, _task_id(task_id), _make(claiming.Options, options))

    def release(self, task_id: int, *, owner: str | None = None, remote: str | None = None) -> Released:
        """Let a claimed task go. Raises `ClaimHeldError` where it is somebody else's."""
        from gittasks.app import releasing

        return releasing.release(self, _task_id(task_id), owner=owner, remote=remote)

    def take(self, *, owner: str | None = None, remote: str | None = None) -> Task:
        """Claim the best ready task and put it in progress: however many ask at once, each gets another one.

        Raises `NothingReadyError`.
        """
        from gittasks.app import taking

        taken = taking.take_next(self, owner=self.actor(owner), remote=remote)
        return store.read_task(self.tasks_folder, taken.task_id)

    def start(self, task: int | str, **options: Any) -> Started:
        """Take a task (an id, or the subject of a new one) into its own worktree.

        `options` are those of `app.starting.Options`: `worktree`, `here`, `base`, `owner`, `force`.
        """
        from gittasks.app import starting

        chosen = _make(starting.Options, options)
        if isinstance(task, str):
            return starting.start_new(self, task, chosen)
        return starting.start_task(self, _task_id(task), chosen)

    def finish(self, task_id: int | None = None, *, how: str, **options: Any) -> Finished:
        """Complete a task and `merge`, `keep` or `remove` its worktree; without an id, this worktree's task.

        `options` are those of `app.finish_survey.Options`: `into`, `force`, `checks`, `message`.
        """
        from gittasks.app import finish_survey, finishing

        if how not in finish_survey.HOWS:
            raise _field_error("how", how, f"expected one of {', '.join(finish_survey.HOWS)}")
        chosen = _make(finish_survey.Options, options, how)
        return finishing.finish(self, None if task_id is None else _task_id(task_id), chosen)

    def run(self, *argv: str, task_id: int | None = None, **options: Any) -> Run:
        """Start a command in the background and answer its record.

        `options` are those of `app.run_start.Order`: `name`, `cwd`, `env`, `timeout_s`, `owner`.
        """
        from gittasks.app import run_start

        number = None if task_id is None else _task_id(task_id)
        return run_start.start_run(self, _make(run_start.Order, options, argv, number)).run

    def agent(
        self, task_id: int, name: str | None = None, *, order: Order | None = None, **options: Any
    ) -> Run:
        """Let a coding agent work on a task, in the task's worktree, and answer the record of its run.

        `options` are those of `app.agents.starting.Call`: `resume`, `wish`, `arguments`, `checks`.
        """
        from gittasks.app.agents import starting
        from gittasks.app.run_start import Order

        call = _make(starting.Call, options, name)
        return starting.start_agent(self, _task_id(task_id), call, order or Order()).started.run

    def runs(self, *, task_id: int | None = None) -> list[Run]:
        """The runs of this clone, or of one task, oldest first."""
        from gittasks.app import runs

        return runs.list_runs(self, task_id=None if task_id is None else _task_id(task_id)).runs

    def wait(self, *run_ids: str, timeout_s: float | None = None) -> list[Run]:
        """Wait until runs end, at most `timeout_s` seconds, and answer their records."""
        from gittasks.app import runs

        found = [run.id for run in runs.find_runs(self, run_ids)]
        return runs.wait_runs(self, found, timeout_s=timeout_s)[0]

    def kill(self, *run_ids: str, grace_s: float = 5.0) -> list[Run]:
        """Stop runs with all their processes: TERM, `grace_s` seconds, KILL; answer their records."""
        from gittasks.app import runs

        return runs.kill_runs(self, [run.id for run in runs.find_runs(self, run_ids)], grace_s=grace_s)

    def output(self, run_id: str) -> bytes:
        """What a run has written so far, stdout and stderr in order."""
        from gittasks.app import runs

        return b"".join(runs.read_output(self, runs.find_run(self, run_id)))

    def notices(self) -> list[Run]:
        """The runs that ended and were not told of yet: each is answered once, to whoever asks first."""
        from gittasks.app import runs

        return [notice.run for notice in runs.drain_notices(self, with_events=False)]

    def _change(self, task_ids: Sequence[int], decide: Decide, purpose: str, *, commit: bool) -> Written:
        from gittasks.app import writing

        edits = {_task_id(task_id): decide for task_id in task_ids}
        return writing.edit_many(self, edits, purpose=purpose, commit=commit)

    @property
    def cache_folder(self) -> str:
        """Where caches of this clone lie; deleting it loses nothing."""
        return os.path.join(self.checkout.private_dir, "cache")

    @property
    def run_folders(self) -> Folders:
        """Where this clone keeps its runs: the same for all its worktrees."""
        from gittasks.repo.places import output_place
        from gittasks.runtime.folders import Folders

        place = output_place(self.checkout.common_dir, self.checkout.private_dir)
        return Folders(place.folder, self.checkout.private_dir, place.shown)

    def drop_caches(self, worktree: str) -> None:
        """Delete the caches of a worktree that is gone."""
        for kind in ("tasks", "texts", "board", "fold", "remotes", "remotes-settings"):
            files.remove_cache(os.path.join(self.cache_folder, f"{kind}-{worktree}.bin"))

    def private_folder(self) -> str:
        """`<git common dir>/gittasks`, made when missing."""
        os.makedirs(self.checkout.private_dir, exist_ok=True)
        return self.checkout.private_dir

    def lock(self, purpose: str) -> AbstractContextManager[None]:
        """The writers' lock of this clone; on entry a killed writer's half-done write is finished first."""
        from gittasks.app.locking import writers_lock

        return writers_lock(self.private_folder(), purpose)

    @property
    def journal(self) -> str:
        """The redo journal of writes that touch several files."""
        return os.path.join(self.checkout.private_dir, "write.journal")

    def actor(self, name: str | None = None) -> str:
        """Who acts: `name`, else $GITTASKS_OWNER, else git's `user.name`, else $USER."""
        from gittasks.app.identity import actor

        return actor(self, name)

    def bound_task(self) -> TaskId | None:
        """The one open task that is bound to this worktree, if there is exactly one."""
        from gittasks.app.binding import find_bound

        return find_bound(self)


def _task_id(value: Any) -> TaskId:
    if type(value) is not int:
        raise _field_error("task_id", value, "expected a task's id, a whole number")
    return TaskId(value)


def _task_ids(name: str, value: Any) -> list[TaskId]:
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise _field_error(name, value, "expected a list of task ids")
    return [_task_id(item) for item in value]


def _text(name: str, value: Any) -> str:
    if not isinstance(value, str):
        raise _field_error(name, value, "expected text")
    return value


def _make(kind: Any, given: Mapping[str, Any], *leading: Any) -> Any:
    """A record of this kind from what the caller gave by name, after `leading`. Raises `FieldError`."""
    names = kind._fields[len(leading) :]
    for name in given:
        if name not in names:
            from gittasks.workgraph.fields import FieldError

            raise FieldError(name, "is not known here", f"expected one of {', '.join(names)}")
    return kind(*leading, **given)


def _field_error(name: str, value: Any, expected: str) -> GittasksError:
    from gittasks.workgraph.fields import FieldError, shown

    return FieldError(name, f"is {shown(value)}", expected)


def open_project(start: str, *, env: Mapping[str, str] | None = None) -> Project:
    """The project that the folder `start` lies in. Raises `NoRepositoryError`, `StrangeLayoutError`, and
    `GitError` where git refuses it as somebody else's.

    `env` is what git commands start from (default: this process's). GIT_DIR and GIT_WORK_TREE in it count.
    """
    env = os.environ if env is None else env
    checkout = find_checkout(start, git_dir=env.get("GIT_DIR"), work_tree=env.get("GIT_WORK_TREE"))
    refuse_strange(checkout)
    refuse_foreign(checkout, env)
    return Project(checkout, env)
