"""Writing beads' JSON lines, so that `bd import` and our own import read them. Pure.

A task that came from beads goes back under its id, with the fields it had there. Any other is `gt-12` and carries its
identity in `external_ref`, so that importing the file here again recognises it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from gittasks.workgraph.exchange.beads import KIND, OWN_REF, STATUSES
from gittasks.workgraph.exchange.records import Full, foreign_key
from gittasks.workgraph.record import COMPLETED, DELETED, IN_PROGRESS, PENDING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from gittasks.workgraph.record import Task

_WORDS = {PENDING: "open", IN_PROGRESS: "in_progress", COMPLETED: "closed", DELETED: "tombstone"}
# How `edges` writes down what became no edge -> beads' type for it.
_TYPES = {"blockedBy": "blocks", "parent": "parent-child"}
_EPOCH = "1970-01-01T00:00:00Z"


def format_beads(tasks: Sequence[Full], everything: Iterable[Task]) -> str:
    """One JSON object a line, in the order of `tasks`; `everything` holds those too that they may name."""
    keys: dict[int, str] = {task.id: foreign_key(task, KIND) or f"gt-{task.id}" for task in everything}
    return "".join(json.dumps(_issue(full, keys), ensure_ascii=False) + "\n" for full in tasks)


def _issue(full: Full, keys: Mapping[int, str]) -> dict[str, Any]:
    task, extra = full.task, full.extra
    key = keys[task.id]
    created = task.created or _EPOCH
    status = _status(task, extra)
    issue = {
        "id": key,
        "title": task.subject,
        "description": task.description,
        "status": status,
        "priority": task.priority,
        "issue_type": extra.pop("issue_type", "task"),
        "assignee": task.owner or "",
        "created_at": created,
        "updated_at": extra.pop("updated_at", created),
        "labels": [label for label in task.labels if label not in (full.extra.get("issue_type"), status)],
        "dependencies": _dependencies(task, keys, _take_relations(extra)),
        "comments": [
            {
                "id": number,
                "issue_id": key,
                "author": note.author,
                "text": note.text,
                "created_at": note.created,
            }
            for number, note in enumerate(full.notes, 1)
        ],
    }
    closed_at = extra.pop("closed_at", issue["updated_at"])
    if task.status == COMPLETED:
        issue["closed_at"] = closed_at
    if not foreign_key(task, KIND) and task.uid:
        issue["external_ref"] = OWN_REF + task.uid
    else:
        extra.pop("ref", None)
    for name in ("imported", f"{KIND}_status", f"{KIND}_priority"):
        extra.pop(name, None)
    issue |= {name.removeprefix(f"{KIND}_"): value for name, value in extra.items() if name not in issue}
    return {name: value for name, value in issue.items() if value not in ("", [])}


def _status(task: Task, extra: Mapping[str, Any]) -> str:
    """beads' word, as long as our status still says the same."""
    word = extra.get(f"{KIND}_status")
    ours = STATUSES.get(word.replace("-", "_")) if isinstance(word, str) else None
    return str(word) if ours and ours[0] == task.status else _WORDS[task.status]


def _dependencies(task: Task, keys: Mapping[int, str], relations: Iterable[str]) -> list[dict[str, Any]]:
    edges = [(keys.get(blocker, f"gt-{blocker}"), "blocks") for blocker in task.blocked_by]
    if task.parent is not None:
        edges.append((keys.get(task.parent, f"gt-{task.parent}"), "parent-child"))
    for relation in relations:
        word, _, target = relation.partition(" ")
        edges.append((target, _TYPES.get(word, word)))
    return [
        {
            "issue_id": keys[task.id],
            "depends_on_id": target,
            "type": word,
            "created_at": task.created or _EPOCH,
            "created_by": "",
        }
        for target, word in edges
    ]


def _take_relations(extra: dict[str, Any]) -> list[str]:
    """The texts of the field `relations`; whatever else somebody wrote there stays in it."""
    there = extra.pop("relations", [])
    items = there if isinstance(there, list) else [there]
    others = [item for item in items if item is not None and not isinstance(item, str)]
    if others:
        extra["relations"] = others
    return [item for item in items if isinstance(item, str)]
