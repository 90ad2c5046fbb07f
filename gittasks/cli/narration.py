"""What an agent prints, for a person who waits for it: its lines of JSON become what it does and says."""

from __future__ import annotations

from gittasks.app.agents.listening import Lines, Listener
from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable_block

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from gittasks.workgraph.agents import Rule


class Narrator:
    """Takes the output in blocks, as `OutputPrinter` does; lines that are no JSON are passed on."""

    def __init__(self, stream: TextIO, rules: Sequence[Rule]) -> None:
        self._stream = stream
        self._lines = Lines()
        self._heard = Listener(rules)
        self._steps = 0
        self._last = ""
        self._pending = ""

    def write(self, block: bytes) -> None:
        """Tell what one block has that is new."""
        for line in self._lines.split(block):
            if line.lstrip()[:1] == b"{":
                self._heard.hear(line + b"\n")
                self._tell()
            else:
                self._finish_message()
                self._write(line.decode("utf-8", "backslashreplace"))
        self._stream.flush()

    def close(self) -> None:
        """Tell what may have gone on."""
        self.write(b"\n" if self._lines.has_part else b"")
        self._finish_message()
        self._stream.flush()

    def _tell(self) -> None:
        heard = self._heard
        message = heard.message or ""
        if message != self._last:
            if not message.startswith(self._pending):
                self._finish_message()
            # It may be added to: it is told once something else comes.
            self._pending = self._last = message
        if heard.steps != self._steps:
            self._steps = heard.steps
            self._finish_message()
            self._write(f"- {heard.doing}")

    def _finish_message(self) -> None:
        if self._pending:
            self._write(self._pending)
            self._pending = ""

    def _write(self, text: str) -> None:
        self._stream.write(printable_block(text.rstrip("\r")) + "\n")
