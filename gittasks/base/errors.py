"""The root of every error a user may see, and the exit code each one maps to.

    GittasksError                1   the root: a message that says what and which, a hint that says the cure
    ├── UsageError               2   the call itself is wrong
    ├── NotFoundError            1   what was named is not there
    ├── InvalidError             1   a file, name or value breaks its format
    ├── RefusedError             1   doing it would lose or break something; nothing was changed
    ├── SetupError               1   no repository, git too old, a disk that is full or read-only
    └── BusyError                4   somebody else holds it, or won the race: try again

Leaves live beside the code that raises them; tests hold that each has one of these as its parent.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class GittasksError(Exception):
    """What a user can act on; `message` says what and which, `hint` names the cure."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def details(self) -> Mapping[str, Any]:
        """What a JSON document says of it besides message and hint."""
        return {}


class UsageError(GittasksError):
    """The call itself is wrong: an unknown option, two that exclude each other."""

    exit_code = 2


class NotFoundError(GittasksError):
    """What was named is not there."""


class InvalidError(GittasksError):
    """A file, a name or a value breaks its format."""


class RefusedError(GittasksError):
    """Doing it would lose or break something; nothing was changed."""


class SetupError(GittasksError):
    """The surroundings do not allow it: no repository, git too old, disk full or read-only."""


class BusyError(GittasksError):
    """Somebody else holds it, or won the race: trying again may help."""

    exit_code = 4
