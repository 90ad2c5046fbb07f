"""The inbox of a teammate: messages are files, written once and never changed, and each is read once.

    <private>/teammates/<name>/alive                 locked by the host of the one teammate of that name
    <private>/teammates/<name>/inbox/<time>-<x>.json  what was not read yet
    <private>/teammates/<name>/read/<time>-<x>.json   what was read: the last `KEPT` of them

An inbox belongs to the name: what comes while no such teammate lives is there for the next one.
"""

from __future__ import annotations

import json
import os

from gittasks.base import clock, files, flock
from gittasks.base.errors import BusyError, InvalidError, NotFoundError
from gittasks.base.ids import new_base36
from gittasks.base.jsontext import dumps
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.base.text import printable

if TYPE_CHECKING:
    from typing import Any

    from gittasks.app.project import Project

MAX_NAME = 64
MAX_TEXT_BYTES = 65_536
KEPT = 200
_MAX_FILE_BYTES = 8 * MAX_TEXT_BYTES
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


class BadNameError(InvalidError):
    """A teammate's name breaks its format."""


class BadMessageError(InvalidError):
    """A message is empty, too long, or no text."""


class NameTakenError(BusyError):
    """A teammate of that name lives already: names are what messages are sent to."""


class UnknownTeammateError(NotFoundError):
    """No teammate of that name lives or ever lived in this clone."""


class Message(NamedTuple):
    """What somebody told a teammate; `time` is UTC."""

    sender: str
    time: str
    text: str

    def as_json(self) -> dict[str, Any]:
        """The message as its file and documents carry it."""
        return {"from": self.sender, "time": self.time, "text": self.text}


def check_name(name: str) -> str:
    """`name`, where it is one for a teammate. Raises `BadNameError`."""
    if not 0 < len(name) <= MAX_NAME or not _LETTERS.issuperset(name) or name[0] in "-.":
        raise BadNameError(
            f"{printable(name)[:60]!r} is no name for a teammate",
            hint=f"letters, digits, - _ and ., at most {MAX_NAME} of them, not - or . first",
        )
    return name


def take_name(project: Project, name: str) -> int:
    """Lock `name` for this process: the open lock, to be closed at the end.

    Raises `BadNameError`, `NameTakenError`.
    """
    folder = _folder(project, check_name(name))
    os.makedirs(os.path.join(folder, "inbox"), 0o700, exist_ok=True)
    fd = os.open(os.path.join(folder, "alive"), os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if not flock.try_lock(fd):
        os.close(fd)
        raise NameTakenError(
            f"a teammate called {name} lives in this clone",
            hint="`gittasks runs` shows it; take another name",
        )
    return fd


def is_known(project: Project, name: str) -> bool:
    """Whether a teammate of that name ever lived here."""
    return os.path.isdir(_folder(project, check_name(name)))


def is_alive(project: Project, name: str) -> bool:
    """Whether a teammate of that name lives now."""
    try:
        fd = os.open(os.path.join(_folder(project, check_name(name)), "alive"), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return flock.is_locked(fd)
    finally:
        os.close(fd)


def send(project: Project, name: str, text: str, *, sender: str | None = None) -> Message:
    """Leave a message in the inbox of `name`. Raises `BadNameError`, `BadMessageError`, `DiskError`."""
    folder = os.path.join(_folder(project, check_name(name)), "inbox")
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise BadMessageError("the message is no Unicode text") from None
    if not text.strip() or size > MAX_TEXT_BYTES:
        raise BadMessageError(f"the message has {size} bytes: expected 1 to {MAX_TEXT_BYTES}")
    now_s = clock.now_s()
    message = Message(project.actor(sender), clock.format_utc(now_s), text)
    os.makedirs(folder, 0o700, exist_ok=True)
    # By time, and to each writer a name of his own: nobody waits for anybody.
    path = os.path.join(folder, f"{round(now_s * 1000):015}-{new_base36(6)}.json")
    files.create_file(path, dumps(message.as_json()).encode("ascii"), mode=0o600)
    return message


def read_new(project: Project, name: str) -> list[Message]:
    """The messages that nobody has read, oldest first; from now on they count as read."""
    folder = _folder(project, name)
    found = []
    for file_name in _messages(os.path.join(folder, "inbox")):
        path, read = (os.path.join(folder, part, file_name) for part in ("inbox", "read"))
        os.makedirs(os.path.dirname(read), 0o700, exist_ok=True)
        try:
            # Moved before it is handed out: whoever dies in between, it is not read twice.
            os.rename(path, read)
            found.append(_load(read))
        except (FileNotFoundError, files.UnsafeFileError, ValueError, KeyError, TypeError, RecursionError):
            continue
    if found:
        for file_name in _messages(os.path.join(folder, "read"))[:-KEPT]:
            files.remove_cache(os.path.join(folder, "read", file_name))
    return found


def unread(project: Project) -> dict[str, int]:
    """How many messages nobody has read, by the name of their teammate; only names that have some."""
    try:
        names = sorted(os.listdir(os.path.join(project.checkout.private_dir, "teammates")))
    except FileNotFoundError:
        return {}
    counts = {name: len(_messages(os.path.join(_folder(project, name), "inbox"))) for name in names}
    return {name: number for name, number in counts.items() if number}


def has_new(project: Project, name: str) -> bool:
    """Whether somebody wrote something that nobody has read."""
    return bool(_messages(os.path.join(_folder(project, name), "inbox")))


def _load(path: str) -> Message:
    value = json.loads(files.read_regular(path, limit_bytes=_MAX_FILE_BYTES))
    return Message(str(value["from"]), str(value["time"]), str(value["text"]))


def _messages(folder: str) -> list[str]:
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".json") and name[0] != ".")
    except FileNotFoundError:
        return []


def _folder(project: Project, name: str) -> str:
    return os.path.join(project.checkout.private_dir, "teammates", name)
