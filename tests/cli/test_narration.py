"""What a person sees of an agent that prints JSON."""

from __future__ import annotations

import io
import json

from gittasks.cli.narration import Narrator
from gittasks.workgraph.agents import SHIPPED
from tests.app.agents.test_listening import CLAUDE, GEMINI


def _narrated(name: str, data: bytes, *, block: int) -> str:
    stream = io.StringIO()
    narrator = Narrator(stream, SHIPPED[name].events)
    for start in range(0, len(data), block):
        narrator.write(data[start : start + block])
    narrator.close()
    return stream.getvalue()


def _lines(*events: object) -> bytes:
    return "".join(json.dumps(event) + "\n" for event in events).encode()


def test_what_it_does_and_says_is_told_once() -> None:
    data = _lines(*CLAUDE) + b"gittasks: check tests\n\x1b[31mE\x1b[0m failed"
    for block in (1, 7, 10_000):
        assert _narrated("claude", data, block=block) == (
            "- Write: /r/new.txt\nAll done, wrote it.\ngittasks: check tests\n\\x1b[31mE\\x1b[0m failed\n"
        )


def test_a_message_that_comes_in_parts_is_told_whole() -> None:
    assert _narrated("gemini", _lines(*GEMINI), block=5) == "- write_file: /r/new.txt\nAll done, wrote it.\n"
