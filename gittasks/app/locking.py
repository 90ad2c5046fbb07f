"""The writers' lock of a clone: one process at a time changes task files, in whatever worktree."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

from gittasks.base import locks
from gittasks.workgraph import store

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def writers_lock(private_folder: str, purpose: str) -> Iterator[None]:
    """Hold the lock; finish first what a killed writer left half-done. Raises `LockHeldError`."""
    with locks.hold(os.path.join(private_folder, "write.lock"), purpose=purpose):
        store.recover(os.path.join(private_folder, "write.journal"))
        yield
