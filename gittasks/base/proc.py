"""The one door to other processes: argv in, bytes out, never a shell of our own, never a stray variable."""

from __future__ import annotations

import subprocess

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
    timeout_s: float | None = None,
) -> Completed:
    """Run `argv` to its end and collect what it says. `env` replaces the whole environment.

    Raises `ProgramMissingError`, and `subprocess.TimeoutExpired` after `timeout_s` seconds (it is killed then).
    """
    try:
        done = subprocess.run(
            argv, cwd=cwd, env=env, input=stdin, capture_output=True, timeout=timeout_s, check=False
        )
    except (FileNotFoundError, PermissionError) as error:
        raise _missing(argv, cwd, error) from None
    return Completed(done.returncode, done.stdout, done.stderr)


def run_attached(argv: Sequence[str], *, cwd: str | None = None, env: Mapping[str, str] | None = None) -> int:
    """Run `argv` on this terminal (an editor, a check, a user's hook) and answer its exit code."""
    try:
        return subprocess.run(argv, cwd=cwd, env=env, check=False).returncode
    except (FileNotFoundError, PermissionError) as error:
        raise _missing(argv, cwd, error) from None


def _missing(argv: Sequence[str], cwd: str | None, error: OSError) -> ProgramMissingError:
    if cwd is not None and error.filename == cwd:
        return ProgramMissingError(f"cannot run {argv[0]}: the folder {cwd} is gone")
    return ProgramMissingError(
        f"cannot run {argv[0]}: {error.strerror}", hint=f"install {argv[0]}, or check PATH"
    )
