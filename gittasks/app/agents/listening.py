"""What an agent says of itself, read from its output as it comes. Pure, and bounded whatever comes.

Nothing of it is trusted: an agent repeats what it read, and some of that was written to be repeated.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import printable, shorten

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Any

    from gittasks.workgraph.agents import Paths, Rule

# A line of JSON may carry a file that was read. What is longer is in the output, and is not understood.
MAX_LINE_BYTES = 1 << 20
_MAX_MESSAGE = 2000
_MAX_DOING = 200
_MAX_SESSION = 200
_MAX_STEPS = 32
_SESSION_CHARS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:")
_TAIL_BYTES = 8192


class Listener:
    """What is known of an agent by its output up to now.

    `session` is its own name for the conversation, `message` the last that it said, `doing` what it does now, `steps`
    how many things it set out to do, `failed` why it gave up; each `None` (0) where nothing told it. All are
    single lines that can be printed, but `message`, which keeps its line feeds. A `session` that goes on is known
    before anything is told. Without rules the output is text, and its last line is what the agent does now.
    """

    def __init__(self, rules: Sequence[Rule], *, session: str | None = None) -> None:
        self._rules = rules
        self._lines = Lines()
        self._tail = b""
        self._is_adding = False
        self.session = session
        self.message: str | None = None
        self.failed: str | None = None
        self.steps = 0
        self._doing: str | None = None

    @property
    def doing(self) -> str | None:
        """What the agent does now."""
        return self._doing if self._rules else _last_line(self._tail)

    def hear(self, data: bytes) -> None:
        """Take in more output; it may end in the middle of a line or of a character."""
        if not self._rules:
            self._tail = (self._tail + data)[-_TAIL_BYTES:]
            return
        for line in self._lines.split(data):
            if line.lstrip()[:1] == b"{":
                self._understand(line)

    def _understand(self, line: bytes) -> None:
        import json

        try:
            event = json.loads(line)
        except (ValueError, RecursionError):
            return
        fitting = [rule for rule in self._rules if _fits(rule, event)]
        is_adding = False
        for rule in fitting:
            if rule.session and is_session(found := ": ".join(_tell(rule.session, event))):
                self.session = found
            if rule.message and (words := _tell(rule.message, event)):
                self.message = _block(": ".join(words))
            if rule.more and (words := _tell(rule.more, event)):
                before = self.message if self._is_adding else None
                self.message = _block((before or "") + "".join(words))
                is_adding = True
            if rule.doing and (words := _tell(rule.doing, event)):
                self._doing = _line(": ".join(words), _MAX_DOING)
                self.steps += 1
            if rule.failed and (words := _tell(rule.failed, event)):
                self.failed = _line(": ".join(words), _MAX_MESSAGE)
        self._is_adding = is_adding


def is_session(text: str) -> bool:
    """Whether an agent's session may be called so: it becomes a word of a command line."""
    return 0 < len(text) <= _MAX_SESSION and text[0] not in "-." and _SESSION_CHARS.issuperset(text)


class Lines:
    """Cuts a stream into lines without holding more than one of `MAX_LINE_BYTES`; longer ones are left out."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0
        self._is_too_long = False

    @property
    def has_part(self) -> bool:
        """Whether a line was begun, and is held."""
        return bool(self._parts)

    def split(self, data: bytes) -> Iterator[bytes]:
        """The lines that `data` completes, without their line feeds."""
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._add(data[start:end])
            if not self._is_too_long:
                yield b"".join(self._parts)
            self._parts, self._size, self._is_too_long = [], 0, False
            start = end + 1
        self._add(data[start:])

    def _add(self, part: bytes) -> None:
        self._size += len(part)
        if self._size > MAX_LINE_BYTES:
            self._parts, self._is_too_long = [], True
        elif part and not self._is_too_long:
            self._parts.append(part)


def _fits(rule: Rule, event: Any) -> bool:
    return all(_is_same(_follow(path, event), value) for path, value in rule.when)


def _is_same(found: Any, wanted: Any) -> bool:
    # In Python `True == 1`; in JSON it is not.
    return type(found) is type(wanted) and bool(found == wanted)


def _tell(paths: Paths, event: Any) -> list[str]:
    """What the paths lead to that can be said in words."""
    found = [_follow(path, event) for path in paths]
    return [
        value if isinstance(value, str) else str(value)
        for value in found
        if isinstance(value, (str, int, float)) and not isinstance(value, bool) and value != ""
    ]


def _follow(path: str, event: Any) -> Any:
    return _walk(path.split("."), event)


def _walk(keys: list[str], value: Any) -> Any:
    if isinstance(value, list):
        # The last item that has it: what an agent says or does last is what it says or does now.
        found = (_walk(keys, item) for item in reversed(value[-_MAX_STEPS:]) if isinstance(item, dict))
        return next((item for item in found if item is not None), None)
    if not keys:
        return value
    return _walk(keys[1:], value.get(keys[0])) if isinstance(value, dict) else None


def _line(text: str, width: int) -> str:
    return shorten(printable(" ".join(text[: 4 * width].split())), width)


def _block(text: str) -> str:
    """The beginning of a message; what it says first is what it says most."""
    # JSON can spell halves of characters, which no file can hold.
    return shorten(text.encode("utf-8", "replace").decode("utf-8"), _MAX_MESSAGE)


def _last_line(tail: bytes) -> str | None:
    lines = tail.replace(b"\r", b"\n").split(b"\n")
    words = next((line for line in reversed(lines) if line.strip()), b"")
    return _line(words.decode("utf-8", "replace"), _MAX_DOING) or None
