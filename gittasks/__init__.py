"""gittasks: a work graph in git, a worktree for each task, background runs that are never lost.

    import gittasks

    project = gittasks.open_project(".")
    task = project.add("Implement auth module", labels=["security"], blocked_by=[7])
    started = project.start(task.id)
    run = project.run("pytest", "-q", task_id=task.id, cwd=started.path)
    [ended] = project.wait(run.id)
    print(ended.status, project.output(run.id))

`Project` is the whole library: its methods are the use cases that the command line is made of. Errors are
`GittasksError`, with `message`, `hint` and the `exit_code` that the command line gives them.
"""

from __future__ import annotations

from gittasks.base.records import TYPE_CHECKING

if TYPE_CHECKING:
    from gittasks.app.project import Project, open_project
    from gittasks.app.reading import Filter
    from gittasks.app.teammates.context import TaskContext
    from gittasks.app.teammates.inbox import Message
    from gittasks.app.teammates.teammate import Teammate
    from gittasks.base.errors import GittasksError
    from gittasks.runtime.record import Run
    from gittasks.workgraph.drafts import Draft, NoteDraft
    from gittasks.workgraph.record import Task

__version__ = "0.1.0"

__all__ = [
    "Draft",
    "Filter",
    "GittasksError",
    "Message",
    "NoteDraft",
    "Project",
    "Run",
    "Task",
    "TaskContext",
    "Teammate",
    "open_project",
]

# Imported when first asked for: every command of the program passes through this module.
_HOMES = {
    "Draft": "gittasks.workgraph.drafts",
    "Filter": "gittasks.app.reading",
    "GittasksError": "gittasks.base.errors",
    "Message": "gittasks.app.teammates.inbox",
    "NoteDraft": "gittasks.workgraph.drafts",
    "Project": "gittasks.app.project",
    "Run": "gittasks.runtime.record",
    "Task": "gittasks.workgraph.record",
    "TaskContext": "gittasks.app.teammates.context",
    "Teammate": "gittasks.app.teammates.teammate",
    "open_project": "gittasks.app.project",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'gittasks' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted((*globals(), *__all__))
