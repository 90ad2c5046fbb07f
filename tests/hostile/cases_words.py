"""Sources of imports, and what exports must not do where they are opened."""

from __future__ import annotations

import re
from collections.abc import Callable

from tests.hostile.table import EXPORTS, GRAPHS, Group, Told, Yard

imports = Group("Imports")
exports = Group("Exports and drawings")
GROUPS = [imports, exports]

_KINDS = ("beads", "backlog", "ticket", "taskwarrior", "taskmaster", "claude", "csv", "json", "markdown")


def _source(make: str) -> Callable[[Yard], None]:
    def arrange(yard: Yard) -> None:
        path = yard.repo / "source"
        if make == "link":
            yard.link(path, yard.outside / "secret.txt")
        elif make == "pipe":
            yard.pipe(path)
        elif make == "device":
            yard.device(path)
        elif make == "huge":
            yard.sparse(path, 8 << 40)
        else:
            path.write_bytes(_DATA[make])

    return arrange


_DATA = {
    "empty": b"",
    "noise": b"\xff\xfe\x00" * 1000,
    "deep": b"[" * 300_000,
    "deep maps": b'{"a":' * 200_000,
    "digits": b'[{"id": ' + b"9" * 100_000 + b', "title": "x", "subject": "x"}]',
    "floats": b'[{"id": 1e999, "title": "x", "priority": -1e999, "created_at": NaN}]',
    "surrogates": b'[{"id": 1, "title": "\\ud800", "subject": "\\udfff\\u0000\\u202e"}]',
    "twice": b'[{"id": 1, "id": 2, "title": "a", "title": "b"}]',
    "loop": b'[{"id": "1", "title": "a", "dependencies": ["1"], "parent": "1", "blockedBy": [1]}]',
    "commas": b"," * 1_000_000 + b"\n" + b"," * 1_000_000,
    "quotes": b'subject\n"' + b"x" * 1_000_000,
    "front matter": b"---\na: &a [*a]\n---\n",
    "escapes": "subject,owner\n\u009b2J\u202e,\u009b2J\u202e\n".encode(),
}
for _make in ("link", "pipe", "device", "huge", *_DATA):
    imports.add(
        f"source-{_make}",
        f"a source that is, or says, {_make}",
        _source(_make),
        *(f"import {kind} source" for kind in _KINDS[:8]),
        "list",
        ends="refused, or brought in clean",
    )


def _source_folder(make: str) -> Callable[[Yard], None]:
    def arrange(yard: Yard) -> None:
        for folder in ("backlog/tasks", ".tickets", "tasks", ".beads", "source"):
            for name in ("task-1 - x.md", "1.md", "1.json", "issues.jsonl", "tasks.json"):
                path = yard.repo / folder / name
                if make == "link":
                    yard.link(path, yard.outside / "secret.txt")
                else:
                    yard.pipe(path)

    return arrange


for _make in ("link", "pipe"):
    imports.add(
        f"source-folder-{_make}",
        f"a folder of another tracker that holds {_make}s",
        _source_folder(_make),
        *(
            f"import {kind} {folder}"
            for kind, folder in (
                ("backlog", "backlog"),
                ("backlog", "."),
                ("ticket", ".tickets"),
                ("claude", "source"),
                ("beads", ".beads"),
                ("beads", "."),
                ("taskmaster", "tasks"),
            )
        ),
        "list",
        ends="named, never followed",
    )

_FORMULA = "=cmd|' /C calc'!A0"


def _subjects(*words: str) -> Callable[[Yard], None]:
    def arrange(yard: Yard) -> None:
        for number, word in enumerate(words, 1):
            text = (yard.tasks / f"{number}.yaml").read_text()
            quoted = word.replace("\\", "\\\\").replace('"', '\\"')
            name = {1: "One", 2: "Two", 3: "Three"}[number]
            yard.edit(f"subject: {name}", f'subject: "{quoted}"', number)
            assert text

    return arrange


def _no_formula(yard: Yard, told: Told) -> None:
    for line in told.text.replace("\r\n", "\n").split("\n"):
        for cell in line.split(","):
            assert not cell.strip('"').startswith(("=cmd", "+cmd", "-cmd", "@cmd")), line


exports.add(
    "formula",
    "a subject that a spreadsheet takes for a formula",
    _subjects(_FORMULA, "+cmd", "@cmd"),
    "export csv",
    codes=[0],
    ends="a text in the table",
    then=_no_formula,
)


def _no_markup(yard: Yard, told: Told) -> None:
    # Markdown takes a tag behind a back-slash for text (CommonMark 2.4).
    assert not re.search(r"(?<!\\)<(script|img)", told.text, re.IGNORECASE), told.text


_SCRIPT, _IMAGE, _LINK = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
)
exports.add(
    "markup",
    "HTML with scripts in subjects",
    _subjects(_SCRIPT, _IMAGE, _LINK),
    "export markdown",
    *GRAPHS[1:3],
    codes=[0] * 3,
    ends="shown as text",
    then=_no_markup,
)
exports.add(
    "markup-text",
    "HTML with scripts in a description",
    lambda y: y.edit("Words.", _SCRIPT + _IMAGE),
    "export markdown",
    "graph --format svg",
    codes=[0, 0],
    ends="shown as text",
    then=_no_markup,
)
exports.add(
    "entities",
    "a doctype with entities",
    _subjects('<!DOCTYPE x [<!ENTITY a "aaa">]>', "&a;&#0;&#x1b;", "]]><![CDATA["),
    *GRAPHS,
    *EXPORTS,
    ends="shown as text",
)
exports.add(
    "drawing-commands",
    "commands of drawing languages",
    _subjects(
        'x"]; click t1 "javascript:alert(1)"', '"; shell=1; URL="file:///etc/passwd', "%%{init: {}}%%\\nclick"
    ),
    *GRAPHS,
    ends="shown as text",
)
