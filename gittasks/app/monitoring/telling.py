"""What is told of events, and when: same events fold, and quiet comes first (debounce). Asks no clock. Pure."""

from __future__ import annotations

from gittasks.app.monitoring.spec import CHANGE, END
from gittasks.base.records import TYPE_CHECKING
from gittasks.runtime.events import Event, fold

if TYPE_CHECKING:
    from collections.abc import Callable

# However restless it is, so many quiet times late something is told at the latest.
_PATIENCE = 5


class Teller:
    """Collects events, and hands them to `publish` once nothing has come for `debounce_s` seconds.

    With `notify` `change` only another state than the one that was told last is worth telling: what comes and goes
    within the quiet time is not. The first state is where changes start from. With `end` nothing is told.
    """

    def __init__(self, *, notify: str, debounce_s: float, publish: Callable[[list[Event]], None]) -> None:
        self._notify = notify
        self._debounce_s = debounce_s
        self._publish = publish
        self._pending: list[Event] = []
        self._told: str | None = None
        self._first_at = 0.0
        self._last_at = 0.0

    def see(self, text: str, *, now_s: float, at: float) -> None:
        """Take an event: `now_s` is Unix time, `at` the clock that nobody sets."""
        if self._notify == END:
            return
        if self._notify == CHANGE and self._told is None:
            self._told = text
        if self._notify == CHANGE and text == self._told:
            self._pending = []
            return
        if not self._pending:
            self._first_at = at
        # Of changes only the state that it has come to counts.
        known = [event for event in self._pending if self._notify != CHANGE or event.text == text]
        self._pending = fold(known, [Event(text, 1, now_s, now_s)])
        self._last_at = at

    def due_at(self) -> float | None:
        """When something is to be told; `None` for nothing."""
        if not self._pending:
            return None
        return min(self._last_at + self._debounce_s, self._first_at + _PATIENCE * self._debounce_s)

    def tell(self, at: float, *, finally_: bool = False) -> None:
        """Publish what is due, or with `finally_` all there is. What cannot be told now is kept for the next time."""
        due = self.due_at()
        if due is None or (at < due and not finally_):
            return
        self._publish(self._pending)
        if self._notify == CHANGE:
            self._told = self._pending[-1].text
        self._pending = []
