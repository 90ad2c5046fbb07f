"""The one door to other processes: argv in, bytes out, never a shell of our own, never a stray variable."""

from __future__ import annotations

import os
import select

from gittasks.base import clock
from gittasks.base.errors import SetupError
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from subprocess import Popen


# How long a process whose pipes are closed may take to end by itself.
_END_PATIENCE_S = 2.0


class ProgramMissingError(SetupError):
    """The program to run is not on this machine, or may not be run."""


class Completed(NamedTuple):
    """How a process ended: `returncode` as `subprocess` gives it, both outputs as bytes."""

    returncode: int
    stdout: bytes
    stderr: bytes


def run(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
) -> Completed:
    """Run `argv` to its end and collect what it says. `env` replaces the whole environment.

    Raises `ProgramMissingError`.
    """
    import subprocess  # 8 ms; spawning a supervisor does without

    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(argv, cwd=cwd, env=env, stdin=pipe, stdout=pipe, stderr=pipe)
    except (FileNotFoundError, PermissionError) as error:
        raise _missing(argv, cwd, error) from None
    with process:
        try:
            stdout, stderr = process.communicate(stdin)
        except BaseException:
            # Not SIGKILL, as `subprocess.run` does: git takes its lock files away on SIGTERM.
            process.terminate()
            raise
    return Completed(process.returncode, stdout, stderr)


class Bounded(NamedTuple):
    """How a process ended that had only so long and so much to say: `returncode` is `None` where its time was up.

    `output` is stdout and stderr in order, cut where `is_cut`.
    """

    returncode: int | None
    output: bytes
    is_cut: bool


def run_bounded(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    timeout_s: float,
    limit_bytes: int = 1 << 20,
) -> Bounded:
    """Run `argv` in a session of its own for at most `timeout_s` seconds; then its whole group is killed.

    What it leaves running in the background is not waited for. Raises `ProgramMissingError`.
    """
    import contextlib
    import signal
    import subprocess

    pipe = subprocess.PIPE
    try:
        process = subprocess.Popen(
            argv, cwd=cwd, env=env, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, start_new_session=True
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise _missing(argv, cwd, error) from None
    try:
        talk = _Talk(process, stdin, limit_bytes)
        in_time = talk.until_ended(clock.monotonic_s() + timeout_s)
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                # Nobody may be there any more to read what we had to say.
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
    return Bounded(process.returncode if in_time else None, bytes(talk.output), talk.is_cut)


def start(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str | None = None,
    stdin_fd: int | None = None,
    apart: bool = False,
) -> Popen[bytes]:
    """Start `argv` without input (or reading `stdin_fd`), with both outputs in one pipe, `stdout` of the answer.

    With `apart` only what it says on stdout goes there, on stderr where ours does, and it leads a process group of
    its own. Raises `ProgramMissingError`.
    """
    import subprocess

    try:
        return subprocess.Popen(
            argv,
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL if stdin_fd is None else stdin_fd,
            stdout=subprocess.PIPE,
            stderr=None if apart else subprocess.STDOUT,
            process_group=0 if apart else None,
        )
    except (FileNotFoundError, NotADirectoryError, PermissionError) as error:
        raise _missing(argv, cwd, error) from None


class _Talk:
    """What goes to a process and comes from it, without ever waiting for one of both alone."""

    _LOOK_S = 0.05

    def __init__(self, process: Popen[bytes], stdin: bytes, limit_bytes: int) -> None:
        self.output = bytearray()
        self.is_cut = False
        self._process = process
        self._left = memoryview(stdin)
        self._limit_bytes = limit_bytes
        self._poll = select.poll()
        assert process.stdin is not None and process.stdout is not None
        self._in, self._out = process.stdin, process.stdout
        for stream in (self._in, self._out):
            os.set_blocking(stream.fileno(), False)
        self._poll.register(self._out.fileno(), select.POLLIN)
        if stdin:
            self._poll.register(self._in.fileno(), select.POLLOUT)
        else:
            self._in.close()

    def until_ended(self, deadline: float) -> bool:
        """Read and write until the process has ended; `False` where the deadline comes first."""
        while True:
            # Asked before the pipe is emptied: what it wrote is all there once it has ended.
            has_ended = self._process.poll() is not None
            more = self._move()
            if has_ended and (not more or self.is_cut):
                return True
            if clock.monotonic_s() >= deadline:
                return False

    def _move(self) -> bool:
        """Move what can be moved now; whether anything came out."""
        came = False
        for fd, _ in self._poll.poll(self._LOOK_S * 1000):
            if not self._in.closed and fd == self._in.fileno():
                self._send()
            else:
                came = self._take(fd) or came
        return came

    def _send(self) -> None:
        fd = self._in.fileno()
        try:
            self._left = self._left[os.write(fd, self._left) :]
        except BrokenPipeError:
            self._left = self._left[:0]
        if not self._left:
            self._poll.unregister(fd)
            self._in.close()

    def _take(self, fd: int) -> bool:
        data = os.read(fd, 1 << 16)
        if not data:
            self._poll.unregister(fd)
            return False
        room = self._limit_bytes - len(self.output)
        self.output += data[:room]
        self.is_cut = self.is_cut or len(data) > room
        return True


class Question:
    """A process that was started for what it prints, and runs while its caller does something else.

    No input, no error output, no folder of its own. `answer` must be called, once.
    """

    def __init__(self, argv: Sequence[str], *, env: Mapping[str, str]) -> None:
        self._pid: int | None = None
        self._read_fd, write_fd = os.pipe()
        actions = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_DUP2, write_fd, 1),
            (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
        ]
        try:
            self._pid = os.posix_spawnp(argv[0], list(argv), env, file_actions=actions)
        except OSError:
            pass  # no program, no answer
        finally:
            os.close(write_fd)

    def answer(self) -> bytes | None:
        """All that it prints; `None` where it fails or is missing."""
        with open(self._read_fd, "rb") as pipe:
            output = pipe.read()
        return output if self._pid is not None and os.waitpid(self._pid, 0)[1] == 0 else None


