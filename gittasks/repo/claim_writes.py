"""Making, replacing and dropping claims by compare-and-swap: of all who try at once, one succeeds."""

from __future__ import annotations

import os

from gittasks.base import clock
from gittasks.base.errors import BusyError
from gittasks.base.records import TYPE_CHECKING
from gittasks.repo.claims import read_ref, require_plain
from gittasks.repo.git import failure

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gittasks.repo.discover import Checkout
    from gittasks.repo.git import Git

# Another git process has the ref for moments; a lock that stays longer was left by one that died.
_LOCK_WAIT_S = 3.0
_POLL_S = 0.01


class ClaimLockedError(BusyError):
    """git's own lock on the ref stays held."""


def put(git: Git, checkout: Checkout, ref: str, data: bytes, *, old: str | None) -> str | None:
    """Let `ref` point to a new blob with `data`, if it still points to `old` (`None`: to nothing).

    Answers the blob's id; `None` where somebody else was quicker. Raises `GitError`, `ClaimLockedError`.
    """
    oid = git.output("hash-object", "-w", "--stdin", stdin=data, write=True).decode("ascii").strip()
    return oid if point(git, checkout, ref, oid, old=old) else None


def point(git: Git, checkout: Checkout, ref: str, oid: str, *, old: str | None) -> bool:
    """Let `ref` point to the object `oid`, if it still points to `old`; whether that was so."""
    return _update(git, checkout, ref, (ref, oid, old or ""), old)


def drop(git: Git, checkout: Checkout, ref: str, *, old: str) -> bool:
    """Delete `ref`, if it still points to `old`; whether that was so."""
    return _update(git, checkout, ref, ("-d", ref, old), old)


def point_all(git: Git, checkout: Checkout, changes: Mapping[str, tuple[str | None, str | None]]) -> bool:
    """Change refs from one object to another (`None`: no ref), all of them or, if one is another meanwhile, none."""
    lines = []
    for ref, (old, new) in changes.items():
        if new is None:
            lines.append(f"delete {ref} {old}")
        else:
            lines.append(f"create {ref} {new}" if old is None else f"update {ref} {new} {old}")
    stdin = "".join(f"{line}\n" for line in lines).encode("ascii")
    return _try(git, checkout, ("--stdin",), {ref: old for ref, (old, _) in changes.items()}, stdin)


def _update(git: Git, checkout: Checkout, ref: str, args: tuple[str, ...], old: str | None) -> bool:
    return _try(git, checkout, args, {ref: old})


def _try(
    git: Git, checkout: Checkout, args: tuple[str, ...], olds: Mapping[str, str | None], stdin: bytes = b""
) -> bool:
    for ref in olds:
        require_plain(checkout, ref)
    deadline = clock.monotonic_s() + _LOCK_WAIT_S
    while True:
        done = git.call("update-ref", "--no-deref", *args, write=True, stdin=stdin)
        if done.returncode == 0:
            return True
        if any(read_ref(checkout, git.env, ref) != old for ref, old in olds.items()):
            return False
        lock = os.path.join(checkout.common_dir, next(iter(olds))) + ".lock"
        if b".lock" not in done.stderr:
            raise failure(("update-ref",), done)
        if clock.monotonic_s() > deadline:
            raise ClaimLockedError(
                f"{lock} stays held; waited {_LOCK_WAIT_S:g} s",
                hint="where no git process works on this clone, one that was killed left it: then delete the file",
            )
        clock.sleep_s(_POLL_S)
