"""Starting the command of a run, in a session of its own and held back until its identity is on disk."""

from __future__ import annotations

import errno
import fcntl
import os
import signal

from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

    from gittasks.runtime.streams import Ends

_DEFAULT_PATH = b"/usr/local/bin:/usr/bin:/bin"
_SHELL = b"/bin/sh"
# Ignored signals stay ignored across exec(3), and the supervisor ignores these.
_BACK_TO_DEFAULT = (
    signal.SIGHUP,
    signal.SIGINT,
    signal.SIGQUIT,
    signal.SIGPIPE,
    signal.SIGTSTP,
    signal.SIGXFSZ,
)


class Command(NamedTuple):
    """What to run: `argv` in the folder `cwd` with the environment `env`, which may hold secrets."""

    argv: Sequence[bytes]
    env: Mapping[bytes, bytes]
    cwd: bytes


class Child(NamedTuple):
    """A process that waits for `release`; it ends by itself when whoever made it dies before that."""

    pid: int
    go_fd: int
    error_fd: int


def fork_command(
    command: Command, ends: Ends, *, close_fds: Sequence[int], holds_sigterm: bool = False
) -> Child:
    """Make the process that will become `command`: its own session, both outputs and its input to `ends`.

    `close_fds` are closed in it at once: what the command may never hold, not even while it waits. With
    `holds_sigterm` a SIGTERM waits until the command is ready to take it (sigprocmask(2)).
    """
    go_read, go_write = os.pipe()
    error_read, error_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        for fd in (go_write, error_read, *close_fds):
            if fd >= 0:
                os.close(fd)
        if holds_sigterm:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
        _become(command, ends, go_read, error_write)
    os.close(go_read)
    os.close(error_write)
    return Child(pid, go_write, error_read)


def release(child: Child) -> str | None:
    """Let the command start; `None` once it has, else why it could not (the process has ended then)."""
    os.write(child.go_fd, b"g")
    os.close(child.go_fd)
    with open(child.error_fd, "rb", buffering=0) as file:
        return file.read().decode("utf-8", "replace") or None


def discard(child: Child) -> None:
    """End a child that was never released."""
    os.close(child.go_fd)
    os.close(child.error_fd)
    os.waitpid(child.pid, 0)


def _become(command: Command, ends: Ends, go_fd: int, error_fd: int) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        os.setsid()
        for number in _BACK_TO_DEFAULT:
            signal.signal(number, signal.SIG_DFL)
        if ends.is_terminal:
            _take_terminal(ends.output_fd)
        if ends.input_fd >= 0:
            os.dup2(ends.input_fd, 0)
        os.dup2(ends.output_fd, 1)
        os.dup2(ends.output_fd, 2)
        if os.read(go_fd, 1) == b"g":
            _start(command, error_fd)
    finally:
        os._exit(127)


def _take_terminal(fd: int) -> None:
    """Make a terminal ours, the leader of a session without one: what its keys send comes to us."""
    import termios

    fcntl.ioctl(fd, termios.TIOCSCTTY, 0)


def _start(command: Command, error_fd: int) -> None:
    argv = command.argv
    try:
        os.chdir(command.cwd)
    except OSError as error:
        _tell(error_fd, b"cannot work in " + command.cwd, error)
        return
    try:
        _exec(argv, command.env)
    except OSError as error:
        _tell(error_fd, b"cannot run " + argv[0], error)
    except ValueError:
        os.write(error_fd, b"cannot run " + argv[0] + b": a word or variable of the command holds a NUL")


def _tell(error_fd: int, what: bytes, error: OSError) -> None:
    why = (
        "command not found"
        if error.errno == errno.ENOENT and what.startswith(b"cannot run")
        else error.strerror
    )
    os.write(error_fd, what[:2048] + b": " + str(why).encode())


def _exec(argv: Sequence[bytes], env: Mapping[bytes, bytes]) -> None:
    if b"/" in argv[0]:
        _exec_file(argv[0], argv, env)
    denied: OSError | None = None
    for folder in env.get(b"PATH", _DEFAULT_PATH).split(b":"):
        try:
            _exec_file(os.path.join(folder or b".", argv[0]), argv, env)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except PermissionError as error:
            denied = error
    raise denied or FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _exec_file(path: bytes, argv: Sequence[bytes], env: Mapping[bytes, bytes]) -> None:
    try:
        os.execve(path, list(argv), env)
    except OSError as error:
        if error.errno != errno.ENOEXEC:
            raise
        # A script without `#!`: shells and execvp(3) give it to sh, so it works in a terminal.
        os.execve(_SHELL, [_SHELL, path, *argv[1:]], env)
