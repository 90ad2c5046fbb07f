"""The engine that reaches a host by the `ssh` program, with whatever keys, jumps and names the user's ssh knows.

One connection is made and shared by all that follows (ControlMaster). Secrets go through the connection, never on
a command line, here or there.
"""

from __future__ import annotations

import os

from gittasks.app.remote import frames
from gittasks.app.remote.engine import (
    ENDED,
    NOT_STARTED,
    UNKNOWN,
    Beat,
    Ending,
    Output,
    Result,
    UnreachableError,
)
from gittasks.app.remote.parcel import BOOTSTRAP, request
from gittasks.app.remote.session import Session
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.repo import shipping
from gittasks.repo.git import Git
from gittasks.runtime import record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from gittasks.app.remote.engine import Job

# Without a terminal nobody can answer a question; nothing of ours is forwarded to the host.
_OPTIONS = (
    "-T",
    "-a",
    "-x",
    "-oBatchMode=yes",
    "-oConnectTimeout=15",
    "-oServerAliveInterval=15",
    "-oServerAliveCountMax=3",
    "-oClearAllForwardings=yes",
    "-oPermitLocalCommand=no",
    "-oRemoteCommand=none",
    "-oLogLevel=ERROR",
)
# The socket's path may have 108 bytes, too few for many a git directory: it is found from the folder of the call.
_SHARED = ("-oControlMaster=auto", "-oControlPath=./ssh", "-oControlPersist=60")
_MAX_PATH_CHARS = 4096
_LONGEST_S = 2.0**40
_MAX_OID_CHARS = 64
_HEX = frozenset("0123456789abcdef")
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-+./~")


class Host(NamedTuple):
    """A host by the name people call it: where ssh finds it, where things are kept there, its python.

    `directory` is empty for the user's state folder. `env` is for commands that run there.
    """

    name: str
    destination: str
    directory: str = ""
    python: str = "python3"
    env: Mapping[str, str] = {}


