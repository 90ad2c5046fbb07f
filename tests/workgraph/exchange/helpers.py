"""What the tests of importers share: making real task files of what they read."""

from __future__ import annotations

import json
from typing import Any

from gittasks.workgraph import codec, drafts
from gittasks.workgraph.drafts import Draft
from gittasks.workgraph.exchange import edges
from gittasks.workgraph.exchange.findings import Parsed
from gittasks.workgraph.record import Task

NOW = "2026-11-23T10:00:00Z"


def lines(*objects: dict[str, Any]) -> bytes:
    """JSON lines."""
    return "".join(json.dumps(item) + "\n" for item in objects).encode()


def by_key(parsed: Parsed) -> dict[str, Draft]:
    return {draft.key: draft for draft in parsed.drafts}


def landings(parsed: Parsed, field: str) -> list[str]:
    """Where a source field landed."""
    return list(parsed.found.fields.get(field, {}))


def told(parsed: Parsed, key: str) -> list[str]:
    """What was changed to fit, for one foreign task."""
    return [f"{fitted.field}: {fitted.message}" for fitted in parsed.found.fitted if fitted.key == key]


def make_files(parsed: Parsed) -> list[Task]:
    """Write the file of every draft and read it again: whatever was imported must be valid."""
    resolved = edges.resolve(parsed.drafts, (), relations=not parsed.speaks_of)
    uids = [f"{number:016x}" for number in range(len(resolved.drafts))]
    plan = drafts.plan(resolved.drafts, first_id=1, uids=uids, now=NOW, exists=set())
    made = []
    for task in plan.tasks:
        again = codec.parse_task(codec.format_task(task), "x.yaml", task_id=task.id)
        assert again == task
        made.append(task)
    return made
