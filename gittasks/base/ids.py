"""Random identities, from the operating system's own source.

That is what `secrets` uses; importing it would cost 6 ms a process.
"""

from __future__ import annotations

from os import urandom

_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def new_uid() -> str:
    """16 hex digits: a task's identity across clones."""
    return urandom(8).hex()


def new_base36(length: int) -> str:
    """`length` unbiased random characters of 0-9a-z."""
    chars: list[str] = []
    while len(chars) < length:
        # 252 = 7 * 36: bytes above would make the first letters likelier.
        chars.extend(_BASE36[byte % 36] for byte in urandom(length * 2) if byte < 252)
    return "".join(chars[:length])
