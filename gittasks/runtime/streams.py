"""Where the command of a run reads and writes: named pipes in its private folder, or a terminal of its own.

Our ends are kept, the command's are handed to it. A pipe outlives its supervisor and can be read on by the next one;
a terminal goes with its supervisor, and the command hears SIGHUP, as it does when a window is closed.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os

from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.runtime import live

if TYPE_CHECKING:
    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import RunId

_PIPE_BYTES = 1 << 18
_TYPED_BYTES = 4096
_ROWS, _COLUMNS = 24, 80


class Ends(NamedTuple):
    """What the command gets: where it reads (-1: nothing) and writes, and whether that is to be its terminal."""

    input_fd: int
    output_fd: int
    is_terminal: bool = False


class Streams:
    """The streams of one run. `output_fd` is where its output is read, `typed_fd` where what is typed comes from;
    both -1 where there is none.
    """

    def __init__(self, folders: Folders, run_id: RunId, *, terminal: bool, takes_input: bool) -> None:
        self._folder = folders.live_folder(run_id)
        self._terminal = terminal
        self._takes_input = takes_input
        self._slave_fd = -1
        self.output_fd = -1
        self.typed_fd = -1

    def prepare(self) -> None:
        """Make the pipe for what is typed: lines that come before the command starts wait in it. Raises `OSError`."""
        if self._takes_input:
            path = os.path.join(self._folder, live.INPUT)
            os.mkfifo(path, 0o600)
            # Held by the command too, so that it never reads an end of file because nobody writes just now.
            flags = os.O_RDWR | os.O_CLOEXEC | (os.O_NONBLOCK if self._terminal else 0)
            self.typed_fd = os.open(path, flags)

    def open(self) -> Ends:
        """The ends for a command that is about to start; each start gets new ones. Raises `OSError`."""
        self.close()
        if self._terminal:
            return self._open_terminal()
        return Ends(self.typed_fd, self._open_pipe())

    def adopt(self) -> None:
        """Read on where a supervisor stopped that died."""
        with contextlib.suppress(FileNotFoundError):
            self.output_fd = os.open(self._pipe, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)

    def hand_over(self, ends: Ends) -> None:
        """The command has its ends now: let go of them, but for those that must stay open."""
        if not ends.is_terminal:
            os.close(ends.output_fd)

    def close(self) -> None:
        """Let go of what the last command wrote to."""
        for fd in (self.output_fd, self._slave_fd):
            if fd >= 0:
                os.close(fd)
        self.output_fd = self._slave_fd = -1

    def let_go(self) -> int:
        """Keep nothing open but where output is read, and answer that; -1 for none."""
        for fd in (self._slave_fd, self.typed_fd):
            if fd >= 0:
                os.close(fd)
        self._slave_fd = self.typed_fd = -1
        return self.output_fd

    @property
    def _pipe(self) -> str:
        return os.path.join(self._folder, live.PIPE)

    def _open_pipe(self) -> int:
        """The pipe for the output: our end is kept, the command's is answered.

        The command's end can be read too, so a write never fails for want of a reader: when this supervisor is
        killed, the command waits in its next write until another one takes over, instead of dying of SIGPIPE.
        """
        try:
            os.mkfifo(self._pipe, 0o600)
        except FileExistsError:
            pass  # of an earlier attempt
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS):
                raise
            # A file system without named pipes.
            self.output_fd, command_end = os.pipe()
            os.set_blocking(self.output_fd, False)
            return command_end
        self.output_fd = os.open(self._pipe, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        if hasattr(fcntl, "F_SETPIPE_SZ"):
            # Where this user's pipes are at their limit, the usual size does it too.
            with contextlib.suppress(OSError):
                fcntl.fcntl(self.output_fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
        return os.open(self._pipe, os.O_RDWR | os.O_CLOEXEC)

    def _open_terminal(self) -> Ends:
        """A new terminal. We keep the command's end open too: it may close its own and open /dev/tty again."""
        import struct
        import termios

        self.output_fd, self._slave_fd = os.openpty()
        os.set_blocking(self.output_fd, False)
        fcntl.ioctl(self._slave_fd, termios.TIOCSWINSZ, struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0))
        return Ends(self._slave_fd, self._slave_fd, is_terminal=True)


class Keyboard:
    """Moves what is typed from its pipe, `fd`, to the terminal, as fast as the program reads it."""

    def __init__(self, typed_fd: int, terminal_fd: int) -> None:
        self.fd = typed_fd
        self._terminal_fd = terminal_fd
        self._held = b""

    @property
    def is_stuck(self) -> bool:
        """Whether the terminal takes no more until the program reads."""
        return bool(self._held)

    def type(self) -> None:
        """Pass on as much as goes; nothing any more once the terminal is closed."""
        try:
            self._held = self._held or os.read(self.fd, _TYPED_BYTES)
            while self._held:
                self._held = self._held[os.write(self._terminal_fd, self._held) :]
        except BlockingIOError:
            return
        except OSError:
            self._held = b""
