"""Watching a command until nothing of it is alive: its output, its end, its deadline, requests to stop it.

One loop, asleep in poll(2) while nothing happens. A run is its whole tree: when its command ends by itself, what it
left running is stopped too (or left alone, where the run was started so).
"""

from __future__ import annotations

import os
import select
import signal
import sys

from gittasks.base import clock, identity
from gittasks.base.identity import ALIVE
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import tree
from gittasks.runtime.record import KILLED, TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable

    from gittasks.base.identity import Process, Stat
    from gittasks.runtime.output import OutputWriter
    from gittasks.runtime.record import RunId
    from gittasks.runtime.streams import Keyboard

# How long what a command left running gets between SIGTERM and SIGKILL.
LEFTOVER_GRACE_S = 2.0
_READ_BYTES = 1 << 16
_KILL_AGAIN_S = 0.2
_KILL_AGAIN_LATER_S = 2.0
# So many rounds of SIGKILL; what lives on then cannot be killed by us.
_KILL_ROUNDS = 10
_LOOK_AGAIN_S = 0.05
# How soon to try again when a program does not read what is typed.
_TYPE_AGAIN_S = 0.2
# Whatever was in the pipe when the leader ended fits in this many reads.
_DRAIN_READS = 32
# macOS counts peak memory in bytes, Linux in KiB (getrusage(2)).
_MEMORY_UNIT = 1 if sys.platform == "darwin" else 1024


class Outcome(NamedTuple):
    """How the command ended. Exit code and signal are both `None` where that can never be known.

    `stopped_for` is `KILLED` or `TIMEOUT` where we stopped it. `cpu_s` and `peak_bytes` cover all
    processes of the run that ended as our children. `left` names what could not be stopped.
    """

    end_time: float
    exit_code: int | None
    signal: int | None
    stopped_for: str | None
    cpu_s: float
    peak_bytes: int
    last_output_time: float | None
    left: tuple[str, ...]


class Watched(NamedTuple):
    """What there is to watch. `is_child` tells whether the leader is our own child, or one we took over;
    `gets_orphans` whether all that loses its parent below us becomes our child.

    `deadline` is in `clock.monotonic_s`. `read_stop` answers the grace in seconds when somebody asked to
    stop the run. `tends` tells that the leader tends something elsewhere: it alone is told to stop, and never killed.
    """

    run_id: RunId
    leader: Process
    is_child: bool
    gets_orphans: bool
    deadline: float | None
    timeout_grace_s: float
    leave_children: bool
    read_stop: Callable[[], float | None]
    tends: bool = False


class Signals:
    """SIGCHLD and SIGTERM of this process, made readable at `fd`; `asked` is set by each SIGTERM."""

    def __init__(self) -> None:
        # Somebody may have asked before we were here to hear it.
        self.asked = True
        self.fd, write_fd = os.pipe()
        os.set_blocking(self.fd, False)
        os.set_blocking(write_fd, False)
        signal.signal(signal.SIGCHLD, _ignore)
        signal.signal(signal.SIGTERM, self._note_request)
        signal.set_wakeup_fd(write_fd, warn_on_full_buffer=False)

    def clear(self) -> None:
        """Empty `fd`: what woke us is about to be looked at."""
        os.read(self.fd, _READ_BYTES)

    def wait(self, seconds: float) -> None:
        """Wait so long, or until the next SIGTERM."""
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        until = clock.monotonic_s() + seconds
        while not self.asked and poll.poll(max(until - clock.monotonic_s(), 0) * 1000):
            self.clear()

    def _note_request(self, number: int, frame: object) -> None:
        self.asked = True


