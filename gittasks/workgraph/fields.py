"""The one table of a task's fields, and what a value of each must look like. Pure.

Parsing, formatting, error texts and the JSON Schema all read `TABLE`; nothing else knows a field's rule.
A field is added here, in `record.Task` and in `record.FIELDS`, and nowhere else. Knows nothing of YAML.
"""

from __future__ import annotations

from gittasks.base.errors import InvalidError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph.record import (
    DEFAULT_PRIORITY,
    LOWEST_PRIORITY,
    MAX_ID,
    MAX_NAME,
    MAX_SUBJECT,
    PENDING,
    RUN_WORDS,
    STATUSES,
    Task,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

MAX_ITEMS = 5000

_NAME_FIRST = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
_NAME_CHARS = _NAME_FIRST | frozenset("._-")
_HEX = frozenset("0123456789abcdef")
# C0, DEL, C1 and the two Unicode separators: they end a line or steer a terminal.
_CONTROL = frozenset(map(chr, (*range(0x20), *range(0x7F, 0xA0), 0x2028, 0x2029)))


class Field(NamedTuple):
    """One field: its name in the file and in JSON, its attribute of `record.Task`, and its rule.

    `kind` picks the check and the schema. `default` is what a file says that lacks the field; a field that
    is `required` has none. `expected` ends every error about it.
    """

    name: str
    attribute: str
    kind: str
    default: Any
    expected: str
    required: bool = False

    @property
    def is_list(self) -> bool:
        """Whether its value is a sorted tuple without duplicates."""
        return self.kind in ("labels", "ids")

    @property
    def is_number(self) -> bool:
        """Whether its value, or each of its items, is a whole number."""
        return self.kind in ("id", "ref", "ids", "priority")


_AN_ID = f"expected a task id, a whole number from 1 to {MAX_ID}"
_A_STATUS = f"expected {', '.join(STATUSES[:-1])} or {STATUSES[-1]}"
_A_NAME = f"expected 1 to {MAX_NAME} letters, digits, `.`, `_`, `-`, starting with a letter or digit"

TABLE = (
    Field("id", "id", "id", None, _AN_ID),
    Field("uid", "uid", "uid", "", "expected 16 hex digits in lower case"),
    Field("subject", "subject", "subject", None, f"expected one line of 1 to {MAX_SUBJECT} characters", True),
    Field("status", "status", "status", PENDING, _A_STATUS),
    Field("owner", "owner", "owner", None, f"expected one line of at most {MAX_NAME} characters"),
    Field("worktree", "worktree", "worktree", None, _A_NAME),
    Field("parent", "parent", "ref", None, _AN_ID),
    Field(
        "priority",
        "priority",
        "priority",
        DEFAULT_PRIORITY,
        f"expected a number from 0 (highest) to {LOWEST_PRIORITY}",
    ),
    Field(
        "labels",
        "labels",
        "labels",
        (),
        f"expected a list of words, each one line of 1 to {MAX_NAME} characters",
    ),
    Field(
        "blockedBy", "blocked_by", "ids", (), f"expected a list of task ids, whole numbers from 1 to {MAX_ID}"
    ),
    Field("description", "description", "text", "", "expected text"),
    Field("created", "created", "time", "", "expected a UTC time such as 2026-11-23T10:00:00Z"),
    # Not one of record.FIELDS: edges that a person wrote on the wrong side, read but never asked for.
    Field(
        "blocks",
        "written_blocks",
        "ids",
        (),
        f"expected a list of task ids, whole numbers from 1 to {MAX_ID}",
    ),
)
BY_NAME = {field.name: field for field in TABLE}
BY_ATTRIBUTE = {field.attribute: field for field in TABLE}


class FieldError(InvalidError):
    """A value that its field does not allow: `name` of the field, `what` is wrong, what was `expected`."""

    def __init__(self, name: str, what: str, expected: str) -> None:
        super().__init__(": ".join(part for part in (name, what, expected) if part))
        self.name = name
        self.what = what
        self.expected = expected


def check_value(attribute: str, value: Any) -> Any:
    """`value` as `record.Task` holds it under `attribute`; raises `FieldError`.

    Text loses blanks at its ends (a description its final newlines), an empty owner or worktree is None,
    lists become sorted tuples without duplicates. `attribute` is one of `BY_ATTRIBUTE`.
    """
    field = BY_ATTRIBUTE[attribute]
    if field.kind == "labels" or field.kind == "ids":
        return _check_list(field, value)
    return _CHECKS[field.kind](field, value)


def check_item(attribute: str, value: Any) -> Any:
    """One item of the list field `attribute`, normalised; raises `FieldError`."""
    field = BY_ATTRIBUTE[attribute]
    return _CHECKS[field.kind](field, value)


def relation_errors(task: Task) -> Iterator[FieldError]:
    """What is wrong between the fields of one task: one that waits for itself, or is its own parent."""
    if task.id in task.blocked_by:
        yield FieldError("blockedBy", f"holds the task's own id {task.id}", "expected ids of other tasks")
    if task.id in task.written_blocks:
        yield FieldError("blocks", f"holds the task's own id {task.id}", "expected ids of other tasks")
    if task.parent == task.id:
        yield FieldError("parent", f"is the task's own id {task.id}", "expected the id of another task")


def shown(value: Any) -> str:
    """`value` as an error message names it: short, on one line, text in quotes."""
    if isinstance(value, str):
        return repr(value if len(value) <= 60 else value[:59] + "…")
    if isinstance(value, (list, tuple, set, frozenset)):
        return "a list"
    if isinstance(value, dict):
        return "a map"
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)[:60]


