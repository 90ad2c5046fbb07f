from __future__ import annotations

import pytest

from gittasks.workgraph.drafts import NoteDraft
from gittasks.workgraph.exchange import backlog
from gittasks.workgraph.exchange.jsontext import BadSourceError
from tests.workgraph.exchange.helpers import by_key, landings, make_files, told

TASK = """---
id: APP-7
title: 'Show: all of it'
status: In Progress
assignee:
  - '@ada'
  - '@bob'
reporter: @cleo
created_date: '2026-03-04 05:06'
updated_date: '2026-03-05 00:00'
labels: [ui, web]
milestone: m-2
dependencies:
  - app-03
  - TASK-4
parent_task_id: APP-1
priority: high
type: bug
ordinal: 3000
---

## Description

<!-- SECTION:DESCRIPTION:BEGIN -->
First words.
<!-- SECTION:DESCRIPTION:END -->

## Acceptance Criteria
<!-- AC:BEGIN -->
- [x] #1 done
- [ ] #2 open
<!-- AC:END -->

## Comments

<!-- COMMENTS:BEGIN -->
author: @dan
created: 2026-03-05 07:08
---
A comment,
two lines.
---

author: @eve
created: 2026-03-06
---
Another.
---
<!-- COMMENTS:END -->

## Evidence

```
## not a heading
```
"""


def small(key: str, more: str = "") -> bytes:
    return (
        f"---\nid: {key}\ntitle: Task {key}\nstatus: To Do\n{more}---\n\n## Description\n\nWords.\n".encode()
    )


def test_each_field_and_section_lands() -> None:
    files = [("tasks/app-7.md", "tasks", TASK.encode())]
    files += [(f"tasks/{key}.md", "tasks", small(key)) for key in ("APP-1", "APP-3", "APP-4")]
    parsed = backlog.parse(files, b"task_prefix: app\n")
    draft = by_key(parsed)["APP-7"]
    assert draft.subject == "Show: all of it"
    assert (draft.status, draft.priority, draft.owner) == ("in_progress", 1, "ada")
    assert draft.labels == ("bug", "milestone:m-2", "ui", "web")
    assert draft.blocked_by == ("APP-3", "APP-4")
    assert draft.parent == "APP-1"
    assert draft.created == "2026-03-04T05:06:00Z"
    assert draft.description == (
        "First words.\n\n## Acceptance Criteria\n\n- [x] #1 done\n- [ ] #2 open\n\n"
        "## Evidence\n\n```\n## not a heading\n```"
    )
    assert draft.notes == (
        NoteDraft("dan", "2026-03-05T07:08:00Z", "A comment,\ntwo lines."),
        NoteDraft("eve", "2026-03-06T00:00:00Z", "Another."),
    )
    assert dict(draft.extra) == {
        "type": "bug",
        "assignees": ["ada", "bob"],
        "reporter": "@cleo",
        "updated_date": "2026-03-05 00:00",
        "ordinal": 3000,
    }
    assert told(parsed, "APP-7") == ["owner: 2 assignees: the first is the owner, all are kept"]
    assert landings(parsed, "ordinal") == ["kept as ordinal"]
    make_files(parsed)


def test_the_folder_says_what_is_put_away() -> None:
    parsed = backlog.parse(
        [
            ("tasks/a-1.md", "tasks", small("A-1")),
            ("completed/a-2.md", "completed", small("A-2")),
            ("drafts/a-3.md", "drafts", small("A-3")),
            ("archive/tasks/a-4.md", "archive/tasks", small("A-4")),
        ]
    )
    drafts = by_key(parsed)
    assert [drafts[f"A-{n}"].status for n in (1, 2, 3, 4)] == ["pending", "completed", "pending", "deleted"]
    assert drafts["A-3"].labels == ("draft",)
    assert drafts["A-4"].labels == ("archived",)
    assert told(parsed, "A-2") == ["status: is completed, by the folder the file lies in"]


def test_a_projects_own_statuses_go_by_their_place() -> None:
    config = b'statuses: ["Idea", "Cooking", "Served"]\n'
    files = [
        (f"tasks/{n}.md", "tasks", small(f"T-{n}").replace(b"To Do", word.encode()))
        for n, word in enumerate(("Idea", "Cooking", "Served", "Lost"))
    ]
    parsed = backlog.parse(files, config)
    assert [draft.status for draft in parsed.drafts] == ["pending", "in_progress", "completed", "pending"]
    assert [draft.labels for draft in parsed.drafts] == [(), ("cooking",), (), ("lost",)]


def test_a_file_without_front_matter_is_named() -> None:
    parsed = backlog.parse([("tasks/readme.md", "tasks", b"# Tasks\n")])
    assert not parsed.drafts
    assert [skipped.path for skipped in parsed.found.skipped] == ["tasks/readme.md"]


def test_names_with_an_at_sign_are_read_in_every_form() -> None:
    forms = ("assignee: @ada\n", "assignee: [@ada, bob]\n", "assignee:\n  - @ada\n", "assignee: ['@ada']\n")
    files = [(f"tasks/{n}.md", "tasks", small(f"T-{n}", form)) for n, form in enumerate(forms)]
    assert {draft.owner for draft in backlog.parse(files).drafts} == {"ada"}


def test_an_unfinished_comment_stays_in_the_description() -> None:
    text = b"---\nid: T-1\ntitle: x\n---\n\n## Comments\n\nauthor: ada\ncreated: now\n---\nhalf\n"
    draft = backlog.parse([("tasks/1.md", "tasks", text)]).drafts[0]
    assert draft.notes == ()
    assert "half" in draft.description


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"---\nid: T-1\ntitle: [x\n---\n", "t.md:"),
        (b"---\nid: T-1\n", "t.md:1: the front matter has no end"),
        (b"---\nid: &a T-1\n---\n", "t.md:2: an anchor or alias"),
        (b"---\nid: T-1\nx: !!python/object/apply:os.system [ls]\n---\n", "t.md:3: a tag"),
        (b"---\nid: T-1\nid: T-2\n---\n", "t.md:3: id: stands twice"),
        (b"---\nid: T-1\nx: " + b"[" * 70 + b"]" * 70 + b"\n---\n", "nested deeper"),
        (b"---\n- a\n---\n", "no list of"),
        (b"---\nid: \xff\n---\n", "t.md:2: is not UTF-8"),
    ],
)
def test_broken_front_matter_is_refused_with_its_line(data: bytes, words: str) -> None:
    with pytest.raises(BadSourceError) as caught:
        backlog.parse([("t.md", "tasks", data)])
    assert words in caught.value.message


def test_hostile_texts_end() -> None:
    """Read in quadratic time, these would take many minutes: the time limit of a test is the assertion."""
    comments = b"---\nid: T-1\ntitle: x\n---\n\n## Comments\n\n" + b"author: a\ncreated: b\n---\n" * 20_000
    blanks = b"---\nid: T-2\ntitle: x\n" + b"\n" * 200_000 + b"---\n"
    parsed = backlog.parse([("1.md", "tasks", comments), ("2.md", "tasks", blanks)])
    assert len(parsed.drafts) == 2
