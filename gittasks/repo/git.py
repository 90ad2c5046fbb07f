"""The one door to git commands: plain argv, a scrubbed environment, plumbing formats.

Callers are named by what they answer. Paths go after `--`, names that may start with `-` never go as bare
arguments; both are the caller's duty, `refs.py` and `worktrees.py` show how.
"""

from __future__ import annotations

import os
from types import MappingProxyType

from gittasks.base import proc
from gittasks.base.errors import GittasksError, SetupError
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MINIMUM = (2, 38)
# What git exits with where it does not know an option.
_USAGE = 129
_TRUST = "git config --global --add safe.directory "

# What a hook's environment, or a user's shell, must not redirect: these say which repository and index git
# works on, and we always say that ourselves.
_LOCAL = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_INTERNAL_SUPER_PREFIX",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_DEFAULT_HASH",
    "GIT_REFLOG_ACTION",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
)


# What a repository's own configuration must not start, since no answer of ours needs it: a program that is asked
# which files changed, one that checks signatures in a log, a pager.
_TAME = ("--no-pager", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false")


class GitError(GittasksError):
    """A git command failed; `returncode` and `stderr` are git's own."""

    def __init__(self, message: str, *, returncode: int, stderr: str, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.returncode = returncode
        self.stderr = stderr


class GitTooOldError(SetupError):
    """The git on this machine is older than we can work with."""


class Git(NamedTuple):
    """git commands in one folder (a worktree's root, or a bare repository).

    `env` is the environment to start from; what would redirect git is taken out of it. `fixed` is laid over the
    rest: where git cannot find the repository or the index by the folder alone.
    """

    folder: str
    env: Mapping[str, str]
    fixed: Mapping[str, str] = MappingProxyType({})

    def call(
        self,
        *args: str,
        stdin: bytes = b"",
        write: bool = False,
        extra_env: Mapping[str, str] | None = None,
    ) -> proc.Completed:
        """Run `git *args` whatever comes of it. `write` takes git's optional locks, as reads never do."""
        env = self._env(write=write)
        if args[0] != "commit":
            # What we do through git needs no hook of ours; one might wait for a lock that we hold.
            env["GITTASKS_HOOKS"] = "0"
        if extra_env:
            env.update(extra_env)
        return proc.run(("git", *_TAME, *args), cwd=self.folder, env=env, stdin=stdin)

    def ask(self, *args: str) -> proc.Question:
        """Start `git *args`, which only looks; its caller has the answer when it wants it."""
        return proc.Question(("git", *_TAME, "-C", self.folder, *args), env=self._env(write=False))

    def _env(self, *, write: bool) -> dict[str, str]:
        env = scrub(self.env) | dict(self.fixed) | {"LC_ALL": "C"}
        return env if write else env | {"GIT_OPTIONAL_LOCKS": "0"}

    def output(self, *args: str, stdin: bytes = b"", write: bool = False) -> bytes:
        """What a successful `git *args` prints. Raises `GitError`, `GitTooOldError`."""
        done = self.call(*args, stdin=stdin, write=write)
        if done.returncode == _USAGE:
            self.require_version()
        if done.returncode:
            raise failure(args, done)
        return done.stdout

    def fields(self, *args: str, stdin: bytes = b"") -> list[str]:
        """The NUL-terminated fields that `git *args` (with `-z`) prints. Raises `GitError`."""
        return [os.fsdecode(field) for field in self.output(*args, stdin=stdin).split(b"\0") if field]

    def lines(self, *args: str, stdin: bytes = b"") -> list[str]:
        """The lines that `git *args` prints. Raises `GitError`."""
        return os.fsdecode(self.output(*args, stdin=stdin)).splitlines()

    def line(self, *args: str) -> str:
        """The one line that `git *args` prints. Raises `GitError`."""
        return os.fsdecode(self.output(*args)).rstrip("\n")

    def find_line(self, *args: str) -> str | None:
        """The one line that `git *args` prints, `None` where git says no."""
        done = self.call(*args)
        return os.fsdecode(done.stdout).rstrip("\n") if done.returncode == 0 else None

    def success(self, *args: str) -> bool:
        """Whether `git *args` exits 0."""
        return self.call(*args).returncode == 0

    def config(self, name: str) -> str | None:
        """The value of a configuration variable, `None` where it is not set. Cheap enough for read commands."""
        output = self.capture("config", "--get", name)
        return os.fsdecode(output).rstrip("\n") if output else None

    def capture(self, *args: str) -> bytes | None:
        """What `git *args` prints, `None` where git says no. Cheap enough for read commands and hooks."""
        return proc.capture(("git", "-C", self.folder, *args), env=scrub(self.env) | dict(self.fixed))

    def require_version(self) -> None:
        """Raise `GitTooOldError` for a git older than 2.38."""
        text = os.fsdecode(self.call("version").stdout).rstrip("\n")
        if parse_version(text) < MINIMUM:
            raise GitTooOldError(
                f"{text} is too old: gittasks needs git {MINIMUM[0]}.{MINIMUM[1]} or newer",
                hint="install a newer git, and check which one is first on PATH",
            )


def parse_version(text: str) -> tuple[int, ...]:
    """`git version 2.39.5 (Apple Git-154)` as `(2, 39, 5)`; empty where no number is found."""
    for word in text.split():
        parts = word.split(".")
        if parts[0].isdecimal():
            return tuple(int(part) for part in parts if part.isdecimal())
    return ()


def scrub(env: Mapping[str, str]) -> dict[str, str]:
    """`env` without the variables that would point git at another repository or index."""
    return {name: value for name, value in env.items() if name not in _LOCAL}


def failure(args: tuple[str, ...], done: proc.Completed) -> GitError:
    """The error for a git command that failed: what git said of it, and the cure where we know one."""
    stderr = done.stderr.decode("utf-8", "replace").strip()
    name = next((word for word in args if word[:1].isalpha() and "=" not in word), args[0])
    message = f"git {name} failed: {reason(done)}"
    return GitError(message, returncode=done.returncode, stderr=stderr, hint=_cure(stderr))


def reason(done: proc.Completed) -> str:
    """In one line, why a git command failed: its first `fatal:` or `error:`, since advice stands behind it."""
    lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
    for place, line in enumerate(lines):
        kind, _, words = line.partition(": ")
        words = words.rstrip(".")
        if kind in ("fatal", "error"):
            return _with_list(words, lines[place + 1 :]) if words.endswith(":") else words
    said = [line.strip() for line in lines if not line.startswith("hint:")]
    return said[-1] if said else f"exit code {done.returncode}"


def _with_list(words: str, lines: Sequence[str]) -> str:
    """`words` and the paths that git lists behind them, each on a line that starts with a tab."""
    end = next((place for place, line in enumerate(lines) if not line.startswith("\t")), len(lines))
    return " ".join([words, ", ".join(line.strip() for line in lines[:end])])


def is_lock_held(stderr: str) -> bool:
    """Whether a git command failed since the index is locked: by another one, or by one that was killed."""
    return "index.lock': File exists" in stderr


def _cure(stderr: str) -> str | None:
    """What helps against a failure whose own advice is for people who called git themselves."""
    trust = next((line.strip() for line in stderr.splitlines() if _TRUST in line), None)
    if trust is not None:
        return f"it belongs to somebody else, so git does nothing there; if you trust them: `{trust}`"
    if is_lock_held(stderr):
        return "another git command is at work there; where none is, one was killed: delete that file"
    return None
