"""Reading what a spreadsheet or this program itself wrote: CSV with a header row, and the document of `export json`.
Pure.

A row with a `uid` is a task of this program and is recognised by it; one without goes by its `id`, and one without
that by its subject. CSV from elsewhere may use the usual other names for columns, `;` or tabs.
"""

from __future__ import annotations

import csv
import io
import json
import re
import zlib
from typing import TYPE_CHECKING, Any

from gittasks.workgraph.exchange.entry import Entry, key_of, text_of
from gittasks.workgraph.exchange.findings import Findings, Parsed, collect
from gittasks.workgraph.exchange.jsontext import BadSourceError, decode, describe, parse_document
from gittasks.workgraph.record import COMPLETED, DELETED, FIELDS, IN_PROGRESS, MAX_FILE_BYTES, PENDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from gittasks.workgraph.drafts import Draft

CSV = "csv"
JSON = "json"
OWN = "gittasks"
# A cell that a spreadsheet would run as a formula; our export puts an apostrophe before it, and before one that
# already has some.
FORMULA = re.compile(r"'*[=+\-@\t\r]")
STATUSES = {
    **dict.fromkeys(("", "pending", "open", "new", "todo", "to_do", "not_started"), (PENDING, True)),
    **dict.fromkeys(("in_progress", "doing", "started", "active"), (IN_PROGRESS, True)),
    **dict.fromkeys(("completed", "complete", "done", "closed", "finished", "resolved"), (COMPLETED, True)),
    **dict.fromkeys(("deleted", "removed"), (DELETED, True)),
    "cancelled": (DELETED, False),
    "canceled": (DELETED, False),
    "blocked": (PENDING, False),
    "backlog": (PENDING, False),
}
PRIORITIES = {
    "critical": 0,
    "highest": 0,
    "urgent": 0,
    "high": 1,
    "medium": 2,
    "normal": 2,
    "low": 3,
    "lowest": 4,
}
_SYNONYMS = {
    "id": ("id", "key", "number", "no", "issue", "issuekey", "#"),
    "uid": ("uid",),
    "subject": ("subject", "title", "summary", "name", "task"),
    "status": ("status", "state"),
    "owner": ("owner", "assignee", "assignedto", "responsible"),
    "worktree": ("worktree",),
    "parent": ("parent", "parentid", "parenttask", "epic"),
    "priority": ("priority", "prio"),
    "labels": ("labels", "label", "tags", "tag"),
    "blockedBy": ("blockedby", "dependson", "depends", "dependencies", "predecessors", "waitsfor"),
    "blocks": ("blocks", "successors"),
    "description": ("description", "body", "details", "text"),
    "created": ("created", "createdat", "createddate", "datecreated", "creationdate"),
    "ref": ("ref",),
    "extra": ("extra",),
}
_FIELD_OF = {synonym: field for field, synonyms in _SYNONYMS.items() for synonym in synonyms}
_DERIVED = ("openBlockers", "ready", "from", "runs")
# What `_draft` reads itself; every other field of our own document is an unknown one of the task.
_READ = frozenset((*_SYNONYMS, *_DERIVED, "notes"))
_UID = re.compile(r"[0-9a-f]{16}")


def parse_csv(data: bytes, name: str) -> Parsed:
    """All rows of the table in `data`. Raises `BadSourceError` with `name` and line."""
    text = decode(data, name)
    rows = _rows(text, name)
    _, header = next(rows, (1, []))
    columns = _columns(header)
    if "subject" not in columns:
        raise BadSourceError(
            f"{name}:1: no column for the subject: expected a header row with `subject` (or title, summary, name)"
        )
    found = Findings()
    drafts = _Drafts(CSV, found)
    for line, cells in rows:
        if len(cells) > len(columns):
            raise BadSourceError(
                f"{name}:{line}: {len(cells)} cells: expected at most {len(columns)}, as the header"
            )
        fields: dict[str, Any] = dict(zip(columns, cells, strict=False))
        extra = _spread(fields.pop("extra", ""))
        drafts.add({**extra, **fields}, extra)
    return drafts.parsed(columns)


def parse_json(data: bytes, name: str) -> Parsed:
    """All tasks in a document of `export json`. Raises `BadSourceError` with `name`."""
    document = parse_document(data, name)
    tasks = document.get("tasks") if isinstance(document, dict) else document
    if not isinstance(tasks, list):
        raise BadSourceError(f"{name}:1: holds no `tasks`: expected the document that `export json` writes")
    found = Findings()
    drafts = _Drafts(JSON, found)
    for index, fields in enumerate(tasks):
        if not isinstance(fields, dict):
            raise BadSourceError(f"{name}: task {index + 1}: is {describe(fields)}: expected an object")
        drafts.add(fields, [field for field in fields if field not in _READ])
    return drafts.parsed((*FIELDS, "extra"))


