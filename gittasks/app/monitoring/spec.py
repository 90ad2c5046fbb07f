"""What a monitor is asked to do: its source, the condition it waits for, what it tells of. Pure."""

from __future__ import annotations

from gittasks.base.errors import UsageError
from gittasks.base.records import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import Any

# Sources. A command is called again and again, a stream is one command whose lines are events.
COMMAND, STREAM, URL, FILE, LOG, RUN, REF = "command", "stream", "url", "file", "log", "run", "ref"

OK, FAILS, CHANGES, MATCHES, EXISTS, GONE, ENDS, NEVER = (
    "ok",
    "fails",
    "changes",
    "matches",
    "exists",
    "gone",
    "ends",
    "never",
)
CONDITIONS = (OK, FAILS, CHANGES, MATCHES, EXISTS, GONE, ENDS, NEVER)
# The conditions that a source can fulfil; the first is what it waits for when nothing else was said.
FITTING: dict[str, tuple[str, ...]] = {
    COMMAND: (OK, FAILS, CHANGES, MATCHES, NEVER),
    STREAM: (ENDS, MATCHES, NEVER),
    URL: (OK, FAILS, CHANGES, MATCHES, NEVER),
    FILE: (CHANGES, EXISTS, GONE, NEVER),
    LOG: (NEVER, MATCHES),
    RUN: (ENDS, OK, FAILS),
    REF: (CHANGES, EXISTS, GONE, NEVER),
}
EACH, CHANGE, END = "each", "change", "end"
NOTIFY = (EACH, CHANGE, END)
EVERY_S = {COMMAND: 10.0, URL: 30.0, FILE: 1.0, LOG: 0.2, RUN: 0.2, REF: 2.0, STREAM: 0.0}
DEBOUNCE_S = 1.0
LOOK_TIMEOUT_S = 30.0
MIN_EVERY_S = 0.05


class BadMonitorError(UsageError):
    """A monitor was asked for something that its source cannot do."""


class Watch(NamedTuple):
    """One monitor. `target` is a URL, an absolute path, a run's id or a ref; of a command its `argv` is taken.

    `pattern` is a plain text that a line holds, or with `is_regex` a regular expression. `look_timeout_s` bounds one
    look; `from_start` reads a log from its beginning.
    """

    source: str
    target: str = ""
    argv: tuple[str, ...] = ()
    until: str = ""
    pattern: str = ""
    is_regex: bool = False
    every_s: float = 0.0
    notify: str = ""
    debounce_s: float = DEBOUNCE_S
    look_timeout_s: float = LOOK_TIMEOUT_S
    from_start: bool = False

    def as_spec(self) -> dict[str, Any]:
        """The monitor as the spec of its run."""
        return self._asdict() | {"argv": list(self.argv)}


def of_spec(spec: dict[str, Any]) -> Watch:
    """The monitor that `as_spec` wrote down."""
    return Watch(**(spec | {"argv": tuple(spec["argv"])}))


def complete(watch: Watch) -> Watch:
    """`watch` with what was left open filled in. Raises `BadMonitorError` where it does not fit together."""
    fitting = FITTING[watch.source]
    until = watch.until or (MATCHES if watch.pattern and MATCHES in fitting else fitting[0])
    if until not in fitting:
        raise BadMonitorError(
            f"a {watch.source} cannot be watched until it {until}", hint=f"it can until: {', '.join(fitting)}"
        )
    if until == MATCHES and not watch.pattern:
        raise BadMonitorError("until it matches what?", hint="--match TEXT, or --regex PATTERN")
    if watch.pattern and MATCHES not in fitting:
        raise BadMonitorError(
            f"a {watch.source} has no lines to match", hint="--log PATH follows the lines of a file"
        )
    if watch.is_regex:
        _check_regex(watch.pattern)
    every_s = watch.every_s or EVERY_S[watch.source]
    if every_s < MIN_EVERY_S and watch.source != STREAM:
        raise BadMonitorError(f"every {every_s:g} s is too often: expected at least {MIN_EVERY_S:g} s")
    notify = watch.notify or (EACH if until == NEVER else END)
    return watch._replace(until=until, every_s=every_s, notify=notify)


def _check_regex(pattern: str) -> None:
    import re

    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise BadMonitorError(f"{pattern[:60]!r} is no regular expression: {error}") from None
