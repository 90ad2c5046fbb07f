"""Where claims are: the refs that hold them, read from git's own files without a git process.

A claim on #12 is the ref `refs/gittasks/claims/12`, the same for all worktrees of the clone. What a remote had when
we last looked lies under `refs/gittasks/remotes/<remote>/claims/`. On the path of every read command; what a claim
says is `claim_blobs`, changing one `claim_writes`.
"""

from __future__ import annotations

import os
import stat

from gittasks.base.files import UnsafeFileError, read_start
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo.layout import MAX_PACKED_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from gittasks.repo.discover import Checkout

ROOT = "refs/gittasks/"
_CLAIMS = "claims"
_REMOTES = "remotes"
_HEX = frozenset("0123456789abcdef")
_OID_LENGTHS = (40, 64)
_MAX_DIGITS = 9


def claim_ref(task_id: int) -> str:
    """The ref of this clone's claim on a task."""
    return f"{ROOT}{_CLAIMS}/{task_id}"


def tracking_ref(remote: str, task_id: int | str) -> str:
    """The ref that remembers a remote's claim on a task; with `*`, those of all tasks."""
    return f"{ROOT}{_REMOTES}/{remote}/{_CLAIMS}/{task_id}"


def remote_of(ref: str) -> str | None:
    """The remote whose claim a ref remembers, `None` for this clone's own."""
    head = f"{ROOT}{_REMOTES}/"
    return ref.removeprefix(head).rpartition(f"/{_CLAIMS}/")[0] if ref.startswith(head) else None


def claim_refs(checkout: Checkout, env: Mapping[str, str]) -> dict[int, tuple[str, ...]]:
    """The refs of all claims by the id of their task, this clone's own first, then by remote.

    `env` is for git, which is asked only where refs are kept in another form than files (reftable).
    """
    common = checkout.common_dir
    if _has_reftable(common):
        names = _ask(checkout, env, "for-each-ref", "--format=%(refname)", ROOT).split("\n")
    else:
        # Loose ones first: one that is packed meanwhile is then found in the other place.
        names = [*_loose_names(common), *_packed(common)]
    found: dict[int, tuple[str, ...]] = {}
    for name in sorted(set(names)):  # "claims" comes before "remotes"
        task_id = _task_of(name)
        if task_id is not None:
            found[task_id] = (*found.get(task_id, ()), name)
    return found


def read_ref(checkout: Checkout, env: Mapping[str, str], ref: str) -> str | None:
    """The id of the object that one of these refs points to; `None` where it is gone, or is no plain ref."""
    common = checkout.common_dir
    if _has_reftable(common):
        return _oid(_ask(checkout, env, "rev-parse", "--verify", "--quiet", ref))
    data = read_start(os.path.join(common, ref), 100)
    return _oid(_packed(common).get(ref, "")) if data is None else _oid(os.fsdecode(data))


def read_refs(checkout: Checkout, env: Mapping[str, str], refs: Iterable[str]) -> dict[str, str]:
    """What `read_ref` says of each of `refs`, with one look at all of them; those without an answer are left out."""
    common = checkout.common_dir
    if _has_reftable(common):
        told = _ask(checkout, env, "for-each-ref", "--format=%(refname) %(objectname)", ROOT).split("\n")
        known = dict(line.rsplit(" ", 1) for line in told if " " in line)
    else:
        # In this order: one that is packed meanwhile is then found in the other place.
        loose = {name: read_start(os.path.join(common, name), 100) for name in _loose_names(common)}
        known = _packed(common) | {
            name: os.fsdecode(data) for name, data in loose.items() if data is not None
        }
    return {ref: oid for ref in refs if (oid := _oid(known.get(ref, ""))) is not None}


def require_plain(checkout: Checkout, ref: str = ROOT) -> None:
    """Raise `UnsafeFileError` where something else than a file is `ref`, or is below it: git would wait for it."""
    path = os.path.join(checkout.common_dir, ref)
    below = [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]
    for name in below or [path]:
        try:
            mode = os.stat(name).st_mode
        except OSError:
            continue
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise UnsafeFileError(
                f"{name}: is not a regular file", hint="no ref of git's looks like that: move it away"
            )


def _has_reftable(common: str) -> bool:
    return os.path.isdir(os.path.join(common, "reftable"))


def _ask(checkout: Checkout, env: Mapping[str, str], *args: str) -> str:
    from gittasks.base import proc
    from gittasks.repo.git import scrub

    argv = ("git", "-C", checkout.top or checkout.common_dir, *args)
    return os.fsdecode(proc.capture(argv, env=scrub(env)) or b"")


def _loose_names(common: str) -> list[str]:
    root = os.path.join(common, ROOT)
    try:
        kinds = os.listdir(root)
    except OSError:
        return []
    names = [f"{ROOT}{_CLAIMS}/{name}" for name in _listed(os.path.join(root, _CLAIMS))]
    if _REMOTES in kinds:
        for folder, _, inside in os.walk(os.path.join(root, _REMOTES)):
            names += [f"{ROOT}{os.path.relpath(os.path.join(folder, name), root)}" for name in inside]
    return names


def _listed(folder: str) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return [entry.name for entry in entries if not entry.is_dir()]
    except OSError:
        return []


def _packed(common: str) -> dict[str, str]:
    """Name to object id of our refs in `packed-refs`, whose other lines (there may be many) are not looked at."""
    path = os.path.join(common, "packed-refs")
    try:
        info = os.stat(path)
    except OSError:
        return {}
    seen = (path, info.st_mtime_ns, info.st_size, info.st_ino)
    if seen != _seen.get("file"):
        # A clone may have any number of refs, and each claim asks: git replaces the file as a whole.
        _seen.update(file=seen, refs=_parse_packed(read_start(path, MAX_PACKED_BYTES) or b""))
    refs: dict[str, str] = _seen["refs"]
    return refs


_seen: dict[str, Any] = {}


def _parse_packed(data: bytes) -> dict[str, str]:
    found = {}
    wanted = b" " + ROOT.encode()
    at = data.find(wanted)
    while at >= 0:
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        start = data.rfind(b"\n", 0, at) + 1
        found[os.fsdecode(data[at + 1 : end])] = os.fsdecode(data[start:at])
        at = data.find(wanted, end)
    return found


def _task_of(ref: str) -> int | None:
    """The id of the task that a ref claims; `None` for any other ref, and for a lock that git left."""
    folder, _, name = ref.rpartition("/")
    if "/../" in ref:  # no ref of git's has that: it would lead out of where refs lie
        return None
    if folder != ROOT + _CLAIMS and not (
        folder.startswith(f"{ROOT}{_REMOTES}/") and folder.endswith(f"/{_CLAIMS}")
    ):
        return None
    fits = name.isascii() and name.isdecimal() and name[0] != "0" and len(name) <= _MAX_DIGITS
    return int(name) if fits else None


def _oid(text: str) -> str | None:
    text = text.strip()
    return text if len(text) in _OID_LENGTHS and _HEX.issuperset(text) else None
