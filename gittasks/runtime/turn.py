"""Waiting in a supervisor until a run's command may start: other runs to end, a slot to be free, a pause to be over.

Asleep in poll(2), however long it takes. The job may hold secrets, so it is in memory only; that it outlives a killed
supervisor, an understudy is forked for as long as it waits.
"""

from __future__ import annotations

import contextlib
import os
import select

from gittasks.base import clock
from gittasks.base.errors import GittasksError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import bell, journal, live, slots
from gittasks.runtime.record import COMPLETED, RunId

if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from gittasks.runtime.folders import Folders
    from gittasks.runtime.watch import Signals

# What `--after` may wait for.
END, SUCCESS, FAILURE = "end", "success", "failure"
CONDITIONS = (END, SUCCESS, FAILURE)

# A run that nobody guards, and that cannot be judged from here, may be judged later.
_LOOK_AGAIN_S = 10.0
# Without a bell (a teammate in another program, a file system without pipes) there is nothing to sleep by.
_POLL_S = 1.0
# A supervisor that dies lets go of its bell and its lock one after the other, one that begins takes them so.
_IN_BETWEEN_S = 0.02


class Verdict(NamedTuple):
    """What came of waiting: the turn has come, or `killed`, or `refused` says why it never will."""

    killed: bool = False
    refused: str | None = None


class _Look(NamedTuple):
    refused: str | None = None
    waits_for: tuple[RunId, ...] = ()
    again_s: float | None = None


class Turn:
    """The turn of one run; `bell_fd` is its own bell, `settings` are those of the run."""

    def __init__(
        self, folders: Folders, run_id: RunId, settings: dict[str, Any], signals: Signals, bell_fd: int
    ) -> None:
        self._folders = folders
        self._run_id = run_id
        self._after: dict[RunId, str] = dict(settings["after"])
        self._slots: dict[str, int] = settings["slots"]
        self._signals = signals
        self._bell_fd = bell_fd
        self._holds = False
        # Runs that nobody guards, and that cannot be judged from here.
        self._out_of_sight: set[RunId] = set()

    def has_come(self) -> Verdict | None:
        """The verdict, where there is one already; a place in the queue is taken otherwise."""
        look = self._look()
        return None if look.waits_for or look.again_s is not None else Verdict(refused=look.refused)

    def wait(self, *, not_before: float = 0.0) -> Verdict:
        """Sleep until there is a verdict, and until `not_before` (in `clock.monotonic_s`)."""
        while True:
            if self._signals.asked:
                self._signals.asked = False
                if live.read_stop(self._folders, self._run_id) is not None:
                    return Verdict(killed=True)
            pause_s = not_before - clock.monotonic_s()
            look = _Look(again_s=pause_s) if pause_s > 0 else self._look()
            if not look.waits_for and look.again_s is None:
                return Verdict(refused=look.refused)
            self._sleep(look)

    @property
    def waits_for(self) -> str:
        """What it waits for, in words."""
        if self._after:
            return f"waits for {', '.join(self._after)}"
        return f"waits for slot {', '.join(self._slots)}"

    def _look(self) -> _Look:
        for run_id, condition in list(self._after.items()):
            if self._lives(run_id):
                continue
            refused = _refusal(self._folders, run_id, condition)
            if refused is not None:
                return _Look(refused=refused)
            del self._after[run_id]
        if self._after:
            return _Look(waits_for=tuple(self._after))
        if not self._slots or self._holds:
            return _Look()
        try:
            return self._look_at_slots()
        except (GittasksError, OSError):
            # The lock is held for very long, or the disk is full: later, perhaps.
            return _Look(again_s=_POLL_S)

    def _look_at_slots(self) -> _Look:
        while True:
            in_the_way = slots.take_turn(self._folders, self._run_id, self._slots)
            self._holds = not in_the_way
            if all(self._lives(run_id) for run_id in in_the_way):
                return _Look(waits_for=in_the_way)

    def _lives(self, run_id: RunId) -> bool:
        """Whether a run lives; one whose supervisor died is seen to first, as by any command that looks at it."""
        if live.is_live(self._folders, run_id) and not live.is_guarded(self._folders, run_id):
            _mend(self._folders, [run_id])
            if not live.is_guarded(self._folders, run_id):
                self._out_of_sight.add(run_id)
        return live.is_live(self._folders, run_id)

    def _sleep(self, look: _Look) -> None:
        poll = select.poll()
        poll.register(self._signals.fd, select.POLLIN)
        if self._bell_fd >= 0:
            poll.register(self._bell_fd, select.POLLIN)
        ears = {run_id: bell.listen(self._folders, run_id) for run_id in look.waits_for}
        for fd in ears.values():
            if fd >= 0:
                poll.register(fd, 0)
        try:
            for fd, _ in poll.poll(self._patience_ms(look, ears)):
                if fd == self._signals.fd:
                    self._signals.clear()
                elif fd == self._bell_fd:
                    bell.silence(fd)
        finally:
            for fd in ears.values():
                if fd >= 0:
                    os.close(fd)

    def _patience_ms(self, look: _Look, ears: dict[RunId, int]) -> float | None:
        """How long to sleep at most. Looked at only now that we listen: what ended in between makes no sound."""
        due = [] if look.again_s is None else [look.again_s]
        for run_id, fd in ears.items():
            if not live.is_guarded(self._folders, run_id):
                due.append(_LOOK_AGAIN_S if run_id in self._out_of_sight else 0)
            elif fd < 0:
                due.append(_POLL_S)
            elif not bell.is_held(self._folders, run_id, fd):
                due.append(_IN_BETWEEN_S)
        return min(due) * 1000 + 1 if due else None


def stand_by() -> int:
    """Fork. The child goes on, and answers the descriptor by which it `dismiss`es the parent; the parent stays
    behind, asleep, and when the child is killed, the next child goes on in its place.

    Both hold the lock of the run, so all the while nobody takes its supervisor for dead.
    """
    while True:
        word_fd, say_fd = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(word_fd)
            # Whoever kills a whole group must not get both.
            os.setsid()
            return say_fd
        os.close(say_fd)
        if os.read(word_fd, 1):
            os._exit(0)
        os.close(word_fd)
        _, status = os.waitpid(pid, 0)
        if not os.WIFSIGNALED(status):
            # A bug ended it: it would end the next one too.
            os._exit(1)


def dismiss(say_fd: int) -> None:
    """Let the understudy go: from here on the command's own life is at stake, which a fork cannot save."""
    with contextlib.suppress(BrokenPipeError):  # it was killed before us
        os.write(say_fd, b"d")
    os.close(say_fd)


def _mend(folders: Folders, run_ids: Iterable[RunId]) -> None:
    # Costs memory that nearly no supervisor ever needs.
    from gittasks.runtime import mending

    try:
        mending.mend(folders, run_ids, os.environ, {})
    except (GittasksError, OSError):
        # Cannot be started, or a disk that refuses: the next one who looks tries again.
        return


def _refusal(folders: Folders, run_id: RunId, condition: str) -> str | None:
    """Why the end of `run_id` does not let us start; `None` where it does."""
    if condition == END:
        return None
    line = journal.restored(folders, run_id)
    if line is None:
        return f"was to start after {run_id}, of which nothing is known any more"
    status = journal.status_of(line)
    if (status == COMPLETED) == (condition == SUCCESS):
        return None
    wanted = "completed" if condition == SUCCESS else "failed"
    return f"was to start only if {run_id} {wanted}: it is {status}"
