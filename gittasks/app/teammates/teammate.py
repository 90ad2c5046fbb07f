"""A teammate: a callable that lives in a thread of this process, takes ready tasks, and works on one after the other.

Its own run (type `in_process_teammate`) lasts as long as it does; the work on each task is a run of its own, a child
of that, with the task's number, its output, and its end. A callable that raises fails that run, and its task is
released with a note; the teammate lives on, and does not try that task again in this life.
"""

from __future__ import annotations

import atexit
import threading
import traceback

from gittasks.app import claiming, holders, releasing, taking
from gittasks.app.project import Project, open_project
from gittasks.app.run_settings import announcement_of, load_settings
from gittasks.app.runs import run_folders
from gittasks.app.teammates import inbox
from gittasks.app.teammates.context import TaskContext
from gittasks.base import clock
from gittasks.base.errors import BusyError, GittasksError, RefusedError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, shorten
from gittasks.repo.claims import claim_refs
from gittasks.runtime import hosting
from gittasks.runtime.hosting import HostedRun
from gittasks.runtime.record import COMPLETED, FAILED, IN_PROCESS_TEAMMATE, KILLED, Run
from gittasks.runtime.tree import RUN_VARIABLE
from gittasks.workgraph import store
from gittasks.workgraph.record import TaskId

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import Any

    from gittasks.app.taking import Taken
    from gittasks.app.teammates.inbox import Message
    from gittasks.runtime.record import RunId
    from gittasks.workgraph.record import Task

    Work = Callable[[Task, TaskContext], object]
    Receive = Callable[[Message], object]

IDLE_TIMEOUT_S = 300.0
_POLL_S = 0.2
# What no folder shows is looked for this often (see `taking.wait_for_change`).
_LOOK_AGAIN_S = 5.0
_EXIT_PATIENCE_S = 5.0
_MAX_DESCRIPTION = 200
_MAX_REASON = 1000


class NotStartedError(RefusedError):
    """Something was asked of a teammate that was not started, or starts for the second time."""


