"""A stand-in for `ssh` and the machine behind it: the command runs here, with nothing of our environment.

What a real sshd does is tested beside it (`test_sshd`); this one is cheap, and can misbehave.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from gittasks.base import identity

SSH = """#!/bin/sh
for word; do last=$word; done
echo "$last" >> '{top}/calls'
case " $* " in *" -Oexit "*) exit 0;; esac
[ -e '{top}/down' ] && {{ echo 'ssh: connect to host box port 22: Connection refused' >&2; exit 255; }}
[ -e '{top}/rude' ] && exec '{top}/rude' "$last"
exec env -i HOME='{top}/home' PATH='{top}/bin' sh -c "$last"
"""
PROGRAMS = (
    "sh",
    "python3",
    "git",
    "cat",
    "sleep",
    "env",
    "touch",
    "setsid",
    "mkdir",
    "rm",
    "seq",
    "tr",
    "head",
)


class Box:
    """`down()` and `up()` for the network, `rude` to answer with a script of your own, `home` is its disk."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.home = top / "home"
        self.bin = top / "bin"
        self.client = top / "client"
        for folder in (self.home, self.bin, self.client):
            folder.mkdir(parents=True)
        for name in PROGRAMS:
            found = next(
                Path(place, name)
                for place in ("/usr/local/bin", "/usr/bin", "/bin")
                if Path(place, name).exists()
            )
            (self.bin / name).symlink_to(found)
        script(self.client / "ssh", SSH.format(top=top))
        (self.home / ".gitconfig").write_text("[gc]\n\tauto = 0\n")

    @property
    def state(self) -> Path:
        return self.home / ".local" / "state" / "gittasks"

    def down(self) -> None:
        (self.top / "down").touch()

    def up(self) -> None:
        (self.top / "down").unlink()

    def rude(self, text: str) -> None:
        """From now on whoever calls gets what this script says; `$1` is the command that was asked for."""
        script(self.top / "rude", text)

    def polite(self) -> None:
        (self.top / "rude").unlink()

    def processes(self) -> list[int]:
        """The pids of all that lives there."""
        mark = f"\0HOME={self.home}\0".encode()
        return [
            pid
            for pid in identity.all_pids()
            if mark in b"\0" + identity.read_environ(pid)
            and (seen := identity.read_stat(pid)) is not None
            and not seen.has_ended
        ]

    def texts(self) -> bytes:
        """All that is on its disk."""
        found = b""
        for folder, _, names in os.walk(self.home):
            for name in names:
                path = Path(folder, name)
                if stat.S_ISREG(path.lstat().st_mode):
                    found += path.read_bytes()
        return found


def script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)
