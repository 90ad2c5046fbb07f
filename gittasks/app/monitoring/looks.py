"""What a look at something says: what was seen, and which conditions that fulfils."""

from __future__ import annotations

import hashlib

from gittasks.app.monitoring import spec as words
from gittasks.app.monitoring.bounds import Lines, as_event
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from gittasks.app.monitoring.bounds import Pattern

_NOTHING: frozenset[str] = frozenset()


class Look(NamedTuple):
    """What was seen: `text` is an event, `fulfils` are the conditions that hold by it. `code`: how a stream ended."""

    text: str
    fulfils: frozenset[str] = _NOTHING
    code: int | None = None


class Answers:
    """What is the same for all that is asked again and again: whether the answer is another one, and matches."""

    def __init__(self, pattern: Pattern | None) -> None:
        self._pattern = pattern
        self._last: bytes | None = None

    def judge(self, state: str, answer: bytes, *, is_ok: bool) -> Look:
        """The look that an `answer` comes to; `state` says in a word how it went."""
        fulfils = {words.OK if is_ok else words.FAILS}
        digest = hashlib.sha256(state.encode("utf-8", "replace") + b"\0" + answer).digest()
        if self._last not in (None, digest):
            fulfils.add(words.CHANGES)
        self._last = digest
        lines = Lines()
        text = [*lines.feed(answer), *lines.close()]
        shown = next((line for line in reversed(text) if line.strip()), "")
        if self._pattern is not None:
            found = self._pattern.first(text)
            if found is not None:
                fulfils.add(words.MATCHES)
                shown = found
            elif self._pattern.is_slow:
                state, shown = f"{state}; the pattern takes too long", ""
                self._pattern.is_slow = False
        return Look(as_event(f"{state}: {shown}" if shown else state), frozenset(fulfils))
