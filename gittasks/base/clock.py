"""The clock: the only place below the interfaces that asks what time it is."""

from __future__ import annotations

import time


def now_s() -> float:
    """Unix time in seconds."""
    return time.time()


def monotonic_s() -> float:
    """Seconds since some fixed point of this boot, the same for all processes; setting the clock does not move it."""
    return time.monotonic()


def sleep_s(seconds: float) -> None:
    """Do nothing for so long."""
    time.sleep(seconds)


def now_utc() -> str:
    """Now, as task files write it: `2026-11-23T10:00:00Z`."""
    return format_utc(time.time())


def format_utc(unix_s: float) -> str:
    """`unix_s` as `2026-11-23T10:00:00Z`."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix_s))


def format_compact(unix_s: float) -> str:
    """`unix_s` as it stands in file names: `20261123T100000Z`."""
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(unix_s))
