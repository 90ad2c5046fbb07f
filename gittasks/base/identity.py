"""Which process is meant: (host, boot, pid, start time), because a pid alone is soon another program's.

Linux answers from `/proc` (proc(5)); elsewhere `psutil` is asked, and imported only then.
"""

from __future__ import annotations

import os
import sys

from gittasks.base.files import first_line
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

ALIVE = "alive"
DEAD = "dead"
UNKNOWN = "unknown"

_LINUX = sys.platform == "linux"
_GONE = frozenset("ZXx")


class Process(NamedTuple):
    """One process of one boot of one machine; it never means another one.

    `start_ticks` counts in the kernel's own unit since its boot, so setting the clock does not move it.
    `space` names the pid namespace (a container has its own pids); empty where there is none.
    """

    host: str
    boot_id: str
    pid: int
    start_ticks: int
    space: str = ""

    def as_json(self) -> dict[str, Any]:
        """The identity as records carry it."""
        return self._asdict()


class Stat(NamedTuple):
    """What the kernel says of a process: `state` is one letter (`Z` has ended, `T` is stopped)."""

    pid: int
    name: str
    state: str
    parent: int
    group: int
    session: int
    threads: int
    start_ticks: int

    @property
    def has_ended(self) -> bool:
        """Whether it is only waiting for its parent to notice; one whose other threads run on has not ended."""
        return self.state in _GONE and self.threads <= 1


def this_process() -> Process:
    """The identity of the calling process."""
    process = find_process(os.getpid())
    if process is None:
        raise OSError(f"no facts about our own process {os.getpid()}: is /proc mounted?")
    return process


def find_process(pid: int) -> Process | None:
    """The identity of the live process `pid`; `None` where there is none."""
    stat = read_stat(pid)
    if stat is None or stat.has_ended:
        return None
    return Process(os.uname().nodename, boot_id(), pid, stat.start_ticks, _space())


def parse_process(value: object) -> Process | None:
    """The identity in a record's JSON; `None` where it is missing or not whole."""
    if not isinstance(value, dict):
        return None
    fields: Mapping[str, Any] = value
    texts = (fields.get("host"), fields.get("boot_id"), fields.get("space", ""))
    numbers = (fields.get("pid"), fields.get("start_ticks"))
    if not all(isinstance(text, str) for text in texts) or not all(type(number) is int for number in numbers):
        return None
    return Process(
        fields["host"], fields["boot_id"], fields["pid"], fields["start_ticks"], fields.get("space", "")
    )


def state_of(process: Process) -> str:
    """`ALIVE` or `DEAD` where that is proven, else `UNKNOWN` (another machine, another pid namespace)."""
    if process.host != os.uname().nodename:
        return UNKNOWN
    if process.boot_id != boot_id():
        return DEAD
    if process.space != _space():
        return UNKNOWN
    stat = read_stat(process.pid)
    if stat is None or stat.has_ended or stat.start_ticks != process.start_ticks:
        return DEAD
    return ALIVE


def is_rebooted(process: Process) -> bool:
    """Whether this machine was started anew since `process` ran on it."""
    return process.host == os.uname().nodename and process.boot_id != boot_id()


def read_stat(pid: int) -> Stat | None:
    """What the kernel says of `pid`; `None` where there is no such process."""
    if not _LINUX:
        return _ask_psutil(pid)
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, ProcessLookupError):
        return None
    try:
        return parse_stat(os.read(fd, 4096))
    except ProcessLookupError:
        return None
    finally:
        os.close(fd)


def parse_stat(line: bytes) -> Stat:
    """One line of `/proc/<pid>/stat`; the name in parentheses may itself hold parentheses and blanks."""
    head, _, tail = line.rpartition(b")")
    pid, _, name = head.partition(b" (")
    f = tail.split()
    state = f[0].decode("ascii")
    return Stat(
        int(pid),
        name.decode("utf-8", "replace"),
        state,
        int(f[1]),
        int(f[2]),
        int(f[3]),
        int(f[17]),
        int(f[19]),
    )


def all_pids() -> list[int]:
    """The pids of all processes that can be seen."""
    if _LINUX:
        return [int(name) for name in os.listdir("/proc") if name.isdecimal()]
    import psutil

    return list(psutil.pids())


def read_environ(pid: int) -> bytes:
    """The environment `pid` was started with, `NAME=value` ended by NUL each; empty where it is not ours to see."""
    if not _LINUX:
        return _ask_psutil_environ(pid)
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except OSError:
        return b""


_boot_id: str | None = None


def boot_id() -> str:
    """What names this boot of the machine: another one after each reboot."""
    global _boot_id
    if _boot_id is None:
        _boot_id = _read_boot_id() if _LINUX else _sysctl("kern.bootsessionuuid")
    return _boot_id


def machine_id() -> str:
    """What tells this machine from others (machine-id(5)); its name where it has nothing better."""
    for path in ("/etc/machine-id", "/var/lib/dbus/machine-id"):
        line = first_line(path)
        if line:
            return line
    return os.uname().nodename


def _read_boot_id() -> str:
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
        return file.read().strip()


def _space() -> str:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return ""


def _sysctl(name: str) -> str:
    import ctypes

    libc = ctypes.CDLL(None)
    size = ctypes.c_size_t(256)
    text = ctypes.create_string_buffer(size.value)
    if libc.sysctlbyname(name.encode(), text, ctypes.byref(size), None, ctypes.c_size_t(0)):
        raise OSError(f"sysctl {name} failed")
    return text.value.decode("ascii")


def _ask_psutil(pid: int) -> Stat | None:
    import psutil

    try:
        process = psutil.Process(pid)
        with process.oneshot():
            ended = process.status() == psutil.STATUS_ZOMBIE
            # Elsewhere than on Linux the kernel keeps the start as a fixed time of day.
            start = int(process.create_time() * 1_000_000)
            return Stat(
                pid,
                process.name(),
                "Z" if ended else "S",
                process.ppid(),
                os.getpgid(pid),
                os.getsid(pid),
                1,
                start,
            )
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None
    except (psutil.AccessDenied, PermissionError):
        return Stat(pid, "", "S", 0, 0, 0, 1, 0)


def _ask_psutil_environ(pid: int) -> bytes:
    import psutil

    try:
        return b"".join(f"{name}={value}\0".encode() for name, value in psutil.Process(pid).environ().items())
    except (psutil.Error, OSError):
        return b""
