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

    try:
        done = subprocess.run(argv, cwd=cwd, env=env, input=stdin, capture_output=True, check=False)
    except (FileNotFoundError, PermissionError) as error:
        raise _missing(argv, cwd, error) from None
    return Completed(done.returncode, done.stdout, done.stderr)


def run_attached(argv: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None) -> int:
    """Run `argv` on this terminal (an editor, a check, a user's hook) and answer its exit code."""
    import subprocess

    try:
        return subprocess.run(argv, cwd=cwd, env=env, check=False).returncode
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
