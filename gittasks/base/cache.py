"""Cache files: plain values marshalled behind a checksum. They can be deleted at any time; doubt means "no cache".

`marshal` is the fastest there is and builtin. Its format belongs to one interpreter version, which the head of the
file names. It also names the folder it was written in: a clone that was copied or unpacked from somewhere brings
caches along that nobody should believe.
"""

from __future__ import annotations

import marshal
import os
import sys
import zlib

from gittasks.base import files
from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

_MAX_BYTES = 1 << 30
_CHECKSUM_BYTES = 4


def load_cache(path: str, layout: str) -> Any:
    """The value saved at `path`; `None` where it is missing, damaged, of another `layout` or interpreter."""
    try:
        data = files.read_regular(path, limit_bytes=_MAX_BYTES)
    except (OSError, files.UnsafeFileError):
        return None
    head = _head(layout, path)
    start = len(head) + _CHECKSUM_BYTES
    if not data.startswith(head) or len(data) < start:
        return None
    payload = memoryview(data)[start:]
    if int.from_bytes(data[len(head) : start], "big") != zlib.crc32(payload):
        return None
    try:
        return marshal.loads(payload)
    except (ValueError, EOFError, TypeError, MemoryError):
        return None


def save_cache(path: str, layout: str, value: Any) -> bool:
    """Save `value` (builtin types only) at `path`; answer whether that was possible: a full disk is no error."""
    payload = marshal.dumps(value)
    checksum = zlib.crc32(payload).to_bytes(_CHECKSUM_BYTES, "big")
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    except OSError:
        return False
    return files.write_cache(path, _head(layout, path) + checksum + payload)


def _head(layout: str, path: str) -> bytes:
    """What the file must begin with: one that came along from elsewhere names another folder and another user."""
    try:
        folder = os.stat(os.path.dirname(path)).st_ino
    except OSError:
        folder = 0
    return f"gittasks cache {layout} {sys.hexversion:x} {sys.byteorder} {folder} {os.geteuid()}\n".encode()
