"""One foreign task on its way into a draft: fields are taken out one by one, what is left over is kept. Pure.

That order makes it impossible to lose a field: an importer that does not know one leaves it in, and `draft` keeps
it as an unknown field of the task, under its own name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gittasks.workgraph.drafts import Draft, NoteDraft
from gittasks.workgraph.exchange import clean
from gittasks.workgraph.exchange.findings import LEFT_OUT, Findings
from gittasks.workgraph.exchange.jsontext import BadSourceError, describe
from gittasks.workgraph.extras import MAX_KEY as MAX_NAME
from gittasks.workgraph.fields import BY_NAME
from gittasks.workgraph.record import PENDING

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_KEY = 200


def text_of(value: Any) -> str:
    """A scalar as text; empty for null and for lists and maps, which no one-line field can hold."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else ""


def key_of(value: Any) -> str:
    """A foreign id as text on one line; empty where there is none."""
    return clean.one_line(text_of(value)).strip()[:MAX_KEY]


def require_key(value: Any, where: str, field: str = "id") -> str:
    """Like `key_of`; raises `BadSourceError` where there is none."""
    key = key_of(value)
    if not key:
        what = "is missing" if clean.says_nothing(value) else f"is {describe(value)}"
        raise BadSourceError(f"{where}: {field}: {what}: expected an id")
    return key


