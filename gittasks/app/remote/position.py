"""Where in the output there the output here stands: known again after any crash on this side.

Both are the same number as long as nothing was left out there. Where something was (its limit was reached while
we were away), a line stands in its place, and the two part: such places are noted before that line is written.
"""

from __future__ import annotations

import json
import os

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime import output

if TYPE_CHECKING:
    from gittasks.runtime.folders import Folders
    from gittasks.runtime.record import RunId

_NAME = "positions.json"
_KEPT = 50
_MAX_BYTES = 1 << 16


class Positions:
    """`here` and `there`, of a run whose output goes on; one process at a time moves them."""

    def __init__(self, folders: Folders, run_id: RunId) -> None:
        self._path = os.path.join(folders.live_folder(run_id), _NAME)
        self._noted = self._load()
        self.here = output.kept_bytes(folders, run_id)
        self.there = max(
            (there + self.here - here for here, there in ((0, 0), *self._noted) if here <= self.here),
            default=0,
        )

    def move(self, size: int, there: int) -> None:
        """`size` bytes are about to be written here; the output there stands at `there` after them."""
        here = self.here + size
        if there - self.there != size:
            self._noted = [*self._noted, (here, there)][-_KEPT:]
            files.replace_file(self._path, json.dumps(self._noted).encode(), mode=0o600)
        self.here, self.there = here, there

    def _load(self) -> list[tuple[int, int]]:
        try:
            found = json.loads(files.read_regular(self._path, limit_bytes=_MAX_BYTES))
            return [(int(here), int(there)) for here, there in found]
        except (FileNotFoundError, files.UnsafeFileError, ValueError, TypeError):
            return []
