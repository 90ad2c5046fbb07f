"""Many new tasks in one text, for `add --from`: YAML, JSON lines, or a JSON array, decided by content. Pure.

    - key: schema                  # a name inside this text, for the references of others
      subject: Design the schema
      priority: 1
    - subject: Write the migration
      blockedBy: [schema, 7]       # another entry, and task #7, which is there already
      parent: 3

YAML may also be one document a task, apart by `---`. Everything wrong is reported at once, with its line; an unknown
field is an error, since a misspelled `blockedBy` must not vanish.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from gittasks.workgraph.drafts import Draft, NoteDraft
from gittasks.workgraph.exchange.jsontext import BadSourceError, decode, describe, parse_objects
from gittasks.workgraph.exchange.yamltext import List, Map, parse_yaml
from gittasks.workgraph.fields import FieldError, check_value, shown
from gittasks.workgraph.record import MAX_NAME, BadTaskError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gittasks.workgraph.drafts import Ref

MAX_PROBLEMS = 50
_NAMES = (
    "key",
    "subject",
    "status",
    "owner",
    "parent",
    "priority",
    "labels",
    "blockedBy",
    "blocks",
    "description",
    "notes",
)
_ALIASES = {"id": "key", "blocked_by": "blockedBy"}
# What other tools call our fields: too far from our word for a guess by spelling.
_MEANT = {
    "title": "subject",
    "name": "subject",
    "summary": "subject",
    "depends_on": "blockedBy",
    "deps": "blockedBy",
}
_MEANT |= {"dependencies": "blockedBy", "assignee": "owner", "tags": "labels", "body": "description"}
_PLAIN = ("subject", "status", "owner", "priority", "description")
_A_REFERENCE = "expected the id of a task, or the key of another entry"
_A_KEY = f"expected one line of at most {MAX_NAME} characters, or a number"


class _Entry(NamedTuple):
    """One task as it stands in the text: its fields by our names, and the line of each."""

    line: int
    fields: dict[str, Any]
    lines: Mapping[str, int]


def parse_batch(data: bytes, name: str) -> list[Draft]:
    """The tasks in `data` in their order; `name` stands in errors. An empty array is an empty list.

    Raises `BadSourceError` where the text as a whole cannot be read, `BadTaskError` with every problem of its fields.
    """
    reader = _Reader(name)
    entries = [reader.entry(line, value) for line, value in _values(data, name)]
    drafts = reader.drafts([entry for entry in entries if entry is not None])
    if reader.problems:
        problems = sorted(reader.problems, key=lambda problem: problem.line)
        raise BadTaskError(problems[:MAX_PROBLEMS], hint="nothing was added: mend this and run it again")
    return drafts


def _values(data: bytes, name: str) -> list[tuple[int, Any]]:
    text = decode(data, name)
    start = text.lstrip()
    if not start:
        raise BadSourceError(f"{name}: is empty: expected tasks in YAML or JSON lines")
    if start[0] in "[{":
        return list(parse_objects(data, name))
    return list(_yaml_values(text, name))


def _yaml_values(text: str, name: str) -> Iterator[tuple[int, Any]]:
    for line, value in parse_yaml(text, name):
        if isinstance(value, List):
            yield from zip(value.lines, value, strict=True)
        else:
            yield line, value


class _Reader:
    """Makes drafts of entries, and collects what is wrong with them."""

    def __init__(self, name: str) -> None:
        self.problems: list[Problem] = []
        self._name = name
        self._keys: dict[str, int] = {}

    def entry(self, line: int, value: Any) -> _Entry | None:
        """`value` with our names for its fields; `None` where it is no entry. Registers its key."""
        if not isinstance(value, dict):
            self._wrong(line, "", f"is {describe(value)}", "expected a task, with a `subject`")
            return None
        lines = value.lines if isinstance(value, Map) else {}
        fields: dict[str, Any] = {}
        for foreign, content in value.items():
            field = _ALIASES.get(foreign, foreign)
            if field not in _NAMES:
                self._wrong(lines.get(foreign, line), foreign[:60], "is no field of a task", _meant(foreign))
            elif field in fields:
                self._wrong(lines.get(foreign, line), field, "is given twice, under two names")
            else:
                fields[field] = content
        made = _Entry(line, fields, {_ALIASES.get(field, field): at for field, at in lines.items()})
        self._register(made)
        return made

    def drafts(self, entries: list[_Entry]) -> list[Draft]:
        """The drafts of all entries, once all keys are known."""
        return [self._draft(entry) for entry in entries]

    def _register(self, entry: _Entry) -> None:
        value = entry.fields.pop("key", None)
        key = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
        if key is None:
            key = ""
        elif not isinstance(key, str) or not key.strip() or len(key) > MAX_NAME or "\n" in key:
            self._wrong(self._line(entry, "key"), "key", f"is {shown(value)}", _A_KEY)
            key = ""
        elif key in self._keys:
            first = self._keys[key]
            self._wrong(self._line(entry, "key"), "key", f"{key!r} is taken by the entry at line {first}")
        else:
            self._keys[key] = entry.line
        entry.fields["key"] = key

    def _draft(self, entry: _Entry) -> Draft:
        fields = entry.fields
        values: dict[str, Any] = {}
        if "subject" not in fields:
            self._wrong(entry.line, "subject", "is missing", "expected one line: what is to be done")
        for field in _PLAIN:
            if fields.get(field) is not None:
                values[field] = self._checked(entry, field, fields[field])
        if fields.get("labels") is not None:
            values["labels"] = self._checked(entry, "labels", _as_list(fields["labels"]))
        if fields.get("parent") is not None:
            values["parent"] = self._reference(entry, "parent", fields["parent"])
        for field, attribute in (("blockedBy", "blocked_by"), ("blocks", "blocks")):
            found = [self._reference(entry, field, item) for item in _as_list(fields.get(field))]
            values[attribute] = tuple(dict.fromkeys(item for item in found if item is not None))
        values["notes"] = tuple(self._notes(entry))
        return Draft(**{"subject": "", **values}, key=fields["key"])

    def _checked(self, entry: _Entry, field: str, value: Any) -> Any:
        if field == "labels":
            value = [_as_text(item) for item in value]
        elif field in ("subject", "description", "owner"):
            value = _as_text(value)
        try:
            return check_value(field, value)
        except FieldError as error:
            self._wrong(self._line(entry, field), field, error.what, error.expected)
            return () if field == "labels" else ""

    def _reference(self, entry: _Entry, field: str, value: Any) -> Ref | None:
        """An id or a key. A key of this text goes before an id that reads the same."""
        if isinstance(value, (str, int)) and not isinstance(value, bool):
            word = str(value).strip()
            if word in self._keys:
                if word == entry.fields["key"]:
                    self._wrong(self._line(entry, field), field, "names the entry itself", _A_REFERENCE)
                return word
            digits = word.removeprefix("#")
            if digits.isascii() and digits.isdecimal() and 0 < len(digits) <= 9 and int(digits):
                return int(digits)
        self._wrong(self._line(entry, field), field, f"holds {shown(value)}", self._near(value))
        return None

    def _near(self, value: Any) -> str:
        import difflib

        near = difflib.get_close_matches(value, self._keys, n=1) if isinstance(value, str) else []
        return f"did you mean {near[0]!r}?" if near else _A_REFERENCE

    def _notes(self, entry: _Entry) -> Iterator[NoteDraft]:
        for item in _as_list(entry.fields.get("notes")):
            note = {"text": item} if isinstance(item, str) else item
            if not isinstance(note, dict) or not all(isinstance(part, str) for part in note.values()):
                self._wrong(self._line(entry, "notes"), "notes", f"holds {shown(item)}", "expected text")
            elif set(note) - {"author", "created", "text"} or not note.get("text", "").strip():
                self._wrong(
                    self._line(entry, "notes"), "notes", "", "expected text, with author and created at most"
                )
            else:
                author = self._checked(entry, "owner", note.get("author", "")) or "unknown"
                created = self._checked(entry, "created", note.get("created", ""))
                yield NoteDraft(author, created, note["text"])

    def _line(self, entry: _Entry, field: str) -> int:
        return entry.lines.get(field, entry.line)

    def _wrong(self, line: int, field: str, what: str, expected: str = "") -> None:
        self.problems.append(Problem(self._name, line, field, what, expected))


def _as_text(value: Any) -> Any:
    """A number or a truth where text belongs is the text it was written as."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, (int, float)) else value


def _as_list(value: Any) -> list[Any]:
    """`value` as a list: a single item may stand for itself."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _meant(field: str) -> str:
    import difflib

    near = difflib.get_close_matches(field, (*_NAMES, *_ALIASES), n=1)
    meant = _MEANT.get(field.casefold()) or (near[0] if near else "")
    return f"did you mean {meant!r}?" if meant else f"expected one of {', '.join(_NAMES)}"