def unguard(cell: str) -> str:
    """A cell without the apostrophe that keeps spreadsheets from running it."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def split_list(cell: str) -> list[str]:
    """The items of a cell: a JSON list, or words between commas, semicolons or line ends."""
    if cell.startswith("["):
        try:
            items = json.loads(cell)
        except ValueError:
            items = None
        if isinstance(items, list):
            return [text_of(item) for item in items if text_of(item)]
    return [part.strip() for part in re.split(r"[,;\n]", cell) if part.strip()]


class _Drafts:
    """Collects drafts with the identities that their rows name."""

    def __init__(self, kind: str, found: Findings) -> None:
        self._kind = kind
        self._found = found
        self._drafts: list[Draft] = []
        self._uids: dict[str, str] = {}
        self._refs: dict[str, str] = {}
        self._seen: set[str] = set()

    def add(self, fields: dict[str, Any], own_extra: Iterable[str]) -> None:
        """Add a row; `own_extra` names those of its fields that this program itself kept as unknown ones."""
        fields = dict(fields)
        key = key_of(fields.pop("id", None)).removeprefix("#") or _key_from(text_of(fields.get("subject")))
        uid, ref = key_of(fields.pop("uid", None)), key_of(fields.pop("ref", None))
        if _UID.fullmatch(uid) and uid not in self._seen and key not in self._uids:
            self._seen.add(uid)
            self._uids[key] = uid
            ref = ref or f"{OWN}:{uid}"
        if ref and ref not in self._seen and key not in self._refs:
            self._seen.add(ref)
            self._refs[key] = ref
        self._drafts.append(_draft(Entry(self._kind, key, fields, self._found), own_extra))

    def parsed(self, columns: Iterable[str]) -> Parsed:
        """What was added; `columns` names the fields that the source has."""
        parsed = collect(self._kind, self._drafts, self._found, uids=self._uids, refs=self._refs)
        return parsed._replace(speaks_of=frozenset(columns))


def _draft(entry: Entry, own_extra: Iterable[str]) -> Draft:
    entry.found.land("id", "ref")
    entry.leave_out("worktree", "a binding belongs to the clone it was made in")
    for field in _DERIVED:
        entry.leave_out(field, "derived")
    entry.section("", entry.text("description", "description"))
    entry.label(*_words(entry, "labels", "labels"))
    entry.wait_for(*(word.removeprefix("#") for word in _words(entry, "blockedBy", "blockedBy")))
    entry.block(*(word.removeprefix("#") for word in _words(entry, "blocks", "blockedBy of the other task")))
    entry.set_parent(entry.text("parent", "parent").strip().removeprefix("#"))
    for note in entry.maps("notes", "notes"):
        entry.note(text_of(note.get("author")), note.get("created"), text_of(note.get("text")))
    for field in own_extra:
        entry.restore(field)
    return entry.draft(
        subject=entry.text("subject", "subject"),
        status=entry.status("status", STATUSES),
        priority=entry.priority("priority", PRIORITIES),
        created=entry.created("created"),
        owner=entry.owner(entry.text("owner", "owner")),
    )


def _words(entry: Entry, field: str, where: str) -> list[str]:
    value = entry.peek(field)
    return split_list(entry.text(field, where)) if isinstance(value, str) else entry.words(field, where)


def _key_from(subject: str) -> str:
    """What a row without an id goes by."""
    return f"~{zlib.crc32(subject.strip().encode('utf-8', 'replace')):08x}"


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """(line, cells) of each row that is not empty."""
    old_limit = csv.field_size_limit(MAX_FILE_BYTES)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        line = 1
        for cells in reader:
            if any(cells):
                yield line, [unguard(cell) for cell in cells]
            line = reader.line_num + 1
    except csv.Error as error:
        raise BadSourceError(f"{name}:{reader.line_num}: is not CSV: {error}") from None
    finally:
        csv.field_size_limit(old_limit)


def _delimiter(text: str) -> str:
    header = text.lstrip("\r\n").split("\n", 1)[0]
    return max(",;\t", key=header.count)


def _columns(header: list[str]) -> list[str]:
    """The field of each column: ours where we know a name for it, its own name otherwise."""
    columns: list[str] = []
    for cell in header:
        field = _FIELD_OF.get(re.sub(r"[\s_-]+", "", cell.casefold()), cell.strip())
        columns.append(field if field not in columns else cell.strip() or f"column {len(columns) + 1}")
    return columns


def _spread(cell: str) -> dict[str, Any]:
    """The unknown fields that our own export put into the column `extra`; anything else there is a field itself."""
    try:
        value = json.loads(cell) if cell else {}
    except (ValueError, RecursionError):
        value = None
    return value if isinstance(value, dict) else {"extra": cell}