class Teammate:
    """`Teammate("reviewer", "reviews", work=review).start()`: see the module; also a context manager.

    `work(task, context)` is called with one task at a time. Where it returns, the task is completed; unless it called
    `context.give_back(reason)`, or somebody asked it to stop and it does not answer `True`: then it is released.
    `receive(message)` is called between tasks for what comes to the inbox (what it raises goes to the output of the
    teammate's run); without it, messages wait for `context.messages()`. After `idle_timeout_s` seconds without a task
    it shuts down (`None`: never). Tasks are taken in the worktree of `project`; `commit` commits what completes them.
    Leaving a `with` block stops it.
    """

    def __init__(
        self,
        name: str,
        role: str,
        *,
        work: Work,
        project: Project | str = ".",
        receive: Receive | None = None,
        idle_timeout_s: float | None = IDLE_TIMEOUT_S,
        commit: bool = False,
        poll_s: float = _POLL_S,
    ) -> None:
        self.name = inbox.check_name(name)
        self.role = role
        self.stop_event = threading.Event()
        self._project = open_project(project) if isinstance(project, str) else project
        self._work, self._receive = work, receive
        self._idle_timeout_s, self._poll_s, self._commit = idle_timeout_s, poll_s, commit
        self._run: HostedRun | None = None
        self._name_fd = -1
        self._context: TaskContext | None = None
        self._task_run: HostedRun | None = None
        self._given_up: set[TaskId] = set()
        self._is_killed = False
        self._thread = threading.Thread(target=self._live, name=f"teammate-{name}", daemon=True)
        self._watcher = threading.Thread(target=self._watch, name=f"teammate-{name}-stop", daemon=True)

    def start(self) -> Teammate:
        """Begin to live.

        Raises `NameTakenError`, `NotStartedError` (it was started before), and what keeps a run from being recorded.
        """
        if self._run is not None:
            raise NotStartedError(f"the teammate {self.name} was started before", hint="make a new one")
        self._name_fd = inbox.take_name(self._project, self.name)
        hosting.keep_from_children(self._name_fd)
        try:
            self._run = HostedRun(run_folders(self._project), self._describe)
        except BaseException:
            self._let_go_of_name()
            raise
        env = {**self._project.env, RUN_VARIABLE: self._run.id, "GITTASKS_OWNER": self.name}
        self._project = Project(self._project.checkout, env)
        _living.add(self)
        self._thread.start()
        self._watcher.start()
        return self

    @property
    def run_id(self) -> str:
        """The id of its own run. Raises `NotStartedError`."""
        return self._require_run().id

    @property
    def is_alive(self) -> bool:
        """Whether it lives."""
        return self._run is not None and self._run.run.is_live

    def stop(self) -> None:
        """Ask it to stop: after the task that it works on, or earlier where its callable looks at `context.stop`."""
        self.stop_event.set()
        context = self._context
        if context is not None:
            context.stop.set()

    def join(self, timeout_s: float | None = None) -> bool:
        """Wait until it has ended, at most `timeout_s` seconds; whether it has."""
        self._require_run()
        self._thread.join(timeout_s)
        return not self._thread.is_alive()

    def send(self, text: str, *, sender: str | None = None) -> Message:
        """Leave it a message."""
        return inbox.send(self._project, self.name, text, sender=sender)

    def __enter__(self) -> Teammate:
        return self if self._run is not None else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        self.join()

    def _require_run(self) -> HostedRun:
        if self._run is None:
            raise NotStartedError(f"the teammate {self.name} was not started", hint="call start() first")
        return self._run

    def _describe(self, run_id: RunId) -> tuple[Run, dict[str, Any] | None]:
        return self._record(run_id, f"{self.name}: {self.role}"), self._on_end(run_id)

    def _on_end(self, run_id: RunId) -> dict[str, Any] | None:
        return announcement_of(self._project, load_settings(self._project), run_id)

    def _record(self, run_id: RunId, description: str, **more: Any) -> Run:
        checkout = self._project.checkout
        return Run(
            run_id,
            IN_PROCESS_TEAMMATE,
            description=shorten(description, _MAX_DESCRIPTION),
            name=self.name,
            owner=self.name,
            cwd=checkout.top,
            worktree=checkout.name if checkout.is_linked else None,
            **more,
        )

    # -- its life

    def _live(self) -> None:
        run = self._require_run()
        try:
            self._release_last_life()
            self._loop(run)
        except BaseException as error:
            run.write(traceback.format_exc().encode("utf-8", "backslashreplace"))
            run.end(FAILED, message=_reason(error), exit_code=1)
        else:
            run.end(KILLED if self._is_killed else COMPLETED, exit_code=0, message=self._last_words())
        finally:
            self.stop_event.set()
            self._let_go_of_name()
            _living.discard(self)

    def _last_words(self) -> str:
        if self._is_killed:
            return "stopped from outside"
        return "stopped by its host" if self.stop_event.is_set() else "nothing more to do"

    def _loop(self, run: HostedRun) -> None:
        idle_since = clock.monotonic_s()
        before: object = None
        look_at = 0.0
        run.report(message="idle")
        while not self.stop_event.is_set():
            if self._hear(run):
                idle_since = clock.monotonic_s()
            seen, now = taking.look_around(self._project), clock.monotonic_s()
            if seen != before or now >= look_at:
                before, look_at = seen, now + _LOOK_AGAIN_S
                taken = self._take()
                if taken is not None:
                    self._work_on(run, taken)
                    run.report(message="idle")
                    idle_since, before = clock.monotonic_s(), None
                    continue
            if self._idle_timeout_s is not None and now - idle_since >= self._idle_timeout_s:
                return
            self.stop_event.wait(self._poll_s)

    def _hear(self, run: HostedRun) -> bool:
        """Pass on what came to the inbox; whether anything did."""
        if self._receive is None or not inbox.has_new(self._project, self.name):
            return False
        for message in inbox.read_new(self._project, self.name):
            try:
                self._receive(message)
            except Exception:
                run.write(traceback.format_exc().encode("utf-8", "backslashreplace"))
        return True

    def _take(self) -> Taken | None:
        try:
            return taking.take_next(self._project, owner=self.name, skip=self._given_up)
        except BusyError:
            # Nothing is ready, or somebody else is just writing: there will be another look.
            return None

    def _release_last_life(self) -> None:
        """What a teammate of this name left in progress when its host died is pending again.

        Its name is ours alone now, so nobody else takes or gives back for it.
        """
        for task_id in map(TaskId, claim_refs(self._project.checkout, self._project.env)):
            task = claiming.find_task(self._project, task_id)
            if task is None:
                continue
            found = holders.look(self._project, task_id, task.uid, self.name).local
            claim = found.claim if found is not None else None
            if found is None or claim is None or claim.owner != self.name or found.state != holders.ABANDONED:
                continue
            if claim.run is not None and claim.run[0] == "t":
                self._give_back(task_id, f"Released: the run {claim.run} ended while it worked on this.")

    # -- its work

    def _work_on(self, own: HostedRun, taken: Taken) -> None:
        if self.stop_event.is_set():
            # Asked in the same moment: it was not begun.
            releasing.release(self._project, taken.task_id, owner=self.name)
            return
        task = store.read_task(self._project.tasks_folder, taken.task_id)

        def describe(run_id: RunId) -> tuple[Run, dict[str, Any] | None]:
            record = self._record(
                run_id,
                f"{self.name}: {task.subject}",
                parent=own.id,
                work_graph_task_id=task.id,
                work_graph_task_uid=task.uid or None,
            )
            return record, self._on_end(run_id)

        try:
            run = HostedRun(run_folders(self._project), describe)
        except BaseException:
            self._give_back(task.id, "Released: its run could not be recorded.")
            raise
        own.report(message=f"working on #{task.id} ({run.id})")
        project = Project(self._project.checkout, {**self._project.env, RUN_VARIABLE: run.id})
        context = TaskContext(self.name, project, run)
        self._context, self._task_run = context, run
        if self.stop_event.is_set():
            context.stop.set()
        try:
            answer = self._work(task, context)
        except BaseException as error:
            self._fail(task, run, error)
        else:
            self._settle(task, run, context, answer)
        finally:
            self._context = self._task_run = None

    def _fail(self, task: Task, run: HostedRun, error: BaseException) -> None:
        self._given_up.add(task.id)
        run.write("".join(traceback.format_exception(error)).encode("utf-8", "backslashreplace"))
        said = self._give_back(
            task.id, f"Released by {self.name}: the work failed: {_reason(error)} (run {run.id})"
        )
        run.end(FAILED, message=_reason(error) + said, exit_code=1)

    def _settle(self, task: Task, run: HostedRun, context: TaskContext, answer: object) -> None:
        """The callable has returned: complete the task, or release it."""
        is_killed = run.is_asked_to_stop() or self._is_killed
        reason = context.given_back
        if reason is None and context.stop.is_set() and answer is not True:
            reason = "it was asked to stop"
        if reason is not None:
            self._given_up.add(task.id)
            said = self._give_back(task.id, f"Released by {self.name}: {reason} (run {run.id})")
            run.end(
                KILLED if is_killed else COMPLETED,
                message=f"gave #{task.id} back: {reason}{said}",
                exit_code=0,
            )
            return
        try:
            self._complete(task)
        except GittasksError as error:
            self._given_up.add(task.id)
            said = f"#{task.id} is not completed: {error.message}"
            if not isinstance(error, holders.ClaimHeldError):
                said += self._give_back(task.id, f"Released by {self.name}: {said} (run {run.id})")
            run.end(FAILED, message=said, exit_code=1)
        else:
            run.end(COMPLETED, exit_code=0)

    def _complete(self, task: Task) -> None:
        found = holders.look(self._project, task.id, task.uid, self.name).local
        claim = found.claim if found is not None else None
        if claim is not None and claim.run != self._require_run().id:
            raise holders.ClaimHeldError(f"it was taken over by {printable(claim.owner)}", found)
        self._project.complete(task.id, commit=self._commit)

    def _give_back(self, task_id: TaskId, note: str) -> str:
        """Release a task, with a note that says why; what is to be said where that was not possible."""
        try:
            self._project.note(task_id, shorten(note, _MAX_REASON), author=self.name)
            releasing.release(self._project, task_id, owner=self.name)
        except GittasksError as error:
            return f" (#{task_id} is not released: {error.message})"
        return ""

    # -- being stopped

    def _watch(self) -> None:
        """Look for requests to stop, of the teammate and of the run of its task."""
        run = self._require_run()
        while not self.stop_event.wait(self._poll_s):
            if run.is_asked_to_stop():
                self._is_killed = True
                self.stop()
            self._pass_on_stop()
        # It may work on: a task of its own is still to be stopped by itself.
        while self.is_alive:
            if run.is_asked_to_stop():
                self._is_killed = True
            self._pass_on_stop()
            clock.sleep_s(self._poll_s)

    def _pass_on_stop(self) -> None:
        context, task_run = self._context, self._task_run
        if (
            context is not None
            and task_run is not None
            and (self.stop_event.is_set() or task_run.is_asked_to_stop())
        ):
            context.stop.set()

    def _let_go_of_name(self) -> None:
        hosting.close(self._name_fd)


def _reason(error: BaseException) -> str:
    return shorten(printable(f"{type(error).__name__}: {error}"), _MAX_REASON)


_living: set[Teammate] = set()


@atexit.register
def _stop_all() -> None:
    """The host ends: its teammates get a moment to end as well; whoever takes longer ends as lost."""
    for teammate in list(_living):
        teammate.stop()
    deadline = clock.monotonic_s() + _EXIT_PATIENCE_S
    for teammate in list(_living):
        teammate.join(max(deadline - clock.monotonic_s(), 0))
