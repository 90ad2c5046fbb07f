"""What a run is: its fields, their order, its words, and what may follow what. Pure: no files, no clock.

The names and their order are those of design 5.1; `format_run` and `parse_run` are the one JSON spelling of it,
a line of the index.
"""

from __future__ import annotations

from gittasks.base.errors import InvalidError
from gittasks.base.jsontext import dumps, loads
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any, NewType

    RunId = NewType("RunId", str)
else:
    RunId = str

LOCAL_BASH = "local_bash"
LOCAL_AGENT = "local_agent"
REMOTE_AGENT = "remote_agent"
IN_PROCESS_TEAMMATE = "in_process_teammate"
MONITOR = "monitor"
WORKFLOW = "workflow"
# The first letter of an id says of what type the run is.
LETTERS = {
    LOCAL_BASH: "b",
    LOCAL_AGENT: "a",
    REMOTE_AGENT: "r",
    IN_PROCESS_TEAMMATE: "t",
    MONITOR: "m",
    WORKFLOW: "w",
}

RUNNING = "running"
COMPLETED = "completed"
FAILED = "failed"
KILLED = "killed"
STATUSES = (RUNNING, COMPLETED, FAILED, KILLED)
TERMINAL = frozenset((COMPLETED, FAILED, KILLED))
# These belong to tasks. Refused with an error that says so, so that nobody mixes the two layers up.
TASK_WORDS = frozenset(("pending", "in_progress", "deleted"))

QUEUED = "queued"
ACTIVE = "active"
STOPPING = "stopping"
PHASES = (QUEUED, ACTIVE, STOPPING)

EXIT = "exit"
SIGNAL = "signal"
TIMEOUT = "timeout"
OUT_OF_MEMORY = "out_of_memory"
LOST = "lost"
REBOOT = "reboot"
NOT_STARTED = "not_started"
UNVERIFIED = "unverified"
REASONS = (EXIT, SIGNAL, TIMEOUT, OUT_OF_MEMORY, LOST, REBOOT, NOT_STARTED, UNVERIFIED)

# How important a notice is: the first ones are told first.
HIGH = "high"
NORMAL = "normal"
LOW = "low"
PRIORITIES = (HIGH, NORMAL, LOW)

# What a person is told where the reason alone does not say it.
MESSAGES = {
    OUT_OF_MEMORY: "killed while the kernel was killing for want of memory",
    LOST: "its supervisor was killed while it ran: how the command ended is unknown",
    REBOOT: "the machine was restarted while it ran",
    UNVERIFIED: "its record was damaged or deleted: what became of it cannot be known",
}
# Of a run that was stopped by another supervisor than the one that had started it.
TAKEN_OVER = (
    "its first supervisor was killed: a process that left its session and dropped its environment may live on"
)
# The same as `LOST`, of a run that lived in a thread of somebody's program.
HOST_GONE = "the program that hosted it ended without ending it: what became of its work is unknown"

ID_LENGTH = 8
_BASE36 = frozenset("0123456789abcdefghijklmnopqrstuvwxyz")
# More of a command than anybody reads; the index holds one such line for each change of each run.
MAX_COMMAND_CHARS = 16_384
_SIGKILL = 9


class BadRunError(InvalidError):
    """A line of the index, or values meant for one, break the format."""


class WrongLayerError(BadRunError):
    """A status that only tasks have was given to a run."""


class TransitionError(InvalidError):
    """A run that has ended was to change its status: a terminal status is for ever."""


