"""The writers' lock of a clone: one process at a time changes task files, in whatever worktree."""

from __future__ import annotations

import contextlib
import os
from functools import partial
from typing import TYPE_CHECKING

from gittasks.base import files, flock
from gittasks.base.errors import GittasksError
from gittasks.repo import exclusion
from gittasks.repo.discover import find_checkout
from gittasks.workgraph import store

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextlib.contextmanager
def writers_lock(private_folder: str, purpose: str) -> Iterator[None]:
    """Hold the lock; finish first what a killed writer left half-done. Raises `LockHeldError`.

    What a writer that is killed inside leaves beside its file is nothing that git sees.
    """
    with flock.Hold(os.path.join(private_folder, "write.lock"), purpose=purpose):
        with contextlib.suppress(OSError):
            exclusion.add_pattern(os.path.dirname(private_folder), f".*{files.TEMP_SUFFIX}")
        store.recover(
            os.path.join(private_folder, "write.journal"), is_ours=partial(_is_ours, private_folder)
        )
        yield


def _is_ours(private_folder: str, folder: str) -> bool:
    """Whether `folder` is the `.tasks` of a worktree of the clone with this private folder."""
    if not os.path.isabs(folder) or os.path.basename(folder) != store.FOLDER or os.path.islink(folder):
        return False
    top = os.path.dirname(os.path.realpath(folder))
    try:
        checkout = find_checkout(top)
    except GittasksError:
        return False
    return checkout.private_dir == os.path.realpath(private_folder) and checkout.top == top