class SshEngine:
    """One host, for one run. `folder` is private to the run; the socket of the connection is there, with `share`."""

    def __init__(
        self, host: Host, *, folder: str, object_format: str, env: Mapping[str, str], share: bool = True
    ) -> None:
        self._host = host
        self._options = (*_OPTIONS, *(_SHARED if share else ()))
        self._folder = folder
        self._object_format = object_format
        self._env = env
        self._url = ""

    def ship(self, git_dir: str, job: Job) -> None:
        """See `engine.Engine`."""
        shipping.push(self._git(git_dir), self._repository(job), job.job_id, ssh=self._git_ssh())

    def submit(self, job: Job, env: Mapping[str, str]) -> None:
        """See `engine.Engine`."""
        self._ask({"do": "start", "job": job.as_json(), "env": {**self._host.env, **env}})

    def follow(self, job: Job, position: int, *, wake_fd: int) -> Iterator[Output | Beat | Ending]:
        """See `engine.Engine`."""
        with self._session(self._about(job, "follow", position=position), wake_fd=wake_fd) as session:
            for frame in session.frames():
                if frame.letter == frames.OUTPUT:
                    yield self._output(frame.content, position)
                    position = frames.parse_output(frame.content)[1]
                elif frame.letter == frames.ANSWER:
                    yield _ending(session.content(frame))
                else:
                    yield Beat()

    def kill(self, job: Job, grace_s: float) -> None:
        """See `engine.Engine`."""
        self._ask(self._about(job, "stop", grace_s=grace_s))

    def fetch(self, git_dir: str, job: Job) -> Result:
        """See `engine.Engine`."""
        answer = self._ask(self._about(job, "collect"))
        commit, files = answer.get("result"), answer.get("files")
        if commit is None:
            return Result(None, 0)
        if not _is_oid(commit) or type(files) is not int:
            raise UnreachableError(f"{self._host.name}: its answer is garbage")
        git = self._git(git_dir)
        shipping.fetch(git, self._repository(job), job.job_id, ssh=self._git_ssh())
        if git.find_line("rev-parse", "--quiet", "--verify", shipping.result_ref(job.job_id)) != commit:
            raise shipping.TransferError(
                f"cannot bring the result back: {self._host.name} sent another commit"
            )
        return Result(str(commit), files)

    def clean(self, job: Job) -> None:
        """See `engine.Engine`."""
        self._ask(self._about(job, "clean"))

    def close(self) -> None:
        """Let go of the shared connection."""
        from gittasks.base import proc

        if os.path.lexists(os.path.join(self._folder, "ssh")):
            proc.run(
                ("ssh", *_SHARED, "-Oexit", "--", self._host.destination), cwd=self._folder, env=self._env
            )

    def _repository(self, job: Job) -> str:
        """The URL of the repository there, which is made where it is missing."""
        if self._url:
            return self._url
        asked = {"do": "prepare", "repository": job.repository, "object_format": self._object_format}
        path = self._ask(asked).get("repository")
        if (
            not isinstance(path, str)
            or not path.startswith("/")
            or len(path) > _MAX_PATH_CHARS
            or "\0" in path
        ):
            raise UnreachableError(f"{self._host.name}: its answer is garbage")
        from urllib.parse import quote

        there = self._host.destination
        self._url = (there if there.startswith("ssh://") else f"ssh://{there}") + quote(path)
        return self._url

    def _about(self, job: Job, what: str, **more: Any) -> dict[str, Any]:
        return {"do": what, "job_id": job.job_id, "nonce": job.nonce, **more}

    def _ask(self, content: dict[str, Any]) -> dict[str, Any]:
        with self._session(content) as session:
            return session.answer()

    def _session(self, content: dict[str, Any], *, wake_fd: int = -1) -> Session:
        # The word of a shell that we do not know: sh, csh and fish read this alike.
        command = f"exec {self._host.python} -I -S -c '{BOOTSTRAP}'"
        argv = ("ssh", *self._options, "--", self._host.destination, command)
        data = request(self._host.directory, content)
        return Session(self._host.name, argv, data, cwd=self._folder, env=self._env, wake_fd=wake_fd)

    def _git(self, git_dir: str) -> Git:
        """git in our own folder: from there the shared connection is found."""
        return Git(self._folder, self._env, {"GIT_DIR": git_dir})

    def _git_ssh(self) -> str:
        import shlex

        return shlex.join(("ssh", *self._options))

    def _output(self, content: bytes, position: int) -> Output:
        try:
            data, after = frames.parse_output(content)
        except frames.BadHostError as error:
            raise UnreachableError(f"{self._host.name}: {error.message}") from None
        if after < position + len(data):
            raise UnreachableError(f"{self._host.name}: its output goes backwards")
        return Output(data, after)


def is_plain_command(text: str) -> bool:
    """Whether `text` is one word to every shell: what python is called on a host stands on a command line there."""
    return bool(text) and text[0] != "-" and _PLAIN.issuperset(text)


def _ending(answer: Mapping[str, Any]) -> Ending:
    """What an answer says became of the job. Raises `UnreachableError` where it says nothing that could be."""
    what, message = answer.get("what"), answer.get("message")
    if what == UNKNOWN:
        return Ending(UNKNOWN)
    if what == NOT_STARTED:
        return Ending(NOT_STARTED, message=str(message)[:1000])
    facts = answer.get("record")
    if what == ENDED and isinstance(facts, dict) and str(facts.get("status")) in record.TERMINAL:
        return Ending(ENDED, facts, _seconds(answer.get("age_s")))
    raise UnreachableError("the host's answer is garbage")


def _seconds(value: object) -> float:
    """How long ago a host says something was; now, where it says no such number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _LONGEST_S:
        return 0.0
    return float(value)


def _is_oid(word: object) -> bool:
    return isinstance(word, str) and 40 <= len(word) <= _MAX_OID_CHARS and _HEX.issuperset(word)
