"""The workflows of a project, `.tasks/workflows/<name>.yaml`: found, read, held against what this clone trusts."""

from __future__ import annotations

import os

from gittasks.app import trust
from gittasks.base import files
from gittasks.base.errors import NotFoundError
from gittasks.base.records import TYPE_CHECKING, NamedTuple
from gittasks.workgraph import store
from gittasks.workgraph.record import Problem
from gittasks.workgraph.workflow.definition import FOLDER, MAX_BYTES, BadWorkflowError
from gittasks.workgraph.workflow.parsing import is_name, parse_workflow

if TYPE_CHECKING:
    from gittasks.app.project import Project
    from gittasks.workgraph.workflow.definition import Workflow

_ENDING = ".yaml"


class UnknownWorkflowError(NotFoundError):
    """No workflow of the project has this name."""


class Found(NamedTuple):
    """One workflow's file: what it says (`None` where it is broken: `problems` says why), and whether it may run.

    `state` is one of `app.trust`'s words. `text` is what the file says, whole.
    """

    name: str
    path: str
    state: str
    sha256: str
    workflow: Workflow | None
    problems: tuple[Problem, ...]
    text: str


def list_workflows(project: Project) -> list[Found]:
    """All workflows of this worktree, by name; a broken one is among them. Empty where there is no such folder."""
    folder = os.path.join(project.require_tasks(), FOLDER)
    if os.path.islink(folder):
        return []
    try:
        entries = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    names = [entry.removesuffix(_ENDING) for entry in entries if entry.endswith(_ENDING)]
    return [_read(project, name) for name in sorted(names) if is_name(name)]


def load_workflow(project: Project, name: str) -> Found:
    """One workflow by its name. Raises `UnknownWorkflowError`, `BadWorkflowError`."""
    folder = os.path.join(project.require_tasks(), FOLDER)
    known = is_name(name) and not os.path.islink(folder)
    if not known or not os.path.lexists(os.path.join(folder, name + _ENDING)):
        names = ", ".join(found.name for found in list_workflows(project))
        raise UnknownWorkflowError(
            f"there is no workflow {name[:60]!r}",
            hint=f"there are {names}" if names else f"workflows are files in {store.FOLDER}/{FOLDER}/",
        )
    found = _read(project, name)
    if found.workflow is None:
        raise BadWorkflowError(list(found.problems))
    return found


def require_trusted(project: Project, name: str) -> tuple[Workflow, str]:
    """A workflow that may run, and the very text that was trusted.

    Raises `UntrustedError`, `UnknownWorkflowError`, `BadWorkflowError`.
    """
    found = load_workflow(project, name)
    if found.state != trust.TRUSTED:
        raise trust.untrusted(f"{store.FOLDER}/{FOLDER}/{name}{_ENDING}", found.state)
    assert found.workflow is not None
    return found.workflow, found.text


def _read(project: Project, name: str) -> Found:
    shown = f"{store.FOLDER}/{FOLDER}/{name}{_ENDING}"
    path = os.path.join(project.tasks_folder, FOLDER, name + _ENDING)
    workflow, data = None, b""
    problems: list[Problem] = []
    try:
        data = files.read_regular(path, limit_bytes=MAX_BYTES)
        workflow = parse_workflow(data, shown, name)
    except FileNotFoundError:
        problems = [Problem(shown, 0, "", "was deleted just now", kind="file")]
    except files.UnsafeFileError as error:
        problems = [Problem(shown, 0, "", error.message.removeprefix(path + ": "), kind="file")]
    except BadWorkflowError as error:
        problems = error.problems
    state = trust.state_of(project, data, name)
    text = data.decode("utf-8-sig", "replace")
    return Found(name, shown, state.state, state.sha256, workflow, tuple(problems), text)
