"""Every reader of what others write. Each takes any bytes, and answers or raises a `GittasksError`; nothing else.

Where there is a writer, what was read is written and read again, and must be the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from gittasks.base.errors import GittasksError
from gittasks.base.text import json_printable, printable, printable_block
from gittasks.repo import attributes, hook_text
from gittasks.repo.claim_blobs import format_claim, parse_claim
from gittasks.runtime import journal
from gittasks.runtime.record import format_run, parse_run
from gittasks.workgraph import codec, config, file_merge, notes_format, text_merge
from gittasks.workgraph.exchange import backlog, beads, claude, native, taskmaster, taskwarrior, ticket
from gittasks.workgraph.record import TaskId
from gittasks.workgraph.workflow.filling import make_plan
from gittasks.workgraph.workflow.parsing import parse_workflow
from gittasks.workgraph.workflow.schedule import Schedule

TWO = TaskId(2)
_SHIM = (Path(__file__).resolve().parent.parent.parent / "hooks" / "pre-commit").read_bytes()


def task(data: bytes) -> None:
    found = codec.parse_task(data, "2.yaml", task_id=TWO)
    written = codec.format_task(found)
    assert codec.format_task(codec.parse_task(written, "2.yaml", task_id=TWO)) == written


def task_merge(data: bytes) -> None:
    half = len(data) // 2
    base = b"id: 2\n\nuid: 9f3c1a7be2d04c55\n\nsubject: Two\n\nstatus: pending\n"
    root = file_merge.read_version(base, "2.yaml", task_id=TWO)
    ours = file_merge.read_version(data[:half] or base, "2.yaml", task_id=TWO)
    theirs = file_merge.read_version(data[half:] or base, "2.yaml", task_id=TWO)
    file_merge.merge_versions(root, ours, theirs, "2.yaml")


def text(data: bytes) -> None:
    words = data.decode("utf-8", "replace").split("|")
    base, ours, theirs = [*words, "", "", ""][:3]
    assert text_merge.merge_text(base, ours, base).marked(ours="o", theirs="t", size=7) == ours
    text_merge.merge_text(base, ours, theirs)


def settings(data: bytes) -> None:
    config.parse_config(data)


def workflow(data: bytes) -> None:
    plan = make_plan(parse_workflow(data, "w.yaml", "w"), {})
    Schedule(plan).next({}, {})


def note(data: bytes) -> None:
    notes_format.parse_note(data, "20261123T101500Z-ann-3f9c.md")


def claim(data: bytes) -> None:
    found = parse_claim(data)
    if found is not None:
        assert parse_claim(format_claim(found)) == found


def run(data: bytes) -> None:
    found = parse_run(data)
    assert parse_run(format_run(found)) == found


def index(data: bytes) -> None:
    folded = journal.fold(data)
    journal.running(folded.lines)
    for line in folded.lines.values():
        journal.status_of(line)
        journal.is_untold(line)


def hook(data: bytes) -> None:
    hook_text.shell_problem(data)
    block = hook_text.find(data, "pre-commit")
    if block is None:
        added = hook_text.insert(data, lambda mark: hook_text.block_of(_SHIM, mark=mark))
        found = hook_text.find(added, "pre-commit")
        assert found is not None
        assert hook_text.remove(added, found) == data
    else:
        hook_text.remove(data, block)


def attribute(data: bytes) -> None:
    once = attributes.with_driver(data, "gittasks")
    assert attributes.with_driver(once, "gittasks") == once


def terminal(data: bytes) -> None:
    words = data.decode("utf-8", "surrogateescape")
    allowed = "\u200d\u00a0"
    assert all(char.isprintable() or char in allowed for char in printable(words))
    assert all(char.isprintable() or char in allowed + "\n\t" for char in printable_block(words))
    document = json_printable(json.dumps({"x": words}, ensure_ascii=False))
    assert json.loads(document) == {"x": words}
    assert all(char.isprintable() or char in allowed for char in document)


TARGETS: dict[str, Callable[[bytes], object]] = {
    "task": task,
    "task-merge": task_merge,
    "text-merge": text,
    "settings": settings,
    "workflow": workflow,
    "note": note,
    "claim": claim,
    "run": run,
    "index": index,
    "hook": hook,
    "attributes": attribute,
    "terminal": terminal,
    "beads": lambda data: beads.parse(data, "f"),
    "backlog": lambda data: backlog.parse([("f", "tasks", data)]),
    "ticket": lambda data: ticket.parse([("f", data)]),
    "taskwarrior": lambda data: taskwarrior.parse(data, "f"),
    "taskmaster": lambda data: taskmaster.parse(data, "f"),
    "claude": lambda data: claude.parse([("f.json", data)]),
    "csv": lambda data: native.parse_csv(data, "f"),
    "json": lambda data: native.parse_json(data, "f"),
}

# Where mutation starts: something that each reader understands.
_TASK = (
    b'id: 2\n\nuid: 9f3c1a7be2d04c55\n\nsubject: Two\n\nstatus: pending\n\nowner: ann\n\n'
    b"worktree:\n\nparent: 1\n\n"
    b"priority: 2\n\nlabels:\n- a\n- \"b\"\n\nblockedBy: []\n\ndescription: |\n  Words.\n\n"
    b"created: 2026-11-23T10:15:00Z\n\nx: {a: [1]}\n"
)  # fmt: skip
_JSON = (
    b'[{"id": "1", "title": "a", "status": "open", "priority": 1, "labels": ["x"], "dependencies": ["2"]}]'
)
SEEDS: dict[str, tuple[bytes, ...]] = {
    "task": (_TASK,),
    "task-merge": (_TASK + _TASK,),
    "text-merge": (b"a\nb\n|a\nc\n|a\nb\nd\n",),
    "settings": (b"schema: 1\ncommit: auto\nchecks:\n  a: [make, x]\nworktree_path: a/{name}\n",),
    "workflow": (
        b"inputs: {a: x}\nsteps:\n  b: {run: [m, '${{ inputs.a }}'], matrix: {p: [1, 2]}, retry: 2}\n"
        b"  c: {needs: b, if: always(), run: make, timeout: 1m}\n",
    ),
    "note": (b"---\nauthor: ann\ncreated: 2026-11-23T10:15:00Z\n---\nwords\n",),
    "claim": (
        b'{"id": 2, "uid": "x", "owner": "o", "host": "h", "time": "t", "nonce": "n", "taker": {"pid": 1}}',
    ),
    "run": (
        b'{"id": "b1234567", "type": "local_bash", "status": "running", "start_time": 1.0, "notified": false}',
    ),
    "index": (b'{"id": "b1234567", "type": "local_bash", "status": "running"}\n' * 2,),
    "hook": (b"#!/bin/sh\necho hello\nexit 0\n",),
    "attributes": (b"*.yaml merge=union\n",),
    "terminal": ("a\x1b[2J\u202e\u009b\ud83d".encode("utf-8", "surrogatepass"),),
    "taskmaster": (b'{"tasks": ' + _JSON.replace(b'"1"', b"1").replace(b'"2"', b"2") + b"}",),
    "claude": (b'{"id": "1", "subject": "a", "status": "pending", "blockedBy": ["2"], "blocks": []}',),
    "taskwarrior": (
        b'[{"uuid": "9f3c1a7b-0000-4000-8000-000000000000", "description": "a", "status": "pending"}]',
    ),
    "csv": (b'id,title,status,blockedBy\n1,"a, b",open,2\n',),
    "backlog": (b"---\nid: 1\ntitle: a\nstatus: open\nlabels: [x]\n---\n# T\n",),
    "ticket": (b"---\nid: 1\nstatus: open\ndeps: [2]\n---\n# T\n",),
}


def seeds(name: str) -> tuple[bytes, ...]:
    return SEEDS.get(name, (_JSON,))


def feed(name: str, data: bytes) -> bool:
    """Give a reader some bytes; whether it took them. Anything but an answer or an error of ours is a bug."""
    try:
        TARGETS[name](data)
    except GittasksError:
        return False
    return True
