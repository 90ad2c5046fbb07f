"""A world of its own: an empty home, a clock that the simulation sets, and randomness that comes from the seed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from time import gmtime, monotonic, sleep, strftime
from unittest.mock import patch

from gittasks.base import clock, ids

_START_S = 1_795_000_000


class Seal:
    """`env` is what every process gets; `random` decides about everything."""

    def __init__(self, home: Path, seed: int) -> None:
        self.random = Random(seed)
        self._names = Random(seed + 1)
        self._now_s = _START_S
        home.mkdir()
        (home / ".gitconfig").write_text(
            "[user]\n\tname = Sim\n\temail = sim@example.com\n[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n"
            "[core]\n\tfsync = none\n[merge]\n\trenames = true\n[rerere]\n\tenabled = false\n"
        )
        self.env = {
            "HOME": str(home),
            "PATH": os.environ.get("PATH", os.defpath),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_EDITOR": "true",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        self.tick()

    def tick(self) -> None:
        """A second goes by, more or less: commits of one second are not rare."""
        self._now_s += self.random.choice((0, 1, 40))
        self.env["GIT_AUTHOR_DATE"] = self.env["GIT_COMMITTER_DATE"] = f"{self._now_s} +0000"

    def forget(self) -> None:
        """A process that had a copy of our randomness was killed: what it drew is not to be drawn again."""
        self._names = Random(self.random.random())

    def randbytes(self, count: int) -> bytes:
        """What stands in for the operating system's randomness."""
        return self._names.randbytes(count)

    def time(self) -> float:
        """What stands in for the time of day."""
        return float(self._now_s)

    gmtime = staticmethod(gmtime)
    monotonic = staticmethod(monotonic)
    sleep = staticmethod(sleep)
    strftime = staticmethod(strftime)


@contextmanager
def sealed(folder: Path, seed: int) -> Iterator[Seal]:
    """A seal that holds inside the `with`, for this process and for those forked from it."""
    seal = Seal(folder / "home", seed)
    with patch.object(ids, "urandom", seal.randbytes), patch.object(clock, "time", seal):
        yield seal