def capture(argv: Sequence[str], *, env: Mapping[str, str]) -> bytes | None:
    """What `argv` prints, `None` where it fails or is missing. For read commands: `subprocess` alone takes 5 ms."""
    return Question(argv, env=env).answer()


def run_attached(
    argv: Sequence[str],
    *,
    cwd: str | None = None,
    env: Mapping[str, str] | None = None,
    to_stderr: bool = False,
) -> int:
    """Run `argv` on this terminal (an editor, a check, a user's hook) and answer its exit code.

    With `to_stderr` all that it says goes there: for a command whose own answer is on stdout.
    """
    import subprocess

    try:
        return subprocess.run(argv, cwd=cwd, env=env, stdout=2 if to_stderr else None, check=False).returncode
    except (FileNotFoundError, PermissionError) as error:
        raise _missing(argv, cwd, error) from None


class Piped:
    """A process that we talk with: its three streams are pipes, ours do not block. `with` ends it."""

    def __init__(self, argv: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str]) -> None:
        """Start `argv`. Raises `ProgramMissingError`."""
        import subprocess

        pipe = subprocess.PIPE
        try:
            self._process = subprocess.Popen(argv, cwd=cwd, env=env, stdin=pipe, stdout=pipe, stderr=pipe)
        except (FileNotFoundError, PermissionError) as error:
            raise _missing(argv, cwd, error) from None
        assert self._process.stdin and self._process.stdout and self._process.stderr
        self._stdin = self._process.stdin
        self.stdin_fd = self._stdin.fileno()
        self.stdout_fd = self._process.stdout.fileno()
        self.stderr_fd = self._process.stderr.fileno()
        for fd in (self.stdin_fd, self.stdout_fd, self.stderr_fd):
            os.set_blocking(fd, False)

    def __enter__(self) -> Piped:
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        self.end()

    def end(self) -> int:
        """Close all pipes, stop it where it runs on, and answer its exit code as `subprocess` gives it."""
        import subprocess

        for stream in (self._stdin, self._process.stdout, self._process.stderr):
            try:
                if stream is not None:
                    stream.close()
            except BrokenPipeError:
                continue
        try:
            return self._process.wait(_END_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def spawn_detached(
    argv: Sequence[str], *, env: Mapping[str, str], stdin_fd: int, pass_fds: Sequence[int]
) -> int:
    """Start `argv` in a session of its own and answer its pid; the caller waits for it.

    It reads `stdin_fd`, has no output, and gets `pass_fds` as descriptors 3, 4 and so on. Raises
    `ProgramMissingError`.
    """
    import fcntl

    # Copies above all targets: a descriptor must not be overwritten before it is passed.
    sources = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 10) for fd in (stdin_fd, *pass_fds)]
    targets = (0, *range(3, 3 + len(pass_fds)))
    passed = [(os.POSIX_SPAWN_DUP2, source, target) for source, target in zip(sources, targets, strict=True)]
    silent = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_WRONLY, 0) for fd in (1, 2)]
    try:
        return os.posix_spawn(argv[0], list(argv), env, file_actions=[*passed, *silent], setsid=True)
    except (FileNotFoundError, PermissionError) as error:
        raise _missing(argv, None, error) from None
    finally:
        for fd in sources:
            os.close(fd)


def _missing(argv: Sequence[str], cwd: str | None, error: OSError) -> ProgramMissingError:
    if cwd is not None and error.filename == cwd:
        return ProgramMissingError(f"cannot run {argv[0]}: the folder {cwd} is gone")
    return ProgramMissingError(
        f"cannot run {argv[0]}: {error.strerror}", hint=f"install {argv[0]}, or check PATH"
    )