class Entry:
    """The fields of one foreign task, and what has been made of them so far."""

    def __init__(self, kind: str, key: str, fields: Mapping[str, Any], found: Findings) -> None:
        self.kind = kind
        self.key = key
        self.found = found
        self._left = {str(name): value for name, value in fields.items()}
        self._labels: list[str] = []
        self._sections: list[tuple[str, str]] = []
        self._extra: dict[str, Any] = {}
        self._relations: list[str] = []
        self._blocked_by: list[str] = []
        self._blocks: list[str] = []
        self._notes: list[NoteDraft] = []
        self._parent: str | None = None

    def take(self, field: str, where: str) -> Any:
        """The value of a source field that lands in `where`; `None` where it is missing or says nothing."""
        value = self._left.pop(field, None)
        if clean.says_nothing(value):
            return None
        self.found.land(field, where)
        return value

    def peek(self, field: str) -> Any:
        """The value of a source field, which stays in."""
        return self._left.get(field)

    def maps(self, field: str, where: str) -> list[dict[str, Any]]:
        """Like `take` for a list of objects; anything else in its place is left in, and so kept as it is."""
        value = self._left.get(field)
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            return []
        self.take(field, where)
        return value

    def text(self, field: str, where: str) -> str:
        """Like `take` for a text. A list or map in its place is left in, and so kept as it is."""
        value = self._left.get(field)
        if isinstance(value, (dict, list)):
            return ""
        return text_of(self.take(field, where))

    def words(self, field: str, where: str) -> list[str]:
        """Like `take` for a list of texts, also one written as `a, b`."""
        value = self._left.get(field)
        if isinstance(value, dict):
            return []
        if isinstance(value, list):
            if any(isinstance(item, (dict, list)) for item in value):
                return []
            self.take(field, where)
            return [text_of(item) for item in value if not clean.says_nothing(item)]
        return [part.strip() for part in text_of(self.take(field, where)).split(",") if part.strip()]

    def leave_out(self, field: str, why: str) -> None:
        """Drop a source field that is derived or empty of meaning; the report says so."""
        self.take(field, f"{LEFT_OUT}: {why}")

    def name_for(self, field: str) -> str:
        """The name under which a foreign field is kept in the task."""
        return clean.field_name(field, self.kind)

    def keep(self, field: str, value: Any) -> None:
        """Keep `value` as an unknown field of the task, under a free name."""
        if not clean.says_nothing(value):
            name = self.name_for(field)
            while name in self._extra:
                name += "_"
            self._extra[name] = clean.extra(value)

    def restore(self, field: str) -> None:
        """Put back an unknown field that an export took along, under its very name where that is possible."""
        value = self.take(field, f"kept as {field}")
        if value is None:
            return
        if field in BY_NAME or not 0 < len(field) <= MAX_NAME or clean.one_line(field) != field:
            self.keep(field, value)
        else:
            self._extra[field] = clean.extra(value)

    def label(self, *words: str) -> None:
        """Add labels."""
        for word in words:
            fitting = clean.name(word)
            if fitting != word.strip():
                self.found.fit(self.key, "labels", f"a label was cleaned to {fitting!r}")
            if fitting:
                self._labels.append(fitting)

    def section(self, title: str, text: str) -> None:
        """Add a part of the description; `title` is empty for its opening."""
        text = clean.whole(text).rstrip("\n")
        if text.strip() or (text and not title):
            self._sections.append((title, text))

    def relate(self, word: str, target: str) -> None:
        """Keep a relation that is no edge here, as `word target` in the field `relations`."""
        target = key_of(target)
        if target and target != self.key:
            self._relations.append(f"{clean.name(word)} {target}")

    def wait_for(self, *targets: str) -> None:
        """Let the task wait for these foreign ids."""
        self._blocked_by += [key for target in targets if (key := key_of(target))]

    def block(self, *targets: str) -> None:
        """Let these foreign ids wait for the task."""
        self._blocks += [key for target in targets if (key := key_of(target))]

    def set_parent(self, target: str) -> None:
        """Make the task a part of this foreign id; a second, different parent is kept as a relation."""
        key = key_of(target)
        if key and self._parent not in (None, key):
            self.relate("parent", key)
        elif key:
            self._parent = key

    def note(self, author: str, created: Any, text: str) -> None:
        """Add a note; one without words says nothing."""
        if text.strip():
            when = clean.time(created)
            self._notes.append(
                NoteDraft(clean.name(author) or self.kind, when, clean.whole(text).strip("\n"))
            )

    def status(self, field: str, words: Mapping[str, tuple[str, bool]], *, otherwise: str = PENDING) -> str:
        """Our status for the word in `field`, by `words`: word -> (status, whether it says the same as ours).

        A word that says more than ours is kept as a label and, verbatim, as a field; an unknown one becomes
        `otherwise`, and that is told.
        """
        word = self.text(field, "status").strip()
        plain = re.sub(r"[\s-]+", "_", word.casefold())
        status, same = words.get(plain, (otherwise, False))
        if word and not same:
            self.keep(f"{self.kind}_status", word)
            self.label(plain.replace("_", "-"))
            self.found.fit(self.key, "status", f"{word!r} is {status} here; the word is kept as a label")
        return status

    def priority(self, field: str, words: Mapping[str, int]) -> int:
        """Our priority for the word or number in `field`; what is not understood becomes 2 and is told."""
        value = self.take(field, "priority")
        if value is None:
            return clean.priority(None)
        word = text_of(value).strip()
        number = words.get(word.casefold(), clean.priority(value))
        if word.casefold() not in words and word != str(number):
            self.keep(f"{self.kind}_priority", value)
            self.found.fit(self.key, "priority", f"{clean.cut(clean.one_line(word), 60)!r} is {number} here")
        return number

    def created(self, field: str) -> str:
        """The time in `field`; what is none stays in, and so is kept as it is."""
        value = self._left.get(field)
        when = clean.time(value)
        if when:
            self.take(field, "created")
        elif not clean.says_nothing(value):
            self.found.fit(self.key, "created", "is no time we understand: the time of the import is taken")
        return when

    def owner(self, value: str) -> str | None:
        """`value` as an owner's name."""
        fitting = clean.name(value)
        if fitting != value.strip():
            self.found.fit(self.key, "owner", f"cleaned to {fitting!r}")
        return fitting or None

    def draft(
        self, *, subject: str, status: str, priority: int, created: str = "", owner: str | None = None
    ) -> Draft:
        """The finished draft; every field that nobody took is kept under its own name."""
        for field in list(self._left):
            value = self.take(field, f"kept as {self.name_for(field)}")
            self.keep(field, value)
        if self._relations:
            self._extra["relations"] = sorted(set(self._relations))
        return Draft(
            subject=self._subject(subject),
            key=self.key,
            status=status,
            owner=owner,
            parent=self._parent,
            priority=priority,
            labels=tuple(sorted(set(self._labels))),
            blocked_by=tuple(dict.fromkeys(self._blocked_by)),
            blocks=tuple(dict.fromkeys(self._blocks)),
            description=self._description(),
            created=created,
            extra=tuple(self._extra.items()),
            notes=tuple(self._notes),
        )

    def _subject(self, text: str) -> str:
        fitting = clean.subject(text)
        if not fitting:
            self.found.fit(self.key, "subject", "is empty: the id is taken")
            return clean.subject(self.key) or "(no subject)"
        if len(clean.one_line(text).strip()) > len(fitting) or "\n" in text.strip():
            self.found.fit(
                self.key, "subject", "is cut to one line of 500 characters; the description has all of it"
            )
            self._sections.insert(0, ("", clean.whole(text).strip("\n")))
        elif fitting != text.strip():
            self.found.fit(self.key, "subject", f"cleaned to {fitting!r}")
        return fitting

    def _description(self) -> str:
        parts = [f"## {title}\n\n{text}" if title else text for title, text in self._sections]
        return "\n\n".join(parts)
