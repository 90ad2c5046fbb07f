"""The output of a run on its way to stdout: bytes as they were written, or made safe for a terminal."""

from __future__ import annotations

import codecs

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable_block

if TYPE_CHECKING:
    from typing import TextIO


class OutputPrinter:
    """Writes blocks as they come, each at once. Unless `raw`, control characters become visible escapes."""

    def __init__(self, stream: TextIO, *, raw: bool) -> None:
        self._stream = stream
        self._raw = raw
        self._decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        # The end of a line written by a terminal program may come in two blocks.
        self._held = ""

    def write(self, block: bytes) -> None:
        """Pass one block on."""
        if self._raw:
            self._stream.flush()
            self._stream.buffer.write(block)
        else:
            self._write_text(self._decoder.decode(block))
        self._stream.flush()

    def close(self) -> None:
        """Write what an unfinished character or line had held back."""
        if not self._raw:
            self._write_text(self._decoder.decode(b"", final=True), final=True)
            self._stream.flush()

    def _write_text(self, text: str, *, final: bool = False) -> None:
        text = self._held + text
        self._held = "\r" if text.endswith("\r") and not final else ""
        text = text[: len(text) - len(self._held)].replace("\r\n", "\n")
        self._stream.write(printable_block(text))