class Run(NamedTuple):
    """One live execution slot, or what became of it (design 5.1). Times are Unix seconds.

    `process` is the command's leader and `supervisor` its guard, each as `base.identity.Process.as_json` gives it.
    `command` is for people: cut where it is very long, bytes that are no text escaped. `message` says in words what
    `reason` says in one; of a live run it is the last that its worker said. `output_bytes` counts all that was
    written, also what `truncated` output lost.

    `work_graph_task_id` is the number that its task had then; where `work_graph_task_uid` is known, that says which
    task it is, whatever number a merge gave this later.

    While a run is queued, `start_time` is when that began: `after` names the runs that it waits for and what each
    must come to, `slots` how many runs it allows of each. Of a command that is tried again, `attempt` counts from 1
    to `retries` + 1, and `attempts` says how the last of those before ended; `exit_code` and its like are the last
    one's.

    `name` is what somebody called it, `session` what an agent calls its own conversation, `events` how much a monitor
    has seen. `extra` holds what only one type of run has, and fields of other versions, kept as they came.
    `notice` says how important its end is, where whoever started it said so; `stall_after_s` how long it may write
    nothing before it is shown as stalled.
    """

    id: RunId
    type: str = LOCAL_BASH
    status: str = RUNNING
    description: str = ""
    start_time: float = 0.0
    end_time: float | None = None
    output_file: str = ""
    notified: bool = False
    work_graph_task_id: int | None = None
    work_graph_task_uid: str | None = None
    phase: str | None = None
    reason: str | None = None
    message: str | None = None
    exit_code: int | None = None
    signal: int | None = None
    command: tuple[str, ...] = ()
    cwd: str | None = None
    worktree: str | None = None
    owner: str | None = None
    parent: str | None = None
    timeout_s: float | None = None
    process: dict[str, Any] | None = None
    supervisor: dict[str, Any] | None = None
    commit_before: str | None = None
    commit_after: str | None = None
    dirty: bool | None = None
    last_output_time: float | None = None
    output_bytes: int = 0
    truncated: bool = False
    progress: Any = None
    usage: dict[str, Any] | None = None
    stale_since: float | None = None
    name: str | None = None
    session: str | None = None
    events: int | None = None
    notice: str | None = None
    stall_after_s: float | None = None
    after: dict[str, str] | None = None
    slots: dict[str, int] | None = None
    attempt: int | None = None
    retries: int | None = None
    attempts: tuple[dict[str, Any], ...] = ()
    extra: tuple[tuple[str, Any], ...] = ()

    @property
    def is_live(self) -> bool:
        """Whether it has not ended yet."""
        return self.status == RUNNING

    def as_json(self) -> dict[str, Any]:
        """The record with the names and order of the index, unknown fields last."""
        known = dict(zip(FIELDS, self, strict=False))
        known["command"] = list(self.command)
        known["attempts"] = list(self.attempts)
        return known | {name: value for name, value in self.extra if name not in known}


FIELDS: tuple[str, ...] = Run._fields[:-1]
_ALWAYS = frozenset(FIELDS[:9])

_TEXT = (str,)
_NUMBER = (int, float)
_MAP = (dict,)
# What a field may be besides `null`, where its default is null too.
_KINDS: dict[str, tuple[type, ...]] = {
    "description": _TEXT,
    "start_time": _NUMBER,
    "end_time": _NUMBER,
    "output_file": _TEXT,
    "notified": (bool,),
    "work_graph_task_id": (int,),
    "work_graph_task_uid": _TEXT,
    "phase": _TEXT,
    "reason": _TEXT,
    "message": _TEXT,
    "exit_code": (int,),
    "signal": (int,),
    "cwd": _TEXT,
    "worktree": _TEXT,
    "owner": _TEXT,
    "parent": _TEXT,
    "timeout_s": _NUMBER,
    "process": _MAP,
    "supervisor": _MAP,
    "commit_before": _TEXT,
    "commit_after": _TEXT,
    "dirty": (bool,),
    "last_output_time": _NUMBER,
    "output_bytes": (int,),
    "truncated": (bool,),
    "usage": _MAP,
    "stale_since": _NUMBER,
    "name": _TEXT,
    "session": _TEXT,
    "events": (int,),
    "notice": _TEXT,
    "stall_after_s": _NUMBER,
    "after": _MAP,
    "slots": _MAP,
    "attempt": (int,),
    "retries": (int,),
}


def is_of_task(run: Run, task_id: int, uid: str | None) -> bool:
    """Whether a run is of the task with this number and, where that is known, this uid."""
    if uid and run.work_graph_task_uid:
        return run.work_graph_task_uid == uid
    return run.work_graph_task_id == task_id


def is_run_id(text: str) -> bool:
    """Whether `text` is a whole run id: a type's letter and seven characters of 0-9a-z. Safe as a file name."""
    return len(text) == ID_LENGTH and text[0] in LETTERS.values() and _BASE36.issuperset(text)


def check_status(word: str) -> str:
    """`word`, where it is one of the four. Raises `WrongLayerError` for a task's, `BadRunError` for any other."""
    if word in STATUSES:
        return word
    if word in TASK_WORDS:
        raise WrongLayerError(
            f"{word!r} is a state of a task, not of a run: a run is {', '.join(STATUSES)}",
            hint="`gittasks list` shows tasks, `gittasks runs` shows runs",
        )
    raise BadRunError(f"{word!r} is no status of a run: expected {', '.join(STATUSES)}")


def change(run: Run, **changes: Any) -> Run:
    """`run` with `changes`. Raises `TransitionError` where its status is terminal and would become another one,
    `BadRunError` for a word that is none.
    """
    status = check_status(changes.get("status", run.status))
    if run.status in TERMINAL and status != run.status:
        raise TransitionError(f"run {run.id} is {run.status}: it can never become {status}")
    return run._replace(**changes)


