from __future__ import annotations

from gittasks.workgraph import codec
from gittasks.workgraph.record import Task, TaskId

SAMPLE = b"""\
id: 12

uid: 9f3c1a7be2d04c55

subject: Implement auth module

status: in_progress

owner: alice

worktree: auth-refactor

parent:

priority: 2

labels:
- security

blockedBy:
- 7

description: |
  Replace the session cookie by a signed token.

created: 2026-11-23T10:00:00Z
"""

TASK = Task(
    id=TaskId(12),
    uid="9f3c1a7be2d04c55",
    subject="Implement auth module",
    status="in_progress",
    owner="alice",
    worktree="auth-refactor",
    labels=("security",),
    blocked_by=(TaskId(7),),
    created="2026-11-23T10:00:00Z",
    description="Replace the session cookie by a signed token.",
)


def test_the_file_of_the_design_reads_and_writes_byte_for_byte() -> None:
    assert codec.parse_task(SAMPLE, "12.yaml", task_id=12) == TASK
    assert codec.format_task(TASK) == SAMPLE
