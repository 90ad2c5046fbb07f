"""The shipped shims: `hooks/` of a checkout, or where the wheel puts them."""

from __future__ import annotations

import os
import shlex
import sys

from gittasks.base import files
from gittasks.repo.hook_text import ADDED, block_of

_MAX_BYTES = 1 << 16


def load_shim(event: str) -> bytes:
    """The shim for `event` as it is shipped."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    folder = os.path.join(package, "shims")
    if not os.path.isdir(folder):  # a checkout, installed as it is
        folder = os.path.join(os.path.dirname(package), "hooks")
    return files.read_regular(os.path.join(folder, event), limit_bytes=_MAX_BYTES)


def lines_for(event: str, mark: bytes = ADDED, *, shared: bool) -> bytes:
    """Our lines for a hook of `event`; in a file that people share (`shared`), nothing of this machine."""
    return block_of(load_shim(event), mark=mark, program=None if shared else program())


def program() -> str:
    """How the shell starts gittasks as it runs now. `-P`: nothing is imported from somebody's repository."""
    return f"{shlex.quote(sys.executable)} -P -m gittasks"
