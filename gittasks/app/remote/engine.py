"""What an engine is: whatever can run a command of ours on another machine. The worker knows nothing more of it.

An engine that cannot be reached raises `UnreachableError`, and nothing is known then: what runs there may run on.
"""

from __future__ import annotations

from gittasks.base.errors import SetupError
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any, Protocol

# What may have become of a job.
ENDED, UNKNOWN, NOT_STARTED = "ended", "unknown", "not_started"


class UnreachableError(SetupError):
    """The other machine does not answer: what is known of a run there stays as it is."""


class HostError(SetupError):
    """The other machine answers that it cannot do it."""


class TakenError(HostError):
    """The id of a run is another run's there."""


class Job(NamedTuple):
    """What is to run there, without secrets; the same whenever it is sent.

    `job_id` is the id of our run; `nonce` proves that the job with this id there is ours. `folder` is where in
    the tree the command works. `limits` are the keyword arguments of `runtime.settings.settings_of`, `facts` the
    fields of the record there.
    """

    job_id: str
    nonce: str
    repository: str
    commit: str
    argv: tuple[str, ...]
    folder: str
    limits: Mapping[str, Any]
    facts: Mapping[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The job as a file or a request carries it."""
        return {**self._asdict(), "argv": list(self.argv)}


class Output(NamedTuple):
    """Bytes that the command wrote; `position` is where the stream there stands after them, at least their number."""

    data: bytes
    position: int


class Beat(NamedTuple):
    """A sign of life; also given when the caller's own descriptor is readable."""


class Ending(NamedTuple):
    """What became of the job: `ENDED`, with the fields of the record there, `age_s` seconds ago; `UNKNOWN` there, and
    never to be started any more; or `NOT_STARTED`, `message` says why.
    """

    what: str
    facts: Mapping[str, Any] = {}
    age_s: float = 0.0
    message: str | None = None


class Result(NamedTuple):
    """What the job left: the commit (`None` where it is the one that was shipped), and how many files differ."""

    commit: str | None
    files: int


if TYPE_CHECKING:

    class Engine(Protocol):
        """One machine, or one cluster, for one run."""

        def ship(self, git_dir: str, job: Job) -> None:
            """Send the commit, which the ref of its start in `git_dir` keeps. Raises `UnreachableError`, `HostError`,
            `TransferError`.
            """

        def submit(self, job: Job, env: Mapping[str, str]) -> None:
            """Start the command, with `env` added to its environment; that may hold secrets.

            A job that is there already is left as it is: nothing is ever started twice. That it cannot be started is
            told by `follow`. Raises `UnreachableError` (nobody knows whether it was started), `HostError`,
            `TakenError`.
            """

        def follow(self, job: Job, position: int, *, wake_fd: int) -> Iterator[Output | Beat | Ending]:
            """What the command writes from `position` on, signs of life, and at last what became of it.

            Something comes every few seconds, and at once when `wake_fd` is readable. Raises `UnreachableError`,
            `HostError`.
            """

        def kill(self, job: Job, grace_s: float) -> None:
            """Ask for the end of the whole tree; `follow` tells when it is over. Raises as `follow` does."""

        def fetch(self, git_dir: str, job: Job) -> Result:
            """Bring back what an ended job left, to the ref of its result in `git_dir`.

            Raises as `follow` does, `TransferError`.
            """

        def clean(self, job: Job) -> None:
            """Delete there all that belongs to an ended job but the mark that it was started once."""