def is_line(text: str) -> bool:
    """Whether it is valid Unicode without line breaks and control characters; the empty text is."""
    return text.isprintable() or (_CONTROL.isdisjoint(text) and is_unicode(text))


def is_unicode(text: str) -> bool:
    """Whether UTF-8 can hold it; bytes that were no text come in as lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def json_schema() -> dict[str, Any]:
    """A task as JSON Schema (draft 2020-12), as `list --json` and `add --from` know it."""
    properties = {
        field.name: {**_SCHEMAS[field.kind], "description": field.expected.removeprefix("expected ")}
        for field in TABLE
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "gittasks task",
        "type": "object",
        "properties": properties,
        "required": [field.name for field in TABLE if field.required],
    }


def _check_list(field: Field, value: Any) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple, set, frozenset)):
        raise FieldError(field.name, f"is {shown(value)}", field.expected)
    check = _CHECKS[field.kind]
    items = {check(field, item) for item in value}
    if len(items) > MAX_ITEMS:
        raise FieldError(field.name, f"has {len(items)} items", f"expected at most {MAX_ITEMS}")
    return tuple(sorted(items))


def _check_id(field: Field, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MAX_ID:
        raise FieldError(field.name, f"is {shown(value)}", field.expected)
    return value


def _check_item_id(field: Field, value: Any) -> int:
    if type(value) is not int or not 1 <= value <= MAX_ID:
        raise FieldError(field.name, f"holds {shown(value)}", field.expected)
    return value


def _check_ref(field: Field, value: Any) -> int | None:
    return None if value is None else _check_id(field, value)


def _check_priority(field: Field, value: Any) -> int:
    if type(value) is not int or not 0 <= value <= LOWEST_PRIORITY:
        raise FieldError(field.name, f"is {shown(value)}", field.expected)
    return value


def _check_uid(field: Field, value: Any) -> str:
    if not isinstance(value, str) or (value and (len(value) != 16 or not _HEX.issuperset(value))):
        raise FieldError(field.name, f"is {shown(value)}", field.expected)
    return value


def _check_line(field: Field, value: Any, limit: int) -> str:
    if not isinstance(value, str):
        raise FieldError(field.name, f"is {shown(value)}", field.expected)
    text = value.strip()
    if len(text) > limit:
        raise FieldError(field.name, f"has {len(text)} characters", field.expected)
    if not is_line(text):
        raise FieldError(
            field.name, f"is {shown(text)}, with line breaks or control characters", field.expected
        )
    return text


def _check_subject(field: Field, value: Any) -> str:
    text = _check_line(field, value, MAX_SUBJECT)
    if not text:
        raise FieldError(field.name, "is empty", field.expected)
    return text


def _check_status(field: Field, value: Any) -> str:
    if isinstance(value, str):
        if value in STATUSES:
            return value
        if value in RUN_WORDS:
            what = f"is {value!r}, which is a state of a run, not of a task"
            raise FieldError(field.name, what, f"{field.expected} (for runs see `gittasks runs`)")
    raise FieldError(field.name, f"is {shown(value)}", field.expected)


def _check_owner(field: Field, value: Any) -> str | None:
    return None if value is None else _check_line(field, value, MAX_NAME) or None


def _check_worktree(field: Field, value: Any) -> str | None:
    if value is None or value == "":
        return None
    # Safe as a folder and as a part of a branch name: git refuses `..`, a final dot and a final `.lock`.
    if (
        not isinstance(value, str)
        or len(value) > MAX_NAME
        or value[0] not in _NAME_FIRST
        or not _NAME_CHARS.issuperset(value)
    ):
        raise FieldError(field.name, f"is {shown(value)}", field.expected)
    if ".." in value or value.endswith((".", ".lock")):
        raise FieldError(
            field.name, f"is {shown(value)}", "expected no `..` in it, and no `.` or `.lock` at its end"
        )
    return value


def _check_label(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise FieldError(field.name, f"holds {shown(value)}", field.expected)
    text = _check_line(field, value, MAX_NAME)
    if not text:
        raise FieldError(field.name, "holds an empty one", field.expected)
    return text


def _check_text(field: Field, value: Any) -> str:
    if not isinstance(value, str):
        raise FieldError(field.name, f"is {shown(value)}", field.expected)
    if not is_unicode(value):
        raise FieldError(field.name, "is not valid Unicode", "expected text in UTF-8")
    return value.rstrip("\n")


def _check_time(field: Field, value: Any) -> str:
    if not isinstance(value, str) or (value and not _is_utc(value)):
        raise FieldError(field.name, f"is {shown(value)}", field.expected)
    return value


def _is_utc(text: str) -> bool:
    digits = text.replace("-", "").replace(":", "")
    # Every third character from the fifth on is a mark.
    if len(text) != 20 or text[4::3] != "--T::Z" or not text.isascii():
        return False
    if len(digits) != 16 or not (digits[:8].isdigit() and digits[9:15].isdigit()):
        return False
    year, month, day = int(text[:4]), int(text[5:7]), int(text[8:10])
    if not (year and 1 <= month <= 12 and text[11:13] < "24" and text[14:16] < "60" and text[17:19] < "60"):
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = 28 + leap if month == 2 else 30 if month in (4, 6, 9, 11) else 31
    return 1 <= day <= days


_CHECKS: dict[str, Callable[[Field, Any], Any]] = {
    "id": _check_id,
    "uid": _check_uid,
    "subject": _check_subject,
    "status": _check_status,
    "owner": _check_owner,
    "worktree": _check_worktree,
    "ref": _check_ref,
    "priority": _check_priority,
    "labels": _check_label,
    "ids": _check_item_id,
    "text": _check_text,
    "time": _check_time,
}

_ID_SCHEMA = {"type": "integer", "minimum": 1, "maximum": MAX_ID}
_SCHEMAS: dict[str, dict[str, Any]] = {
    "id": _ID_SCHEMA,
    "uid": {"type": "string", "pattern": "^([0-9a-f]{16})?$"},
    "subject": {"type": "string", "minLength": 1, "maxLength": MAX_SUBJECT},
    "status": {"enum": list(STATUSES)},
    "owner": {"type": ["string", "null"], "maxLength": MAX_NAME},
    "worktree": {
        "type": ["string", "null"],
        "maxLength": MAX_NAME,
        "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]*$",
    },
    "ref": {**_ID_SCHEMA, "type": ["integer", "null"]},
    "priority": {"type": "integer", "minimum": 0, "maximum": LOWEST_PRIORITY},
    "labels": {
        "type": "array",
        "items": {"type": "string", "minLength": 1, "maxLength": MAX_NAME},
        "maxItems": MAX_ITEMS,
    },
    "ids": {"type": "array", "items": _ID_SCHEMA, "maxItems": MAX_ITEMS},
    "text": {"type": "string"},
    "time": {"type": "string", "pattern": "^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?$"},
}