def end(run: Run, *, status: str, reason: str | None, end_time: float, **changes: Any) -> Run:
    """`run` as it ended. The end never lies before the start, whatever the clock did."""
    return change(
        run,
        status=status,
        reason=reason,
        phase=None,
        end_time=max(end_time, run.start_time),
        stale_since=None,
        supervisor=None,
        **changes,
    )


def priority_of(run: Run) -> str:
    """How important news of `run` are: as it was started; else a failure more than an end that somebody asked for."""
    if run.notice in PRIORITIES:
        return str(run.notice)
    return {FAILED: HIGH, KILLED: LOW}.get(run.status, NORMAL)


class Ending(NamedTuple):
    """How a process ended, in a record's words."""

    status: str
    reason: str
    exit_code: int | None
    signal: int | None

    @property
    def code(self) -> dict[str, int | None]:
        """Exit code and signal, as fields of a record."""
        return {"exit_code": self.exit_code, "signal": self.signal}


def judge(
    *, exit_code: int | None, signal: int | None, stopped_for: str | None, out_of_memory: bool
) -> Ending:
    """What the end of the command means. `stopped_for` is `KILLED` or `TIMEOUT` when we stopped it.

    A command that exits 0 when told to stop was still stopped: it did not finish. Without exit code and signal
    nobody saw the end.
    """
    reason = LOST if exit_code is None and signal is None else EXIT if signal is None else SIGNAL
    if stopped_for == KILLED:
        return Ending(KILLED, reason, exit_code, signal)
    if stopped_for == TIMEOUT:
        return Ending(FAILED, TIMEOUT, exit_code, signal)
    if signal == _SIGKILL and out_of_memory:
        return Ending(FAILED, OUT_OF_MEMORY, exit_code, signal)
    return Ending(COMPLETED if exit_code == 0 else FAILED, reason, exit_code, signal)


def describe_command(argv: tuple[bytes, ...]) -> tuple[str, ...]:
    """`argv` as a record shows it: text, cut to `MAX_COMMAND_CHARS` in all."""
    words: list[str] = []
    left = MAX_COMMAND_CHARS
    for word in argv:
        text = word.decode("utf-8", "backslashreplace")
        if len(text) > left:
            words.append(text[:left] + "…")
            break
        words.append(text)
        left -= len(text)
    return tuple(words)


def format_run(run: Run) -> bytes:
    """One line of the index, with its line feed. `id`, `type` and `status` come first: readers slice them out.

    The first nine fields are always there, the others unless they are null.
    """
    left_out = {name for name, value in zip(FIELDS, run, strict=False) if value is None} - _ALWAYS
    if not run.attempts:
        left_out.add("attempts")
    written = {name: value for name, value in run.as_json().items() if name not in left_out}
    return dumps(written).encode("ascii") + b"\n"


def parse_run(line: bytes) -> Run:
    """The run that a line of the index holds, also one that an older or newer version wrote.

    Missing fields get their defaults, unknown ones are kept in `extra`, a known one of another type than ours
    counts as missing. Raises `BadRunError` where it is no JSON object or id, type or status are not a run's.
    """
    try:
        value = loads(line)
    except (ValueError, RecursionError):
        raise BadRunError("a line of the index is no JSON") from None
    if not isinstance(value, dict):
        raise BadRunError("a line of the index is no JSON object")
    return run_of(value)


def is_value(name: str, value: object) -> bool:
    """Whether `value` is of the kind that the field `name` holds when it is not null; unknown fields hold none."""
    kinds = _KINDS.get(name, ())
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def run_of(value: dict[str, Any]) -> Run:
    """The run that a JSON object stands for; see `parse_run`."""
    run_id, kind = value.get("id"), value.get("type", LOCAL_BASH)
    if not isinstance(run_id, str) or not is_run_id(run_id):
        raise BadRunError(f"{str(run_id)[:40]!r} is no run id")
    if not isinstance(kind, str) or kind not in LETTERS:
        raise BadRunError(
            f"run {run_id}: {str(kind)[:40]!r} is no type of run: expected {', '.join(LETTERS)}"
        )
    status = check_status(str(value.get("status")))
    known = {name: value[name] for name in _KINDS if is_value(name, value.get(name))}
    command = value.get("command")
    words = tuple(map(str, command)) if isinstance(command, list) else ()
    extra = tuple((name, item) for name, item in value.items() if name not in FIELDS)
    attempts = value.get("attempts")
    tried = tuple(item for item in attempts if isinstance(item, dict)) if isinstance(attempts, list) else ()
    known |= {"command": words, "attempts": tried, "progress": value.get("progress"), "extra": extra}
    return Run(RunId(run_id), kind, status, **known)
