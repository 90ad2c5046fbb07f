"""What a claim says: a small JSON document in a git blob, which anybody may have written.

Blobs that lie loose are read straight from git's object files (gitformat-loose(5)); git is asked for the others.
"""

from __future__ import annotations

import os
import zlib

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from gittasks.repo.discover import Checkout

MAX_BYTES = 16_384
_HEAD_BYTES = 32
_MAX_TEXT = 1_000
_TIME_PATTERN = "0000-00-00T00:00:00Z"


class Claim(NamedTuple):
    """Who has taken a task, now. Times are UTC as task files write them; what a stranger wrote is kept as it came.

    `nonce` makes each claim another object, so that two who push at once cannot both have pushed "the same"; what
    takes its place in the same clone keeps it, and so is known on a remote. `run` is the run that claimed, `expires`
    when the claim ends by itself, `remote` the remote that it was to be told to, `reason` why it was taken from
    `previous`. `via` is the command that put the task in progress with it, `taker` the process that is about to:
    until it has, the claim is only as good as that process. `assigned`: the task belonged to `owner` before.
    """

    id: int
    uid: str
    owner: str
    host: str
    worktree: str | None
    time: str
    nonce: str
    run: str | None = None
    expires: str | None = None
    remote: str | None = None
    reason: str | None = None
    previous: str | None = None
    via: str | None = None
    taker: Mapping[str, Any] | None = None
    assigned: bool = False

    def as_json(self) -> dict[str, Any]:
        """The claim as documents show it."""
        return self._asdict()


def format_claim(claim: Claim) -> bytes:
    """One line of JSON; what is empty is left out."""
    from gittasks.base.jsontext import dumps

    content = {
        name: value for name, value in claim._asdict().items() if value is not None and value is not False
    }
    text = dumps(content).encode("ascii") + b"\n"
    # Whoever takes a task must be able to read that he has it: the words give way first.
    for spare in (300, 50, 0):
        if len(text) <= MAX_BYTES:
            break
        content |= {name: content[name][:spare] for name in ("reason", "previous", "host") if name in content}
        text = dumps(content).encode("ascii") + b"\n"
    return text


def is_same_claim(one: Claim | None, other: Claim | None) -> bool:
    """Whether one is what became of the other in the same clone."""
    return one is not None and other is not None and one.nonce == other.nonce != "" and one.uid == other.uid


def parse_claim(data: bytes) -> Claim | None:
    """The claim in a blob; `None` for anything that is none. Unknown names are ignored."""
    from gittasks.base.jsontext import loads

    if len(data) > MAX_BYTES:
        return None
    try:
        content = loads(data)
        return Claim(**_checked(content)) if isinstance(content, dict) else None
    except (ValueError, TypeError, RecursionError):
        return None


def read_claims(checkout: Checkout, env: Mapping[str, str], oids: Iterable[str]) -> dict[str, Claim | None]:
    """The claims by the ids of their blobs; `None` for one that is missing, too large, or no claim."""
    found: dict[str, Claim | None] = {}
    missing = []
    if len(_read) > _MAX_READ:
        _read.clear()
    for oid in oids:
        if oid in _read:
            found[oid] = _read[oid]
            continue
        data = _read_loose(checkout.common_dir, oid)
        if data is None:
            missing.append(oid)
        else:
            found[oid] = _read[oid] = parse_claim(data)
    if missing:
        from gittasks.repo.git import Git
        from gittasks.repo.history import read_blobs

        git = Git(checkout.top or checkout.common_dir, env)
        blobs = read_blobs(git, missing, limit_bytes=MAX_BYTES)
        found.update({oid: parse_claim(blobs.get(oid, b"")) for oid in missing})
    return found


# An object never changes, and whoever takes task after task asks for the same claims again and again.
_read: dict[str, Claim | None] = {}
_MAX_READ = 10_000


def _read_loose(common: str, oid: str) -> bytes | None:
    """The contents of a loose blob, empty for one that is too large to be a claim; `None` where git must be asked."""
    path = os.path.join(common, "objects", oid[:2], oid[2:])
    try:
        packed = files.read_regular(path, limit_bytes=2 * MAX_BYTES)
        data = zlib.decompressobj().decompress(packed, MAX_BYTES + _HEAD_BYTES)
    except files.UnsafeFileError:
        return b""
    except (OSError, zlib.error):
        return None
    head, _, content = data.partition(b"\0")
    return content if head == b"blob %d" % len(content) else b""


_TEXTS = ("uid", "owner", "host", "time", "nonce")
_OPTIONAL_TEXTS = ("worktree", "run", "remote", "reason", "previous", "via")


def _checked(content: dict[str, Any]) -> dict[str, Any]:
    """The values that are what they should be. Raises `TypeError` where one that must be there is not."""
    values: dict[str, Any] = {name: content.get(name) for name in (*_TEXTS, *_OPTIONAL_TEXTS)}
    for name in _TEXTS:
        if not isinstance(values[name], str):
            raise TypeError(name)
    for name, value in values.items():
        if isinstance(value, str) and len(value) <= _MAX_TEXT:
            continue
        if name in _TEXTS:
            raise TypeError(name)
        values[name] = None
    if type(content.get("id")) is not int:
        raise TypeError("id")
    taker = content.get("taker")
    return values | {
        "id": content["id"],
        "expires": content.get("expires") if _is_time(content.get("expires")) else None,
        "taker": taker if isinstance(taker, dict) else None,
        "assigned": content.get("assigned") is True,
    }


def _is_time(value: object) -> bool:
    """Whether it has the one form in which times can be compared as text."""
    return (
        isinstance(value, str)
        and value.isascii()
        and "".join("0" if char.isdecimal() else char for char in value) == _TIME_PATTERN
    )