class Watch:
    """One command, watched by the single thread of its supervisor. `pipe_fd` is its output, -1 for none, and
    `keyboard` what is typed into its terminal, where it has one.
    """

    def __init__(
        self,
        watched: Watched,
        signals: Signals,
        *,
        pipe_fd: int,
        writer: OutputWriter,
        on_stopping: Callable[[], None],
        keyboard: Keyboard | None = None,
    ) -> None:
        self._watched = watched
        self._signals = signals
        self._pipe_fd = pipe_fd
        self._writer = writer
        self._on_stopping = on_stopping
        self._keyboard = keyboard
        self._last_output: float | None = None
        self._stopped_for: str | None = None
        self._kill_at: float | None = None
        self._look_at: float | None = None
        self._look_now = True
        self._childless = False
        self._kills = 0
        self._left: tuple[str, ...] = ()
        self._ended_at: float | None = None
        self._exit_code: int | None = None
        self._signal: int | None = None
        self._cpu_s = 0.0
        self._peak_bytes = 0
        self._poll = select.poll()
        self._poll.register(signals.fd, select.POLLIN)
        if pipe_fd >= 0:
            self._poll.register(pipe_fd, select.POLLIN)
        if keyboard is not None:
            self._poll.register(keyboard.fd, select.POLLIN)
        self._leader_fd = -1 if watched.is_child else self._open_leader()

    def until_over(self) -> Outcome:
        """Watch until the command has ended and nothing of it is alive; then its last output is read."""
        while not self._step(clock.monotonic_s()):
            self._sleep()
        self._drain()
        assert self._ended_at is not None
        return Outcome(
            self._ended_at,
            self._exit_code,
            self._signal,
            self._stopped_for,
            round(self._cpu_s, 3),
            self._peak_bytes,
            self._last_output,
            self._left,
        )

    def discard_rest(self) -> None:
        """Read and drop what processes that were left alone still write, until they let go of the pipe."""
        if self._keyboard is not None:
            self._poll.unregister(self._keyboard.fd)
        while self._pipe_fd >= 0:
            for fd, _ in self._poll.poll():
                if fd == self._signals.fd:
                    self._signals.clear()
                elif fd == self._pipe_fd:
                    self._read(keep=False)
            self._reap()

    def _step(self, now: float) -> bool:
        """One look at everything that may have changed; whether all is over."""
        self._reap()
        self._heed_requests(now)
        if self._ended_at is None:
            if self._kill_at is not None and now >= self._kill_at:
                self._kill(tree.find_members(self._watched.run_id, self._watched.leader), now)
            return False
        if self._childless or (self._watched.leave_children and self._stopped_for is None):
            return True
        if not self._look_now and now < min(self._look_at or now, self._kill_at or now):
            return False
        return self._look(now)

    def _look(self, now: float) -> bool:
        """Whether the ended command left nothing running; what it did leave is stopped."""
        members = self._find_left()
        if not members:
            return True
        if self._kills >= _KILL_ROUNDS and self._stopped_for != KILLED:
            # Another user's, or stuck in the kernel. The command has ended; `killed` alone would claim more.
            self._left = tuple(f"{stat.name} (pid {stat.pid})" for stat in members)
            return True
        if self._kill_at is None:
            self._terminate(members, LEFTOVER_GRACE_S, now)
        elif now >= self._kill_at:
            self._kill(members, now)
        self._look_at = now + _LOOK_AGAIN_S
        return False

    def _find_left(self) -> list[Stat]:
        """What lives on. Nothing is sure to be nothing only when nobody ended while we looked.

        A process that was forked after the pids were listed, by one that was gone before it was looked at, is in no
        list; its parent is ours to reap, or was the child of one that is.
        """
        while True:
            self._look_now = False
            members = tree.find_members(self._watched.run_id, self._watched.leader)
            if members:
                return members
            self._reap()
            if self._childless or not self._look_now:
                return []

    def _heed_requests(self, now: float) -> None:
        if self._signals.asked:
            self._signals.asked = False
            grace_s = self._watched.read_stop()
            if grace_s is not None and (self._ended_at is None or self._stopped_for is not None):
                self._stop(KILLED, grace_s, now)
        deadline = self._deadline()
        if deadline is not None and now >= deadline:
            self._stop(TIMEOUT, self._watched.timeout_grace_s, now)

    def _deadline(self) -> float | None:
        """The deadline, while it can still be missed."""
        return self._watched.deadline if self._stopped_for is None and self._ended_at is None else None

    def _stop(self, why: str, grace_s: float, now: float) -> None:
        if self._watched.tends:
            self._stopped_for = why
            leader = identity.read_stat(self._watched.leader.pid)
            tree.signal_all([leader] if leader and not self._ended_at else [], signal.SIGTERM)
            self._on_stopping()
            return
        if self._stopped_for is not None:
            # Asked again: never later than before.
            self._kill_at = min(self._kill_at or now, now + grace_s)
            return
        self._stopped_for = why
        self._terminate(tree.find_members(self._watched.run_id, self._watched.leader), grace_s, now)
        self._on_stopping()

    def _terminate(self, members: list[Stat], grace_s: float, now: float) -> None:
        tree.signal_all(_leader_first(members, self._watched.leader.pid), signal.SIGTERM)
        self._kill_at = now + grace_s

    def _kill(self, members: list[Stat], now: float) -> None:
        tree.signal_all(members, signal.SIGKILL)
        # What was forked while we looked gets it the next time.
        self._kills += 1
        self._kill_at = now + (_KILL_AGAIN_S if self._kills < _KILL_ROUNDS else _KILL_AGAIN_LATER_S)

    def _reap(self) -> None:
        """Collect whatever has ended below us; orphans come to us too."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                self._childless = self._watched.gets_orphans
                break
            if pid == 0:
                break
            self._look_now = True
            self._cpu_s += usage.ru_utime + usage.ru_stime
            self._peak_bytes = max(self._peak_bytes, usage.ru_maxrss * _MEMORY_UNIT)
            if pid == self._watched.leader.pid:
                self._note_end(status)
        if (
            not self._watched.is_child
            and self._ended_at is None
            and identity.state_of(self._watched.leader) != ALIVE
        ):
            self._ended_at = clock.now_s()

    def _note_end(self, status: int) -> None:
        self._ended_at = clock.now_s()
        if os.WIFSIGNALED(status):
            self._signal = os.WTERMSIG(status)
        else:
            self._exit_code = os.WEXITSTATUS(status)

    def _sleep(self) -> None:
        for fd, _ in self._poll.poll(self._delay_ms()):
            if fd == self._signals.fd:
                self._signals.clear()
            elif fd == self._pipe_fd:
                self._read(keep=True)
            elif fd == self._leader_fd:
                self._poll.unregister(fd)
        if self._keyboard is not None:
            self._keyboard.type()
            self._poll.modify(self._keyboard.fd, 0 if self._keyboard.is_stuck else select.POLLIN)

    def _delay_ms(self) -> int | None:
        """Until the next moment that something is due by itself; `None` when only an event can wake us."""
        due = [at for at in (self._kill_at, self._deadline()) if at is not None]
        if self._ended_at is not None and self._look_at is not None:
            due.append(self._look_at)
        if not self._watched.is_child and self._leader_fd < 0 and self._ended_at is None:
            due.append(clock.monotonic_s() + 1)
        if self._keyboard is not None and self._keyboard.is_stuck:
            due.append(clock.monotonic_s() + _TYPE_AGAIN_S)
        if not due:
            return None
        return max(int((min(due) - clock.monotonic_s()) * 1000) + 1, 0)

    def _read(self, *, keep: bool) -> bool:
        """Move what is in the pipe to the output; whether there was anything."""
        try:
            data = os.read(self._pipe_fd, _READ_BYTES)
        except BlockingIOError:
            return False
        except OSError:
            # A terminal that was hung up says so: its end of file.
            data = b""
        if not data:
            # Nobody holds the other end any more. Whoever opened it closes it.
            self._poll.unregister(self._pipe_fd)
            self._pipe_fd = -1
        elif keep:
            self._writer.write(data)
            self._last_output = clock.now_s()
        return bool(data)

    def _drain(self) -> None:
        for _ in range(_DRAIN_READS):
            if self._pipe_fd < 0 or not self._read(keep=True):
                break

    def _open_leader(self) -> int:
        """Something to poll for the end of a leader that is not our child; -1 where the system has nothing."""
        if not hasattr(os, "pidfd_open"):
            return -1
        try:
            fd = os.pidfd_open(self._watched.leader.pid)
        except OSError:
            return -1
        self._poll.register(fd, select.POLLIN)
        return fd


def _leader_first(members: list[Stat], leader: int) -> list[Stat]:
    """A shell that hears it after its child might start the next one."""
    return sorted(members, key=lambda stat: (stat.pid != leader, stat.pid))


def _ignore(number: int, frame: object) -> None:
    return None
