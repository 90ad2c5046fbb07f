"""Worktrees and their events as lines on a terminal and as JSON. Strangers' text is made printable here."""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING
from gittasks.base.text import count, listed, printable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from gittasks.app.worktrees import View
    from gittasks.repo.refs import Commit


def as_json(view: View) -> dict[str, Any]:
    """A worktree as JSON documents show it."""
    tree, memo = view.tree, view.memo
    return {
        "name": tree.name,
        "path": tree.path,
        "branch": tree.branch,
        "head": tree.head,
        "base": memo.base,
        "main": not tree.is_linked,
        "here": view.is_here,
        "gone": not tree.exists,
        "prunable": tree.prunable,
        "locked": tree.locked,
        "kept": memo.kept,
        "dirty": None if view.dirty is None else len(view.dirty),
        "tasks": [{"id": row.id, "subject": row.subject, "status": row.status} for row in view.tasks],
        "runs": list(view.runs),
    }


def lines(views: Sequence[View]) -> list[str]:
    """One line a worktree: name, branch, what is special, tasks; below it the path."""
    width = max((len(str(view.tree.name)) for view in views), default=0)
    found = []
    for view in views:
        tree = view.tree
        parts = [
            f"{printable(str(tree.name)):<{width}}",
            printable(tree.branch or _head(view)),
            *_marks(view),
        ]
        parts += [f"#{row.id} {row.status}: {printable(row.subject)}" for row in view.tasks]
        found += ["  ".join(part for part in parts if part), f"{'':<{width}}  {printable(tree.path)}"]
    return found


def status_lines(view: View, ahead: Sequence[Commit] | None) -> list[str]:
    """What `worktree status` says: head, tasks, commits, changed files, runs."""
    found = lines([view])
    if ahead is not None:
        found.append(
            f"{count(len(ahead), 'commit')} that {printable(str(view.memo.base))} has not"
            + (":" if ahead else "")
        )
        found += listed([f"{commit.oid[:12]} {printable(commit.subject)}" for commit in ahead])
    if view.dirty:
        found += ["changed and untracked files:", *listed([printable(path) for path in view.dirty])]
    elif view.dirty is not None:
        found.append("clean")
    if view.runs:
        found.append("runs alive: " + ", ".join(view.runs))
    return found


def event_line(event: dict[str, Any]) -> str:
    """One event: time, word, worktree, task, and what it changed."""
    task = f"  #{event['task']}" if event.get("task") else ""
    facts = [
        f"{key}={value}" for key, value in dict(event.get("after") or {}).items() if value not in (None, [])
    ]
    line = f"{event.get('time')}  {event.get('event')}  {event.get('worktree')}{task}  {' '.join(facts)}"
    return printable(line.rstrip())


def _head(view: View) -> str:
    return f"detached at {view.tree.head[:12]}" if view.tree.head else "no commit"


def _marks(view: View) -> list[str]:
    marks = [f"({word})" for word in view.marks]
    if view.dirty:
        marks.append(f"{len(view.dirty)} changed")
    if view.runs:
        marks.append(f"{len(view.runs)} running")
    return marks
