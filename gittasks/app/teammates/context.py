"""What a teammate's callable gets beside its task."""

from __future__ import annotations

import threading

from gittasks.app.teammates import inbox
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from gittasks.app.project import Project
    from gittasks.app.teammates.inbox import Message
    from gittasks.runtime.hosting import HostedRun


class TaskContext:
    """One task in the hands of a teammate: its run, its project, a way to hear and to be heard.

    `project` starts runs as children of this one. `stop` is set when somebody asks for the end: a callable that
    takes long looks at it, and returns.
    """

    def __init__(self, name: str, project: Project, run: HostedRun) -> None:
        self.teammate = name
        self.project = project
        self.stop = threading.Event()
        self.given_back: str | None = None
        self._run = run

    @property
    def run_id(self) -> str:
        """The id of the run that records the work on this task."""
        return self._run.id

    def log(self, text: str) -> None:
        """Write a line to the output of the run, for `gittasks logs`."""
        self._run.write(text.encode("utf-8", "backslashreplace") + b"\n")

    def report(self, *, progress: Any = None, message: str | None = None) -> None:
        """Say how far the work is, for `gittasks runs`: a share from 0 to 1, a count, or words."""
        self._run.report(progress=progress, message=message)

    def messages(self) -> list[Message]:
        """What was sent to this teammate and not read yet, oldest first; each is answered once."""
        return inbox.read_new(self.project, self.teammate)

    def give_back(self, reason: str) -> None:
        """Do not complete the task when the callable returns, but release it, with a note that says why."""
        self.given_back = reason
