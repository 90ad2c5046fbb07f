"""Notices on the desktop, by the program that the system has for that: `notify-send`, or `osascript` on macOS."""

from __future__ import annotations

import sys

from gittasks.base import proc
from gittasks.base.errors import SetupError
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, shorten
from gittasks.runtime.record import HIGH, LOW, NORMAL

if TYPE_CHECKING:
    from collections.abc import Mapping

_TIMEOUT_S = 10.0
_MAX_CHARS = 200
_URGENCIES = {HIGH: "critical", NORMAL: "normal", LOW: "low"}
# The texts are arguments of the script, never part of it.
_SCRIPT = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)


class NoDesktopError(SetupError):
    """The program that shows notices on the desktop is missing, or refused."""


def show(title: str, text: str, *, priority: str, env: Mapping[str, str]) -> None:
    """Show one notice; strangers' text is made harmless. Raises `NoDesktopError`."""
    title, text = (shorten(printable(part), _MAX_CHARS) for part in (title, text))
    argv = _osascript(title, text) if sys.platform == "darwin" else _notify_send(title, text, priority)
    try:
        done = proc.run_bounded(argv, env=env, timeout_s=_TIMEOUT_S, limit_bytes=4096)
    except proc.ProgramMissingError:
        raise NoDesktopError(
            f"notices cannot be shown on this desktop: there is no {argv[0]}",
            hint="install libnotify's notify-send, or leave --desktop out",
        ) from None
    if done.returncode != 0:
        said = printable(done.output.decode("utf-8", "replace").strip().partition("\n")[0])
        raise NoDesktopError(f"{argv[0]} could not show a notice: {said or 'no answer'}")


def _notify_send(title: str, text: str, priority: str) -> list[str]:
    # The text may hold markup, by the specification of desktop notifications; the title may not.
    for char, name in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(char, name)
    return ["notify-send", "--app-name=gittasks", f"--urgency={_URGENCIES[priority]}", "--", title, text]


def _osascript(title: str, text: str) -> list[str]:
    script = [word for line in _SCRIPT for word in ("-e", line)]
    return ["osascript", *script, "--", title, text]
