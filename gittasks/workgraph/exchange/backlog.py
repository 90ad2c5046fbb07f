"""Reading Backlog.md: one Markdown file a task, `backlog/tasks/back-12 - Title.md`. Pure.

Source of the format: `src/markdown` of MrLesk/Backlog.md. The folder a file lies in says whether it is a task, a
draft, completed (put away) or archived; statuses are the project's own words, listed in `config.yml` from the first
to the last.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from gittasks.workgraph.exchange.entry import Entry, key_of
from gittasks.workgraph.exchange.findings import Findings, Parsed, collect
from gittasks.workgraph.exchange.jsontext import decode
from gittasks.workgraph.exchange.markdown import parse_markdown, split_sections
from gittasks.workgraph.exchange.yamltext import parse_yaml
from gittasks.workgraph.record import COMPLETED, DELETED, IN_PROGRESS, PENDING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gittasks.workgraph.drafts import Draft

    Words = dict[str, tuple[str, bool]]

KIND = "backlog"
CONFIG_NAMES = ("config.yml", "config.yaml", "backlog.config.yml")
# Folder of a task file, from the backlog folder -> the status that the folder itself means, and a label for it.
FOLDERS: dict[str, tuple[str | None, str]] = {
    "tasks": (None, ""),
    "completed": (COMPLETED, ""),
    "drafts": (PENDING, "draft"),
    "archive/tasks": (DELETED, "archived"),
    "archive/drafts": (DELETED, "archived"),
}
STATUSES = {
    "": (PENDING, True),
    "to_do": (PENDING, True),
    "todo": (PENDING, True),
    "in_progress": (IN_PROGRESS, True),
    "done": (COMPLETED, True),
    "complete": (COMPLETED, True),
    "completed": (COMPLETED, True),
    "draft": (PENDING, False),
    "blocked": (PENDING, False),
    "cancelled": (DELETED, False),
}
PRIORITIES = {"critical": 0, "high": 1, "medium": 2, "low": 3}
_MARKER = re.compile(
    r"^[ \t]*<!-- (?:SECTION:[A-Z_]+|AC|DOD|COMMENTS?):(?:BEGIN|END) -->[ \t]*\n?", re.MULTILINE
)


def parse(files: Sequence[tuple[str, str, bytes]], config: bytes | None = None) -> Parsed:
    """All tasks among `files`, triples of (name, folder in the sense of `FOLDERS`, content).

    `config` is the content of `config.yml`. Raises `BadSourceError` with file and line.
    """
    found = Findings()
    settings = _settings(config)
    words = _words(settings)
    drafts: list[Draft] = []
    for name, folder, data in files:
        file = parse_markdown(data, name)
        if file is None or not key_of(file.front.get("id")):
            found.skip(name, "has no front matter with an id, so it is no task")
            continue
        key = key_of(file.front.pop("id"))
        drafts.append(_draft(Entry(KIND, key, file.front, found), file.body, folder, words))
    return collect(KIND, _same_names(drafts, settings), found)


def _settings(config: bytes | None) -> dict[str, Any]:
    documents = parse_yaml(decode(config, CONFIG_NAMES[0]), CONFIG_NAMES[0]) if config else []
    return documents[0][1] if documents and isinstance(documents[0][1], dict) else {}


def _words(settings: dict[str, Any]) -> Words:
    """What the project's own statuses mean: the first is not begun, the last is done, those between are under way."""
    own = settings.get("statuses")
    plain = [re.sub(r"[\s-]+", "_", key_of(word).casefold()) for word in own] if isinstance(own, list) else []
    words: Words = dict.fromkeys(plain[1:-1], (IN_PROGRESS, False))
    if len(plain) > 1:
        words[plain[-1]] = (COMPLETED, True)
        words[plain[0]] = (PENDING, True)
    return words | STATUSES


def _draft(entry: Entry, body: str, folder: str, words: Words) -> Draft:
    entry.found.land("id", "ref")
    entry.label(*entry.words("labels", "labels"))
    kind = entry.text("type", "labels, kept as type")
    entry.keep("type", kind)
    if kind != "task":
        entry.label(kind)
    milestone = entry.text("milestone", "labels (milestone:...)")
    entry.label(f"milestone:{milestone}" if milestone else "")
    entry.wait_for(*entry.words("dependencies", "blockedBy"))
    entry.set_parent(entry.text("parent_task_id", "parent"))
    entry.leave_out("subtasks", "each subtask names its parent")
    _read_body(entry, body)
    status = entry.status("status", words)
    folder_status, label = FOLDERS[folder]
    entry.label(label)
    if folder_status is not None and folder_status != status:
        entry.found.fit(entry.key, "status", f"is {folder_status}, by the folder the file lies in")
        status = folder_status
    return entry.draft(
        subject=entry.text("title", "subject"),
        status=status,
        priority=entry.priority("priority", PRIORITIES),
        created=entry.created("created_date"),
        owner=_owner(entry),
    )


def _owner(entry: Entry) -> str | None:
    names = [name.removeprefix("@") for name in entry.words("assignee", "owner")]
    if len(names) > 1:
        entry.keep("assignees", names)
        entry.found.fit(entry.key, "owner", f"{len(names)} assignees: the first is the owner, all are kept")
    return entry.owner(names[0]) if names else None


def _read_body(entry: Entry, body: str) -> None:
    """Put the sections into the description, comments into notes."""
    entry.found.land("the body", "description, notes")
    for title, text in split_sections(body):
        text = _MARKER.sub("", text + "\n").strip("\n")
        if title == "Comments":
            entry.section(title, _read_comments(entry, text))
        else:
            entry.section("" if title == "Description" else title, text)


def _read_comments(entry: Entry, text: str) -> str:
    """Make notes of the comments (`author:` and `created:`, `---`, text, `---`); answer what is none."""
    rest: list[str] = []
    head: dict[str, str] = {}
    inside: list[str] | None = None
    for line in text.split("\n"):
        name, colon, value = line.partition(":")
        if inside is not None and line.rstrip() != "---":
            inside.append(line)
        elif inside is not None:
            entry.note(head.pop("author", "").removeprefix("@"), head.pop("created", ""), "\n".join(inside))
            inside = None
        elif line.rstrip() == "---" and head:
            inside = []
        elif colon and name in ("author", "created", "id", "updated"):
            head[name] = value.strip()
        else:
            rest.append(line)
    return "\n".join((*rest, *(inside or ()))).strip("\n")


def _same_names(drafts: list[Draft], settings: dict[str, Any]) -> list[Draft]:
    """Let references name a task in the one way its file does, as Backlog.md itself compares ids.

    `back-7`, `BACK-07` and `TASK-7` (the prefix before there was a setting for it) are one task.
    """
    own = key_of(settings.get("task_prefix")).upper()
    names: dict[str, str] = {_plain(draft.key): draft.key for draft in reversed(drafts)}

    def name(reference: str) -> str:
        plain = _plain(reference)
        head, _, tail = plain.rpartition("-")
        if plain not in names and own and head in ("TASK", ""):
            plain = f"{own}-{tail}"
        return names.get(plain, reference)

    return [
        draft._replace(
            parent=name(draft.parent) if isinstance(draft.parent, str) else None,
            blocked_by=tuple(dict.fromkeys(name(str(reference)) for reference in draft.blocked_by)),
        )
        for draft in drafts
    ]


def _plain(key: str) -> str:
    """`key` with every number in it freed of leading zeros."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", key.upper())
