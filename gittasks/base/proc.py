"""The one door to other processes: argv in, bytes out, never a shell of our own, never a stray variable."""

from __future__ import annotations

import os

from gittasks.base.errors import SetupError
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


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


def capture(argv: Sequence[str], *, env: Mapping[str, str]) -> bytes | None:
    """What `argv` prints, `None` where it fails or is missing. For read commands: `subprocess` alone takes 5 ms.

    No input, no error output, no folder of its own.
    """
    read_fd, write_fd = os.pipe()
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_DUP2, write_fd, 1),
        (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
    ]
    try:
        pid = os.posix_spawnp(argv[0], list(argv), env, file_actions=actions)
    except OSError:
        os.close(read_fd)
        return None
    finally:
        os.close(write_fd)
    with open(read_fd, "rb") as pipe:
        output = pipe.read()
    return output if os.waitpid(pid, 0)[1] == 0 else None


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
